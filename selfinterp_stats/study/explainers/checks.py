"""What a design must have before a self effect can be asked for."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.explainers.study import ExplainerStudy
from selfinterp_stats.study.study import Notice


def check_design(study: ExplainerStudy) -> ExplainerStudy:
    """Refuse a task in which nothing can be compared, and note what is odd.

    Returns
    -------
    ExplainerStudy
        The same with notices about cells whose outcome never varies.

    Raises
    ------
    InputError
        A task has no self cell or no cross cell, nor several runs of a cell; or two explainers of
        a target have no item in common.
    """
    notices: list[Notice] = []
    for task, rows in study.items.groupby("task", sort=False):
        notices += _check_items(str(task), rows)
        _check_shared(str(task), rows)
        notices += _constant(str(task), rows)
    notices += _check_published(study.cells)
    return study.with_notices(notices)


def _check_items(task: str, rows: pd.DataFrame) -> list[Notice]:
    """Refuse a task without a comparison, unless its runs say how far a cell moves."""
    try:
        _check_cells(task, rows)
    except InputError as error:
        cell = ["explainer", "target", "condition", "training_items"]
        if rows.groupby(cell, dropna=False)["run"].nunique().max() < 2:
            raise
        return [Notice("warning", f"{error.problem}; only its runs are compared.")]
    return []


def _check_published(cells: pd.DataFrame) -> list[Notice]:
    """Note a metric of which too little was published; refuse cells that leave nothing at all."""
    refused: list[InputError] = []
    tasks = list(cells.groupby("task", sort=False))
    for task, rows in tasks:
        try:
            _check_cells(str(task), rows)
        except InputError as error:
            refused.append(error)
    if refused and len(refused) == len(tasks):
        raise refused[0]
    return [Notice("warning", f"{error.problem}; nothing is compared.") for error in refused]


def _check_cells(task: str, rows: pd.DataFrame) -> None:
    own = rows["explainer"] == rows["target"]
    if own.any() and not own.all():
        return
    explainers, targets = (", ".join(sorted(set(rows[name]))) for name in ("explainer", "target"))
    missing, remedy = (
        ("cross", "Add what another explainer said about one of these targets.")
        if own.all()
        else ("self", "Spell a model's name alike as explainer and as target.")
    )
    raise InputError(
        f"task {task!r} has no {missing} cell: explainers are {explainers}; targets are {targets}",
        allowed="at least one cell in which a model explains itself and one in which it explains "
        "another",
        remedy=remedy,
    )


def _check_shared(task: str, rows: pd.DataFrame) -> None:
    for (target, condition, _), group in rows.groupby(
        ["target", "condition", "training_items"], sort=False, dropna=False
    ):
        items = {name: set(part["item"]) for name, part in group.groupby("explainer", sort=False)}
        for first, second in combinations(items, 2):
            if items[first] & items[second]:
                continue
            where = f", condition {condition!r}" if condition else ""
            raise InputError(
                f"task {task!r}{where}: explainers {first!r} and {second!r} have no item of "
                f"target {target!r} in common",
                value=f"{min(items[first])} and {min(items[second])}",
                remedy="Give both the same items, or name the same item alike in both files.",
            )


def _constant(task: str, rows: pd.DataFrame) -> list[Notice]:
    cells = rows.groupby(["explainer", "target"], sort=False)["outcome"].agg(["min", "max", "size"])
    same = cells[cells["min"] == cells["max"]]
    return [
        Notice(
            "warning",
            f"task {task!r}: the outcome of {explainer} explaining {target} is {row['min']:g} in "
            f"all {int(row['size']):,} rows; on the logit scale the prior alone bounds this cell.",
            count=int(row["size"]),
        )
        for (explainer, target), row in same.iterrows()
    ]
