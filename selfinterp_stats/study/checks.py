"""What the rows of a study must be: each function looks at one file's rows for one mistake.

A mistake that would make an estimate wrong raises `InputError` and names the first row that has
it; an oddity that leaves the estimates well defined becomes a `Notice`. Nothing here changes data.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.csvfile import CsvFile, Table
from selfinterp_stats.study.study import Notice

REPORT_LIMIT = 100.0
"""Reports are asked for on a scale from minus this to plus this."""

# How many times its range an attribute may differ by: far more than any slip of the units, and
# little enough for single precision.
_MOST_RANGES = 1e6

# Incomplete parts of a collection that a notice names; the page's table has all.
_TOLD = 5


def refuse_without_rows(file: CsvFile, what: str, remedy: str) -> None:
    """Refuse a file that is empty or has a header only."""
    if not file.has_rows:
        raise InputError(
            "the file has a header and no rows" if file.header else "the file is empty",
            file=file.name,
            allowed=f"at least one row of {what}",
            remedy=remedy,
        )


def refuse_empty_cells(table: Table, column: str) -> None:
    """Refuse a blank cell in a column of names."""
    for index, cell in enumerate(table.texts[column]):
        if not cell.strip():
            raise table.error(
                "the cell is empty where a name belongs",
                index=index,
                column=column,
                value=cell,
                allowed="any text",
                remedy="Fill in the name, or take the whole row out.",
            )


def refuse_other_values(table: Table, column: str, allowed: Sequence[str]) -> None:
    """Refuse a cell that is none of the `allowed` words."""
    cells = table.texts[column]
    if set(cells) <= set(allowed):
        return
    index = next(i for i, cell in enumerate(cells) if cell not in allowed)
    raise table.error(
        f"this is no {column} that is known",
        index=index,
        column=column,
        value=cells[index],
        allowed=", ".join(allowed),
        remedy="Correct the value (case and spaces count), or take the whole row out.",
    )


def refuse_no_count(table: Table, column: str) -> None:
    """Refuse a number that counts nothing: negative, or with a fraction."""
    values = table.numbers[column]
    wrong = np.flatnonzero((values < 0) | (values != np.round(values)))
    if wrong.size:
        raise table.error(
            "a count is negative or no whole number",
            index=int(wrong[0]),
            column=column,
            value=float(values[wrong[0]]),
            allowed="0, 1, 2, ...",
            remedy="Correct the count, or take the file away; the counts are optional.",
        )


def refuse_repeated(table: Table, column: str) -> None:
    """Refuse a name that stands in two rows."""
    first: dict[str, int] = {}
    for index, cell in enumerate(table.texts[column]):
        if cell in first:
            raise table.error(
                f"the {column} is listed twice, first in row {table.line(first[cell])}",
                index=index,
                column=column,
                value=cell,
                allowed=f"every {column} once",
                remedy="Take one of the two rows out.",
            )
        first[cell] = index


def refuse_unknown_scenarios(table: Table, positions: np.ndarray, scenarios_name: str) -> None:
    """Refuse a scenario whose position among the scenarios, shape (row,), is -1."""
    unknown = np.flatnonzero(positions < 0)
    if unknown.size:
        index = int(unknown[0])
        raise table.error(
            f"the scenario is not in {scenarios_name}",
            index=index,
            column="scenario",
            value=table.texts["scenario"][index],
            allowed=f"the scenarios of {scenarios_name}, spelled as there",
            remedy=f"Correct the name, or add the scenario to {scenarios_name}.",
        )


def refuse_ranges(table: Table, low: np.ndarray, high: np.ndarray) -> None:
    """Refuse ranges that are empty or infinite.

    Parameters
    ----------
    low, high : numpy.ndarray, shape (scenario, attribute)
    """
    with np.errstate(over="ignore"):
        wrong = ~((high > low) & np.isfinite(high - low))
    if wrong.any():
        index, attribute = np.argwhere(wrong)[0]
        raise table.error(
            "the attribute's range is empty or too wide for a number",
            index=index,
            column=f"attr{attribute + 1}_max",
            value=float(high[index, attribute]),
            allowed=f"a number above attr{attribute + 1}_min, which is {low[index, attribute]:g}",
            remedy="Correct the minimum or the maximum; choices are scaled by their difference.",
        )


def refuse_endless_differences(
    table: Table, columns: Sequence[str], values: np.ndarray, differences: np.ndarray
) -> None:
    """Refuse options so far apart that no weight could be told from their difference.

    Parameters
    ----------
    columns : sequence of str
        Columns of the first option's attributes, with which `values` begins.
    values : numpy.ndarray, shape (row, column)
    differences : numpy.ndarray, shape (row, attribute)
    """
    endless = ~(np.abs(differences) <= _MOST_RANGES)
    if endless.any():
        index, attribute = np.argwhere(endless)[0]
        raise table.error(
            f"the options differ by more than {_MOST_RANGES:,.0f} times the attribute's range",
            index=int(index),
            column=columns[attribute],
            value=float(values[index, attribute]),
            allowed="values near the attribute's range",
            remedy="Correct the value, or take the whole row out.",
        )


def refuse_too_few(table: Table, keys: pd.DataFrame) -> None:
    """Refuse a set with fewer than two scenarios, or a scenario with fewer than two trials.

    Parameters
    ----------
    keys : pandas.DataFrame
        `base_model`, `set`, `scenario` of each row of `table`.
    """
    trials = keys.groupby(["base_model", "set", "scenario"], sort=False)["scenario"].transform(
        "size"
    )
    lonely = np.flatnonzero(trials.to_numpy() < 2)
    if lonely.size:
        index = int(lonely[0])
        raise table.error(
            "the scenario has one trial alone",
            index=index,
            column="scenario",
            value=table.texts["scenario"][index],
            allowed="two or more trials per scenario",
            remedy="Collect more choices for it, or take the row out.",
        )
    for (base_model, set_name), group in keys.groupby(["base_model", "set"], sort=False):
        if group["scenario"].nunique() < 2:
            raise table.error(
                f"the {set_name} choices of {base_model} are about one scenario alone",
                index=int(group.index[0]),
                column="scenario",
                value=group["scenario"].iloc[0],
                allowed="two or more scenarios, since weights are standardised over them",
                remedy="Add choices about other scenarios, or take the set out of the study.",
            )


def refuse_partial_reports(table: Table, columns: Sequence[str], values: np.ndarray) -> None:
    """Refuse a report that has some of its numbers; one that has none is a blank row.

    Parameters
    ----------
    values : numpy.ndarray, shape (row, attribute)
        NaN where the cell is blank.
    """
    missing = np.isnan(values)
    partial = np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1))
    if partial.size:
        index = int(partial[0])
        raise table.error(
            "the report lacks a number",
            index=index,
            column=columns[int(np.argmax(missing[index]))],
            value="",
            allowed="a finite number for every attribute, or for none where there is no report",
            remedy="Fill in the number, or take the whole row out.",
        )


def notice_far_outside(
    table: Table,
    columns: Sequence[str],
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> list[Notice]:
    """Tell of option values more than one range width outside their range; they are kept.

    Parameters
    ----------
    values, low, high : numpy.ndarray, shape (row, column)
    """
    width = high - low
    far = (values < low - width) | (values > high + width)
    count = int(far.sum())
    if not count:
        return []
    index, column = np.argwhere(far)[0]
    message = (
        f"{table.source.name}: {_count(count, 'value')} lie{'s' if count == 1 else ''} far outside "
        f"the attribute's range, first in row {table.line(index)}, column "
        f"{table.source.label(columns[column])!r}: {values[index, column]:g} where the range is "
        f"{low[index, column]:g} to {high[index, column]:g}. Kept; check the units."
    )
    return [Notice("warning", message, table.source.name, count)]


def notice_report_range(table: Table, columns: Sequence[str], values: np.ndarray) -> list[Notice]:
    """Tell of reported or target weights, shape (row, attribute), beyond +-100; they are kept."""
    beyond = np.abs(values) > REPORT_LIMIT
    count = int(beyond.sum())
    if not count:
        return []
    index, column = np.argwhere(beyond)[0]
    message = (
        f"{table.source.name}: {_count(count, 'value')} lie{'s' if count == 1 else ''} outside "
        f"-{REPORT_LIMIT:g} to {REPORT_LIMIT:g}, first in row {table.line(index)}, column "
        f"{table.source.label(columns[column])!r}: {values[index, column]:g}. Kept as given."
    )
    return [Notice("warning", message, table.source.name, count)]


def notice_incomplete(file: CsvFile, counts: pd.DataFrame) -> list[Notice]:
    """Tell of parts of a collection in which trials failed or were never asked.

    Parameters
    ----------
    counts : pandas.DataFrame
        As `Study.counts`.
    """
    parts = counts[~counts["complete"]]
    if parts.empty:
        return []
    answered = parts["asked"] - parts["failed"]
    told = [
        f"{', '.join(filter(None, names))}: {done:,} of {wanted:,} answered"
        for *names, done, wanted in zip(
            *(parts[name] for name in ("base_model", "set", "condition", "fold", "task")),
            answered,
            parts["wanted"],
            strict=True,
        )
    ]
    more = f"; and {len(told) - _TOLD:,} more" if len(told) > _TOLD else ""
    message = (
        f"The collection is incomplete: answers are missing in {_count(len(told), 'part')} of it "
        f"({'; '.join(told[:_TOLD])}{more}). The estimates rest on what is there; the same "
        "`selfinterp collect` again asks what is missing."
    )
    return [Notice("warning", message, file.name, int((parts["wanted"] - answered).sum()))]


def notice_no_final_newline(file: CsvFile) -> list[Notice]:
    """Tell of a file whose last line is not ended, the one trace that some cuts leave."""
    if file.ends_in_newline or not file.has_rows:
        return []
    message = (
        f"{file.name}: the last line has no line end. If the file was cut off there, its last "
        "value may be wrong."
    )
    return [Notice("warning", message, file.name)]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
