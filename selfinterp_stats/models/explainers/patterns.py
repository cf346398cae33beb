"""Items as response patterns: what all explainers answered on one item, and how often that was.

An item's own difficulty is shared by all explainers of its target. Items of one target that were
answered alike, and are of one class and cluster, have the same likelihood once that difficulty is
integrated out; so 14,357 items become a few patterns with counts and nothing is lost. Where
clusters are integrated out too, those with the same counts are told once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from selfinterp_stats.models.explainers.crossed import CellName

FEW_CLUSTERS: Final = 40
"""Clusters up to which each is a parameter; more are integrated out."""

SHORTEST: Final = 8

_BLOCK: Final = ["target", "truth", "klass", "group"]
_ITEM: Final = ["target", "truth", "item"]


class Patterns(NamedTuple):
    """Response patterns as arrays.

    A block is items of one target, class and cluster, whose chances differ by nothing but their
    own effects. Slots are the answers that an item can have, one for each run of each explainer.

    Attributes
    ----------
    cell : (block, slot) array of int
    target, klass, group : (block,) array of int
        What a block belongs to; `group` is its cluster.
    answers : (block, pattern, category * slot) array
        1 for the category that was answered, slots of the lowest category first; all categories
        of a slot are 0 where there is no answer.
    times : (cluster, block * pattern) array
        Items with this pattern: of a cluster where clusters are integrated out, in all elsewhere
        (one row).
    copies : (cluster,) array
        Clusters with these counts.
    """

    cell: np.ndarray
    target: np.ndarray
    klass: np.ndarray
    group: np.ndarray
    answers: np.ndarray
    times: np.ndarray
    copies: np.ndarray

    def astype(self, kind: type) -> Patterns:
        """The same with its floats in another precision."""
        return Patterns(
            *(a if np.issubdtype(a.dtype, np.integer) else a.astype(kind) for a in self)
        )

    @property
    def by_category(self) -> np.ndarray:
        """`answers` as a (block, pattern, category, slot) array."""
        blocks, patterns, _ = self.answers.shape
        return self.answers.reshape(blocks, patterns, -1, self.cell.shape[1])

    @property
    def items(self) -> np.ndarray:
        """Items with each pattern, a (block, pattern) array."""
        counts: np.ndarray = self.copies @ self.times
        return counts.reshape(self.answers.shape[:2])


@dataclass(frozen=True)
class Collapsed:
    """The items of one design as patterns, and what their numbers stand for.

    Attributes
    ----------
    patterns : Patterns
    cells : tuple of CellName
    targets, classes, clusters : tuple of str
    """

    patterns: Patterns
    cells: tuple[CellName, ...]
    targets: tuple[str, ...]
    classes: tuple[str, ...]
    clusters: tuple[str, ...]


def collapse(
    items: pd.DataFrame, answers: pd.Series, *, categories: int = 2, by_truth: bool = False
) -> Collapsed:
    """Collapse items to patterns.

    Parameters
    ----------
    items : pandas.DataFrame
        As `ExplainerStudy.items`, of one task and condition.
    answers : pandas.Series of int
        The category of each row's answer.
    categories : int
    by_truth : bool
        Whether cells are told apart by `expected`.
    """
    names = ["explainer", "target", "run", "item", "class", "cluster"]
    rows = items[names].rename(columns={"class": "klass"})
    rows["truth"] = items["expected"] if by_truth else ""
    cell_columns = ["explainer", "target", "run", "truth"]
    cells = tuple(
        CellName(*names)
        for names in rows[cell_columns].drop_duplicates().itertuples(index=False, name=None)
    )
    slot, slots = pd.factorize(rows["explainer"] + "\x1f" + rows["run"])
    item = rows.groupby(_ITEM, sort=False).ngroup().to_numpy()
    said = np.full((item.max() + 1, len(slots)), -1)
    said[item, slot] = answers.to_numpy(int)

    owner = rows.groupby(_ITEM, sort=False)[["klass", "cluster"]].first().reset_index()
    many = owner["cluster"].nunique() > FEW_CLUSTERS
    # Clusters that are integrated out make no blocks of their own.
    owner["group"] = "" if many else owner["cluster"]
    block = owner.groupby(_BLOCK, sort=False).ngroup().to_numpy()
    blocks = owner.drop_duplicates(_BLOCK)
    (target, targets), (klass, classes), (group, clusters) = (
        pd.factorize(blocks[name]) for name in ("target", "klass", "group")
    )
    row = np.zeros(len(owner), dtype=int)
    if many:
        row, clusters = pd.factorize(owner["cluster"])
    cell = np.zeros((len(blocks), len(slots)), dtype=int)
    cell[block[item], slot] = rows.groupby(cell_columns, sort=False).ngroup()
    one_hot, times = _counted(said, block, row, categories)
    counts, copies = np.unique(times, axis=0, return_counts=True)
    patterns = Patterns(cell, target, klass, group, one_hot, counts, copies.astype(float))
    return Collapsed(
        _padded(patterns), cells, *(tuple(map(str, of)) for of in (targets, classes, clusters))
    )


def _counted(
    said: np.ndarray, block: np.ndarray, row: np.ndarray, categories: int
) -> tuple[np.ndarray, np.ndarray]:
    """The patterns of each block, and how often each row of `times` has them.

    Parameters
    ----------
    said : (item, slot) array of int
        Categories, -1 for no answer.
    block, row : (item,) array of int
    categories : int
    """
    unique, pattern = np.unique(np.column_stack([block, said]), axis=0, return_inverse=True)
    pattern = pattern.ravel()
    # Sorted by block, so that a pattern's place in its block is its distance from the first.
    first = np.searchsorted(unique[:, 0], unique[:, 0])
    place = np.arange(len(unique)) - first
    most = _power(place.max() + 1)
    n_blocks = block.max() + 1
    one_hot = np.zeros((n_blocks, most, categories, said.shape[1]))
    for category in range(categories):
        one_hot[unique[:, 0], place, category] = unique[:, 1:] == category
    times = np.zeros((row.max() + 1, n_blocks * most))
    np.add.at(times, (row, block * most + place[pattern]), 1)
    return one_hot.reshape(n_blocks, most, -1), times


def _padded(patterns: Patterns) -> Patterns:
    """The same with clusters that are not there: designs of one form then share a compilation."""
    count = len(patterns.copies)
    missing = 0 if count == 1 else _power(count) - count
    return patterns._replace(
        times=np.pad(patterns.times, ((0, missing), (0, 0))),
        copies=np.pad(patterns.copies, (0, missing)),
    )


def _power(count: int) -> int:
    """The next power of two."""
    return max(SHORTEST, 1 << (int(count) - 1).bit_length())
