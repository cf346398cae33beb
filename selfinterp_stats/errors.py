"""What can go wrong, and the exit status each kind of failure maps to.

    SelfInterpError            1   anything this package refuses to do
    ├── InputError             2   the input or the call is wrong; the user can fix it
    └── ServiceError           3   a service could not be reached; trying again may help

The command line prints ``str(error)`` and exits with ``error.exit_code``; nothing here knows
about printing.
"""

from __future__ import annotations

from os import PathLike
from typing import Final

_UNSET: Final = object()


def printable(text: str) -> str:
    """The text on one line, with what would steer a terminal written out as Python writes it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class SelfInterpError(Exception):
    """Base of every error that this package raises on purpose.

    Attributes
    ----------
    exit_code : int
        Exit status of the command line: 1.

    Examples
    --------
    >>> from selfinterp_stats import SelfInterpError, load_study
    >>> try:
    ...     load_study("no-such-folder")
    ... except SelfInterpError as error:
    ...     print(type(error).__name__)
    InputError
    """

    exit_code = 1


class InputError(SelfInterpError, ValueError):
    """The input or the call is wrong.

    Parameters
    ----------
    problem : str
        What is wrong, as a clause without a full stop.
    file : path-like, optional
        The file that holds the problem.
    row : int, optional
        Line of the file as an editor counts it: the header is line 1.
    column : str, optional
        Name of the column, as the file has it.
    value : object, optional
        The offending value, shown as Python would write it.
    allowed : str, optional
        What would have been accepted.
    remedy : str, optional
        What to do about it, as a sentence.

    Attributes
    ----------
    problem, file, row, column, value, allowed, remedy
        As given; None where nothing was.
    exit_code : int
        Exit status of the command line: 2.

    Examples
    --------
    >>> from selfinterp_stats import InputError, Settings
    >>> try:
    ...     Settings(rope=(1, 0))
    ... except InputError as error:
    ...     print(error)
    ...     print(error.allowed, error.exit_code, sep="; ")
    the region of practical equivalence is empty (found (1, 0)). Allowed: LOW HIGH with LOW below
    HIGH.
    LOW HIGH with LOW below HIGH; 2
    """

    exit_code = 2

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
        super().__init__(printable(message))


class ServiceError(SelfInterpError):
    """A service outside this program could not be reached or did not answer as agreed.

    Attributes
    ----------
    exit_code : int
        Exit status of the command line: 3.

    Examples
    --------
    Nothing listens at port 9 of this machine:

    >>> from selfinterp_stats import ServiceError, fetch_paper_data
    >>> try:
    ...     fetch_paper_data("paper_data", base_url="http://127.0.0.1:9")
    ... except ServiceError as error:
    ...     print(error.exit_code)
    3
    """

    exit_code = 3
