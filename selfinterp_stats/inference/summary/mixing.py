"""How well chains mix: rank-normalised split R-hat and effective sample sizes, many at once.

The definitions are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021),
"Rank-normalization, folding, and localization", Bayesian Analysis 16(2), with Geyer's initial
positive and monotone sequences; the figures equal those of ``arviz_stats`` to rounding. They are
written out here because that library takes one quantity at a time, and a study has thousands.

An array core: everything has shape (quantity, chain, draw) or (quantity, value), nothing knows a
label, a model or a file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Order = NDArray[np.intp]

_BLOM = 3 / 8
_MINIMUM_DRAWS = 4
_EARLY_LAGS = 10


def split_chains(draws: Array) -> Array:
    """Cut every chain into halves, shape (quantity, 2 x chain, draw // 2).

    With an odd number of draws the middle one belongs to neither half.
    """
    half = draws.shape[2] // 2
    if draws.shape[2] % 2 == 0:
        return draws.reshape(len(draws), 2 * draws.shape[1], half)
    return np.concatenate((draws[:, :, :half], draws[:, :, -half:]), axis=1)


def normal_scores(ordered: Array, order: Order) -> Array:
    """Replace values by normal scores of their ranks (Blom), ties sharing their mean rank.

    Parameters
    ----------
    ordered : ndarray, shape (quantity, value)
        The values, ascending.
    order : ndarray, shape (quantity, value)
        Where each of them stood before sorting.

    Returns
    -------
    ndarray, shape (quantity, value)
        Scores in the order before sorting.
    """
    from scipy.special import ndtri

    size = ordered.shape[1]
    # Mean ranks are whole or half numbers: one table of 2n - 1 entries serves every quantity.
    mean_rank = np.arange(2 * size - 1) / 2 + 1
    table = ndtri((mean_rank - _BLOM) / (size - 2 * _BLOM + 1))
    scores = np.empty_like(ordered)
    tied = ordered[:, 1:] == ordered[:, :-1]
    ranked = table[_first_plus_last_in_tie(tied)] if tied.any() else table[np.newaxis, ::2]
    np.put_along_axis(scores, order, ranked, axis=1)
    return scores


def _first_plus_last_in_tie(tied: NDArray[np.bool_]) -> Order:
    """Give every sorted place the sum of the first and last place of the tie it is in.

    `tied`, shape (quantity, value - 1), tells which places equal the next one.
    """
    size = tied.shape[1] + 1
    summed = np.tile(2 * np.arange(size), (len(tied), 1))
    # Ties are few as a rule: work on the list of them, in which a gap ends a run.
    rows, columns = np.nonzero(tied)
    places = rows * size + columns
    gap = np.diff(places) > 1
    first = places[np.concatenate(([True], gap))]
    last = places[np.concatenate((gap, [True]))] + 1
    length = last - first + 1
    members = np.arange(length.sum()) + np.repeat(first - np.cumsum(length) + length, length)
    summed.reshape(-1)[members] = np.repeat(first % size + last % size, length)
    return summed


def folded_scores(ordered: Array, order: Order) -> Array:
    """Give the normal scores of the distances from the median, for the R-hat of the tails."""
    size = ordered.shape[1]
    median = (ordered[:, (size - 1) // 2] + ordered[:, size // 2]) / 2
    distance = np.abs(ordered - median[:, np.newaxis])
    refold = np.argsort(distance, axis=1)
    return normal_scores(
        np.take_along_axis(distance, refold, axis=1), np.take_along_axis(order, refold, axis=1)
    )


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
    between = draws * series.mean(axis=2).var(axis=1, ddof=1)
    within = series.var(axis=2, ddof=1).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Array = np.sqrt((between / within + draws - 1) / draws)
    return ratio


def effective_size(series: Array) -> Array:
    """Give the effective sample size of the mean of each series.

    Parameters
    ----------
    series : ndarray, shape (quantity, chain, draw)
        Already split chains: draws, their scores, or indicators of an event.

    Returns
    -------
    ndarray, shape (quantity,)
        At most ``total * log10(total)``; the total itself where all values are equal.
    """
    chains, draws = series.shape[1:]
    total = chains * draws
    means = series.mean(axis=2, keepdims=True)
    centred = series - means
    between = means[:, :, 0].var(axis=1, ddof=1) if chains > 1 else np.zeros(len(series))
    # Most sequences end within a few lags, where sums are cheaper than Fourier transforms.
    early = draws if draws <= 2 * _EARLY_LAGS else _EARLY_LAGS
    tau, settled = _integrated_time(_first_covariances(centred, early), between, draws)
    if not settled.all():
        rest = ~settled
        tau[rest], _ = _integrated_time(_covariances(centred[rest]), between[rest], draws)
    size: Array = total / np.maximum(tau, 1 / np.log10(total))
    spread = series.max(axis=(1, 2)) - series.min(axis=(1, 2))
    size[spread < np.finfo(float).resolution] = total
    return size


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


def _first_covariances(centred: Array, lags: int) -> Array:
    """Give the autocovariances at lags below `lags`, averaged over chains."""
    chains, draws = centred.shape[1:]
    sums = [
        np.einsum("qcd,qcd->q", centred[:, :, lag:], centred[:, :, : draws - lag])
        for lag in range(lags)
    ]
    covariance: Array = np.stack(sums, axis=1) / (draws * chains)
    return covariance


def _covariances(centred: Array) -> Array:
    """Give the autocovariances at every lag, averaged over chains."""
    from scipy import fft

    draws = centred.shape[2]
    padded = fft.next_fast_len(2 * draws, real=True)
    spectrum = fft.rfft(centred, n=padded, axis=2)
    # Averaging the spectra first leaves one transform back instead of one for each chain.
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1)
    covariance: Array = fft.irfft(power, n=padded, axis=1)[:, :draws] / draws
    return covariance


def can_be_judged(draws: Array) -> NDArray[np.bool_]:
    """Tell for which quantities there are draws enough, all of them finite."""
    enough = draws.shape[2] >= _MINIMUM_DRAWS
    judged: NDArray[np.bool_] = np.isfinite(draws).all(axis=(1, 2)) & enough
    return judged
