"""Pareto-smoothed importance weights, for many datasets at once.

Vehtari, Simpson, Gelman, Yao & Gabry (2024, Journal of Machine Learning Research 25): the largest
ratios are replaced by the expected order statistics of a generalised Pareto distribution that was
fitted to them. `pareto` says how heavy that tail is for many more draws, and smooths nothing.
"""

from __future__ import annotations

import numpy as np


def smoothed(log_ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smooth importance ratios.

    Parameters
    ----------
    log_ratios : (..., draw) array
        Finite.

    Returns
    -------
    log_weights : (..., draw) array
        They sum to one on the natural scale.
    k : (...) array
        Shape of the tail; infinite where a few ratios are all there is, missing where ratios do
        not vary. Neither are smoothed then.
    """
    flat = np.array(log_ratios, dtype=float).reshape(-1, log_ratios.shape[-1])
    flat -= flat.max(axis=1, keepdims=True)
    draws = flat.shape[1]
    tail = int(3 * np.sqrt(draws)) if draws > 225 else draws // 5
    order = np.argpartition(flat, draws - tail - 1, axis=1)[:, draws - tail - 1 :]
    top = np.take_along_axis(flat, order, axis=1)
    within = np.argsort(top, axis=1)
    order = np.take_along_axis(order, within, axis=1)
    top = np.exp(np.take_along_axis(top, within, axis=1))
    excess = top[:, 1:] - top[:, :1]
    varies = excess[:, tail // 2] > 0
    # A few ratios above all others are no tail that anything could be fitted to.
    k = np.where(excess[:, -1] > 0, np.inf, np.nan)
    if varies.any():
        k[varies], scale = _generalised_pareto(excess[varies])
        middle = (np.arange(tail) + 0.5) / tail
        expected = top[varies, :1] + _quantiles(middle, k[varies, None], scale[:, None])
        rows = np.flatnonzero(varies)[:, None]
        flat[rows, order[varies, 1:]] = np.minimum(np.log(expected), 0.0)
    flat -= np.log(np.exp(flat).sum(axis=1, keepdims=True))
    return flat.reshape(log_ratios.shape), k.reshape(log_ratios.shape[:-1])


def _quantiles(probability: np.ndarray, k: np.ndarray, scale: np.ndarray) -> np.ndarray:
    log_left = np.log1p(-probability)
    small = np.abs(k) < 1e-10
    safe = np.where(small, 1.0, k)
    with np.errstate(over="ignore"):  # a tail without any end: all of it becomes the largest
        return scale * np.where(small, -log_left, np.expm1(-safe * log_left) / safe)


def _generalised_pareto(excess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shape and scale by Zhang & Stephens (2009); `excess` is sorted along its last axis."""
    n = excess.shape[1]
    points = 30 + int(np.sqrt(n))
    quarter, largest = excess[:, int(n / 4 + 0.5) - 1], excess[:, -1]
    grid = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    b = grid / (3 * np.maximum(quarter, 1e-300)[:, None]) + 1 / largest[:, None]
    shape = np.stack([np.log1p(-one[:, None] * excess).mean(axis=1) for one in b.T], axis=1)
    log_likelihood = n * (np.log(-b / shape) - shape - 1)
    weight = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    middle = (b * weight).sum(axis=1)
    raw = np.log1p(-middle[:, None] * excess).mean(axis=1)
    # The weak prior of Vehtari et al.: ten observations of k = 0.5.
    return (n * raw + 10 * 0.5) / (n + 10), -raw / middle
