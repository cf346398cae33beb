"""The two forms that scenarios are given in, JSON and CSV, and what each must be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from data_collection.errors import InputError
from data_collection.scenarios import Attribute, Scenario
from data_collection.textfiles import finite_number, read_csv_file, read_json_file, require_columns

_FORM: Final = (
    'a list of {"short_name": .., "question": .., "attributes": '
    '[{"name": .., "units": .., "range": [minimum, maximum]}, ..]}'
)


class _Place(NamedTuple):
    """Where in a file something stands: a line of a CSV file, a path into a JSON file, or both."""

    file: Path
    row: int | None = None
    column: str | None = None

    def refused(self, problem: str, **more: Any) -> InputError:
        return InputError(problem, file=self.file, row=self.row, column=self.column, **more)


def read_json(path: Path) -> list[Scenario]:
    """Scenarios from a JSON file.

    Raises
    ------
    InputError
        It is not of the form that `load_scenarios` describes, or a scenario in it is wrong.
    """
    entries = read_json_file(path)
    if not isinstance(entries, list):
        raise InputError(
            "the file holds no list of scenarios",
            file=path,
            value=type(entries).__name__,
            allowed=_FORM,
        )
    scenarios, places = [], []
    for number, entry in enumerate(entries):
        place = _Place(path, None, f"[{number}]")
        fields = _object(entry, place)
        listed = fields.get("attributes")
        if not isinstance(listed, list):
            raise place.refused("the scenario has no list of attributes", allowed=_FORM)
        scenarios.append(
            Scenario(
                _name(fields.get("short_name"), _at(place, ".short_name")),
                _name(fields.get("question"), _at(place, ".question")),
                tuple(
                    _json_attribute(attribute, _at(place, f".attributes[{k}]"))
                    for k, attribute in enumerate(listed)
                ),
            )
        )
        places.append(place)
    _check(scenarios, places, path)
    return scenarios


def read_csv(path: Path) -> list[Scenario]:
    """Scenarios from a CSV file.

    Raises
    ------
    InputError
        It is not of the form that `load_scenarios` describes, or a scenario in it is wrong.
    """
    header, rows = read_csv_file(path)
    count = sum(bool(re.fullmatch(r"attr[1-9]\d*", column)) for column in header)
    numbered = [f"attr{i}{end}" for i in range(1, count + 1) for end in ("", "_min", "_max")]
    require_columns(header, ["scenario", "question", *numbered], path)
    scenarios, places = [], []
    for line, row in rows:
        place = _Place(path, line)
        scenarios.append(
            Scenario(
                _name(row["scenario"], place._replace(column="scenario")),
                _name(row["question"], place._replace(column="question")),
                tuple(_csv_attribute(row, i, place) for i in range(1, count + 1)),
            )
        )
        places.append(place)
    _check(scenarios, places, path)
    return scenarios


def _csv_attribute(row: Mapping[str, str], number: int, place: _Place) -> Attribute:
    column = f"attr{number}"
    ends = []
    for end in ("min", "max"):
        here = place._replace(column=f"{column}_{end}")
        end_of_range = finite_number(row[f"{column}_{end}"])
        if end_of_range is None:
            raise here.refused(
                "this is no finite number", value=row[f"{column}_{end}"], allowed="such as 12.5"
            )
        ends.append(end_of_range)
    minimum, maximum = ends
    _check_range(minimum, maximum, place._replace(column=f"{column}_max"))
    units = row.get(f"{column}_units", "").strip()
    return Attribute(
        _name(row[column], place._replace(column=column)),
        _one_line(units, place._replace(column=f"{column}_units")),
        minimum,
        maximum,
    )


def _json_attribute(entry: object, place: _Place) -> Attribute:
    fields = _object(entry, place)
    here = _at(place, ".range")
    ends = fields.get("range")
    if (
        not isinstance(ends, list)
        or len(ends) != 2
        or any(isinstance(end, bool) or not isinstance(end, int | float) for end in ends)
    ):
        raise here.refused("the range is no pair of numbers", value=ends, allowed="such as [0, 70]")
    try:
        minimum, maximum = map(float, ends)
    except OverflowError:
        raise here.refused("an end of the range is too large for a number") from None
    _check_range(minimum, maximum, here)
    units = fields.get("units") or ""
    if not isinstance(units, str):
        raise _at(place, ".units").refused("the units are no text", value=units)
    return Attribute(
        _name(fields.get("name"), _at(place, ".name")),
        _one_line(units.strip(), _at(place, ".units")),
        minimum,
        maximum,
    )


def _check_range(minimum: float, maximum: float, place: _Place) -> None:
    if not (maximum > minimum and math.isfinite(maximum - minimum)):
        raise place.refused(
            "the attribute's range is empty or too wide for a number",
            value=maximum,
            allowed=f"a number above the minimum, which is {minimum:g}",
            remedy="Correct the minimum or the maximum; options' values are drawn between them.",
        )


def _check(scenarios: Sequence[Scenario], places: Sequence[_Place], path: Path) -> None:
    """Refuse what is wrong with the list, each of whose scenarios is well formed."""
    if not scenarios:
        raise InputError("the file holds no scenarios", file=path, allowed="one or more")
    first: dict[str, int] = {}
    expected = len(scenarios[0].attributes)
    for number, (scenario, place) in enumerate(zip(scenarios, places, strict=True)):
        if scenario.name in first:
            raise place.refused(
                f"the scenario is listed twice, first as number {first[scenario.name] + 1}",
                value=scenario.name,
                allowed="every scenario once",
                remedy="Take one of the two out, or rename it.",
            )
        first[scenario.name] = number
        names = scenario.names
        repeated = [name for name in names if names.count(name) > 1]
        if repeated:
            raise place.refused(
                "the scenario has an attribute twice",
                value=repeated[0],
                allowed="every attribute once",
                remedy="Rename one of the two: a report tells attributes apart by their names.",
            )
        if len(names) < 2:
            raise place.refused(
                f"the scenario has {len(names)} attribute{'' if len(names) == 1 else 's'}",
                value=scenario.name,
                allowed="two or more",
            )
        if len(names) != expected:
            raise place.refused(
                f"the scenario has {len(names)} attributes and the first one has {expected}",
                value=scenario.name,
                allowed="the same number in every scenario of a study",
                remedy="Collect scenarios of another number in a study of their own.",
            )


def _object(entry: object, place: _Place) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise place.refused("this is no JSON object", value=entry, allowed=_FORM)
    return entry


def _name(value: object, place: _Place) -> str:
    if not isinstance(value, str) or not value.strip():
        raise place.refused("a text is missing", value=value, allowed="any text")
    return _one_line(value, place)


def _one_line(text: str, place: _Place) -> str:
    # A line break would end the attribute's line in the prompt and begin another.
    if not text.isprintable():
        raise place.refused(
            "the text holds a line break or another character that cannot be printed",
            value=text,
            allowed="one line of printable characters",
        )
    return text


def _at(place: _Place, step: str) -> _Place:
    return place._replace(column=f"{place.column}{step}")
