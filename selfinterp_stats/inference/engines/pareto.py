"""How heavy the tail of importance ratios is, for many datasets at once.

The shape k of a generalised Pareto distribution fitted to the largest ratios, by the estimator of
Zhang and Stephens (2009, Technometrics 51) with the weak prior of Vehtari et al. (2024, "Pareto
smoothed importance sampling"). Equal to ArviZ's, which takes one dataset at a time.
"""

from __future__ import annotations

import numpy as np

# Above this k the mean of the ratios cannot be trusted (Vehtari et al. 2024).
GOOD_K = 0.7


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
    draws = log_ratios.shape[1]
    tail = int(3 * np.sqrt(draws)) if draws > 225 else draws // 5
    top = np.sort(np.partition(log_ratios, draws - tail - 1, axis=1)[:, draws - tail - 1 :], axis=1)
    with np.errstate(all="ignore"):  # a dataset without a usable tail becomes NaN below
        top = np.exp(top.astype(float) - top[:, -1:])
        excess = top[:, 1:] - top[:, :1]
        usable = np.isfinite(excess).all(axis=1) & (excess[:, tail // 2] > 0)
        return np.where(usable, _shape(excess), np.nan)


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


def _shape(excess: np.ndarray) -> np.ndarray:
    """Shape of a generalised Pareto distribution; `excess` is sorted along its last axis."""
    n = excess.shape[1]
    points = 30 + int(np.sqrt(n))
    quarter, largest = excess[:, int(n / 4 + 0.5) - 1], excess[:, -1]
    grid = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    b = grid / (3 * quarter[:, None]) + 1 / largest[:, None]
    k = np.stack([np.log1p(-column[:, None] * excess).mean(axis=1) for column in b.T], axis=1)
    log_likelihood = n * (np.log(-b / k) - k - 1)
    weight = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    weight[weight < 10 * np.finfo(float).eps] = 0
    mean_b = (b * weight).sum(axis=1) / weight.sum(axis=1)
    shape = np.log1p(-mean_b[:, None] * excess).mean(axis=1)
    # The prior: ten observations of k = 0.5.
    return np.asarray((n * shape + 10 * 0.5) / (n + 10))
