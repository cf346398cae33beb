"""Items as response patterns: what all explainers answered on one item, and how often that was.

An item's own difficulty is shared by all explainers of its target. Items of one target that were
answered alike, and are of one class and cluster, have the same likelihood once that difficulty is
integrated out; so 14,357 items become a few hundred patterns and nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from selfinterp_stats.models.explainers.crossed import CellName

FEW_CLUSTERS: Final = 40
"""Clusters up to which each is a parameter; more are integrated out."""


SHORTEST: Final = 16


class Patterns(NamedTuple):
    """Response patterns as arrays.

    A site is where the chance of an answer is the same for all items but for their own effects:
    a cell, and in it a class and a cluster. Slots are the answers that an item can have.

    Attributes
    ----------
    cell, target, klass, group : (site,) array of int
        What a site belongs to; `group` is its cluster.
    site, answer : (pattern, slot) array of int
        Where a slot's answer was given, and its category.
    seen : (pattern, slot) array
        1 where there is an answer, 0 where it is missing.
    times : (cluster, pattern) array
        Items of a cluster with this pattern; one row where clusters are not integrated out.
    """

    cell: np.ndarray
    target: np.ndarray
    klass: np.ndarray
    group: np.ndarray
    site: np.ndarray
    answer: np.ndarray
    seen: np.ndarray
    times: np.ndarray

    def astype(self, kind: type) -> Patterns:
        """The same with its floats in another precision."""
        return Patterns(
            *(a if np.issubdtype(a.dtype, np.integer) else a.astype(kind) for a in self)
        )

    def padded(self) -> Patterns:
        """The same with patterns that no item has, up to a power of two.

        Designs of one form then have arrays of one shape, and what is compiled for one serves all.
        """
        count = self.times.shape[1]
        missing = max(SHORTEST, 1 << (count - 1).bit_length()) - count

        def longer(array: np.ndarray) -> np.ndarray:
            return np.concatenate([array, np.repeat(array[:1], missing, axis=0)])

        return self._replace(
            site=longer(self.site),
            answer=longer(self.answer),
            seen=longer(self.seen),
            times=np.pad(self.times, ((0, 0), (0, missing))),
        )


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


def collapse(items: pd.DataFrame, answers: pd.Series, *, by_truth: bool = False) -> Collapsed:
    """Collapse items to patterns.

    Parameters
    ----------
    items : pandas.DataFrame
        As `ExplainerStudy.items`, of one task and condition.
    answers : pandas.Series of int
        The category of each row's answer.
    by_truth : bool
        Whether cells are told apart by `expected`.
    """
    truth = items["expected"] if by_truth else pd.Series("", index=items.index)
    rows = pd.DataFrame(
        {
            "explainer": items["explainer"],
            "target": items["target"],
            "run": items["run"],
            "truth": truth,
            "item": items["item"],
            "klass": items["class"],
            "cluster": items["cluster"],
            "answer": answers.astype(int),
        }
    )
    cell_columns = ["explainer", "target", "run", "truth"]
    cell_codes = rows.groupby(cell_columns, sort=False).ngroup()
    cells = tuple(
        CellName(*names)
        for names in rows[cell_columns].drop_duplicates().itertuples(index=False, name=None)
    )
    owner = ["target", "truth", "item"]
    item_codes = rows.groupby(owner, sort=False).ngroup().to_numpy()
    first = rows.groupby(owner, sort=False)[["target", "klass", "cluster"]].first()
    (target, targets), (klass, classes), (cluster, clusters) = (
        pd.factorize(first[name]) for name in ("target", "klass", "cluster")
    )
    site_of_row = np.column_stack(
        [cell_codes, target[item_codes], klass[item_codes], cluster[item_codes]]
    )
    # Many clusters are integrated out, and no sites of their own.
    if len(clusters) > FEW_CLUSTERS:
        site_of_row[:, 3] = 0
    sites, site_codes = np.unique(site_of_row, axis=0, return_inverse=True)
    # What an explainer's run answers stands in the same slot for all items; 0 is no answer.
    slot, slots = pd.factorize(rows["explainer"] + "\x1f" + rows["run"])
    digits = np.zeros((2, len(target), len(slots)), dtype=int)
    digits[0, item_codes, slot] = rows["answer"].to_numpy() + 1
    digits[1, item_codes, slot] = site_codes.ravel()
    unique, pattern = np.unique(
        np.column_stack([digits[0], digits[1]]), axis=0, return_inverse=True
    )
    row = cluster if len(clusters) > FEW_CLUSTERS else np.zeros_like(cluster)
    times = np.zeros((row.max() + 1, len(unique)))
    np.add.at(times, (row, pattern.ravel()), 1)
    seen = unique[:, : len(slots)]
    patterns = Patterns(
        cell=sites[:, 0],
        target=sites[:, 1],
        klass=sites[:, 2],
        group=sites[:, 3],
        site=unique[:, len(slots) :],
        answer=np.maximum(seen - 1, 0),
        seen=(seen > 0).astype(float),
        times=times,
    ).padded()
    return Collapsed(patterns, cells, *(tuple(map(str, of)) for of in (targets, classes, clusters)))
