"""What `selfinterp plan` says of its methods."""

from __future__ import annotations

import pandas as pd

from selfinterp_stats.estimates.planning import Plan
from selfinterp_stats.estimates.planning.own import SPLITS
from selfinterp_stats.estimates.planning.plan import SIZES
from selfinterp_stats.estimates.planning.predict import POOL, STUDIES
from selfinterp_stats.models import weights_model
from selfinterp_stats.reporting import priors_used, rounding, sentences
from selfinterp_stats.reporting.methods_section import PRIORS_TABLE, MethodsSection


def methods(found: Plan) -> MethodsSection:
    """Say how designs were predicted, and what was learned of a pilot study."""
    told = (_predictions(found), _wanted(found), _pilot(found), _computation(found))
    return MethodsSection.of(told, _priors(found))


def _predictions(found: Plan) -> str:
    ranges = [
        f"{name} {' or '.join(f'{int(size):,}' for size in sorted(set(found.table[name])))}"
        for name in SIZES
    ]
    designs = sentences.counted(len(found.table[list(SIZES)].drop_duplicates()), "design")
    return (
        f"Predictions. {designs} of one report set of one base model ({'; '.join(ranges)}) were "
        f"predicted. A pool of {POOL:,} scenarios was simulated for each kind of scenario: true "
        "weights, choices with logistic noise, weights fitted to the choices, and reports that "
        "correlate with the true weights and are held within ±100. From the pool "
        f"{STUDIES:,} studies of each design were drawn, whole scenarios at a time; what is told "
        "of a design are averages over them. The analysis is the paper’s "
        f"[@{sentences.PAPER}]: its regression of standardised weights on reports, whose flat "
        "slope leaves a Student t, from which the width of the "
        f"{rounding.percent(found.settings.hdi_prob)} highest-density interval (HDI) follows."
    )


def _wanted(found: Plan) -> str:
    wanted = found.wanted
    low, high = wanted.rope
    region = "zero" if low == high == 0 else rounding.region(wanted.rope)
    asked = [f"an expected HDI no wider than {wanted.width:g}"]
    if wanted.probability:
        asked.append(f"a probability of {wanted.probability:g} or more that it excludes {region}")
    if wanted.retained:
        asked.append(f"at least {wanted.retained:g} of the latent correlation found")
    costs = (wanted.cost_per_choice, wanted.cost_per_report)
    price = (
        "each call costs the same"
        if costs[0] == costs[1]
        else f"a choice costs {costs[0]:g} and a report {costs[1]:g}"
    )
    return (
        f"Aim. Asked for were {' and '.join(asked)} [@kruschke2018newstatistics], at the least "
        f"cost, where {price}."
    )


def _pilot(found: Plan) -> str:
    if not len(found.own):
        return ""
    sets = sentences.counted(len(found.own), "report set")
    return (
        f"Pilot study. Noise and latent correlation were learned from {sets} of a study. Report "
        "noise comes from how repeated reports differ, choice noise from how often choices go as "
        "the weights fitted to them say. The latent correlation is that of weights from half of "
        "the choices with means of half of the reports, divided by the root of how far halves "
        f"agree [@spearman1904association], over {SPLITS} random splits. Beside the prediction of "
        "the study’s own design stands the paper’s regression of all its data, on weights from a "
        f"Bayesian logistic regression of each scenario’s choices; priors are in {PRIORS_TABLE}, "
        "slopes standard normal and otherwise brms’ defaults [@buerkner2017brms]. "
        + sentences.WITHOUT_DRAWING
    )


def _computation(found: Plan) -> str:
    seed = found.settings.seed
    if not len(found.own):
        return f"Computation. The seed was {seed}. {sentences.package(found.run)}"
    about = found.run["diagnostics"]
    return " ".join(
        (
            "Computation.",
            sentences.software(found.run, compiled=set(found.run["engines"]) != {"bambi"}),
            sentences.sampled(found.run["engines"], found.settings.engine),
            sentences.drawn({"scenario": found.settings.draws}, seed),
            sentences.diagnosed(about["fits"], about["failing"], about),
            sentences.package(found.run),
        )
    )


def _priors(found: Plan) -> pd.DataFrame:
    if not len(found.own):
        return priors_used.table_of(())
    spec = weights_model(int(found.own["attributes"].iloc[0]))
    fits, priors = found.run["diagnostics"]["fits"], spec.describe_priors()
    rows = [
        *priors_used.rows_of("weights", spec.formula, spec.family, priors, fits),
        *priors_used.regressions_rows(len(found.own), 0, several=False),
    ]
    return priors_used.table_of(rows)
