"""The scenarios of a study, and what they fix for every other file: names, attributes, ranges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.study import checks
from selfinterp_stats.study.csvfile import CsvFile, Table

# Of an attribute's column. More digits than anybody has columns would be a number that Python
# refuses to read.
_NUMBER: Final = r"([1-9][0-9]{0,5})"


@dataclass(frozen=True)
class Scenarios:
    """The scenarios of a study and their ranges.

    Attributes
    ----------
    name : str
        The file they come from.
    frame : pandas.DataFrame
        As `Study.scenarios`.
    low, high : numpy.ndarray, shape (scenario, attribute)
        Each attribute's range in its own units.
    """

    name: str
    frame: pd.DataFrame
    low: np.ndarray
    high: np.ndarray

    @property
    def attributes(self) -> tuple[str, ...]:
        """``("attr1", ..., "attrK")``."""
        return numbered("attr", self.low.shape[1])

    def positions(self, table: Table) -> np.ndarray:
        """Place of each row's scenario among the scenarios, shape (row,).

        Raises
        ------
        InputError
            A scenario is not among them.
        """
        names = pd.Index(self.frame["scenario"])
        places: np.ndarray = names.get_indexer(table.texts["scenario"])
        checks.refuse_unknown_scenarios(table, places, self.name)
        return places


def numbered(prefix: str, count: int) -> tuple[str, ...]:
    """``(prefix1, ..., prefix{count})``."""
    return tuple(f"{prefix}{i}" for i in range(1, count + 1))


def count_columns(file: CsvFile, prefix: str) -> int:
    """How many columns ``{prefix}1``, ``{prefix}2``, ... the file has.

    Raises
    ------
    InputError
        A number is left out, so that ``{prefix}3`` is there without ``{prefix}2``.
    """
    pattern = re.compile(re.escape(prefix) + _NUMBER)
    found = {int(m[1]) for name in file.header if (m := pattern.fullmatch(name))}
    first_missing = next(i for i in range(1, len(found) + 2) if i not in found)
    if first_missing < max(found, default=2):
        file.require([f"{prefix}{first_missing}"])
    return len(found)


def scenarios_frame(table: Table, low: np.ndarray, high: np.ndarray) -> pd.DataFrame:
    """The frame of `Study.scenarios` from names and ranges, each (scenario, attribute)."""
    attributes = numbered("attr", low.shape[1])
    columns: dict[str, object] = {
        "scenario": words(table.texts["scenario"]),
        "question": words(table.texts.get("question", [""] * table.n_rows)),
    }
    for name in attributes:
        columns[name] = words(table.texts.get(name, [name] * table.n_rows))
    for suffix, values in (("min", low), ("max", high)):
        columns.update({f"{name}_{suffix}": values[:, i] for i, name in enumerate(attributes)})
    return pd.DataFrame(columns)


def read_scenarios(file: CsvFile) -> Scenarios:
    """Scenarios, the names of their attributes and their ranges.

    Raises
    ------
    InputError
        No rows, a column or a name is missing, a scenario twice, a range that is no range.
    """
    checks.refuse_without_rows(file, "scenarios", "Put the scenarios of the choices into it.")
    attributes = numbered("attr", count_columns(file, "attr"))
    lows, highs = ([f"{name}_{end}" for name in attributes] for end in ("min", "max"))
    texts = ["scenario", *attributes]
    if "question" in file.header:
        texts.append("question")
    table = file.read(texts=texts, numbers=[*lows, *highs])
    for column in ("scenario", *attributes):
        checks.refuse_empty_cells(table, column)
    checks.refuse_repeated(table, "scenario")
    low, high = matrix(table, lows), matrix(table, highs)
    checks.refuse_ranges(table, low, high)
    return Scenarios(file.name, scenarios_frame(table, low, high), low, high)


def refuse_other_count(file: CsvFile, prefixes: Sequence[str], scenarios: Scenarios) -> None:
    """Refuse a file whose columns ``{prefix}1``.. are not as many as the scenarios' attributes."""
    expected = len(scenarios.attributes)
    for prefix in prefixes:
        pattern = re.compile(re.escape(prefix) + _NUMBER)
        numbers = {int(m[1]) for name in file.header if (m := pattern.fullmatch(name))}
        if numbers == set(range(1, expected + 1)) or not numbers:
            file.require(numbered(prefix, expected))
            continue
        odd = min(numbers ^ set(range(1, expected + 1)))
        raise InputError(
            f"the columns do not match the {expected} attributes of {scenarios.name}",
            file=file.name,
            row=1,
            column=file.label(f"{prefix}{odd}"),
            value=", ".join(file.label(f"{prefix}{i}") for i in sorted(numbers)),
            allowed=", ".join(file.label(name) for name in numbered(prefix, expected)),
            remedy=f"Add or remove columns here, or attributes in {scenarios.name}.",
        )


def matrix(table: Table, columns: Sequence[str]) -> np.ndarray:
    """Columns of numbers side by side, shape (row, column)."""
    return np.column_stack([table.numbers[name] for name in columns])


def words(cells: Sequence[str]) -> pd.Series:
    """Cells as a series of text, which stays text when there are none."""
    return pd.Series(list(cells), dtype="str")
