"""A table for reading, and how it is said in Markdown; `latex` says it in LaTeX.

Knows nothing of statistics: cells arrive as plain text with typographic signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby


@dataclass(frozen=True)
class ReadingTable:
    """Text in rows and columns, in groups that share a heading.

    Attributes
    ----------
    name : str
        What files and LaTeX labels are called.
    caption : str
    group_header : str
        What the groups are; in Markdown the head of the first column.
    header : tuple of str
        A line break in a head is where LaTeX may break it.
    align : str
        One letter for each column: ``l`` or ``r``; ``p`` is left-aligned text of any length.
    rows : list of (group, cells)
        Rows of one group stand together.
    notes : tuple of str
    """

    name: str
    caption: str
    group_header: str
    header: tuple[str, ...]
    align: str
    rows: list[tuple[str, tuple[str, ...]]]
    notes: tuple[str, ...] = field(default=())

    def groups(self) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
        """Give each run of rows with the same heading."""
        for group, rows in groupby(self.rows, key=lambda row: row[0]):
            yield group, [cells for _, cells in rows]

    def without_empty_columns(self) -> ReadingTable:
        """Leave out the columns in which nothing stands."""
        kept = [
            index
            for index in range(len(self.header))
            if not self.rows or any(cells[index] for _, cells in self.rows)
        ]
        return ReadingTable(
            self.name,
            self.caption,
            self.group_header,
            tuple(self.header[index] for index in kept),
            "".join(self.align[index] for index in kept),
            [(group, tuple(cells[index] for index in kept)) for group, cells in self.rows],
            self.notes,
        )


_MARKDOWN_SPECIAL = re.compile(
    r"""[\\`*|$~]                        # always
      | (?<![^\W_])_ | _(?![^\W_])       # an underscore that is not inside a word
      | \](?=[(\[:])                     # what would make a link
      | ^\#""",
    re.VERBOSE,
)


def escape_markdown(text: str) -> str:
    """Escape what GitHub's Markdown would take for markup inside a table cell."""
    single = " ".join(text.split())
    entities = single.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN_SPECIAL.sub(lambda match: f"\\{match.group()}", entities)


def to_markdown(table: ReadingTable) -> str:
    """Write a GitHub table under its caption, the notes below."""
    header = [table.group_header, *table.header]
    rules = ["---", *("---:" if letter == "r" else "---" for letter in table.align)]
    lines = [f"**{escape_markdown(table.caption)}**", ""]
    lines += [_markdown_row(header), f"| {' | '.join(rules)} |"]
    lines += [_markdown_row([group, *cells]) for group, cells in table.rows]
    for note in table.notes:
        lines += ["", escape_markdown(note)]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: list[str]) -> str:
    return f"| {' | '.join(escape_markdown(cell) for cell in cells)} |"
