"""Autocovariances of many series, averaged over the chains of each quantity.

Three ways to the same figures: sums for a few lags, bits for a few lags of indicators, Fourier
transforms for all lags. An array core: series have shape (quantity, chain, draw), the means of
their chains (quantity, chain), results (quantity, lag).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array = NDArray[np.float64]

_WORD = 64
_PIECE = 8192


def by_sums(series: Array, means: Array, lags: int) -> Array:
    """Give the autocovariances at lags below `lags`."""
    quantities, chains, draws = series.shape
    # Zeros between the chains make one long series of each quantity, taken in pieces that BLAS
    # does not share out among threads of its own.
    length = chains * (draws + lags)
    piece = min(length, _PIECE)
    pieces = -(-length // piece)
    long = np.zeros((quantities, pieces * piece + lags))
    padded = long[:, :length].reshape(quantities, chains, draws + lags)
    np.subtract(series, means[:, :, np.newaxis], out=padded[:, :, :draws])
    row, step = long.strides
    former = as_strided(long, (quantities, pieces, 1, piece), (row, piece * step, step, step))
    later = as_strided(long, (quantities, pieces, lags, piece), (row, piece * step, step, step))
    covariance: Array = np.vecdot(former, later).sum(axis=1) / (draws * chains)
    return covariance


def by_bits(flags: NDArray[np.bool_], shares: Array, lags: int) -> Array:
    """Give the autocovariances of indicators at lags below `lags`, at most 64.

    With ``m`` the share of True in a chain, the sum over its draws of the products
    ``(flag - m)(later flag - m)`` follows from how often both are True, the former is and the
    later is. Both are counted by one "and" for every 64 draws.
    """
    quantities, chains, draws = flags.shape
    # Every chain ends with a word or more of zeros, so that a shift never reaches the next chain.
    words = np.zeros((quantities, chains, draws // _WORD + 2), dtype="<u8")
    packed = np.packbits(flags, axis=2, bitorder="little")
    words.view(np.uint8)[:, :, : packed.shape[2]] = packed
    long = words.reshape(-1)
    shift = np.arange(lags, dtype=np.uint64)[:, np.newaxis]
    later = long >> shift
    later[1:, :-1] |= long[1:] << (np.uint64(_WORD) - shift[1:])
    both = np.bitwise_count(later & long).reshape(lags, quantities, -1)
    both = both.sum(axis=2, dtype=np.uint32).T

    # At a lag of l the former draw is none of the last l, the later none of the first l.
    edges = np.add(flags[:, :, : lags - 1], flags[:, :, : draws - lags : -1], dtype=np.float64)
    missed = edges @ np.triu(np.ones((lags - 1, lags)), 1)
    share = shares[:, :, np.newaxis]
    pairs = draws - np.arange(lags)
    expected = share * (2 * draws * share - missed - pairs * share)
    covariance: Array = (both - expected.sum(axis=1)) / (draws * chains)
    return covariance


def by_fourier(centred: Array) -> Array:
    """Give the autocovariances at every lag of series less the means of their chains."""
    from scipy import fft

    draws = centred.shape[2]
    padded = fft.next_fast_len(2 * draws, real=True)
    spectrum = fft.rfft(centred, n=padded, axis=2)
    # Averaging the spectra first leaves one transform back instead of one for each chain.
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1)
    covariance: Array = fft.irfft(power, n=padded, axis=1)[:, :draws] / draws
    return covariance
