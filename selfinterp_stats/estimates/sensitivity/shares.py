"""Shares of choices that given weights predict, with scenarios as the unit of uncertainty.

Choices in one scenario share its weights, so the interval is that of a mean over scenarios:
normal shares of unknown mean and variance under the usual flat prior, a Student-t.
"""

from __future__ import annotations

import numpy as np

from selfinterp_stats.estimates.sensitivity.arrays import Weighed


def right_by_scenario(
    weighed: Weighed, weights: np.ndarray, intercepts: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Choices predicted rightly (B on a tie) and choices made, by scenario.

    Parameters
    ----------
    weighed : Weighed
    weights : (scenario, attribute) array
    intercepts : (scenario,) array, optional
        On the scale of the weights; zero unless given.

    Returns
    -------
    right, made : (scenario,) array
        Zero for a scenario whose weights are missing.
    """
    choices = weighed.choices
    rows = {name: place for place, name in enumerate(weighed.scenarios)}
    at = choices["scenario"].map(rows).to_numpy()
    differences = choices[[f"d{i}" for i in range(1, weights.shape[1] + 1)]].to_numpy()
    towards_a = (weights[at] * differences).sum(axis=1)
    if intercepts is not None:
        towards_a = towards_a + intercepts[at]
    known = ~np.isnan(towards_a)
    right = ((towards_a > 0) == choices["chose_a"].to_numpy()) & known
    size = len(weighed.scenarios)
    return np.bincount(at, right, size), np.bincount(at, known, size)


def share_over_scenarios(
    right: np.ndarray, made: np.ndarray, kept: np.ndarray, prob: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Share of right choices over the kept scenarios, its HDI and the number of choices.

    Parameters
    ----------
    right, made : (scenario,) array
    kept : (way, scenario) array of bool
    prob : float

    Returns
    -------
    share, low, high, n : (way,) array
        The ends are missing for fewer than two scenarios and lie within 0 and 1.
    """
    from scipy.stats import t

    kept = kept & (made > 0)
    scenarios = kept.sum(axis=1)
    n = (kept * made).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (kept * right).sum(axis=1) / n
        away = np.where(kept, right - made * share[:, None], 0.0)
        error = np.sqrt((away**2).sum(axis=1) * scenarios / (scenarios - 1)) / n
    half = t.ppf((1 + prob) / 2, np.where(scenarios > 1, scenarios - 1, np.nan)) * error
    return share, np.maximum(share - half, 0.0), np.minimum(share + half, 1.0), n.astype(float)
