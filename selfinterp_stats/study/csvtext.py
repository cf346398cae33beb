"""The text of a CSV file: bytes into characters, characters into records, cells into numbers.

It complains about what cannot be read at all; which columns there should be is not its concern.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from selfinterp_stats.errors import InputError

LARGEST: Final = 1e100
"""Of the numbers in a table, in size: squares and sums of them are finite."""

# How files begin that somebody may have renamed: what they are, and what to do about it.
_NO_TEXT = {
    b"PK\x03\x04": ("a spreadsheet or another packed file", "Save it as text; a sheet as CSV."),
    b"\x1f\x8b": ("a compressed file", "Unpack it (gunzip)."),
}


def decode(data: bytes, name: str) -> str:
    """Characters of a UTF-8 file, without a byte order mark.

    Raises
    ------
    InputError
        Names the line of the first byte that is not UTF-8, or of a zero byte.
    """
    for beginning, (what, remedy) in _NO_TEXT.items():
        if data.startswith(beginning):
            raise InputError(f"this is {what}", file=name, allowed="UTF-8 text", remedy=remedy)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        raise InputError(
            "the file is UTF-16 text" if utf16 else "a byte is not UTF-8 text",
            file=name,
            row=data[: error.start].count(b"\n") + 1,
            value=data[error.start : error.start + 1],
            allowed="UTF-8 text",
            remedy="Save the file again with the encoding UTF-8.",
        ) from None
    if "\0" in text:
        raise InputError(
            "the file holds a zero byte, so it is no text file or was written only in part",
            file=name,
            row=text[: text.index("\0")].count("\n") + 1,
            value="\0",
            allowed="UTF-8 text",
            remedy="Write or download the file again.",
        )
    return text


def records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not a blank line, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    while True:
        try:
            for record in reader:
                if record:
                    yield start, record
                start = reader.line_num + 1
        except csv.Error as error:
            raise _quote_error(error, name, start) from None
        return


def check_header(header: Sequence[str], name: str) -> None:
    """Refuse a header that names a column twice."""
    seen: set[str] = set()
    for column in header:
        # Nameless columns come from commas at line ends, numbers from a file without a header;
        # neither is ever asked for, and the second is told better by the column that is missing.
        if column and column in seen and not _is_number(column):
            raise InputError(
                "the header names a column twice",
                file=name,
                row=1,
                column=column,
                value=shorten(",".join(header)),
                allowed="every column once",
                remedy="Rename or remove one of them.",
            )
        seen.add(column)


def missing_column_remedy(header: Sequence[str], column: str) -> str:
    """What to do about a column that the header lacks."""
    for mark, spelled in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            return f"The file seems to be separated by {spelled}: save it with commas."
    if any(map(_is_number, header)):
        return "The first line looks like data, so there is no header: put one before it."
    near = [found for found in header if found.strip().lower() == column.lower()]
    if near:
        return f"Rename the column {near[0]!r} to {column!r}."
    return "Add the column, or correct its name in the first line."


def floats(cells: Sequence[str], *, blank_ok: bool) -> np.ndarray | None:
    """The cells as finite numbers, or None if any is something else."""
    try:
        values = np.fromiter(map(float, cells), float, len(cells))
    except ValueError:
        if not blank_ok or all(cell.strip() for cell in cells):
            return None
        kept = [cell if cell.strip() else "0" for cell in cells]
        filled = floats(kept, blank_ok=False)
        if filled is not None:
            filled[[not cell.strip() for cell in cells]] = np.nan
        return filled
    # float() also reads Python's own 1_000, which no table means as a thousand. NaN compares false.
    if not (np.abs(values) <= LARGEST).all() or "_" in "".join(cells):
        return None
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def what_is_wrong(cell: str) -> str:
    """Why `floats` did not take the cell."""
    if not cell.strip():
        return "the cell is empty where a number belongs"
    try:
        value = float(cell)
    except ValueError:
        return "text stands where a number belongs"
    if math.isnan(value):
        return "NaN stands where a number belongs"
    if math.isinf(value):
        return "the number is infinite"
    if abs(value) > LARGEST:
        return "the number is too large to compute with"
    return "text stands where a number belongs"


def shorten(text: str, limit: int = 100) -> str:
    """The text, cut to a length that a message can hold."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _quote_error(error: csv.Error, name: str, line: int) -> InputError:
    cut = "end of data" in str(error) or "field limit" in str(error)
    return InputError(
        "a double quote is opened and never closed"
        if cut
        else "a value goes on after its closing double quote",
        file=name,
        row=line,
        allowed='values like "one, two", with any double quote inside written twice',
        remedy=(
            "The file may be cut off, as if only half of it had been written: "
            "write or download it again, or close the quote."
            if cut
            else "Correct the quotes in that row."
        ),
    )
