"""How strongly two things are related: mixtures with chosen correlations.

Learned weights are targets mixed with an error, expected reports are weights mixed with an
unrelated signal. Dividing by the largest weight and holding reports within +-100 bend a
correlation, so the angle that gives the wanted one is found on a fixed sample, to within about
.003. This module draws nothing that ends up in a study.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from selfinterp_stats.study.simulation.streams import stream
from selfinterp_stats.study.simulation.trials import Floats, scaled_to_largest

# Scenarios in the fixed sample with which mixing angles are found. Every one comes with an error
# and with its negative, so that no chance correlation between the two remains.
_CALIBRATION_SCENARIOS = 2_500


@dataclass(frozen=True)
class ReportBehaviour:
    """How reports of one (set, condition) relate to the weights.

    Attributes
    ----------
    correlation : float
        Of the expected report with the true weight, over scenarios x attributes.
    spread : float
        Standard deviation of expected reports before they are held within -100 to 100.
    noise : float
        Standard deviation of one report around its expectation, likewise.
    """

    correlation: float
    spread: float
    noise: float


def learned_weights(targets: Floats, normals: Floats, angle: float) -> Floats:
    """Target weights mixed with a learning error: cos(angle) and sin(angle) of each.

    Both have about unit variance before they are mixed; the scale of the result is arbitrary.
    """
    sd = _target_sd(targets.shape[-1])
    return np.cos(angle) * targets / sd + np.sin(angle) * normals


def held_within_100(centre: Floats, noise: float) -> Floats:
    """Expectation of a normal around `centre` once it is held within -100 to 100.

    Rounding to whole numbers is left out: with a noise of a point or more it changes nothing that
    could be seen.
    """
    if noise == 0:
        return np.rint(np.clip(centre, -100, 100))
    low, high = (-100 - centre) / noise, (100 - centre) / noise
    below, above = ndtr(low), ndtr(-high)
    density = (np.exp(-0.5 * low**2) - np.exp(-0.5 * high**2)) / np.sqrt(2 * np.pi)
    return 100 * (above - below) + centre * (1 - below - above) + noise * density


def mixture(
    weights: Floats, unrelated: Floats, angle: float, learned_target: float | None
) -> Floats:
    """Weights and an unrelated signal in the ratio cos(angle) to sin(angle), unit variance.

    `learned_target` says how the weights are spread: its value for learned weights, None for
    native ones. Their own standard deviation would tie each scenario to the others.
    """
    attributes = weights.shape[-1]
    sd = _weight_sd(learned_target, attributes)
    return np.cos(angle) * weights / sd + np.sin(angle) * unrelated / _target_sd(attributes)


# -- angles that give chosen correlations ---------------------------------------------------------


@lru_cache(maxsize=32)
def _sample(name: str, attributes: int) -> Floats:
    random = stream(0, "calibration", name)
    shape = (_CALIBRATION_SCENARIOS, attributes)
    if name == "error":
        draws = random.standard_normal(shape)
    else:
        draws = scaled_to_largest(random.uniform(-100, 100, shape))
    # Learned weights come in two halves, one for each sign of the error; both meet the unrelated
    # signal with either sign.
    if name == "unrelated":
        return np.concatenate([draws, draws, -draws, -draws])
    if name == "error":
        return np.concatenate([draws, -draws])
    return np.concatenate([draws, draws])


@lru_cache(maxsize=32)
def _target_sd(attributes: int) -> float:
    return float(_sample("target", attributes).std())


@lru_cache(maxsize=32)
def _weight_sample(learned_target: float | None, attributes: int) -> Floats:
    """Weights (+-100) of many scenarios, native or learned from the sample's targets."""
    if learned_target is None:
        return _sample("native", attributes)
    angle = learning_angle(learned_target, attributes)
    mixed = learned_weights(_sample("target", attributes), _sample("error", attributes), angle)
    return scaled_to_largest(mixed)


@lru_cache(maxsize=32)
def _weight_sd(learned_target: float | None, attributes: int) -> float:
    return float(_weight_sample(learned_target, attributes).std())


@lru_cache(maxsize=32)
def learning_angle(correlation: float, attributes: int) -> float:
    """Angle at which learned weights have this correlation with their targets."""
    targets, errors = _sample("target", attributes), _sample("error", attributes)

    def reached(angle: float) -> float:
        return pearson(scaled_to_largest(learned_weights(targets, errors, angle)), targets)

    return _angle(correlation, reached)


@lru_cache(maxsize=128)
def report_angle(
    behaviour: ReportBehaviour, learned_target: float | None, attributes: int
) -> float:
    """Angle at which expected reports have the wanted correlation with weights (see `mixture`)."""
    weights = _weight_sample(learned_target, attributes)
    weights = np.concatenate([weights, weights])
    unrelated = _sample("unrelated", attributes)

    def reached(angle: float) -> float:
        centre = mixture(weights, unrelated, angle, learned_target)
        return pearson(held_within_100(behaviour.spread * centre, behaviour.noise), weights)

    return _angle(behaviour.correlation, reached)


def _angle(correlation: float, reached: Callable[[float], float]) -> float:
    """Solve reached(angle) = correlation; the nearest end where it cannot be reached quite."""
    if correlation >= reached(0.0):
        return 0.0
    if correlation <= reached(np.pi):
        return float(np.pi)
    return float(brentq(lambda angle: reached(angle) - correlation, 0.0, np.pi, xtol=2e-4))


def pearson(a: Floats, b: Floats) -> float:
    """Pearson's r over all pairs in which neither value is NaN; NaN where it has no meaning."""
    both = ~(np.isnan(a) | np.isnan(b))
    x, y = a[both], b[both]
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))
