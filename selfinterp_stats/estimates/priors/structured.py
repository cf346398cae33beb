"""Sets of priors that are more than numbers: their slopes' widths are drawn with the slopes."""

from __future__ import annotations

from typing import Final

import numpy as np

from selfinterp_stats.estimates.diagnostics import MAX_RHAT, MIN_ESS
from selfinterp_stats.estimates.priors import horseshoe
from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.gibbs import ENGINE, Drawn, sample
from selfinterp_stats.estimates.priors.posterior import LearnedWidth, Posterior
from selfinterp_stats.estimates.priors.shared_width import SharedWidth
from selfinterp_stats.models.families import log_density, numbers_of
from selfinterp_stats.models.prior_sets import INTERCEPT, PriorSet

# The prior that the other scenarios leave a scenario is a mixture over so many of the widths that
# were learned, evenly spaced in probability.
_MIXED: Final = 20


def fit(scenarios: Scenarios, prior_set: PriorSet) -> Posterior:
    """Fit all scenarios under any set of priors."""
    if prior_set.structure == "horseshoe":
        return fit_horseshoe(scenarios, prior_set)
    if prior_set.structure == "hierarchical":
        return fit_hierarchical(scenarios, prior_set)
    return scenarios.fit(prior_set)


def fit_horseshoe(scenarios: Scenarios, prior_set: PriorSet) -> Posterior:
    """Draw slopes and the horseshoe's scales in turn, scenario by scenario."""
    alone = list(np.arange(len(scenarios))[:, None])
    drawn = sample(scenarios, alone, horseshoe.Horseshoe())
    return _posterior(scenarios, prior_set, drawn, horseshoe.log_density(drawn.values[..., 1:]))


def fit_hierarchical(scenarios: Scenarios, prior_set: PriorSet) -> Posterior:
    """Learn one width of the slopes' prior from all scenarios of a base model and set."""
    cells = scenarios.cells()
    drawn = sample(scenarios, cells, SharedWidth())
    squares = (drawn.values[..., 1:].astype(float) ** 2).sum(axis=-1)
    log_prior, learned = np.empty_like(squares), []
    for cell in cells:
        width = LearnedWidth(np.exp(drawn.numbers[cell[0], ..., 0].astype(float)))
        middles = (np.arange(_MIXED) + 0.5) / _MIXED
        log_prior[cell] = _log_mixture(
            squares[cell], width.quantile(middles), len(scenarios.slopes)
        )
        learned.append(width)
    return _posterior(
        scenarios, prior_set, drawn, log_prior, _note(scenarios, cells, learned), tuple(learned)
    )


def _log_mixture(squares: np.ndarray, widths: np.ndarray, slopes: int) -> np.ndarray:
    """Log-density of slopes under normals of several widths together, up to a constant."""
    found = np.full_like(squares, -np.inf)
    for width in widths:
        np.logaddexp(found, -squares / (2 * width**2) - slopes * np.log(width), out=found)
    return found


def _posterior(
    scenarios: Scenarios,
    prior_set: PriorSet,
    drawn: Drawn,
    of_slopes: np.ndarray,
    note: str = "",
    learned: tuple[LearnedWidth, ...] = (),
) -> Posterior:
    """Put a posterior together from draws and the log-prior of their slopes."""
    reasons = [_doubt(drawn, scenario) for scenario in range(len(scenarios))]
    diagnostics = scenarios.named(prior_set).assign(
        engine=ENGINE, pareto_k=np.nan, ok=[not reason for reason in reasons], reason=reasons
    )
    return Posterior(
        prior_set=prior_set,
        draws=drawn.values,
        log_prior=of_slopes + log_density(numbers_of(INTERCEPT), drawn.values[..., 0]),
        summaries=drawn.summaries,
        diagnostics=diagnostics,
        problems=np.full(len(scenarios), ""),
        note=note,
        learned=learned,
    )


def _doubt(drawn: Drawn, scenario: int) -> str:
    """Why a scenario's draws are not to be trusted; empty where they are."""
    worst = drawn.summaries["rhat"][scenario].max()
    found = [f"R-hat {worst:.3f} is above {MAX_RHAT}"] if worst > MAX_RHAT else []
    for name, words in (("ess_bulk", "bulk"), ("ess_tail", "tail")):
        worth = drawn.summaries[name][scenario].min()
        if worth < MIN_ESS:
            found.append(f"{words} ESS {worth:.0f} is below {MIN_ESS:.0f}")
    return "; ".join(found)


def _note(scenarios: Scenarios, cells: list[np.ndarray], learned: list[LearnedWidth]) -> str:
    said = []
    for cell, one in zip(cells, learned, strict=True):
        first = scenarios.labels.iloc[cell[0]]
        said.append(
            f"{one.quantile(0.5):.2f} [{one.quantile(0.025):.2f}, {one.quantile(0.975):.2f}] for "
            f"{first['base_model']}, {first['set']}"
        )
    return "Width learned (median and 95% interval): " + "; ".join(said) + "."
