"""Text files that people give: read whole, as UTF-8, or refused with the line that is wrong."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

from data_collection.errors import InputError


def read_text(path: Path) -> str:
    """The characters of a UTF-8 file, without a byte order mark.

    Raises
    ------
    InputError
        The file cannot be read or is not UTF-8 text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the file cannot be read: {error.strerror or error}",
            file=path,
            remedy="Check that it exists, is a file and may be read by you.",
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "a byte is not UTF-8 text",
            file=path,
            row=data[: error.start].count(b"\n") + 1,
            value=data[error.start : error.start + 1],
            allowed="UTF-8 text",
            remedy="Save the file again with the encoding UTF-8.",
        ) from None


def read_json_file(path: Path) -> Any:
    """What a JSON file holds; a key that an object has twice is refused.

    Raises
    ------
    InputError
        The file cannot be read or is not JSON.
    """
    try:
        return json.loads(read_text(path), object_pairs_hook=_once, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise InputError(
            f"the file is no JSON: {error.msg[0].lower()}{error.msg[1:]}",
            file=path,
            row=error.lineno,
            remedy="Correct that line; the place may be just before it.",
        ) from None
    except (_NotPlain, RecursionError) as error:
        problem = str(error) if isinstance(error, _NotPlain) else "the file is nested too deeply"
        raise InputError(problem, file=path, remedy="Correct the file.") from None


def read_csv_file(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Header and rows of a CSV file, each row with the line on which it begins.

    Raises
    ------
    InputError
        The file cannot be read, is empty or has a column twice; a row has too few or too many
        fields, or its quotes do not match.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for record in reader:
            if record:
                records.append((start, record))
            start = reader.line_num + 1
    except csv.Error:
        raise InputError(
            "a double quote is opened and never closed, or text follows a closed one",
            file=path,
            row=start,
            remedy="Correct the quotes in that row.",
        ) from None
    if not records:
        raise InputError("the file is empty", file=path, allowed="a header and rows")
    header = records[0][1]
    for column in header:
        if header.count(column) > 1:
            raise InputError("the header names a column twice", file=path, row=1, column=column)
    for line, record in records[1:]:
        if len(record) != len(header):
            raise InputError(
                f"the row has {len(record)} field{'' if len(record) == 1 else 's'}",
                file=path,
                row=line,
                allowed=f"{len(header)} fields, as in the header",
                remedy="Put double quotes round a value that holds a comma.",
            )
    return header, [(line, dict(zip(header, record, strict=True))) for line, record in records[1:]]


def require_columns(header: list[str], columns: list[str], path: Path) -> None:
    """Refuse a CSV file that lacks one of `columns`."""
    for column in columns:
        if column not in header:
            raise InputError(
                "a needed column is missing",
                file=path,
                row=1,
                column=column,
                value=",".join(header)[:100],
                remedy="Add the column, or correct its name in the first line.",
            )


def finite_number(cell: str) -> float | None:
    """The finite number that a cell of a table holds, or None."""
    try:
        # float() also reads Python's own 1_000, which no table means as a thousand.
        number = math.nan if "_" in cell else float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


class _NotPlain(Exception):
    """JSON that Python reads and the standard does not know, or that means two things."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _NotPlain(f"an object has the key {twice!r} twice")
    return found


def _refuse_constant(text: str) -> None:
    raise _NotPlain(f"{text} is no number")
