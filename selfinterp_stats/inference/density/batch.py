"""Many datasets of one model as padded arrays.

Datasets differ in length; a mask switches the padding off. Knows the design matrix that Bambi
made, not what its columns mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

# Padding never makes more of the work than this.
MOST_PADDING = 2.0
# Rows that cost as much as one more program to trace and compile: on two cores the rows' share of
# NUTS takes seconds for them, as compiling does.
ROWS_OF_A_COMPILATION = 20_000


class Data(NamedTuple):
    """What a log-density needs to know of one dataset, or of many along a first axis.

    Attributes
    ----------
    X : (row, column) array
        Design matrix without intercept; centred where the model has one (as brms and Bambi do).
    y : (row,) array
        Response.
    other : (row, other) array
        Trials and offsets, where the model has any.
    mask : (row,) array
        1 for a row of the dataset, 0 for padding, which repeats the first row and so has a finite
        density.
    numbers : (number,) array
        The numbers of the priors.
    """

    X: Any
    y: Any
    other: Any
    mask: Any
    numbers: Any

    def astype(self, kind: type) -> Data:
        """The same in another precision."""
        return Data(*(a.astype(kind) for a in self))

    def first_rows(self, number: int) -> Data:
        """The same without the rows that follow so many; of one dataset."""
        X, y, other, mask = (rows[:number] for rows in self[:-1])
        return Data(X, y, other, mask, self.numbers)


@dataclass(frozen=True)
class Batch:
    """Datasets stacked along a first axis and padded to one length.

    Attributes
    ----------
    labels : tuple of tuple of str
        What each dataset is called, one label per grouping column.
    data : Data
        Arrays of (dataset, ...).
    centres : (dataset, column) array
        The column means that were taken off; zeros for a model without intercept.
    left_to_prior : (dataset,) array of bool
        Whether nothing but its prior bounds the intercept on one side.
    """

    labels: tuple[tuple[str, ...], ...]
    data: Data
    centres: np.ndarray
    left_to_prior: np.ndarray

    @property
    def length(self) -> int:
        """Rows of every dataset, padding included."""
        return int(self.data.y.shape[1])

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, which: np.ndarray) -> Batch:
        """The datasets at the given positions."""
        return Batch(
            labels=tuple(self.labels[i] for i in which),
            data=Data(*(a[which] for a in self.data)),
            centres=self.centres[which],
            left_to_prior=self.left_to_prior[which],
        )

    def filled(self, size: int) -> Batch:
        """The same with the last dataset repeated until there are `size`."""
        if size == len(self):
            return self
        return self.select(np.minimum(np.arange(size), len(self) - 1))


class Rows(NamedTuple):
    """The rows of all datasets of a model, sorted by dataset.

    Attributes
    ----------
    X : (row, column) array
        Uncentred.
    y : (row,) array
    other : (row, other) array
    starts : (dataset + 1,) array of int
        Where each dataset begins, and where the last one ends.
    """

    X: np.ndarray
    y: np.ndarray
    other: np.ndarray
    starts: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Number of rows of each dataset, a (dataset,) array."""
        return np.diff(self.starts)


def pack(
    rows: Rows,
    which: np.ndarray,
    labels: tuple[tuple[str, ...], ...],
    numbers: np.ndarray,
    left_to_prior: np.ndarray,
    *,
    length: int,
    centred: bool,
) -> Batch:
    """Stack some of the datasets, padded to one length.

    Parameters
    ----------
    rows : Rows
    which : (dataset,) array of int
        Which of them.
    labels : tuple of tuple of str
        Of all datasets.
    numbers : (all datasets, number) array
        The numbers of their priors.
    left_to_prior : (all datasets,) array of bool
        Whether nothing but its prior bounds the intercept on one side.
    length : int
        At least the number of rows of the longest.
    centred : bool
        Whether the predictors are centred within each dataset.
    """
    sizes = rows.sizes[which]
    position = np.arange(length)
    mask = position < sizes[:, None]
    at = rows.starts[which][:, None] + np.where(mask, position, 0)
    X = rows.X[at]
    centres = np.zeros((len(which), X.shape[2]))
    if centred:
        centres = (X * mask[:, :, None]).sum(axis=1) / sizes[:, None]
        X -= centres[:, None, :]
    return Batch(
        labels=tuple(labels[i] for i in which),
        data=Data(
            X=X, y=rows.y[at], other=rows.other[at], mask=mask.astype(float), numbers=numbers[which]
        ),
        centres=centres,
        left_to_prior=left_to_prior[which],
    )


def bucket_lengths(sizes: np.ndarray) -> np.ndarray:
    """Lengths to pad datasets to: few, since each costs a compilation, with little padding.

    A dataset goes into the shortest that holds it. A length is added while that saves more rows
    than a compilation is worth, or while padding doubles the work.

    Parameters
    ----------
    sizes : (dataset,) array of int

    Returns
    -------
    (bucket,) array of int, ascending
    """
    unique, counts = np.unique(sizes, return_counts=True)

    def work(lengths: np.ndarray) -> int:
        return int(counts @ lengths[np.searchsorted(lengths, unique)])

    lengths = unique[-1:]
    while len(lengths) < len(unique):
        longer = [np.union1d(lengths, size) for size in np.setdiff1d(unique, lengths)]
        best = min(longer, key=work)
        saved = work(lengths) - work(best)
        if saved <= ROWS_OF_A_COMPILATION and work(lengths) <= MOST_PADDING * sizes.sum():
            break
        lengths = best
    return lengths
