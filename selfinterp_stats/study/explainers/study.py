"""An explainer study as tidy data: one row per item, or one row per published cell.

Holds the data and says what they are; may not know how they were stored or what is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import pandas as pd

from selfinterp_stats.study.study import Notice

ITEM_COLUMNS: Final = (
    "explainer",
    "target",
    "task",
    "condition",
    "run",
    "training_items",
    "item",
    "cluster",
    "class",
    "similarity",
    "outcome",
    "predicted",
    "expected",
    "content",
)
"""Columns of `ExplainerStudy.items`."""

CELL_COLUMNS: Final = ("explainer", "target", "task", "condition", "value", "se")
"""Columns of `ExplainerStudy.cells`."""

ANALYSIS: Final = ("task", "condition", "training_items")
"""What is analysed together: one crossed design."""

BINARY: Final = "right or wrong"
JUDGE: Final = "judge score"
SCORE: Final = "bounded score"


class LeftOut(NamedTuple):
    """A row that no estimate will use.

    Attributes
    ----------
    file : str
    row : int
        Line of the file, as an editor counts it.
    reason : str
        A clause; rows with the same fault have the same reason.
    value : str
        What was found there.
    """

    file: str
    row: int
    reason: str
    value: str


@dataclass(frozen=True, eq=False, repr=False)
class ExplainerStudy:
    """What explainers said about targets.

    Attributes
    ----------
    items : pandas.DataFrame
        One row per explainer, target, task, condition, run and item. `outcome` is 1 or 0 where
        the explanation is right or wrong, else a score from 0 to 1; `predicted` and `expected`
        are verdicts (changed, unchanged, invalid), yes or no, probabilities of yes, or other
        labels, empty where nothing is known; `content` is 1 or 0 where a sentence's content was
        compared. `item` is the same text for the same item whoever explains it; `similarity` is
        that of explainer and target.
    cells : pandas.DataFrame
        Published cells: `value` and `se` in percentage points.
    left_out : tuple of LeftOut
        Rows that were kept out, each with its reason.
    notices : tuple of Notice
        What is odd but was kept.
    sources : dict of str to str
        SHA-256 of every file that was read, by its name, with as many folders before it as tell
        it from the others.
    """

    items: pd.DataFrame
    cells: pd.DataFrame
    left_out: tuple[LeftOut, ...] = ()
    notices: tuple[Notice, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)

    def left_out_table(self) -> pd.DataFrame:
        """Count the rows that were kept out, by file and reason.

        Returns
        -------
        pandas.DataFrame
            `file`, `reason`, `rows`, and the first row and value as an example.
        """
        table = pd.DataFrame(self.left_out, columns=list(LeftOut._fields))
        return (
            table.groupby(["file", "reason"], sort=False)
            .agg(rows=("row", "size"), first_row=("row", "first"), example=("value", "first"))
            .reset_index()
        )

    def with_notices(self, notices: Iterable[Notice]) -> ExplainerStudy:
        """Add notices.

        Parameters
        ----------
        notices : iterable of Notice
            Put after those that are there.

        Returns
        -------
        ExplainerStudy
            The same otherwise.
        """
        return replace(self, notices=(*self.notices, *notices))


def outcome_kind(outcomes: pd.Series) -> str:
    """Tell right-or-wrong, judge scores (quarters) and other scores from 0 to 1 apart."""
    quarters = outcomes * 4
    if outcomes.isin((0, 1)).all():
        return BINARY
    return JUDGE if (quarters == quarters.round()).all() else SCORE
