"""Many datasets of one model as padded arrays.

Datasets differ in length; a mask switches the padding off. Knows the design matrix that Bambi
made, not what its columns mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Batch:
    """Datasets stacked along a first axis and padded to the length of the longest.

    Attributes
    ----------
    labels : tuple of tuple of str
        What each dataset is called, one label per grouping column.
    X : (dataset, row, column) array
        Design matrix without intercept, centred within each dataset (as brms and Bambi do),
        padded with zeros.
    y : (dataset, row) array
        Response, padded with zeros.
    mask : (dataset, row) array
        1 for a row of the dataset, 0 for padding.
    centres : (dataset, column) array
        The column means that were taken off.
    """

    labels: tuple[tuple[str, ...], ...]
    X: np.ndarray
    y: np.ndarray
    mask: np.ndarray
    centres: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Number of rows of each dataset, as a (dataset,) array."""
        return np.asarray(self.mask.sum(axis=1), dtype=int)

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, which: np.ndarray) -> Batch:
        """The datasets at the given positions."""
        return Batch(
            labels=tuple(self.labels[i] for i in which),
            X=self.X[which],
            y=self.y[which],
            mask=self.mask[which],
            centres=self.centres[which],
        )


def pack(
    design: np.ndarray, outcome: np.ndarray, codes: np.ndarray, labels: tuple[tuple[str, ...], ...]
) -> Batch:
    """Sort the rows of all datasets into one padded batch.

    Parameters
    ----------
    design : (row, column) array
        Uncentred design matrix of all datasets, rows in any order.
    outcome : (row,) array
    codes : (row,) array of int
        Which dataset a row belongs to, counting from 0 in the order of `labels`.
    labels : tuple of tuple of str
    """
    n_datasets, n_columns = len(labels), design.shape[1]
    sizes = np.bincount(codes, minlength=n_datasets)
    longest = int(sizes.max())
    order = np.argsort(codes, kind="stable")
    dataset = codes[order]
    position = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)

    X = np.zeros((n_datasets, longest, n_columns))
    y = np.zeros((n_datasets, longest))
    mask = np.zeros((n_datasets, longest))
    X[dataset, position] = design[order]
    y[dataset, position] = outcome[order]
    mask[dataset, position] = 1.0
    centres = X.sum(axis=1) / sizes[:, None]
    X = (X - centres[:, None, :]) * mask[:, :, None]
    return Batch(labels=labels, X=X, y=y, mask=mask, centres=centres)
