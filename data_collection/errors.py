"""What can go wrong while collecting, and the exit status each kind of failure maps to.

    CollectionError            1   anything this package refuses to do
    ├── InputError             2   the input or the call is wrong; the user can fix it
    ├── AccessError            2   the service knows the key or the model not
    ├── JournalError           2   the journal cannot be used as it is
    ├── IncompleteError        1   done, but something that was asked for is not there
    └── ServiceError           3   a service could not be reached; trying again may help

Messages have the form of those in `selfinterp_stats`, which this package may not import.
"""

from __future__ import annotations

from os import PathLike
from typing import Final

_UNSET: Final = object()


def _printable(text: str) -> str:
    """The text on one line, with what would steer a terminal written out as Python writes it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class CollectionError(Exception):
    """Base of every error that this package raises on purpose.

    Parameters
    ----------
    problem : str
        What is wrong, as a clause without a full stop.
    file : path-like, optional
        The file that holds the problem.
    row : int, optional
        Line of the file as an editor counts it: the header is line 1.
    column : str, optional
        The column, or the place in a JSON file, such as ``[3].attributes[0].range``.
    value : object, optional
        The offending value, shown as Python would write it.
    allowed : str, optional
        What would have been accepted.
    remedy : str, optional
        What to do about it, as a sentence.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        file: str | PathLike[str] | None = None,
        row: int | None = None,
        column: str | None = None,
        value: object = _UNSET,
        allowed: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else str(file)
        self.row = row
        self.column = column
        self.value = None if value is _UNSET else value
        self.allowed = allowed
        self.remedy = remedy
        place = ", ".join(
            part
            for part in (
                self.file,
                f"row {row}" if row is not None else None,
                f"column {column!r}" if column is not None else None,
            )
            if part
        )
        message = f"{place}: {problem}" if place else problem
        if value is not _UNSET:
            message += f" (found {value!r})"
        message += "."
        if allowed:
            message += f" Allowed: {allowed}."
        if remedy:
            message += f" {remedy}"
        super().__init__(_printable(message))


class InputError(CollectionError, ValueError):
    """The input or the call is wrong."""

    exit_code = 2


class AccessError(CollectionError):
    """The service does not accept the key, or does not know the model."""

    exit_code = 2


class JournalError(CollectionError):
    """The journal is in use, damaged, newer than this program, or cannot be written."""

    exit_code = 2


class IncompleteError(CollectionError):
    """What could be done is done, but something that was asked for is missing."""


class ServiceError(CollectionError):
    """A service outside this program could not be reached or did not answer as agreed."""

    exit_code = 3
