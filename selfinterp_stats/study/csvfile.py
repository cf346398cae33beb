"""One CSV file, read strictly: its bytes, its columns, and the line that each row stands on.

Every complaint about the form of a file is made here or in `csvtext` (encoding, quotes, number of
fields, missing columns, cells that are no numbers). It knows nothing of scenarios or choices.

The csv module reads the records, not ``pandas.read_csv``, which fills up rows that are cut short,
reads a scenario named ``NA`` as missing and cannot say on which line a row begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.csvtext import (
    check_header,
    decode,
    floats,
    missing_column_remedy,
    records,
    shorten,
    what_is_wrong,
)

# Rows turned into columns at a time: large enough to be fast, small enough that the text cells of
# a file with millions of rows never lie in memory together.
_BATCH = 20_000
_NUMBER = "a finite number such as 12.5, with a point as the decimal mark"


@dataclass(frozen=True)
class Table:
    """The columns asked of one CSV file, in the order of its rows.

    Attributes
    ----------
    source : CsvFile
    texts : dict of str to list of str
    numbers : dict of str to numpy.ndarray, shape (row,)
        Floats; NaN only in columns that were allowed to have blank cells.
    n_rows : int
    """

    source: CsvFile
    texts: dict[str, list[str]]
    numbers: dict[str, np.ndarray]
    n_rows: int

    def line(self, index: int) -> int:
        """Line of the file, as an editor counts it, on which row `index` (from 0) begins."""
        return self.source.line(int(index))

    def error(
        self,
        problem: str,
        *,
        index: int | None = None,
        column: str | None = None,
        value: object = None,
        allowed: str | None = None,
        remedy: str | None = None,
    ) -> InputError:
        """Error about this file, about its row `index` (from 0) where one is given."""
        given = {} if value is None else {"value": value}
        return InputError(
            problem,
            file=self.source.name,
            row=None if index is None else self.line(index),
            column=None if column is None else self.source.label(column),
            allowed=allowed,
            remedy=remedy,
            **given,
        )


@dataclass(frozen=True)
class CsvFile:
    """A CSV file whose bytes were read and whose header was checked.

    Attributes
    ----------
    name : str
        How messages call the file.
    sha256 : str
        Of the bytes on disk.
    header : tuple of str
        Names under which columns are asked for; empty where the file is.
    labels : tuple of str
        The columns' names as the file has them, which messages use.
    has_rows : bool
        Whether anything follows the header.
    ends_in_newline : bool
    """

    name: str
    sha256: str
    header: tuple[str, ...]
    labels: tuple[str, ...]
    has_rows: bool
    ends_in_newline: bool
    _text: str = field(repr=False)
    _aliases: dict[str, str] = field(default_factory=dict, repr=False)

    def renamed(self, aliases: Mapping[str, str]) -> CsvFile:
        """The same file with columns to be asked for by other names.

        Parameters
        ----------
        aliases : mapping of str to str
            New name to the name in the file, which messages go on using. A column that has one
            of the new names already, and another meaning, cannot be asked for any more.
        """
        theirs = {label: name for name, label in aliases.items()}
        header = tuple(
            theirs.get(label, "" if label in aliases else label) for label in self.labels
        )
        return replace(self, header=header, _aliases=dict(aliases))

    def label(self, column: str) -> str:
        """The file's own name for `column`."""
        if column in self.header:
            return self.labels[self.header.index(column)]
        return self._aliases.get(column, column)

    def require(self, columns: Iterable[str], *, remedy: str | None = None) -> None:
        """Refuse the file unless it has every one of `columns`."""
        for column in columns:
            if column not in self.header:
                label = self.label(column)
                raise InputError(
                    "a needed column is missing",
                    file=self.name,
                    row=1,
                    column=label,
                    value=shorten(",".join(self.labels)),
                    remedy=remedy or missing_column_remedy(self.labels, label),
                )

    def lines(self) -> list[int]:
        """Lines on which the records begin, the header not counted."""
        return [start for start, _ in islice(records(self._text, self.name), 1, None)]

    def line(self, index: int) -> int:
        """Line on which record `index` (from 0, the header not counted) begins."""
        for start, _ in islice(records(self._text, self.name), index + 1, index + 2):
            return start
        raise IndexError(index)

    def read(
        self,
        *,
        texts: Sequence[str] = (),
        numbers: Sequence[str] = (),
        numbers_or_blank: Sequence[str] = (),
    ) -> Table:
        """Read columns, every row checked for its number of fields.

        Parameters
        ----------
        texts, numbers : sequence of str
            Columns to read as they are, and as finite numbers.
        numbers_or_blank : sequence of str
            Columns of numbers where a blank cell stands for no number; it becomes NaN.

        Raises
        ------
        InputError
            A column is missing, a row has too few or too many fields or an open quote, or a cell
            is not a finite number.
        """
        self.require([*texts, *numbers, *numbers_or_blank])
        place = {name: self.header.index(name) for name in (*texts, *numbers, *numbers_or_blank)}
        text_parts: dict[str, list[str]] = {name: [] for name in texts}
        number_parts: dict[str, list[np.ndarray]] = {
            name: [] for name in (*numbers, *numbers_or_blank)
        }
        n_rows = 0
        rows = islice(records(self._text, self.name), 1, None)
        while batch := list(islice(rows, _BATCH)):
            self._check_widths(batch)
            columns = list(zip(*(record for _, record in batch), strict=True))
            for name, cells in text_parts.items():
                cells.extend(columns[place[name]])
            for name, arrays in number_parts.items():
                cells_read = columns[place[name]]
                blank_ok = name in numbers_or_blank
                values = floats(cells_read, blank_ok=blank_ok)
                if values is None:
                    self._refuse_number(batch, cells_read, name, blank_ok=blank_ok)
                else:
                    arrays.append(values)
            n_rows += len(batch)
        joined = {
            name: np.concatenate(arrays) if arrays else np.empty(0)
            for name, arrays in number_parts.items()
        }
        return Table(self, text_parts, joined, n_rows)

    def _check_widths(self, batch: list[tuple[int, list[str]]]) -> None:
        width = len(self.header)
        for line, record in batch:
            if len(record) == width:
                continue
            few = len(record) < width
            last = few and line == self.lines()[-1]
            raise InputError(
                f"the row has {len(record)} field{'s' if len(record) != 1 else ''}",
                file=self.name,
                row=line,
                column=self.labels[len(record)] if few else None,
                value=shorten(",".join(record)),
                allowed=f"{width} fields, as in the header",
                remedy=(
                    "The file looks cut off there, as if only half of it had been written: "
                    "write or download it again."
                    if last
                    else "Complete the row, or take it out."
                    if few
                    else "Put double quotes round a value that holds a comma."
                ),
            )

    def _refuse_number(
        self, batch: list[tuple[int, list[str]]], cells: Sequence[str], name: str, *, blank_ok: bool
    ) -> None:
        for (line, _), cell in zip(batch, cells, strict=True):
            if floats([cell], blank_ok=blank_ok) is not None:
                continue
            raise InputError(
                what_is_wrong(cell),
                file=self.name,
                row=line,
                column=self.label(name),
                value=shorten(cell),
                allowed=_NUMBER,
                remedy="Correct the value, or take the whole row out.",
            )


def open_csv(path: Path, *, name: str | None = None) -> CsvFile:
    """Read the bytes of a CSV file, hash and decode them, and check its header.

    Parameters
    ----------
    path : pathlib.Path
    name : str, optional
        How messages call the file; its own name unless given.

    Raises
    ------
    InputError
        The file cannot be read, is not UTF-8 text (a byte order mark is accepted), or its header
        has a column twice.
    """
    name = path.name if name is None else name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the file cannot be read: {error.strerror or error}",
            file=name,
            remedy="Check that it exists, is a file and may be read by you.",
        ) from error
    text = decode(data, name)
    if not text.strip():
        header: tuple[str, ...] = ()
        has_rows = False
    else:
        rows = records(text, name)
        header = tuple(next(rows)[1])
        has_rows = next(rows, None) is not None
        check_header(header, name)
    return CsvFile(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        header=header,
        labels=header,
        has_rows=has_rows,
        ends_in_newline=text.endswith(("\n", "\r")),
        _text=text,
    )
