"""Tails of importance ratios: how heavy they are, and smoothed, for many datasets at once.

Pareto-smoothed importance sampling (Vehtari, Simpson, Gelman, Yao & Gabry 2024, Journal of Machine
Learning Research 25): a generalised Pareto distribution is fitted to the largest ratios, by the
estimator of Zhang & Stephens (2009, Technometrics 51) with a weak prior. Its shape k says whether
the ratios can be trusted; its expected order statistics replace them. Equal to ArviZ's, which takes
one dataset at a time.
"""

from __future__ import annotations

import numpy as np

# Above this k the mean of the ratios cannot be trusted.
GOOD_K = 0.7
# The weak prior: so many observations of so large a k.
PRIOR_SIZE, PRIOR_K = 10, 0.5


def effective_share(log_ratios: np.ndarray) -> np.ndarray:
    """How many equally weighted draws the ratios are worth, as a share of their number (Kish).

    Parameters
    ----------
    log_ratios : (dataset, draw) array

    Returns
    -------
    (dataset,) array
    """
    with np.errstate(all="ignore"):  # a dataset without any weight becomes NaN
        weight = np.exp(log_ratios - log_ratios.max(axis=1, keepdims=True))
        return np.asarray(weight.mean(axis=1) ** 2 / (weight**2).mean(axis=1), dtype=float)


def pareto_k(log_ratios: np.ndarray) -> np.ndarray:
    """Tail shape of importance ratios.

    Parameters
    ----------
    log_ratios : (dataset, draw) array
        Minus infinity where a draw has no weight.

    Returns
    -------
    (dataset,) array
        Missing where fewer than half of the tail's draws differ or have any weight.
    """
    cut = log_ratios.shape[1] - _tail_length(log_ratios.shape[1]) - 1
    top = np.sort(np.partition(log_ratios, cut, axis=1)[:, cut:], axis=1)
    with np.errstate(all="ignore"):  # a dataset without a usable tail becomes NaN below
        top = np.exp(top.astype(float) - top[:, -1:])
        excess = top[:, 1:] - top[:, :1]
        usable = np.isfinite(excess).all(axis=1) & _varies(excess)
        return np.where(usable, _generalised_pareto(excess)[0], np.nan)


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
    tail = _tail_length(flat.shape[1])
    cut = flat.shape[1] - tail - 1
    order = np.argpartition(flat, cut, axis=1)[:, cut:]
    top = np.take_along_axis(flat, order, axis=1)
    within = np.argsort(top, axis=1)
    order = np.take_along_axis(order, within, axis=1)
    top = np.exp(np.take_along_axis(top, within, axis=1))
    excess = top[:, 1:] - top[:, :1]
    varies = _varies(excess)
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


def _tail_length(draws: int) -> int:
    return int(3 * np.sqrt(draws)) if draws > 225 else draws // 5


def _varies(excess: np.ndarray) -> np.ndarray:
    """Whether at least half of the sorted tail's draws differ from the one below the tail."""
    return np.asarray(excess[:, excess.shape[1] // 2] > 0)


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
    return (n * raw + PRIOR_SIZE * PRIOR_K) / (n + PRIOR_SIZE), -raw / middle


def _quantiles(probability: np.ndarray, k: np.ndarray, scale: np.ndarray) -> np.ndarray:
    log_left = np.log1p(-probability)
    small = np.abs(k) < 1e-10
    safe = np.where(small, 1.0, k)
    with np.errstate(over="ignore"):  # a tail without any end: all of it becomes the largest
        return scale * np.where(small, -log_left, np.expm1(-safe * log_left) / safe)
