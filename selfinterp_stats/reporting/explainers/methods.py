"""What `selfinterp explainers` says of its methods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from selfinterp_stats.estimates.explainers.analysis import PUBLISHED
from selfinterp_stats.estimates.explainers.closed_form import NEW_RUN
from selfinterp_stats.estimates.explainers.measures import YES_BIAS
from selfinterp_stats.estimates.explainers.results import ExplainerResults
from selfinterp_stats.estimates.explainers.runs import HALF_NORMAL
from selfinterp_stats.estimates.explainers.scores import LEVELS
from selfinterp_stats.estimates.explainers.table import ROPES, RUN_SD
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.reporting import priors_used, rounding, sentences
from selfinterp_stats.reporting.methods_section import PRIORS_TABLE, MethodsSection
from selfinterp_stats.study.explainers.study import BINARY, JUDGE, SCORE

_FEW: Final = 3
_SCALES: Final = {"logit": "on the logit scale", "points": "in percentage points"}
_OUTCOMES: Final = {
    BINARY: (
        "Right and wrong answers are Bernoulli with a logit link; explainers share the items of a "
        "target, whose own difficulties are integrated out by quadrature."
    ),
    JUDGE: (
        "A judge’s grades are ordered logistic; explainers share the items of a target, whose own "
        "difficulties are integrated out by quadrature."
    ),
    SCORE: (
        "Of a bounded score, whether it is above zero is logistic, and how high it then is, "
        f"ordered logistic on at most {LEVELS} levels [@liu2017ordinal]; explainers share the "
        "items of a target, whose own difficulties are integrated out by quadrature."
    ),
    PUBLISHED: "Published cells enter with their standard errors, in a meta-analytic model.",
    YES_BIAS: (
        "Where yes is right in all self cells and in no other, the log-odds of yes are modelled, "
        "so that readiness to say yes goes with an explainer’s skill."
    ),
}
_VERDICTS: Final = (
    "Verdicts were taken apart by signal detection: log-odds of saying changed where it changed "
    "less where it did not (sensitivity), and minus the mean of both (criterion)."
)
_ENGINES: Final = {
    "importance": (
        "Of {fits}, draws were proposed from a normal mixed with a Student t "
        "[@hesterberg1995defensive] around the Laplace approximation, or around the mean and "
        "spread of earlier draws, and made into chains by a rejection-sampling chain "
        f"[@tierney1994chains]; their Pareto k had to be at most {GOOD_K} [@vehtari2024psis]."
    ),
    "nuts": (
        "{fits} {were} sampled by the No-U-Turn sampler [@hoffman2014nuts] with "
        "multinomial weights [@betancourt2017conceptual], many chains at once [@phan2019numpyro]."
    ),
}


def methods(results: ExplainerResults) -> MethodsSection:
    """Say how self and cross cells were compared.

    Parameters
    ----------
    results : ExplainerResults
    """
    told = (
        _models(results),
        _runs(results),
        _computation(results),
        _reporting(results),
    )
    return MethodsSection.of(told, priors_used.table_of(_rows(results)))


def _models(results: ExplainerResults) -> str:
    tasks = list(dict.fromkeys(results.table["task"]))
    named = ", ".join(f"“{task}”" for task in tasks)
    few = f"the task{'s' * (len(tasks) > 1)} {named}"
    asked = (
        "Models. Whether a model explains itself better than others do [@li2025explain] was asked "
        f"of {few if len(tasks) <= _FEW else f'{len(tasks)} tasks'}."
    )
    if not results.draws:
        return f"{asked} No design has both self and cross cells."
    outcomes = set(results.table["outcome"])
    told = [words for outcome, words in _OUTCOMES.items() if outcome in outcomes]
    if results.table["quantity"].str.startswith("sensitivity_").any():
        told.append(_VERDICTS)
    return (
        f"{asked} A cell of explainer and target is the sum of a mean, the explainer’s skill, the "
        "target’s difficulty, the self effect where both are one model, and a rest, as crosses "
        "are analysed in a diallel [@griffing1956diallel]; skills and difficulties are integrated "
        f"out. {' '.join(told)} Priors are listed in {PRIORS_TABLE}."
    )


def _runs(results: ExplainerResults) -> str:
    quantities = set(results.table["quantity"])
    measured = (
        "It was estimated from cells with several runs, on a grid, with a prior of "
        f"HalfNormal({HALF_NORMAL:g}) points. "
        if RUN_SD in quantities
        else ""
    )
    believed = results.table["note"].str.contains("one run per cell").any()
    assumed = (
        f"Of cells with one run each it is not in the data; believed was: {results.runs}. "
        if believed
        else ""
    )
    beside = (
        "The self effect is conditional on the runs at hand; beside it stands the same with every "
        "cell moved as far as another run may move it."
        if NEW_RUN in quantities
        else ""
    )
    text = f"{measured}{assumed}{beside}".strip()
    return f"Runs. A run-to-run sd says how far a cell moves. {text}" if text else ""


def _computation(results: ExplainerResults) -> str:
    run = results.run
    seed = f"The seed was {results.seed}."
    if not results.draws:
        return f"Computation. {seed} {sentences.package(run)}"
    # Measures may be made of the same draws.
    fits = {id(one.sampled): one.sampled for one in results.draws.values()}.values()
    engines = Counter(one.engine for one in fits)
    diverging = sum(one.diverging for one in fits)
    told = [
        "Computation.",
        sentences.software(run, bambi=False),
        *(
            _ENGINES[name].format(
                fits=sentences.counted(count, "posterior"), were=sentences.were(count)
            )
            for name, count in engines.items()
        ),
    ]
    if "nuts" in engines:
        told.append(f"There were {sentences.counted(diverging, 'divergent transition')}.")
    chains, length = next(iter(next(iter(results.draws.values())).scales.values())).shape[:2]
    told += [f"Each model has {chains * length:,} draws, in {chains} chains.", seed]
    return " ".join([*told, *_worst(run["diagnostics"]), sentences.package(run)])


def _worst(diagnostics: Mapping[str, Any]) -> list[str]:
    if diagnostics["max_rhat"] is None:
        return []
    rhat = rounding.written(diagnostics["max_rhat"], 3)
    ess = rounding.whole(diagnostics["min_ess_bulk"])
    return [
        (
            f"{sentences.required()}; of all quantities the largest R-hat is {rhat}, the smallest "
            f"bulk effective sample size {ess}."
        )
    ]


def _reporting(results: ExplainerResults) -> str:
    known = results.table[results.table["median"].notna()]
    if known.empty:
        return ""
    scales = [scale for scale in ROPES if scale in set(known["scale"])]
    words = " and ".join(_SCALES[scale] for scale in scales)
    regions = "; ".join(f"{rounding.region(ROPES[scale])} ({scale})" for scale in scales)
    rope = (
        f" The share of the HDI’s draws within a region of practical equivalence, {regions}, is "
        "given too [@kruschke2018rope]."
        if known["rope_share"].notna().any()
        else ""
    )
    return (
        f"Reporting. Estimates are posterior medians with {rounding.percent(results.hdi_prob)} "
        f"highest-density intervals (HDI), {words}.{rope}"
    )


def _rows(results: ExplainerResults) -> Iterator[priors_used.Row]:
    by_priors: dict[str, list[str]] = {}
    for label, fitted in results.draws.items():
        by_priors.setdefault(fitted.priors, []).append(label or "study")
    for priors, labels in by_priors.items():
        name = "; ".join(labels) if len(labels) <= _FEW else f"{len(labels)} designs alike"
        written = priors.replace(" = ", " ~ fixed at ")
        yield from priors_used.rows_of(f"cells, {name}", "", "", written, len(labels))
