"""What a design would find: from latent correlation, trials and noise to an HDI.

A large pool of scenarios is simulated once per kind of scenario: true weights, choices, weights
fitted to them, reports. Studies are then drawn from the pool, whole scenarios at a time, so that
weights and reports of one scenario stay together and what correlates within a scenario widens
the spread between studies as it does in data. Nothing observed goes into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy.special import expit, ndtri

from selfinterp_stats.estimates.planning.design import Design
from selfinterp_stats.estimates.sensitivity.regression import Regressions, contrast_hdi
from selfinterp_stats.study.simulation.design import Design as Simulated
from selfinterp_stats.study.simulation.mixing import ReportBehaviour, mixture, report_angle
from selfinterp_stats.study.simulation.trials import (
    agreement,
    blurred_weights,
    scaled_to_largest,
    score,
)

POOL: Final = 4_000
STUDIES: Final = 1_000
_PART: Final = 500


@dataclass(frozen=True)
class Prediction:
    """What studies of one design find, on average.

    Attributes
    ----------
    attenuated : float
        The correlation of fitted weights with mean reports, nearer to zero than the latent one by
        the noise in both.
    hdi_width : float
        Mean width of the HDI of the paper's regression.
    between : float
        Standard deviation over studies of the correlation found.
    excludes : float
        Share of studies whose HDI lies wholly outside the region of interest.
    choice_accuracy : float
        Share of choices that go as the true weights say.
    """

    attenuated: float
    hdi_width: float
    between: float
    excludes: float
    choice_accuracy: float


@dataclass(frozen=True)
class Choosers:
    """Scenarios of a pool, their weights and what their choices show of them.

    Attributes
    ----------
    true, fitted : (scenario, attribute) array
        +-100 scale.
    accuracy : float
        Share of choices that go as the true weights say.
    fitted_accuracy : float
        The same of the fitted weights, on the very choices that they were fitted to.
    """

    true: np.ndarray
    fitted: np.ndarray
    accuracy: float
    fitted_accuracy: float


def predict(
    design: Design,
    *,
    seed: int = 0,
    hdi_prob: float = 0.95,
    rope: tuple[float, float] = (0.0, 0.0),
) -> Prediction:
    """Predict what studies of a design find.

    Parameters
    ----------
    design : Design
    seed : int
        Settles the pool, which designs share as far as they can.
    hdi_prob : float
    rope : (float, float)
        The region that the HDI is to exclude: zero alone unless given.

    Returns
    -------
    Prediction
    """
    pool = choosers(design.attributes, design.trials, design.choice_noise, seed)
    reported = mean_reports(design, pool.true, seed)
    r = _studies(pool.fitted, reported, design.scenarios, seed)
    half = half_width(r, design.scenarios * design.attributes, hdi_prob)
    outside = (r - half > rope[1]) | (r + half < rope[0])
    return Prediction(
        attenuated=float(r.mean()),
        hdi_width=float(2 * half.mean()),
        between=float(r.std(ddof=1)),
        excludes=float(outside.mean()),
        choice_accuracy=pool.accuracy,
    )


def half_width(r: np.ndarray, n: int, prob: float) -> np.ndarray:
    """Half the HDI of the paper's regression of standardised variables, from their correlation.

    Parameters
    ----------
    r : (study,) array
    n : int
        Rows.
    prob : float
    """
    free = n - 1
    fits = Regressions(
        estimate=r,
        unit_sd=np.full_like(r, free**-0.5),
        rss=free * np.maximum(1 - r**2, 1e-12),
        mean_y=np.zeros_like(r),
        n=np.full_like(r, n),
        slopes=np.ones_like(r),
        sd_x=np.full_like(r, (free / n) ** 0.5),
    )
    low, high = contrast_hdi(fits, prob)
    return (high - low) / 2


@lru_cache(maxsize=64)
def choosers(
    attributes: int, trials: int, choice_noise: float, seed: int, scenarios: int = POOL
) -> Choosers:
    """A pool of scenarios in which choices are made and weights fitted to them.

    Weights are uniform before they are scaled, as the paper's target weights are; slopes and a bias
    towards A or B vary between scenarios as in `simulate_study`.
    """
    rng = np.random.default_rng([seed, attributes, 1])
    true = scaled_to_largest(rng.uniform(-100, 100, (scenarios, attributes)))
    largest = np.exp(Simulated.scale_sd * rng.standard_normal(scenarios)) / choice_noise
    bias = Simulated.position_bias * rng.standard_normal(scenarios)
    parts, right, fitted_right = [], [], []
    for start in range(0, scenarios, _PART):
        part = slice(start, start + _PART)
        options = rng.random((2, _PART, trials, attributes))
        d = options[0] - options[1]
        log_odds = bias[part, None] + score(d, true[part] / 100 * largest[part, None])
        chose_a = (rng.random((_PART, trials)) < expit(log_odds)).astype(float)
        fitted = blurred_weights(d, chose_a)
        parts.append(fitted)
        right.append(agreement(d, true[part], chose_a))
        fitted_right.append(agreement(d, fitted, chose_a))
    accuracies = float(np.mean(right)), float(np.mean(fitted_right))
    return Choosers(true, np.concatenate(parts), *accuracies)


def mean_reports(design: Design, true: np.ndarray, seed: int) -> np.ndarray:
    """Mean reports on the weights of a pool.

    Returns
    -------
    (scenario, attribute) array
    """
    return reports_on(design, true, design.reports, seed).mean(axis=1)


def reports_on(design: Design, true: np.ndarray, reports: int, seed: int) -> np.ndarray:
    """Single reports, a (scenario, repeat, attribute) array of whole numbers.

    As `simulate_study` draws them; more repeats leave the first ones as they are.
    """
    attributes = design.attributes
    rng = np.random.default_rng([seed, attributes, 2])
    unrelated = scaled_to_largest(rng.uniform(-100, 100, true.shape))
    behaviour = ReportBehaviour(design.correlation, design.report_spread, design.report_noise)
    angle = report_angle(behaviour, None, attributes)
    centre = design.report_spread * mixture(true, unrelated, angle, None)
    uniforms = np.stack([rng.random(true.shape) for _ in range(reports)], axis=1)
    raw = centre[:, None, :] + design.report_noise * ndtri(uniforms + 2.0**-54)
    return np.rint(np.clip(raw, -100, 100))


def _studies(weights: np.ndarray, reports: np.ndarray, scenarios: int, seed: int) -> np.ndarray:
    """Correlations found by studies of so many scenarios of the pool, a (study,) array."""
    x, y = reports - reports.mean(), weights - weights.mean()
    sums = np.stack([f.sum(axis=1) for f in (x, y, x * x, y * y, x * y)])
    n = scenarios * weights.shape[1]
    rng = np.random.default_rng([seed, scenarios, 3])
    totals = np.empty((len(sums), STUDIES))
    for start in range(0, STUDIES, 100):
        size = min(100, STUDIES - start)
        drawn = rng.integers(len(weights), size=(size, scenarios))
        totals[:, start : start + size] = sums[:, drawn].sum(axis=2)
    sx, sy, sxx, syy, sxy = totals
    return np.asarray((sxy - sx * sy / n) / np.sqrt((sxx - sx**2 / n) * (syy - sy**2 / n)))
