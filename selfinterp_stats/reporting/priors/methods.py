"""What `selfinterp priors` says of its methods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from selfinterp_stats.estimates.priors import PriorComparison
from selfinterp_stats.estimates.priors.gibbs import ENGINE as GIBBS
from selfinterp_stats.estimates.priors.judged import ALPHAS, DRAWS, SENSITIVE
from selfinterp_stats.estimates.priors.predictive import DRAWS as PRIOR_DRAWS
from selfinterp_stats.estimates.priors.predictive import NEAR_CERTAIN
from selfinterp_stats.estimates.sensitivity.conclusions import CONTRAST, SHARE
from selfinterp_stats.estimates.weights import BY
from selfinterp_stats.models import weights_model
from selfinterp_stats.models.prior_sets import PRIOR_SETS
from selfinterp_stats.reporting import priors_used, sentences
from selfinterp_stats.reporting.methods import odd_input, regressed
from selfinterp_stats.reporting.methods_section import PRIORS_TABLE, MethodsSection

_STRUCTURED: Final = {
    "horseshoe": (
        " The scales of the regularised horseshoe [@piironen2017horseshoe] are drawn with the "
        "slopes of each scenario."
    ),
    "hierarchical": (
        " The width that the slopes of a base model and set share is drawn with all of them."
    ),
}


def methods(found: PriorComparison) -> MethodsSection:
    """Say how the conclusions under each set of priors were got."""
    told = (_weights(found), _judged(found), _conclusions(found), _computation(found))
    return MethodsSection.of(told, priors_used.table_of(_rows(found)))


def _weights(found: PriorComparison) -> str:
    trials = found.study.choices.groupby(list(BY)).size()
    lost = {row["prior"]: row["improper"] for row in found.sets.to_dict("records")}
    without = [f"{number:,} under {name}" for name, number in lost.items() if number]
    improper = (
        f" Scenarios whose posterior is improper are left out: {', '.join(without)}."
        if without
        else ""
    )
    return (
        f"Weights. The analysis is the paper’s [@{sentences.PAPER}] but for the priors of the "
        f"weights. {regressed(found.study, trials)} This was done under "
        f"{sentences.counted(len(found.sets), 'set')} of priors, listed in {PRIORS_TABLE}; the "
        "paper’s are standard normal slopes, and otherwise brms’ defaults [@buerkner2017brms]."
        + "".join(_STRUCTURED[one] for one in _structures(found))
        + improper
        + odd_input(found.study)
    )


def _structures(found: PriorComparison) -> list[str]:
    """Structures of the sets whose slopes have widths that are drawn as well."""
    names = [name for name, engines in found.run["engines"].items() if GIBBS in engines]
    return [structure for name in names if (structure := PRIOR_SETS[name].structure) in _STRUCTURED]


def _judged(found: PriorComparison) -> str:
    low, high = ALPHAS
    predicted = (
        f" Of a proper prior {PRIOR_DRAWS} draws say in how many of a scenario’s own trials one "
        f"option has a probability above {NEAR_CERTAIN}."
        if found.sets["near_certain"].notna().any()
        else ""
    )
    return (
        f"Judgement. At most {DRAWS:,} draws of each posterior gave the expected log predictive "
        "density of each choice from the others of its scenario, by Pareto-smoothed importance "
        "sampling [@vehtari2017loo], and the change of each weight where prior or likelihood is "
        f"raised to the power {low} or {high} [@kallioinen2024powerscaling]: the cumulative "
        "Jensen–Shannon distance per doubling of the power [@nguyen2015divergence], counted as "
        f"sensitivity above {SENSITIVE}." + predicted
    )


def _conclusions(found: PriorComparison) -> str:
    number = sentences.counted(len(found.conclusions), "conclusion")
    return (
        f"Conclusions. {number} of the paper {sentences.were(len(found.conclusions))} "
        "estimated from the weights under each set of priors; the regressions of weights on "
        "reports keep the paper’s priors. "
        + sentences.of_conclusions(found.conclusions["kind"], found.settings.hdi_prob)
    )


def _computation(found: PriorComparison) -> str:
    engines: Counter[str] = Counter()
    for counts in found.run["engines"].values():
        engines.update(counts)
    known = found.weights.dropna(subset="rhat")
    worst = {
        "rhat": float(known["rhat"].max()),
        "ess_bulk": float(known["ess_bulk"].min()),
        "ess_tail": float(known["ess_tail"].min()),
    }
    fits = len(found.scenarios) - int(found.sets["improper"].sum())
    return " ".join(
        (
            "Computation.",
            sentences.software(found.run),
            sentences.sampled(engines, found.settings.engine),
            sentences.drawn({"posterior": found.settings.draws}, found.settings.seed),
            sentences.diagnosed(fits, found.failing, worst),
            sentences.package(found.run),
        )
    )


def _rows(found: PriorComparison) -> Iterator[priors_used.Row]:
    spec = weights_model(len(found.study.attributes))
    for row in found.sets.to_dict("records"):
        written = str(row["words"]).removeprefix("Bambi’s defaults: ")
        fits = int(row["scenarios"] - row["improper"])
        name = f"weights, {row['prior']}"
        yield from priors_used.rows_of(name, spec.formula, spec.family, written, fits)
    kinds = found.table.loc[found.table["median"].notna(), "kind"]
    effects = int((kinds == CONTRAST).sum())
    yield from priors_used.regressions_rows(
        int((kinds != SHARE).sum()) - effects, effects, several=len(found.study.base_models) > 1
    )
