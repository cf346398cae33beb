"""How well chains mix: rank-normalised split R-hat and effective sample sizes, many at once.

The definitions are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021),
"Rank-normalization, folding, and localization", Bayesian Analysis 16(2), with Geyer's initial
positive and monotone sequences; the figures equal those of ``arviz_stats`` to rounding. They are
written out here because that library takes one quantity at a time, and a study has thousands.

An array core: everything has shape (quantity, chain, draw) or (quantity, value), nothing knows a
label, a model or a file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfinterp_stats.inference.summary import autocovariance

Array = NDArray[np.float64]
Series = NDArray[Any]  # of floats, or of truth values

_MINIMUM_DRAWS = 4
_EARLY_LAGS = 16
_SUMS = {"f": np.float64, "u": np.uint32}


def split_chains(draws: Series) -> Series:
    """Cut every chain into halves, shape (quantity, 2 x chain, draw // 2).

    With an odd number of draws the middle one belongs to neither half.
    """
    half = draws.shape[2] // 2
    if draws.shape[2] % 2 == 0:
        return draws.reshape(len(draws), 2 * draws.shape[1], half)
    return np.concatenate((draws[:, :, :half], draws[:, :, -half:]), axis=1)


def potential_scale_reduction(series: Array) -> Array:
    """Compare the variance between chains with that within: R-hat of each quantity.

    Parameters
    ----------
    series : ndarray, shape (quantity, chain, draw)
        Scores of already split chains.

    Returns
    -------
    ndarray, shape (quantity,)
        NaN where all values are equal.
    """
    draws = series.shape[2]
    means = series.mean(axis=2)
    between = draws * means.var(axis=1, ddof=1)
    centred = series - means[:, :, np.newaxis]
    within = np.einsum("qcd,qcd->q", centred, centred) / (series.shape[1] * (draws - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Array = np.sqrt((between / within + draws - 1) / draws)
    return ratio


def effective_size(*series: Series) -> Array:
    """Give the effective sample size of the mean of each series.

    Parameters
    ----------
    *series : ndarray, shape (quantity, chain, draw)
        Already split chains: draws, their scores, or indicators of an event (bool). Several
        arrays, of the same chains and draws, cost less together than one after another.

    Returns
    -------
    ndarray, shape (quantity,)
        One array after another. At most ``total * log10(total)``; the total itself where all
        values are equal.
    """
    chains, draws = series[0].shape[1:]
    total = chains * draws
    means = [_chain_means(some) for some in series]
    all_means = np.concatenate(means)
    between = all_means.var(axis=1, ddof=1) if chains > 1 else np.zeros(len(all_means))
    # Most sequences end within a few lags, which cost less than all of them.
    few = [
        _first_covariances(*some, min(draws, _EARLY_LAGS))
        for some in zip(series, means, strict=True)
    ]
    tau, settled = _integrated_time(np.concatenate(few), between, draws)
    if not settled.all():
        rest = np.split(~settled, np.cumsum([len(some) for some in series])[:-1])
        centred = [
            some[which] - mean[which, :, np.newaxis]
            for some, mean, which in zip(series, means, rest, strict=True)
        ]
        every = autocovariance.by_fourier(np.concatenate(centred))
        tau[~settled], _ = _integrated_time(every, between[~settled], draws)
    size: Array = total / np.maximum(tau, 1 / np.log10(total))
    size[np.concatenate([_spread(some) for some in series]) < np.finfo(float).resolution] = total
    return size


def _chain_means(series: Series) -> Array:
    if series.dtype == bool:  # bytes are summed faster than truth values
        series = series.view(np.uint8)
    means: Array = series.sum(axis=2, dtype=_SUMS[series.dtype.kind]) / series.shape[2]
    return means


def _first_covariances(series: Series, means: Array, lags: int) -> Array:
    """Give the autocovariances at lags below `lags`."""
    if series.dtype == bool:
        return autocovariance.by_bits(series, means, lags)
    return autocovariance.by_sums(series, means, lags)


def _spread(series: Series) -> Array:
    flat = series.reshape(len(series), -1)
    spread: Array = np.subtract(flat.max(axis=1), flat.min(axis=1), dtype=np.float64)
    return spread


def _integrated_time(
    covariance: Array, between: Array, draws: int
) -> tuple[Array, NDArray[np.bool_]]:
    """Sum the autocorrelations up to where Geyer's initial sequence ends.

    Parameters
    ----------
    covariance : ndarray, shape (quantity, lag)
        Autocovariances, averaged over chains; an even number of lags or all of them.
    between : ndarray, shape (quantity,)
        Variance of the chains' means.
    draws : int
        Length of a chain.

    Returns
    -------
    (ndarray, ndarray), each shape (quantity,)
        The integrated time, and whether the sequence ended within the lags given.
    """
    within = covariance[:, :1] * draws / (draws - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1 - (within - covariance) / (covariance[:, :1] + between[:, np.newaxis])
    rho[:, 0] = 1.0
    # For a reversible chain the sums of neighbouring even and odd lags are positive and
    # decrease: stop at the first that is not positive, and level out those that rise.
    even = covariance.shape[1] // 2 * 2
    pairs = rho[:, 0:even:2] + rho[:, 1:even:2]
    longest = max((draws - 1) // 2 - 1, 0)
    looked_at = pairs[:, :longest]
    stop = np.ones((len(pairs), 1), dtype=bool)
    kept = np.concatenate((looked_at <= 0, stop), axis=1).argmax(axis=1)
    settled = (kept < looked_at.shape[1]) | (looked_at.shape[1] == longest)
    kept = np.minimum(kept, pairs.shape[1] - 1)
    levelled = np.minimum.accumulate(pairs, axis=1)
    counted = np.where(np.arange(pairs.shape[1]) < kept[:, np.newaxis], levelled, 0.0)
    # The even lag after the last kept pair improves the estimate where it is positive, or
    # where the sequence ended because the draws did.
    rows = np.arange(len(rho))
    last = rho[rows, 2 * kept]
    last = np.where((last > 0) | (pairs[rows, kept] >= 0), last, 0.0)
    return -1 + 2 * counted.sum(axis=1) + last, settled


def can_be_judged(draws: Array) -> NDArray[np.bool_]:
    """Tell for which quantities there are draws enough, all of them finite."""
    enough = draws.shape[2] >= _MINIMUM_DRAWS
    judged: NDArray[np.bool_] = np.isfinite(draws).all(axis=(1, 2)) & enough
    return judged
