"""Trials: two options per trial, their values on the paper's grid, and choices between them.

Works on arrays whose last axis is the attribute. It knows nothing of where weights come from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
# Eight leave nothing to gain: the priors keep the problem well conditioned.
_NEWTON_STEPS = 8


def decimals(minima: Floats, maxima: Floats) -> NDArray[np.int64]:
    """Decimals to which option values are rounded, from the width of each range.

    None for a width of 5 or more, one from 1 to 5, and below 1 as many as the width's first
    non-zero decimal has: the rule of the paper's released code.
    """
    width = np.asarray(maxima, float) - np.asarray(minima, float)
    # 0.85 - 0.05 is a hair under 0.8 and 1.4 - 0.4 a hair under 1: float noise, not a narrower
    # range.
    width = np.round(width, 12)
    small = np.abs(np.floor(np.log10(width))).astype(np.int64) + 1
    return np.where(width >= 5, 0, np.where(width >= 1, 1, small))


def option_values(uniforms: Floats, minima: Floats, maxima: Floats) -> Floats:
    """Values of options A and B in the attributes' own units.

    Parameters
    ----------
    uniforms : numpy.ndarray, shape (scenario, trial, option, attribute)
        Draws from [0, 1).
    minima, maxima : numpy.ndarray, shape (scenario, attribute)
    """
    low, high = minima[:, None, None, :], maxima[:, None, None, :]
    grid = 10.0 ** decimals(minima, maxima)[:, None, None, :]
    # Adding zero turns -0.0 into 0.0, which is how a person would write it.
    return np.rint((low + uniforms * (high - low)) * grid) / grid + 0.0


def differences(values: Floats, minima: Floats, maxima: Floats) -> Floats:
    """Predictors d = (A - B) / (max - min), shape (scenario, trial, attribute)."""
    width = (maxima - minima)[:, None, :]
    return (values[:, :, 0, :] - values[:, :, 1, :]) / width


def score(d: Floats, weights: Floats) -> Floats:
    """Sum over attributes of weight times d, shape (scenario, trial)."""
    return np.matmul(d, weights[:, :, None])[:, :, 0]


def agreement(d: Floats, weights: Floats, chose_a: Floats) -> float:
    """Share of choices that go the way the weights point (towards B on a tie).

    Parameters
    ----------
    d : numpy.ndarray, shape (scenario, trial, attribute)
    weights : numpy.ndarray, shape (scenario, attribute)
        On any scale.
    chose_a : numpy.ndarray, shape (scenario, trial)
        0 or 1, or the probability of A: then the result is the expected share.
    """
    return float(np.where(score(d, weights) > 0, chose_a, 1.0 - chose_a).mean())


def blurred_weights(d: Floats, chose_a: Floats) -> Floats:
    """What finitely many choices leave of the weights: a quick stand-in for the paper's fit.

    Mode of the paper's logistic regression (standard normal priors on the slopes, a wide one on
    the intercept of the centred predictors) by Newton steps. The paper reports posterior means,
    which differ from modes by a factor that is nearly common to a scenario's attributes and so
    drops out when they are scaled to their largest.

    Parameters
    ----------
    d : numpy.ndarray, shape (scenario, trial, attribute)
    chose_a : numpy.ndarray of 0 and 1, shape (scenario, trial)

    Returns
    -------
    numpy.ndarray, shape (scenario, attribute)
        +-100 scale: divided by the largest absolute one, times 100, rounded.
    """
    centred = d - d.mean(axis=1, keepdims=True)
    design = np.concatenate([np.ones((*d.shape[:2], 1)), centred], axis=2)
    transposed = np.ascontiguousarray(design.transpose(0, 2, 1))
    # The curvature at its centre of brms' default intercept prior, student_t(3, 0, 2.5).
    precision = np.diag([(3 + 1) / (3 * 2.5**2)] + [1.0] * d.shape[2])
    beta = np.zeros((d.shape[0], design.shape[2]))
    for _ in range(_NEWTON_STEPS):
        probability = expit(score(design, beta))
        gradient = (transposed @ (chose_a - probability)[..., None])[..., 0] - beta @ precision
        curvature = transposed * (probability * (1.0 - probability))[:, None, :]
        beta = beta + np.linalg.solve(curvature @ design + precision, gradient[..., None])[..., 0]
    return np.round(scaled_to_largest(beta[:, 1:]))


def scaled_to_largest(weights: Floats) -> Floats:
    """Weights divided by a scenario's largest absolute one, times 100."""
    return 100.0 * weights / np.abs(weights).max(axis=-1, keepdims=True)
