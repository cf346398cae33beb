"""Sorting draws and scoring their ranks, many quantities at once.

An array core: values have shape (quantity, value). The place of a value is its position in the
flattened array, so that one index reaches the values of all quantities.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.intp]

_BLOM = 3 / 8
_LARGEST_KEY = 65535


def sort_rows(values: Array) -> tuple[Array, Places]:
    """Sort each quantity's values, and tell where they stood.

    Parameters
    ----------
    values : contiguous ndarray, shape (quantity, value)

    Returns
    -------
    (ndarray, ndarray), each shape (quantity, value)
        The values, ascending, and their places before sorting.
    """
    # NumPy sorts 16-bit whole numbers by their digits, several times faster than it sorts floats
    # (whose vectorised sort is slow on some processors, AMD's Zen 4 among them). The second sort
    # finds little left to do, and makes the order exact whatever the keys are.
    roughly = _with_row_starts(np.argsort(_keys(values), axis=1, kind="stable"))
    nearly_ordered = values.take(roughly)
    exactly = _with_row_starts(np.argsort(nearly_ordered, axis=1, kind="stable"))
    return nearly_ordered.take(exactly), roughly.take(exactly)


def _keys(values: Array) -> NDArray[np.uint16]:
    """Round values to 65,536 steps between the smallest and the largest of each quantity."""
    with np.errstate(all="ignore"):
        low = values.min(axis=1, keepdims=True)
        steps = values - low
        steps *= _LARGEST_KEY / steps.max(axis=1, keepdims=True)
        keys: NDArray[np.uint16] = steps.astype(np.uint16)
    return keys


def _with_row_starts(order: Places) -> Places:
    """Turn positions in rows into places in the flattened array."""
    order += np.arange(0, order.size, order.shape[1])[:, np.newaxis]
    return order


def normal_scores(ordered: Array, places: Places) -> Array:
    """Replace values by normal scores of their ranks (Blom), ties sharing their mean rank.

    Parameters
    ----------
    ordered : ndarray, shape (quantity, value)
        The values, ascending.
    places : ndarray, shape (quantity, value)
        Where each of them stood before sorting.

    Returns
    -------
    ndarray, shape (quantity, value)
        Scores in the order before sorting.
    """
    table = _scores_of_half_ranks(ordered.shape[1])
    ranked = np.empty_like(ordered)
    ranked[:] = table[::2].copy()
    members, first_plus_last = _ties(ordered)
    ranked.reshape(-1)[members] = table[first_plus_last]
    scores = np.empty_like(ordered)
    scores.reshape(-1)[places] = ranked
    return scores


@lru_cache(maxsize=8)
def _scores_of_half_ranks(size: int) -> Array:
    """Give the scores of the ranks 1, 1.5, 2, ... `size`: mean ranks are whole or half."""
    from scipy.special import ndtri

    ranks = np.arange(2 * size - 1) / 2 + 1
    scores: Array = ndtri((ranks - _BLOM) / (size - 2 * _BLOM + 1))
    return scores


def _ties(ordered: Array) -> tuple[Places, Places]:
    """List the places of tied values, each with the first plus the last rank (from 0) of its tie.

    A chain that rejects a proposal repeats its state: most quantities have some, but few.
    """
    size = ordered.shape[1]
    # A row's last value has no next one to be equal to, so no tie reaches into the next row.
    as_next = np.zeros(ordered.shape, dtype=bool)
    np.equal(ordered[:, 1:], ordered[:, :-1], out=as_next[:, :-1])
    as_last = np.zeros_like(as_next)
    as_last[:, 1:] = as_next[:, :-1]
    members = np.flatnonzero(as_next | as_last)
    opens, closes = ~as_last.reshape(-1)[members], ~as_next.reshape(-1)[members]
    first, last = members[opens], members[closes]
    first_plus_last = first + last - 2 * size * (first // size)
    return members, first_plus_last[np.cumsum(opens) - 1]


def folded_scores(ordered: Array, places: Places) -> Array:
    """Give the normal scores of the distances from the median, for the R-hat of the tails."""
    half = ordered.shape[1] // 2
    median = (ordered[:, (ordered.shape[1] - 1) // 2] + ordered[:, half])[:, np.newaxis] / 2
    # Downwards and upwards from the median distances ascend: two runs, quickly merged.
    distance, unfolded = np.empty_like(ordered), np.empty_like(places)
    np.subtract(median, ordered[:, :half][:, ::-1], out=distance[:, :half])
    np.subtract(ordered[:, half:], median, out=distance[:, half:])
    unfolded[:, :half], unfolded[:, half:] = places[:, :half][:, ::-1], places[:, half:]
    # As bits, floats that are not negative have the same order and are compared faster.
    merged = _with_row_starts(np.argsort(distance.view(np.int64), axis=1, kind="stable"))
    return normal_scores(distance.take(merged), unfolded.take(merged))
