"""The layout of a study folder: which file holds what, and the columns of each.

It is that of the paper's released data. "latent" in a file's name means native scenarios.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from data_collection.errors import InputError
from data_collection.records import Cell, Row

SCENARIOS_FILE: Final = "scenarios.csv"
TARGETS_FILE: Final = "instilled_weights.csv"
COUNTS_FILE: Final = "collection_counts.csv"
MODELS_FILE: Final = "models.json"
CHOICE: Final = "choice"
REPORT: Final = "report"

_CHOICE_FILES: Final = {
    "instilled": "{base}_instilled_selections.csv",
    "native": "{base}_instilled_latent_selections.csv",
}
_REPORT_FILES: Final = {
    ("instilled", "off-the-shelf"): "{base}_weight_reports.csv",
    ("instilled", "weight-trained"): "{base}_instilled_weight_reports.csv",
    (
        "instilled",
        "introspection-trained",
    ): "{base}_itrained_{fold}_{examples}ex_weight_reports.csv",
    ("native", "weight-trained"): "{base}_instilled_latent_weight_reports.csv",
    (
        "native",
        "introspection-trained",
    ): "{base}_itrained_{fold}_{examples}ex_latent_weight_reports.csv",
}
_FOLDS: Final = {
    "instilled": (r"(first|last)_\d+_of_\d+", "first_50_of_100"),
    "native": (r"all_\d+", "all_100"),
}


def file_name(cell: Cell) -> str:
    """Name of the file that holds a cell's answers.

    Raises
    ------
    InputError
        The layout has no place for such a cell, or its fold is named otherwise than the layout
        does.
    """
    if cell.task == CHOICE and cell.set in _CHOICE_FILES:
        pattern = _CHOICE_FILES[cell.set]
    elif cell.task == REPORT and (cell.set, cell.condition) in _REPORT_FILES:
        pattern = _REPORT_FILES[cell.set, cell.condition]
    else:
        raise InputError(
            "a study folder has no file for these answers",
            value=cell.label,
            allowed="choices, and reports on "
            + "; ".join(f"{set_name} scenarios, {name}" for set_name, name in _REPORT_FILES),
        )
    if "{fold}" in pattern:
        form, example = _FOLDS[cell.set]
        if not re.fullmatch(form, cell.fold):
            raise InputError(
                "the fold is not named as the layout of a study does",
                value=cell.fold,
                allowed=f"such as {example}",
                remedy="Name the scenarios that the model was introspection-trained on (--fold).",
            )
    return pattern.format(base=base_name(cell.base_model), fold=cell.fold, examples=cell.examples)


def base_name(base_model: str) -> str:
    """A base model's name as file names can hold it: ``org/model`` becomes ``org-model``."""
    return re.sub(r'[/\\:*?"<>|\s]', "-", base_model)


def option_columns(count: int) -> list[str]:
    """Columns of the two options' values."""
    return [f"{option}_attribute_{i}" for option in "AB" for i in range(1, count + 1)]


def choice_columns(count: int, *, logprobs: bool) -> list[str]:
    """Columns of a file of choices between options with `count` attributes."""
    columns = ["model", "scenario", "selection", *option_columns(count)]
    return [*columns, "logprob_A", "logprob_B"] if logprobs else columns


def choice_cells(row: Row, *, logprobs: bool) -> list[object]:
    """One row of a file of choices."""
    cells: list[object] = [row.cell.model, row.scenario, row.value, *_options(row)]
    if not logprobs:
        return cells
    found = row.answer.logprobs or {}
    return [*cells, found.get("A", ""), found.get("B", "")]


def report_columns(count: int) -> list[str]:
    """Columns of a file of reports; `rescued` marks those that the paper would not have read."""
    reports = [f"report_attr{i}" for i in range(1, count + 1)]
    return [
        *("explaining_model", "version", "scenario"),
        *reports,
        *option_columns(count),
        "rescued",
    ]


def report_cells(row: Row, names: Sequence[str], version: str) -> list[object]:
    """One row of a file of reports."""
    value = row.value if isinstance(row.value, dict) else {}
    reports = [_plain(value[name]) for name in names]
    rescued = "yes" if row.rescued else "no"
    return [row.cell.model, version, row.scenario, *reports, *_options(row), rescued]


def _options(row: Row) -> list[float]:
    return [float(value) for name in ("option_a", "option_b") for value in row.details[name]]


def _plain(value: float) -> int | float:
    """Whole numbers without a decimal point, as the released files have them."""
    return int(value) if value == int(value) else value
