"""Sets of priors that are more than numbers: their slopes' widths are drawn with the slopes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.diagnostics import MAX_RHAT, MIN_ESS
from selfinterp_stats.estimates.priors import horseshoe
from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.gibbs import ENGINE, Drawn, sample
from selfinterp_stats.estimates.priors.posterior import LearnedWidth, LogPrior, Posterior
from selfinterp_stats.estimates.priors.shared_width import SharedWidth
from selfinterp_stats.inference.summary.summaries import summarise
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
    return _posterior(scenarios, prior_set, drawn, horseshoe.log_density)


def fit_hierarchical(scenarios: Scenarios, prior_set: PriorSet) -> Posterior:
    """Learn one width of the slopes' prior from all scenarios of a base model and set."""
    cells = scenarios.cells()
    drawn = sample(scenarios, cells, SharedWidth())
    middles = (np.arange(_MIXED) + 0.5) / _MIXED
    mixed, learned = np.empty((_MIXED, len(scenarios))), []
    for cell in cells:
        width = LearnedWidth(np.exp(drawn.numbers[cell[0], ..., 0].astype(float)))
        mixed[:, cell] = width.quantile(middles)[:, None]
        learned.append(width)
    found = _posterior(scenarios, prior_set, drawn, partial(_log_mixture, mixed))
    _doubt_widths(found.diagnostics, cells, learned)
    return replace(found, note=_note(scenarios, cells, learned), learned=tuple(learned))


def _log_mixture(widths: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Log-density of slopes under normals of several widths together, up to a constant.

    Parameters
    ----------
    widths : (width, scenario) array
    slopes : (scenario, draw, slope) array
    """
    squares, number = (slopes**2).sum(axis=-1), slopes.shape[-1]
    found = np.full_like(squares, -np.inf)
    for width in widths[:, :, None]:
        np.logaddexp(found, -squares / (2 * width**2) - number * np.log(width), out=found)
    return found


def _posterior(
    scenarios: Scenarios, prior_set: PriorSet, drawn: Drawn, of_slopes: LogPrior
) -> Posterior:
    """Put a posterior together from draws and the log-prior of slopes."""
    names = ("rhat", "ess_bulk", "ess_tail")
    reasons = [
        _doubt(*figures) for figures in zip(*(drawn.summaries[name] for name in names), strict=True)
    ]
    diagnostics = scenarios.named(prior_set).assign(
        engine=ENGINE, pareto_k=np.nan, ok=[not reason for reason in reasons], reason=reasons
    )

    def log_prior(draws: np.ndarray) -> np.ndarray:
        of_intercept = log_density(numbers_of(INTERCEPT), draws[..., 0])
        return np.asarray(of_slopes(draws[..., 1:]) + of_intercept)

    return Posterior(
        prior_set=prior_set,
        draws=drawn.values,
        log_prior=log_prior,
        summaries=drawn.summaries,
        diagnostics=diagnostics,
        problems=np.full(len(scenarios), ""),
    )


def _doubt(rhat: np.ndarray, bulk: np.ndarray, tail: np.ndarray) -> str:
    """Why draws of some quantities are not to be trusted; empty where they are."""
    found = [f"R-hat {rhat.max():.3f} is above {MAX_RHAT}"] if rhat.max() > MAX_RHAT else []
    for words, worth in (("bulk", bulk.min()), ("tail", tail.min())):
        if worth < MIN_ESS:
            found.append(f"{words} ESS {worth:.0f} is below {MIN_ESS:.0f}")
    return "; ".join(found)


def _doubt_widths(
    diagnostics: pd.DataFrame, cells: list[np.ndarray], learned: list[LearnedWidth]
) -> None:
    """Mark the scenarios whose width is not to be trusted."""
    figures = summarise(np.stack([one.draws for one in learned]))
    for place, cell in enumerate(cells):
        at = slice(place, place + 1)
        reason = _doubt(*(figures[name][at] for name in ("rhat", "ess_bulk", "ess_tail")))
        if reason:
            slopes = diagnostics.loc[cell, "reason"]
            both = [
                f"{one}; the width's {reason}" if one else f"the width's {reason}" for one in slopes
            ]
            diagnostics.loc[cell, "ok"], diagnostics.loc[cell, "reason"] = False, both


def _note(scenarios: Scenarios, cells: list[np.ndarray], learned: list[LearnedWidth]) -> str:
    said = []
    for cell, one in zip(cells, learned, strict=True):
        first = scenarios.labels.iloc[cell[0]]
        said.append(
            f"{one.quantile(0.5):.2f} [{one.quantile(0.025):.2f}, {one.quantile(0.975):.2f}] for "
            f"{first['base_model']}, {first['set']}"
        )
    return "Width learned (median and 95% interval): " + "; ".join(said) + "."
