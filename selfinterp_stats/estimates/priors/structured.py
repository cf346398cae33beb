"""Sets of priors that are more than numbers, by weighing the draws of simpler ones.

Posteriors under two priors differ by the ratio of these priors alone, so that draws of one, weighed
by that ratio, are draws of the other. The Pareto k of the ratios says whether to believe it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from selfinterp_stats.estimates.priors import horseshoe
from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.posterior import LearnedWidth, Posterior
from selfinterp_stats.estimates.priors.resampling import resampled
from selfinterp_stats.inference.engines.pareto import smoothed
from selfinterp_stats.models.families import log_density, numbers_of, scaled
from selfinterp_stats.models.prior_sets import (
    INTERCEPT,
    WIDTH_FREEDOM,
    WIDTH_SCALE,
    PriorSet,
)
from selfinterp_stats.models.priors import Prior

# What the horseshoe's draws are weighed out of: tails as wide as its slab's, and a middle for the
# slopes that it shrinks. Of the pairs tried on the paper's data these have the lowest Pareto k.
# Where slopes are near zero they come out too wide, as calibration finds: hardly a draw is in the
# horseshoe's spike. A third, narrow prior made that worse: its posteriors are too far from these.
PROPOSALS: Final = (Prior.of("Logistic", mu=0, s=1.5), Prior.of("Logistic", mu=0, s=0.7))
_ROUNDS: Final = 8
_UNIT: Final = numbers_of(Prior.of("Normal", mu=0, sigma=1))
# The width is sought from here in steps of at most a factor of 4, until one is shorter than this:
# draws under a width tell enough of another to propose the last fit's.
_FIRST_WIDTH: Final = 5.0
_CLOSE: Final = 0.35
_MOST_FITS: Final = 8
_LONGEST_STEP: Final = np.log(4)
_WIDTHS: Final = 33
# Posterior sds of the width that are taken into account, to either side.
_REACH: Final = 3.0


def fit(scenarios: Scenarios, prior_set: PriorSet) -> Posterior:
    """Fit all scenarios under any set of priors."""
    if prior_set.structure == "horseshoe":
        return fit_horseshoe(scenarios, prior_set)
    if prior_set.structure == "hierarchical":
        return fit_hierarchical(scenarios, prior_set)
    return scenarios.fit(prior_set)


def fit_horseshoe(scenarios: Scenarios, prior_set: PriorSet) -> Posterior:
    """Weigh the pooled draws of two wide posteriors by the horseshoe's density."""
    pool, log_weights, k, of_slopes = weighed_pool(scenarios, horseshoe.log_density)
    log_prior = of_slopes + log_density(numbers_of(INTERCEPT), pool[..., 0])
    return resampled(scenarios, prior_set, pool, log_weights, k, log_prior)


def weighed_pool(
    scenarios: Scenarios, log_prior: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Posteriors under any prior of the slopes, as weighted draws.

    The draws of posteriors under `PROPOSALS` are taken together for draws of the mixture of both
    (Geyer's reverse logistic regression, or MBAR: Shirts & Chodera 2008, J. Chem. Phys. 129), so
    that a slope may lie in the tails of one.

    Parameters
    ----------
    scenarios : Scenarios
    log_prior : callable
        Log-density of slopes (..., slope), up to a constant.

    Returns
    -------
    draws : (scenario, draw, parameter) array
    log_weights : (scenario, draw) array
        Smoothed.
    k : (scenario,) array
        Of the ratios' tail.
    log_prior : (scenario, draw) array
    """
    every = [numbers_of(prior) for prior in PROPOSALS]
    drawn = []
    for numbers in every:
        draws = scenarios.centred(scenarios.sample(scenarios.with_slopes(numbers, INTERCEPT)))
        # Together they are as many as one posterior has.
        drawn.append(draws.reshape(len(draws), -1, draws.shape[-1])[:, :: len(PROPOSALS)])
    pool = np.concatenate(drawn, axis=1)
    slopes = pool[..., 1:]
    under = np.stack([log_density(numbers, slopes).sum(axis=-1) for numbers in every])
    wanted = log_prior(slopes)
    return pool, *smoothed(wanted - log_mixture(under)), wanted


def log_mixture(under: np.ndarray) -> np.ndarray:
    """Log of the prior that pooled draws of several posteriors are draws under, up to a constant.

    Parameters
    ----------
    under : (prior, scenario, draw) array
        Log-densities of all pooled draws under each prior; as many draws are from each of them.

    Returns
    -------
    (scenario, draw) array
    """
    evidence = np.zeros(under.shape[:2])
    for _ in range(_ROUNDS):
        mixture = np.logaddexp.reduce(under - evidence[..., None], axis=0)
        ratios = under - mixture
        top = ratios.max(axis=-1, keepdims=True)
        evidence = top[..., 0] + np.log(np.exp(ratios - top).mean(axis=-1))
        evidence -= evidence[0]
    return np.asarray(np.logaddexp.reduce(under - evidence[..., None], axis=0))


def fit_hierarchical(scenarios: Scenarios, prior_set: PriorSet) -> Posterior:
    """Learn one width of the slopes' prior from all scenarios of a base model and set.

    Given the width, scenarios are independent: one fit near the best width gives every
    scenario's marginal likelihood at the widths around it, and these the posterior of the width. A
    scenario's own posterior is the mixture of those at each width.
    """
    cells = scenarios.cells()
    widths, settled = np.full(len(cells), _FIRST_WIDTH), False
    for _ in range(_MOST_FITS):
        of_scenario = np.empty(len(scenarios))
        for cell, width in zip(cells, widths, strict=True):
            of_scenario[cell] = width
        numbers = scenarios.with_slopes(scaled(_UNIT, of_scenario), INTERCEPT)
        draws = scenarios.centred(scenarios.sample(numbers))
        draws = draws.reshape(len(draws), -1, draws.shape[-1])
        squares = (draws[..., 1:].astype(float) ** 2).sum(axis=-1)
        learned = [
            _Width(squares[cell], width, len(scenarios.slopes))
            for cell, width in zip(cells, widths, strict=True)
        ]
        if settled:
            break
        steps = np.array([one.step for one in learned])
        settled = bool((np.abs(steps) < _CLOSE).all())
        # The last fit is at the upper end of the widths, so that no ratio is large.
        reach = np.array([one.sd for one in learned]) * (_REACH if settled else 0)
        widths = widths * np.exp(steps + reach)
    ratios, log_prior = np.empty_like(squares), np.empty_like(squares)
    for cell, one in zip(cells, learned, strict=True):
        ratios[cell], log_prior[cell] = one.mixture()
    weights, k = smoothed(ratios)
    log_prior += log_density(numbers_of(INTERCEPT), draws[..., 0])
    found = resampled(scenarios, prior_set, draws, weights, k, log_prior)
    of_cells = tuple(one.posterior() for one in learned)
    return replace(found, note=_note(scenarios, cells, of_cells), learned=of_cells)


class _Width:
    """What the draws of some scenarios at one width say of other widths.

    Parameters
    ----------
    squares : (scenario, draw) array
        Sum of the squared slopes of every draw.
    width : float
        Of the prior they were drawn under.
    slopes : int
        How many were summed.
    """

    def __init__(self, squares: np.ndarray, width: float, slopes: int) -> None:
        self.squares, self.width, self.slopes = squares, width, slopes
        self.steps = np.linspace(-_LONGEST_STEP, _LONGEST_STEP, 25)
        log_posterior = self._log_posterior(self.steps)
        best = int(np.argmax(log_posterior))
        self.step, self.sd = float(self.steps[best]), 0.0
        if 0 < best < len(self.steps) - 1:
            below, at, above = log_posterior[best - 1 : best + 2]
            gap = self.steps[1] - self.steps[0]
            curvature = (below - 2 * at + above) / gap**2
            self.step += (above - below) / (2 * gap) / -curvature
            self.sd = float(1 / np.sqrt(-curvature))
            self.steps = self.step + np.linspace(-_REACH, _REACH, _WIDTHS) * self.sd
            log_posterior = self._log_posterior(self.steps)
        self.shares = np.exp(log_posterior - log_posterior.max())
        self.shares /= self.shares.sum()

    def posterior(self) -> LearnedWidth:
        """What is learned of the width."""
        return LearnedWidth(np.log(self.width) + self.steps, self.shares)

    def mixture(self) -> tuple[np.ndarray, np.ndarray]:
        """Log-ratios of the mixture over widths to the one width, and its own log-prior."""
        ratio = np.zeros_like(self.squares)
        prior = np.zeros_like(self.squares)
        for step, share in zip(self.steps, self.shares, strict=True):
            log_ratio = self._log_ratio(step)
            likelihood = np.exp(log_ratio).mean(axis=1, keepdims=True)
            ratio += share * np.exp(log_ratio) / likelihood
            prior += share * np.exp(log_ratio)
        base = -self.squares / (2 * self.width**2) - self.slopes * np.log(self.width)
        return np.log(ratio), np.log(prior) + base

    def _log_ratio(self, step: float) -> np.ndarray:
        """Log of the slopes' prior at a width, over that at the one they were drawn under."""
        change = -0.5 * (np.exp(-2 * step) - 1) / self.width**2
        return change * self.squares - self.slopes * step

    def _log_posterior(self, steps: np.ndarray) -> np.ndarray:
        """Of the log of the width, at steps from the one they were drawn under."""
        likelihood = [_log_mean(self._log_ratio(step)).sum() for step in steps]
        log_width = np.log(self.width) + steps
        unit = (np.exp(log_width) / WIDTH_SCALE) ** 2
        prior = -(WIDTH_FREEDOM + 1) / 2 * np.log1p(unit / WIDTH_FREEDOM) + log_width
        return np.asarray(likelihood) + prior


def _log_mean(log_values: np.ndarray) -> np.ndarray:
    """Log of the mean of each row's exponentials."""
    top = log_values.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(log_values - top).mean(axis=1)))


def _note(scenarios: Scenarios, cells: list[np.ndarray], learned: tuple[LearnedWidth, ...]) -> str:
    said = []
    for cell, one in zip(cells, learned, strict=True):
        first = scenarios.labels.iloc[cell[0]]
        said.append(
            f"{one.quantile(0.5):.2f} [{one.quantile(0.025):.2f}, {one.quantile(0.975):.2f}] for "
            f"{first['base_model']}, {first['set']}"
        )
    return "Width learned (median and 95% interval): " + "; ".join(said) + "."
