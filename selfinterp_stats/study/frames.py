"""From one CSV file to one tidy data frame of a study, checked on the way.

Both ways in, a study folder and a pair of tidy files, end here. Columns are asked for by the
names of a study folder's files; it may not know where a file came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.study import checks
from selfinterp_stats.study.csvfile import CsvFile, Table
from selfinterp_stats.study.scenarios import (
    Scenarios,
    matrix,
    numbered,
    refuse_other_count,
    words,
)
from selfinterp_stats.study.study import CONDITIONS, REPORT_SETS, SETS, Notice

COUNT_COLUMNS: Final = ("asked", "valid", "invalid", "refused", "truncated", "failed")


def read_choices(
    file: CsvFile,
    scenarios: Scenarios,
    *,
    base_model: str | None,
    set_name: str | None,
    scaled: bool = False,
) -> tuple[pd.DataFrame, list[Notice]]:
    """Choices, with the options' differences on the scale of their ranges.

    Parameters
    ----------
    base_model, set_name : str or None
        Read from the columns `base_model` and `set` where None.
    scaled : bool
        Take the differences from columns `d1`.. instead of ``A_attribute_1``.. and
        ``B_attribute_1``..

    Returns
    -------
    frame : pandas.DataFrame
        As `Study.choices`.
    notices : list of Notice

    Raises
    ------
    InputError
        See `checks`.
    """
    checks.refuse_without_rows(
        file, "choices", "Put the choices into it, or take the file away if there are none."
    )
    n = len(scenarios.attributes)
    differences = numbered("d", n)
    options = [numbered(f"{option}_attribute_", n) for option in "AB"]
    value_columns = list(differences) if scaled else [*options[0], *options[1]]
    refuse_other_count(file, ["d"] if scaled else ["A_attribute_", "B_attribute_"], scenarios)
    keys = {"base_model": base_model, "set": set_name}
    texts = ["scenario", "selection", *_from_columns(keys)]
    if "model" in file.header:
        texts.append("model")
    table = file.read(texts=texts, numbers=value_columns)
    checks.refuse_other_values(table, "selection", ("A", "B"))
    places = scenarios.positions(table)
    frame = _keys(table, keys)
    checks.refuse_too_few(table, frame.assign(scenario=table.texts["scenario"]))

    values = matrix(table, value_columns)
    if scaled:
        # A difference of scaled values lies in -1..1, as if both options lay in a range of 0 to 1.
        low, high = -np.ones_like(values), np.ones_like(values)
        d = values
    else:
        low, high = (np.tile(ends[places], 2) for ends in (scenarios.low, scenarios.high))
        with np.errstate(over="ignore"):
            d = (values[:, :n] - values[:, n:]) / (high - low)[:, :n]
        checks.refuse_endless_differences(table, options[0], values, d)
    notices = checks.notice_far_outside(table, value_columns, values, low, high)

    frame["model"] = words(table.texts["model"]) if "model" in table.texts else frame["base_model"]
    frame["scenario"] = words(table.texts["scenario"])
    frame["trial"] = frame.groupby(["base_model", "set", "scenario"], sort=False).cumcount()
    frame["selection"] = words(table.texts["selection"])
    frame["chose_a"] = (frame["selection"] == "A").to_numpy(bool)
    for i, name in enumerate(differences):
        frame[name] = d[:, i]
    return frame, notices


def read_reports(
    file: CsvFile,
    scenarios: Scenarios,
    *,
    base_model: str | None,
    set_name: str | None,
    condition: str | None,
    fold: str | None,
) -> tuple[pd.DataFrame, list[Notice]]:
    """Reports; a row whose report is blank throughout is left out and counted in a notice.

    Parameters
    ----------
    base_model, set_name, condition, fold : str or None
        Read from the columns `base_model`, `set`, `condition` and `fold` where None.

    Returns
    -------
    frame : pandas.DataFrame
        As `Study.reports`; empty where the file holds no report.
    notices : list of Notice

    Raises
    ------
    InputError
        See `checks`.
    """
    attributes = scenarios.attributes
    if not file.has_rows:
        return empty_reports(attributes), [_no_report(file)]
    columns = numbered("report_attr", len(attributes))
    refuse_other_count(file, ["report_attr"], scenarios)
    keys = {"base_model": base_model, "set": set_name, "condition": condition, "fold": fold}
    texts = ["scenario", *_from_columns(keys)]
    if "explaining_model" in file.header:
        texts.append("explaining_model")
    table = file.read(texts=texts, numbers_or_blank=columns)
    scenarios.positions(table)
    frame = _keys(table, keys)
    _refuse_other_pairs(table, frame)
    values = matrix(table, columns)
    checks.refuse_partial_reports(table, columns, values)
    notices = checks.notice_report_range(table, columns, values)

    frame["explaining_model"] = (
        words(table.texts["explaining_model"])
        if "explaining_model" in table.texts
        else frame["base_model"]
    )
    frame["scenario"] = words(table.texts["scenario"])
    given = ~np.isnan(values[:, 0])
    frame, values = frame[given].reset_index(drop=True), values[given]
    if not given.any():
        return empty_reports(attributes), [_no_report(file)]
    if not given.all():
        blank = int((~given).sum())
        message = f"{file.name}: {blank:,} of {len(given):,} rows hold no report and are left out."
        notices.append(Notice("left out", message, file.name, blank))
    frame["repeat"] = frame.groupby(
        ["base_model", "set", "condition", "fold", "scenario"], sort=False
    ).cumcount()
    for i, name in enumerate(attributes):
        frame[name] = values[:, i]
    return frame, notices


def read_weights(
    file: CsvFile, scenarios: Scenarios, *, prefix: str, what: str
) -> tuple[pd.DataFrame, list[Notice]]:
    """One row of weights per scenario: targets (`prefix` "attr") or released ones ("b_attr").

    Returns
    -------
    frame : pandas.DataFrame
        `scenario`, `attr1`..
    notices : list of Notice

    Raises
    ------
    InputError
        No rows, a scenario unknown or twice, columns that do not match, a cell that is no number.
    """
    checks.refuse_without_rows(file, what, "Fill it, or take the file away if there are none.")
    columns = numbered(prefix, len(scenarios.attributes))
    refuse_other_count(file, [prefix], scenarios)
    table = file.read(texts=["scenario"], numbers=columns)
    scenarios.positions(table)
    checks.refuse_repeated(table, "scenario")
    values = matrix(table, columns)
    frame = pd.DataFrame({"scenario": words(table.texts["scenario"])})
    for i, name in enumerate(scenarios.attributes):
        frame[name] = values[:, i]
    return frame, checks.notice_report_range(table, columns, values)


def read_counts(file: CsvFile) -> tuple[pd.DataFrame, list[Notice]]:
    """Counts kept while the study was collected, as `Study.counts`.

    Raises
    ------
    InputError
        A column is missing, a set, task or condition is unknown, a count is no whole number.
    """
    if not file.has_rows:
        return empty_counts(), []
    names = ["base_model", "set", "task", "condition"]
    # Written since collections say what they had planned; a file without them is of one that
    # asked all of it.
    fold, wanted = ([name] if name in file.header else [] for name in ("fold", "wanted"))
    table = file.read(texts=[*names, *fold], numbers=[*COUNT_COLUMNS, *wanted])
    checks.refuse_empty_cells(table, "base_model")
    checks.refuse_other_values(table, "set", SETS)
    checks.refuse_other_values(table, "task", ("choices", "reports"))
    checks.refuse_other_values(table, "condition", (*CONDITIONS, ""))
    for name in table.numbers:
        checks.refuse_no_count(table, name)
    frame = pd.DataFrame({name: words(table.texts[name]) for name in names})
    frame["fold"] = words(table.texts["fold"] if fold else [""] * table.n_rows)
    frame["wanted"] = table.numbers["wanted" if wanted else "asked"].astype(int)
    for name in COUNT_COLUMNS:
        frame[name] = table.numbers[name].astype(int)
    frame["complete"] = (frame["asked"] >= frame["wanted"]) & (frame["failed"] == 0)
    return frame, checks.notice_incomplete(file, frame)


def empty_reports(attributes: Sequence[str]) -> pd.DataFrame:
    """`Study.reports` without a row."""
    names = ("base_model", "set", "condition", "fold", "explaining_model", "scenario")
    frame = pd.DataFrame({name: words([]) for name in names})
    frame["repeat"] = np.empty(0, int)
    return frame.assign(**{name: np.empty(0) for name in attributes})


def empty_weights(attributes: Sequence[str], *keys: str) -> pd.DataFrame:
    """`Study.targets`, or `Study.released` with its `keys`, without a row."""
    frame = pd.DataFrame({name: words([]) for name in (*keys, "scenario")})
    return frame.assign(**{name: np.empty(0) for name in attributes})


def empty_counts() -> pd.DataFrame:
    """`Study.counts` without a row."""
    names = ("base_model", "set", "task", "condition", "fold")
    frame = pd.DataFrame({name: words([]) for name in names})
    numbers = {name: np.empty(0, int) for name in ("wanted", *COUNT_COLUMNS)}
    return frame.assign(**numbers, complete=np.empty(0, bool))


def _refuse_other_pairs(table: Table, frame: pd.DataFrame) -> None:
    first = frame[["set", "condition"]].drop_duplicates()
    for index, pair in zip(first.index, first.itertuples(index=False, name=None), strict=True):
        if pair not in REPORT_SETS:
            raise table.error(
                "no reports are analysed for this set and condition",
                index=int(index),
                column="condition",
                value=f"{pair[0]}, {pair[1]}",
                allowed="; ".join(f"{name}, {condition}" for name, condition in REPORT_SETS),
                remedy="Correct the set or the condition, or take these rows out.",
            )


def _no_report(file: CsvFile) -> Notice:
    return Notice("left out", f"{file.name} holds no report, so its set is left out.", file.name, 0)


def _from_columns(keys: dict[str, str | None]) -> list[str]:
    return [name for name, constant in keys.items() if constant is None]


def _keys(table: Table, keys: dict[str, str | None]) -> pd.DataFrame:
    allowed = {"set": SETS, "condition": CONDITIONS}
    columns = {}
    for name, constant in keys.items():
        if constant is not None:
            columns[name] = words([constant] * table.n_rows)
            continue
        if name in allowed:
            checks.refuse_other_values(table, name, allowed[name])
        elif name == "base_model":
            checks.refuse_empty_cells(table, name)
        columns[name] = words(table.texts[name])
    return pd.DataFrame(columns)
