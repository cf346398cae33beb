"""What a refit says of its methods, and what the other commands say of the weights that they fit.

Every figure and every method named is taken from the results; what a run did not use is neither
told nor cited. Sentences are plain text with citations, see `citing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from selfinterp_stats.estimates.exclusion import READINGS
from selfinterp_stats.estimates.weights import BY
from selfinterp_stats.models import weights_model
from selfinterp_stats.reporting import rounding, sentences
from selfinterp_stats.reporting.methods_section import PRIORS_TABLE, MethodsSection
from selfinterp_stats.reporting.priors_used import priors_used

if TYPE_CHECKING:
    from selfinterp_stats.estimates.results import Results
    from selfinterp_stats.study import Study

_FEW: Final = 3


def methods(results: Results) -> MethodsSection:
    """Say how the results of a refit were got.

    Parameters
    ----------
    results : Results
        Of both stages.
    """
    told = (weights(results), _agreement(results), computation(results), _reporting(results))
    return MethodsSection.of(told, priors_used(results))


def weights(results: Results) -> str:
    """Say how weights were fitted, scenario by scenario."""
    fits = results.weights.drop_duplicates(list(BY))
    return (
        f"Weights. The analysis is the paper’s [@{sentences.PAPER}]. "
        f"{regressed(results.study, fits['n'])} The priors are listed in {PRIORS_TABLE}"
        + _as_in_the_paper(results)
        + "."
    )


def regressed(study: Study, trials: Iterable[int]) -> str:
    """Say what was regressed on what.

    Parameters
    ----------
    study : Study
    trials : iterable of int
        Choices of each scenario.
    """
    sizes = sorted(map(int, trials))
    each = f"{sizes[0]}" if sizes[0] == sizes[-1] else f"{sizes[0]} to {sizes[-1]}"
    names = list(study.base_models)
    models = str(len(names)) if len(names) > _FEW else ", ".join(names)
    return (
        f"For each base model ({models}), set and scenario, {len(sizes):,} in all, the {each} "
        "choices between two options were regressed on the differences of the options in each "
        "attribute, as shares of the attribute’s range, by a Bayesian logistic regression. A "
        "scenario’s weights are the posterior means of its slopes, divided by the largest absolute "
        "one, times 100, rounded."
    )


def _as_in_the_paper(results: Results) -> str:
    attributes = len(results.study.attributes)
    papers = weights_model(attributes).describe_priors()
    if set(results.weights["prior"]) != {papers}:
        return ""
    return (
        "; they are those of the paper: standard normal slopes, and otherwise brms’ defaults "
        "[@buerkner2017brms]"
    )


def _agreement(results: Results) -> str:
    slopes = results.correlations
    if not len(slopes):
        return ""
    contrasts = slopes["term"].astype(str).str.startswith("slope: introspection").any()
    several = len(results.study.base_models) > 1
    effect = (
        " The effect of introspection training is the difference between the slopes after and "
        "before it, in one model with their interaction"
        f"{', averaged over base models with equal weights' * several}."
        if contrasts
        else ""
    )
    readings = "; ".join(READINGS.values()).replace("-100", f"{rounding.MINUS}100")
    return (
        "Agreement. Reports were averaged over a scenario’s valid replies. Weights were "
        "standardised over all values of one base model and set, reports within one reporting "
        "model and set, and the weights regressed on the reports by a Bayesian linear regression, "
        "whose slope is close to a correlation and called so." + effect + " Pearson’s "
        "correlations were computed anew without weights of exactly ±100, under four readings of "
        f"which those are: {readings}." + odd_input(results.study)
    )


def odd_input(study: Study) -> str:
    """Say what of the data is odd or left out, as a further sentence; empty where nothing is."""
    messages = [_ended(str(notice.message)) for notice in study.notices]
    return f" Of the data: {' '.join(messages)}" if messages else ""


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."


def computation(results: Results) -> str:
    """Say what was computed by which software and engine, and how the fits turned out."""
    run, settings, fits = results.run, results.settings, results.diagnostics
    engines = {str(name): int(count) for name, count in fits["engine"].value_counts().items()}
    draws = {"scenario": settings.draws}
    if len(results.correlations):
        draws["linear regression"] = settings.regression_draws
    worst = {
        "rhat": float(fits["rhat"].max()),
        "ess_bulk": float(fits["ess_bulk"].min()),
        "ess_tail": float(fits["ess_tail"].min()),
    }
    failing = int((~fits["ok"].astype(bool)).sum())
    return " ".join(
        (
            "Computation.",
            sentences.software(run, compiled=set(engines) != {"bambi"}),
            sentences.sampled(engines, settings.engine),
            sentences.drawn(draws, settings.seed),
            sentences.diagnosed(len(fits), failing, worst),
            sentences.package(run),
        )
    )


def _reporting(results: Results) -> str:
    settings = results.settings
    return (
        f"Reporting. {sentences.intervals(settings.hdi_prob)} The probability of direction is the "
        "larger share of draws on one side of zero [@makowski2019bayestestr]; the share of the "
        f"HDI’s draws within {rounding.region(settings.rope)}, the region of practical "
        "equivalence, is given too [@kruschke2018rope]. Pearson’s correlations and shares of "
        "choices are given without an interval. Figures are rounded by their Monte Carlo error."
    )
