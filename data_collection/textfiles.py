"""Text files that people give: read whole, as UTF-8, or refused with the line that is wrong."""

from __future__ import annotations

import json
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
