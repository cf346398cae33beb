"""Two kinds of CSV: a tidy table of items, and published cell means with standard errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.csvfile import CsvFile, Table, open_csv
from selfinterp_stats.study.csvtext import shorten
from selfinterp_stats.study.explainers.jsonlines import FileRead, nothing_usable
from selfinterp_stats.study.explainers.sentences import INVALID, VERDICTS, read_claim
from selfinterp_stats.study.explainers.study import LeftOut

NEEDED: Final = ("explainer", "target", "task", "item", "outcome")
PUBLISHED: Final = ("explainer", "target", "task", "value", "se")

_TEXT: Final = ("cluster", "class", "run", "condition", "predicted", "expected")
_NUMBERS: Final = ("similarity", "training_items")
_WORDS: Final = {"true": 1.0, "false": 0.0, "right": 1.0, "wrong": 0.0, "yes": 1.0, "no": 0.0}
_TRAINED: Final = "yes"


def read_table(path: Path) -> tuple[str, FileRead]:
    """Read a CSV file of either kind.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    (str, FileRead)
        ``"items"`` or ``"cells"``; the rows have the columns of `ExplainerStudy.items` or
        `ExplainerStudy.cells`.

    Raises
    ------
    InputError
        The file cannot be read, is of neither kind, or has no row that can be used.
    """
    file = open_csv(path, name=str(path))
    if not file.header:
        raise InputError(
            "the file is empty", file=path, allowed=f"a table with the columns {', '.join(NEEDED)}"
        )
    published = {"value", "se"} & set(file.header)
    kind = "cells" if published and "outcome" not in file.header else "items"
    if kind == "items":
        file.require(NEEDED)
        read = _items(file)
    else:
        file.require(PUBLISHED)
        read = _cells(file)
    if not read.rows:
        needed = NEEDED if kind == "items" else PUBLISHED
        raise nothing_usable(read.left_out, path, f"rows with {', '.join(needed)}")
    return kind, read


def _read(file: CsvFile, needed: tuple[str, ...], optional: tuple[str, ...]) -> Table:
    # Numbers are read as text and turned one by one: a bad cell costs its row, not the file.
    return file.read(texts=[*needed, *(name for name in optional if name in file.header)])


def _items(file: CsvFile) -> FileRead:
    table = _read(file, NEEDED, (*_TEXT, *_NUMBERS))
    rows: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    lines = file.lines()
    for index in range(table.n_rows):
        cells = {name: values[index].strip() for name, values in table.texts.items()}
        problem = _problem(cells)
        if problem:
            left_out.append(_left_out(file, lines[index], *problem))
            continue
        row: dict[str, Any] = {name: cells.get(name, "") for name in (*NEEDED, *_TEXT)}
        row |= {name: _number(cells.get(name, "")) for name in _NUMBERS}
        rows.append(
            {**row, **_claims(row), "outcome": _outcome(cells["outcome"]), "row": lines[index]}
        )
    return FileRead(rows, left_out, file.sha256)


def _problem(cells: Mapping[str, str]) -> tuple[str, str] | None:
    """Why a row of items cannot be used, and the value that is at fault."""
    for name in NEEDED[:-1]:
        if not cells[name]:
            return f"{name} is empty", ""
    if not 0 <= _outcome(cells["outcome"]) <= 1:
        return "outcome is not a number from 0 to 1", cells["outcome"]
    if cells.get("expected", "").count("<<<") and read_claim(cells["expected"]) is None:
        return "expected is neither of the two sentences", cells["expected"]
    for name in _NUMBERS:
        if cells.get(name) and math.isnan(_number(cells[name])):
            return f"{name} is not a number", cells[name]
    return None


def _claims(row: Mapping[str, Any]) -> dict[str, Any]:
    """Verdicts, in small letters; sentences are read, and their contents compared."""
    found: dict[str, Any] = {"content": float("nan")}
    contents = []
    for name in ("predicted", "expected"):
        text = row[name]
        claim = read_claim(text)
        if claim:
            found[name] = claim.verdict
            contents.append(claim.content)
        else:
            found[name] = text.rstrip(".").lower()
    if found["expected"] in VERDICTS and found["predicted"] not in ("", *VERDICTS):
        found["predicted"] = INVALID
    if len(contents) == 2:
        found["content"] = float(contents[0] == contents[1])
    return found


def _cells(file: CsvFile) -> FileRead:
    table = _read(file, PUBLISHED, ("condition", "metric", "trained"))
    rows: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    lines = file.lines()
    first_metric: dict[str, str] = {}
    for index in range(table.n_rows):
        cells = {name: values[index].strip() for name, values in table.texts.items()}
        trained = cells.get("trained", _TRAINED)
        value, se = _number(cells["value"]), _number(cells["se"])
        if trained != _TRAINED:
            reason = f"trained is {trained!r}: only trained explainers are compared"
            left_out.append(_left_out(file, lines[index], reason, cells["explainer"]))
        elif math.isnan(value) or not se >= 0:
            wrong = "value" if math.isnan(value) else "se"
            reason = f"{wrong} is not a number" if cells[wrong] else f"{wrong} is empty"
            left_out.append(_left_out(file, lines[index], reason, cells[wrong]))
        else:
            metric = cells.get("metric", "")
            main = first_metric.setdefault(cells["task"], metric)
            # The first metric of a task is the task itself; the others say their name.
            task = cells["task"] if metric == main else f"{cells['task']}: {metric}"
            row = {name: cells[name] for name in ("explainer", "target")}
            rows.append({**row, "task": task, "condition": cells.get("condition", "")})
            rows[-1] |= {"value": value, "se": se, "row": lines[index]}
    return FileRead(rows, left_out, file.sha256)


def _left_out(file: CsvFile, line: int, reason: str, value: str) -> LeftOut:
    return LeftOut(file.name, line, reason, shorten(value, 60))


def _outcome(text: str) -> float:
    return _WORDS.get(text.lower(), _number(text))


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
