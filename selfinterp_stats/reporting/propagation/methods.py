"""What `selfinterp propagate` says of its methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pandas as pd

from selfinterp_stats.estimates.propagation import Propagation, pooling
from selfinterp_stats.estimates.propagation.carried import DRAWS, IMPUTATIONS
from selfinterp_stats.estimates.propagation.correlations import DRAWS as JOINT_DRAWS
from selfinterp_stats.estimates.propagation.heterogeneity import DRAWS as SLOPE_DRAWS
from selfinterp_stats.estimates.propagation.heterogeneity import OF_TAU
from selfinterp_stats.estimates.propagation.joint import PARTICLES
from selfinterp_stats.estimates.propagation.latent import OF_REPORTS, OF_WEIGHTS
from selfinterp_stats.estimates.propagation.propagate import CARRIED, PLUG_IN
from selfinterp_stats.estimates.propagation.reliability import SPLITS
from selfinterp_stats.estimates.sensitivity.conclusions import CONTRAST
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.reporting import methods as refit
from selfinterp_stats.reporting import priors_used, rounding, sentences
from selfinterp_stats.reporting.methods_section import PRIORS_TABLE, MethodsSection

CELL: Final = ["base_model", "set"]
_REPORT_SET: Final = [*CELL, "condition"]
# What the parameters of the joint model are, by their names in `latent`.
_WORDS: Final = {
    "ell": "mean log of scenarios’ largest slopes",
    "log_nu": "log sd of the log of the largest slopes",
    "delta": "how weights thin out from 0 (flat) to the largest",
    "logit_pi": "logit share of positive weights",
    "mu": "mean of expected reports",
    "log_sigma": "log sd of expected reports",
    "log_omega": "log sd of single reports",
}


def methods(found: Propagation) -> MethodsSection:
    """Say how each estimator of the correlations was got."""
    told = (
        refit.weights(found.weights),
        _two_stages(found),
        _latent(found),
        _reliability(found),
        _beside(found),
        f"{refit.computation(found.weights)} {_settled(found)}",
    )
    return MethodsSection.of(told, _priors(found))


def _two_stages(found: Propagation) -> str:
    table = found.table
    estimators, kinds = set(table["estimator"]), set(table["kind"])
    uncarried = (
        " Reports set against target weights have nothing to carry."
        if (table["condition"].ne("") & table["against"].eq("target")).any()
        else ""
    )
    carried = (
        f" Carried through: at most {IMPUTATIONS} draws of the weights, evenly spaced, each "
        "divided by its own largest weight, were standardised and regressed as if each were the "
        f"truth, and {DRAWS:,} independent draws of each regression’s posterior, from the same "
        "grid, pooled, as in multiple imputation [@rubin1987imputation]; medians and HDIs are "
        "those of the pooled draws. Nothing flows back from the reports to the weights (a cut "
        f"posterior) [@plummer2015cuts].{uncarried}"
        if CARRIED in estimators
        else ""
    )
    return (
        "Correlations. Plug-in: weights were standardised over all values of one base model and "
        "set, reports, averaged over a scenario’s valid replies, within one reporting model and "
        "set, and the weights regressed on the reports. "
        f"{sentences.of_conclusions(kinds, found.weights.settings.hdi_prob)}"
        + carried
        + refit.odd_input(found.weights.study)
    )


def _latent(found: Propagation) -> str:
    models = _joint_models(found)
    if not models:
        return ""
    worst = rounding.written(float(found.latent.diagnostics["pareto_k"].max()), 2)
    fewest = float(found.latent.diagnostics["effective_particles"].min())
    by_importance = (
        ", their parameters by importance from a normal mixed with a Student t around the Laplace "
        "approximation [@hesterberg1995defensive], made into chains by a rejection-sampling chain "
        f"[@tierney1994chains]; the largest Pareto k is {worst}, and up to {GOOD_K} is trusted "
        "[@vehtari2024psis]"
        if "importance" in found.run["engines"]["latent model"]
        else ""
    )
    return (
        "Latent correlations. Noise in choices and reports attenuates correlations "
        "[@spearman1904association]. A joint model of one base model and set has scenarios’ true "
        "weights, the largest ±1; choices that follow them by a logistic model whose steepness "
        "differs between scenarios; and single reports that vary around an expected one. Its "
        "latent correlation is that of true weights with expected reports. Target weights take "
        "the place of reports without noise where they are compared. Priors are listed in "
        f"{PRIORS_TABLE}. {sentences.counted(models, 'such model')} "
        f"{sentences.were(models)} sampled: the slopes of each scenario as "
        f"{PARTICLES[1]} particles by sequential Monte Carlo [@delmoral2006samplers], which the "
        "model reweighs (at the parameters’ medians the scenario with the fewest keeps "
        f"{rounding.whole(fewest)} effective){by_importance}. There are "
        f"{JOINT_DRAWS:,} draws of the parameters."
    )


def _joint_models(found: Propagation) -> int:
    names = [*CELL, "model"]
    diagnostics = found.latent.diagnostics
    return len(diagnostics[names].drop_duplicates()) if len(diagnostics) else 0


def _reliability(found: Propagation) -> str:
    if not len(found.reliability):
        return ""
    return (
        f"Reliability. A scenario’s reports were halved at random {SPLITS} times; the mean "
        "correlation of the halves’ means is stepped up to the whole number of reports "
        "[@spearman1910faulty; @brown1910abilities]. That of the weights comes from halves of the "
        "choices, each fitted as the whole."
    )


def _beside(found: Propagation) -> str:
    table = found.heterogeneity.table
    sets = len(table[_REPORT_SET].drop_duplicates())
    slopes = (
        "Each scenario was given a slope of its own, normal around their mean, in the joint model "
        f"of one report set, for {sentences.counted(sets, 'report set')} ({SLOPE_DRAWS:,} draws). "
        if sets
        else ""
    )
    return (
        f"Beside these. {slopes}Weights pooled in part over scenarios come from the joint model "
        f"without reports ({pooling.DRAWS:,} draws). Signs, the most important attribute and the "
        "reports’ scale are told of fitted weights and mean reports as they are, and of draws of "
        "true weights and expected reports."
    )


def _settled(found: Propagation) -> str:
    tables = found.run["settled"].values()
    number, poor = (sum(one[name] for one in tables) for name in ("quantities", "unsettled"))
    rhat = rounding.written(max(one["max_rhat"] for one in tables), 3)
    verdict = f"and fall short for {poor:,}" if poor else "and are"
    return (
        f"R-hat and bulk effective sample size had to be so for {number:,} posterior quantities in "
        f"all tables, {verdict}: the largest R-hat is {rhat}, the smallest bulk effective sample "
        "size "
        f"{rounding.whole(min(one['min_ess_bulk'] for one in tables))}."
    )


def _priors(found: Propagation) -> pd.DataFrame:
    plugged = found.table[found.table["estimator"] == PLUG_IN]
    effects = int((plugged["kind"] == CONTRAST).sum())
    several = len(found.weights.study.base_models) > 1
    rows = [
        *priors_used.regressions_rows(len(plugged) - effects, effects, several=several),
        *joint_rows("joint model of choices and reports", _joint_models(found)),
        *joint_rows(
            "joint model, slopes by scenario",
            len(found.heterogeneity.table[_REPORT_SET].drop_duplicates()),
            slopes=True,
        ),
        *joint_rows(
            "joint model without reports",
            len(found.pooled[CELL].drop_duplicates()),
            reports=False,
        ),
    ]
    of_weights = priors_used.priors_used(found.weights)
    return pd.concat([of_weights, priors_used.table_of(rows)], ignore_index=True)


def joint_rows(
    name: str, fits: int, *, reports: bool = True, slopes: bool = False
) -> Iterator[priors_used.Row]:
    """Rows of the joint model in the table of priors.

    Parameters
    ----------
    name : str
    fits : int
        None where nothing was fitted.
    reports : bool
        Whether it has reports.
    slopes : bool
        Whether every scenario has a slope of its own.
    """
    normal = {**OF_WEIGHTS, **(OF_REPORTS if reports else {})}
    priors = {_WORDS[key]: f"Normal(mu={at:.3g}, sigma={sd:g})" for key, (at, sd) in normal.items()}
    if reports:
        priors["latent and partial correlations"] = "Uniform(lower=-1, upper=1)"
    if slopes:
        priors["log sd of slopes"] = f"Normal(mu={OF_TAU[0]:g}, sigma={OF_TAU[1]:g})"
    for parameter, prior in priors.items() if fits else ():
        yield name, "", "", parameter, prior, fits
