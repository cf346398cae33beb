"""Weights of scenarios from a file: targets that were instilled, or weights that a fit found.

Three forms are known by their columns:

    ``scenario, attr1, ..``       target weights (the paper's ``instilled_weights.csv``)
    ``scenario, b_attr1, ..``     the authors' results (``{base}_regression_results.csv``)
    ``base_model, set, scenario, attribute, weight``   ``tables/weights.csv`` of this package
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from data_collection.errors import InputError
from data_collection.scenarios import Scenario
from data_collection.textfiles import finite_number, read_csv_file, require_columns

Weights = dict[str, tuple[int, ...]]
"""Whole numbers, -100 to 100, by scenario and in the order of its attributes."""


# The set that is read of a table that holds two: that of the weights that are trained in.
_SET = "instilled"


def load_weights(
    path: str | PathLike[str],
    scenarios: Sequence[Scenario],
    *,
    base_model: str | None = None,
) -> Weights:
    """Read the weights of scenarios.

    Parameters
    ----------
    path : path-like
        A CSV file of one of the three forms.
    scenarios : sequence of Scenario
        Each must be in the file; what else is there is passed over.
    base_model : str, optional
        Of a table that holds several.

    Raises
    ------
    InputError
        The file has another form, a scenario is missing or there twice, a weight is no whole
        number, or a table holds several base models and none was named.
    """
    file = Path(path)
    header, rows = read_csv_file(file)
    count = len(scenarios[0].attributes)
    if "attribute" in header:
        require_columns(header, ["scenario", "attribute", "weight"], file)
        found = _long(file, rows, count, base_model)
    else:
        prefix = "b_attr" if "b_attr1" in header else "attr"
        columns = [f"{prefix}{i}" for i in range(1, count + 1)]
        require_columns(header, ["scenario", *columns], file)
        found = _wide(file, rows, columns)
    weights: Weights = {}
    for scenario in scenarios:
        values = found.get(scenario.name, {})
        missing = [i for i in range(1, count + 1) if i not in values]
        if missing:
            raise InputError(
                "the file has no weight of a scenario's attribute"
                if values
                else "the file has no weights of a scenario",
                file=file,
                value=f"{scenario.name}, attr{missing[0]}" if values else scenario.name,
                allowed="a weight for every attribute of every scenario that is asked about; of a "
                f"table of this package the rows of the set {_SET} are read",
            )
        weights[scenario.name] = tuple(values[i] for i in range(1, count + 1))
    return weights


_Found = dict[str, dict[int, int]]


def _wide(
    file: Path, rows: Sequence[tuple[int, Mapping[str, str]]], columns: Sequence[str]
) -> _Found:
    found: _Found = {}
    for line, row in rows:
        if row["scenario"] in found:
            raise _twice(file, line, row["scenario"])
        found[row["scenario"]] = {
            i: _whole(file, line, column, row[column]) for i, column in enumerate(columns, 1)
        }
    return found


def _long(
    file: Path,
    rows: Sequence[tuple[int, Mapping[str, str]]],
    count: int,
    base_model: str | None,
) -> _Found:
    rows = [(line, row) for line, row in rows if row.get("set", _SET) == _SET]
    bases = sorted({row["base_model"] for _, row in rows if "base_model" in row})
    if base_model is None and len(bases) > 1:
        raise InputError(
            "the table holds several base models",
            file=file,
            value=", ".join(bases),
            remedy="Name one of them (--base-model).",
        )
    if base_model is not None and bases and base_model not in bases:
        raise InputError(
            f"the table holds no {_SET} weights of this base model",
            file=file,
            value=base_model,
            allowed=", ".join(bases),
        )
    numbers = {f"attr{i}": i for i in range(1, count + 1)}
    found: _Found = {}
    for line, row in rows:
        if base_model is not None and row.get("base_model", base_model) != base_model:
            continue
        if row["attribute"] not in numbers:
            raise InputError(
                "this is no attribute of a scenario",
                file=file,
                row=line,
                column="attribute",
                value=row["attribute"],
                allowed=", ".join(numbers),
            )
        values = found.setdefault(row["scenario"], {})
        number = numbers[row["attribute"]]
        if number in values:
            raise _twice(file, line, row["scenario"])
        values[number] = _whole(file, line, "weight", row["weight"])
    return found


def _whole(file: Path, line: int, column: str, cell: str) -> int:
    number = finite_number(cell)
    if number is None or number != round(number) or abs(number) > 100:
        raise InputError(
            "this is no whole number from -100 to 100",
            file=file,
            row=line,
            column=column,
            value=cell,
        )
    return int(number)


def _twice(file: Path, line: int, scenario: str) -> InputError:
    return InputError(
        "the scenario's weights are there twice",
        file=file,
        row=line,
        column="scenario",
        value=scenario,
    )
