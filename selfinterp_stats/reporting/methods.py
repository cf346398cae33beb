"""The methods section that a run writes of itself.

Every figure and every method named is taken from the results; what a run did not use is neither
told nor cited. Sentences are plain text with citations, see `citing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from selfinterp_stats.estimates.diagnostics import MAX_RHAT, MIN_EBFMI, MIN_ESS
from selfinterp_stats.estimates.exclusion import READINGS
from selfinterp_stats.estimates.results import CHAINS
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.models import weights_model
from selfinterp_stats.reporting import citing, rounding

if TYPE_CHECKING:
    from selfinterp_stats.estimates.results import Results

_FEW: Final = 3
PAPER: Final = "plunkett2025selfinterpretability"


def paragraphs(results: Results) -> list[str]:
    """Say how the results were got.

    Parameters
    ----------
    results : Results
        Of both stages.

    Returns
    -------
    list of str
        Paragraphs with citations in them.
    """
    told = [_weights(results), _agreement(results), _computation(results), _reporting(results)]
    return [paragraph for paragraph in told if paragraph]


def _weights(results: Results) -> str:
    fits = results.weights.drop_duplicates(["base_model", "set", "scenario"])
    trials = sorted({int(n) for n in fits["n"]})
    each = f"{trials[0]}" if len(trials) == 1 else f"{trials[0]} to {trials[-1]}"
    return (
        f"Weights. The analysis is the paper’s [@{PAPER}]. For each base model "
        f"({_base_models(results)}), set and scenario, {len(fits):,} in all, the {each} choices "
        "between two options were regressed on the differences of the options in each attribute, "
        "as shares of the attribute’s range, by a Bayesian logistic regression. A scenario’s "
        "weights are the posterior means of its slopes, divided by the largest absolute one, "
        "times 100, rounded. The priors are listed in Table [tab:priors_used]"
        + _as_in_the_paper(results)
        + "."
    )


def _base_models(results: Results) -> str:
    models = list(results.study.base_models)
    return str(len(models)) if len(models) > _FEW else ", ".join(models)


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
        f"which those are: {readings}." + _odd_input(results)
    )


def _odd_input(results: Results) -> str:
    messages = [_ended(str(notice.message)) for notice in results.study.notices]
    return f" Of the data: {' '.join(messages)}" if messages else ""


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."


def _computation(results: Results) -> str:
    run, settings = results.run, results.settings
    engines = results.diagnostics["engine"].value_counts()
    told = [_ENGINES[str(name)](int(count), settings.engine) for name, count in engines.items()]
    library = _versions(run)
    return (
        f"Computation. Models were written in Bambi{library('bambi')} [@capretto2022bambi] and "
        f"built as PyMC{library('pymc')} models [@abrilpla2023pymc]"
        + (
            f", whose log-densities were compiled by JAX{library('jax')} [@bradbury2018jax]"
            if set(engines.index) != {"bambi"}
            else ""
        )
        + f". {' '.join(told)} Each scenario has {settings.draws:,} draws and each linear "
        f"regression {settings.regression_draws:,}, in {CHAINS} chains; the seed was "
        f"{settings.seed}. " + _diagnostics(results) + f" The package was selfinterp-stats"
        f"{_own_version(run)}."
    )


def _own_version(run: Mapping[str, Any]) -> str:
    version = f" {run['version']}" if run.get("version") else ""
    commit = f" (commit {str(run['commit'])[:12]})" if run.get("commit") else ""
    python = f" on Python {run['python']}" if run.get("python") else ""
    return f"{version}{commit}{python}"


def _versions(run: Mapping[str, Any]) -> Callable[[str], str]:
    libraries = run.get("libraries", {})
    return lambda name: f" {libraries[name]}" if libraries.get(name) else ""


def _importance(fits: int, asked: str) -> str:
    del asked
    return (
        f"Of {fits:,} posteriors, draws were proposed from a normal mixed with a Student t around "
        "the Laplace approximation [@hesterberg1995defensive] and made into chains of equally "
        "weighted draws by a rejection-sampling chain [@tierney1994chains]; importance ratios "
        f"were judged by their Pareto k, which had to be at most {GOOD_K} [@vehtari2024psis]."
    )


def _nuts(fits: int, asked: str) -> str:
    those = ", for which importance was not to be trusted," if asked == "auto" else ""
    return (
        f"{fits:,} posteriors{those} were sampled by the No-U-Turn sampler [@hoffman2014nuts] with "
        "multinomial weights [@betancourt2017conceptual], many chains at once [@phan2019numpyro], "
        "in the space whitened by the Laplace approximation; divergent transitions and an E-BFMI "
        f"below {MIN_EBFMI} counted as failures [@betancourt2016ebfmi]."
    )


def _bambi(fits: int, asked: str) -> str:
    del asked
    return (
        f"{fits:,} posteriors were sampled one after the other by PyMC’s No-U-Turn sampler "
        "[@hoffman2014nuts], with 1,000 iterations of warm-up; divergent transitions and an E-BFMI "
        f"below {MIN_EBFMI} counted as failures [@betancourt2016ebfmi]."
    )


_ENGINES: Final[dict[str, Callable[[int, str], str]]] = {
    "importance": _importance,
    "nuts": _nuts,
    "bambi": _bambi,
    "": lambda fits, _: f"{fits:,} posteriors could not be computed.",
}


def _diagnostics(results: Results) -> str:
    fits = results.diagnostics
    failing = int((~fits["ok"].astype(bool)).sum())
    rule = (
        f"Rank-normalised split R-hat had to be at most {MAX_RHAT}, bulk and tail effective "
        f"sample sizes at least {MIN_ESS:.0f} [@vehtari2021rhat]; "
    )
    worst = (
        f"the largest R-hat is {rounding.written(float(fits['rhat'].max()), 3)}, the smallest "
        f"effective sample sizes are {rounding.whole(float(fits['ess_bulk'].min()))} (bulk) and "
        f"{rounding.whole(float(fits['ess_tail'].min()))} (tail)."
    )
    verdict = (
        f"{failing:,} of {len(fits):,} fits fail a diagnostic and are kept; "
        if failing
        else f"all {len(fits):,} fits pass every diagnostic: "
    )
    return rule + verdict + worst


def _reporting(results: Results) -> str:
    settings = results.settings
    prob = rounding.percent(settings.hdi_prob)
    return (
        f"Reporting. Estimates of regressions are posterior medians with {prob} highest-density "
        "intervals (HDI). The probability of direction is the larger share of draws on one side of "
        f"zero [@makowski2019bayestestr]; the share of the HDI’s draws within "
        f"{rounding.region(settings.rope)}, the region of practical equivalence, is given too "
        "[@kruschke2018rope]. Pearson’s correlations and shares of choices are given without an "
        "interval. Figures are rounded by their Monte Carlo error."
    )


def texts(results: Results) -> dict[str, str]:
    """Give the files of the methods section by their names."""
    told = paragraphs(results)
    return {
        "methods.md": citing.as_markdown(told),
        "methods.tex": citing.as_latex(told),
        "references.bib": citing.bibliography(citing.cited(told)),
    }
