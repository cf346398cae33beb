"""Read a study from one tidy CSV of choices and one of reports.

It knows how such files say what a folder says by file names; what the rows must hold is checked
in `frames` and `checks`, as for a folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.study import checks, frames
from selfinterp_stats.study.assembly import assemble
from selfinterp_stats.study.csvfile import CsvFile, Table, open_csv
from selfinterp_stats.study.mapping import apply_mapping
from selfinterp_stats.study.scenarios import (
    Scenarios,
    count_columns,
    numbered,
    read_scenarios,
    scenarios_frame,
)
from selfinterp_stats.study.study import CONDITIONS, SETS, Notice, Study


def load_tidy(
    choices: str | PathLike[str],
    reports: str | PathLike[str] | None = None,
    scenarios: str | PathLike[str] | None = None,
    *,
    targets: str | PathLike[str] | None = None,
    mapping: Mapping[str, str] | None = None,
    base_model: str | None = None,
    set_name: str | None = None,
    condition: str | None = None,
) -> Study:
    """Read and check a study kept in tidy CSV files.

    Parameters
    ----------
    choices : path-like
        One row per trial: `base_model`, `set` ("instilled" or "native"), `scenario`, `selection`
        ("A" or "B"), the options `A_attr1`.. and `B_attr1`.. in their own units; optionally
        `model`, and the ranges `attr1_min`.., `attr1_max`.., the same in every row of a scenario.
        Instead of the options, `d1`..: their differences, already divided by the ranges.
    reports : path-like, optional
        One row per report: `base_model`, `set`, `condition` ("off-the-shelf", "weight-trained",
        "introspection-trained"), `scenario`, `report_attr1`..; optionally `fold` and
        `explaining_model`. Reports are standardised within a fold; without a `fold`, each of
        several explaining models of one condition is a fold of its own.
    scenarios : path-like, optional
        `scenario`, `attr1`.. (names), `attr1_min`.., `attr1_max`.., optionally `question`. Needed
        unless the choices have ranges or differences.
    targets : path-like, optional
        `scenario`, `attr1`..: target weights.
    mapping : mapping of str to str, optional
        Standard name to the name that a file uses, ``{"scenario": "item"}``. It holds for every
        file that has the column; ``{"reports.scenario": "item"}`` holds for one file.
    base_model, set_name, condition : str, optional
        Hold for every row where the files have no such column.

    Returns
    -------
    Study
        `is_paper` is false whatever the files are: their names say nothing.

    Raises
    ------
    InputError
        A file is wrong (the message names row, column and value), or the mapping is.

    Examples
    --------
    Differences that are scaled already, under names of one's own:

    >>> import pandas as pd
    >>> from selfinterp_stats import load_tidy
    >>> trials = pd.DataFrame(
    ...     {
    ...         "item": ["tea", "tea", "bread", "bread"],
    ...         "pick": ["A", "B", "A", "B"],
    ...         "d1": [0.5, -0.1, 0.9, 0.2],
    ...         "d2": [0.3, -0.7, 0.0, 0.4],
    ...     }
    ... )
    >>> trials.to_csv("trials.csv", index=False)
    >>> study = load_tidy(
    ...     "trials.csv",
    ...     mapping={"scenario": "item", "selection": "pick"},
    ...     base_model="mine",
    ...     set_name="native",
    ... )
    >>> study.attributes, len(study.choices)
    (('attr1', 'attr2'), 4)
    """
    given = {"choices": choices, "reports": reports, "scenarios": scenarios, "targets": targets}
    constants = {"base_model": base_model, "set": set_name, "condition": condition}
    _refuse_constants(constants)
    files = {kind: open_csv(Path(path), name=_name(path)) for kind, path in given.items() if path}
    notices = [notice for file in files.values() for notice in checks.notice_no_final_newline(file)]
    checks.refuse_without_rows(files["choices"], "choices", "Put the choices into it.")
    mapped = apply_mapping(files, mapping or {})

    scaled = _takes_differences(mapped["choices"])
    known = (
        read_scenarios(mapped["scenarios"])
        if "scenarios" in mapped
        else _scenarios_of_choices(mapped["choices"], scaled=scaled)
    )
    keys = _constants_for(mapped["choices"], constants, ("base_model", "set"))
    choice_frame, found = frames.read_choices(
        mapped["choices"],
        known,
        base_model=keys["base_model"],
        set_name=keys["set"],
        scaled=scaled,
    )
    notices += found
    report_frames = []
    if "reports" in mapped:
        frame, found = _reports(mapped["reports"], known, constants)
        report_frames.append(frame)
        notices += found
    target_frame = None
    if "targets" in mapped:
        target_frame, found = frames.read_weights(
            mapped["targets"], known, prefix="attr", what="target weights"
        )
        notices += found
    return assemble(
        " + ".join(file.name for file in files.values()),
        known,
        choices=_by_set([choice_frame]),
        reports=_by_set(report_frames),
        targets=target_frame,
        released=[],
        counts=frames.empty_counts(),
        notices=notices,
        hashes={_elsewhere(file.name): file.sha256 for file in files.values()},
    )


def _name(path: str | PathLike[str]) -> str:
    return fspath(path)


def _elsewhere(name: str) -> str:
    # A bare name could be taken for a file of the paper, whose role is in its name.
    return name if os.path.dirname(name) else os.path.join(os.curdir, name)


def _refuse_constants(constants: Mapping[str, str | None]) -> None:
    for name, allowed in (("set", SETS), ("condition", CONDITIONS)):
        value = constants[name]
        if value is not None and value not in allowed:
            raise InputError(
                f"this is no {name} that is known",
                value=value,
                allowed=", ".join(allowed),
                remedy=f"Give the {name} of all rows, or a column of them.",
            )


def _constants_for(
    file: CsvFile, constants: Mapping[str, str | None], needed: tuple[str, ...]
) -> dict[str, str | None]:
    for name in needed:
        if constants[name] is not None and name in file.header:
            raise InputError(
                f"the {name} is given for all rows, and the file has a column of its own",
                file=file.name,
                row=1,
                column=file.label(name),
                value=constants[name],
                allowed="one of the two",
                remedy=f"Do not give the {name}, or take the column out.",
            )
        if constants[name] is None:
            file.require(
                [name],
                remedy=f"Add the column, map it to another, or give one {name} for all rows.",
            )
    return {name: constants[name] for name in needed}


def _takes_differences(choices: CsvFile) -> bool:
    has_options = any(name.startswith(("A_attribute_", "B_attribute_")) for name in choices.header)
    return "d1" in choices.header and not has_options


def _scenarios_of_choices(file: CsvFile, *, scaled: bool) -> Scenarios:
    """The scenarios that the choices themselves tell of, in order of appearance."""
    if scaled:
        count = count_columns(file, "d")
        table = file.read(texts=["scenario"])
        low, high = np.zeros((table.n_rows, count)), np.ones((table.n_rows, count))
    else:
        count = count_columns(file, "A_attribute_")
        lows, highs = (
            [f"{name}_{end}" for name in numbered("attr", count)] for end in ("min", "max")
        )
        file.require(
            [*lows, *highs],
            remedy=(
                "Choices are scaled by the attributes' ranges: give a file of scenarios, or add "
                "these columns, or give differences already scaled as d1, d2, ..."
            ),
        )
        table = file.read(texts=["scenario"], numbers=[*lows, *highs])
        low, high = (np.column_stack([table.numbers[c] for c in cs]) for cs in (lows, highs))
        checks.refuse_ranges(table, low, high)
    checks.refuse_empty_cells(table, "scenario")
    codes, names = pd.factorize(pd.Series(table.texts["scenario"], dtype="str"))
    first = np.unique(codes, return_index=True)[1]
    if not scaled:
        _refuse_changing_ranges(table, low, high, first[codes])
    unique = Table(file, {"scenario": list(names)}, {}, len(names))
    frame = scenarios_frame(unique, low[first], high[first])
    return Scenarios(file.name, frame, low[first], high[first])


def _refuse_changing_ranges(
    table: Table, low: np.ndarray, high: np.ndarray, first: np.ndarray
) -> None:
    for end, values in (("min", low), ("max", high)):
        changed = values != values[first]
        if changed.any():
            index, attribute = np.argwhere(changed)[0]
            raise table.error(
                "the range is not the same in every row of the scenario",
                index=int(index),
                column=f"attr{attribute + 1}_{end}",
                value=float(values[index, attribute]),
                allowed=(
                    f"{values[first[index], attribute]:g}, as in row "
                    f"{table.line(int(first[index]))}"
                ),
                remedy="Correct the range, or give scenarios with different ranges other names.",
            )


def _reports(
    file: CsvFile, known: Scenarios, constants: Mapping[str, str | None]
) -> tuple[pd.DataFrame, list[Notice]]:
    needed = ("base_model", "set", "condition")
    keys = _constants_for(file, constants, needed) if file.has_rows else dict(constants)
    has_folds = "fold" in file.header
    frame, notices = frames.read_reports(
        file,
        known,
        base_model=keys["base_model"],
        set_name=keys["set"],
        condition=keys["condition"],
        fold=None if has_folds else "",
    )
    if has_folds or frame.empty:
        return frame, notices
    several = frame.groupby(list(needed))["explaining_model"].transform("nunique") > 1
    if several.any():
        frame["fold"] = frame["explaining_model"].where(several, "")
        frame["repeat"] = frame.groupby([*needed, "fold", "scenario"], sort=False).cumcount()
        message = (
            f"{file.name}: several explaining models share a condition; as there is no column "
            "fold, each of them is a fold of its own."
        )
        notices.append(Notice("info", message, file.name))
    return frame, notices


def _by_set(parts: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """The frames in a study's order: by base model, instilled before native, then file order."""
    return [
        frame.sort_values(["base_model", "set"], kind="stable", ignore_index=True)
        for frame in parts
    ]
