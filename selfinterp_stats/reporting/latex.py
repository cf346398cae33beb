r"""A table for reading as LaTeX that compiles as it is, and fits the page.

A table is set in ``\scriptsize``. TeX alone knows how wide text is; here it is estimated closely
enough to decide which columns have to wrap, and whether a table has to be turned on its side, on
pages as narrow as those of the standard classes. The first line of every table names the packages
it needs, all of them in any distribution.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, NamedTuple

from selfinterp_stats.reporting.latex_text import breakable, escape_latex, points_wide
from selfinterp_stats.reporting.layout import ReadingTable

# \textwidth and \textheight of the article class in 10 points on letter paper, less a little.
_UPRIGHT: Final = 338.0
_ON_ITS_SIDE: Final = 535.0
_GAP: Final = 6.0
# Lines of a table that fit a page beside its caption and notes.
_PAGE_LINES: Final = 45
# Text in columns narrower than this cannot be read; the table is turned first.
_NARROWEST_TEXT: Final = 60.0


def to_latex(table: ReadingTable, *, long: bool | None = None) -> str:
    r"""Write a booktabs table.

    Parameters
    ----------
    table : ReadingTable
    long : bool, optional
        Whether it is a longtable, which breaks over pages and does not float. Unless given it is
        one when it has more lines than fit a page; a table wider than the page always is.

    Returns
    -------
    str
        To be read by ``\input``. Its first line is a comment with the ``\usepackage`` it needs.
    """
    table, widths, turned = _fitted(table)
    room = _ON_ITS_SIDE if turned else _UPRIGHT
    lines = len(table.rows) + sum(2 for group, _ in table.groups() if group)
    long = turned or (lines > _PAGE_LINES if long is None else long)
    packages = ["booktabs"]
    if any(width is not None for width in widths):
        packages.insert(0, "array")
    packages += ["longtable"] * long + ["pdflscape"] * turned
    specification = "".join(
        letter if width is None else rf">{{\raggedright\arraybackslash}}p{{{_share(width, room)}}}"
        for letter, width in zip(_sides(table), widths, strict=True)
    )
    body = _body(table, widths, room, long=long)
    caption = rf"\caption{{{escape_latex(table.caption)}}}\label{{tab:{table.name}}}"
    head = " & ".join(map(_head, table.header, table.align, widths)) + r" \\"
    setting = _longtable if long else _floating
    written = setting(specification, head, len(table.header), body, caption, _notes(table))
    if turned:
        written = [r"\begin{landscape}", *written, r"\end{landscape}"]
    return "\n".join([rf"% needs \usepackage{{{','.join(packages)}}}", *written]) + "\n"


def _with_narrow_heads(table: ReadingTable) -> ReadingTable:
    """Break the heads of figures so that they are as narrow as their words or figures allow."""
    header = list(table.header)
    for column, letter in enumerate(table.align):
        if letter == "r":
            # An interval is one word.
            words = re.findall(r"\[[^\]]*\]|\S+", header[column])
            cells = (points_wide(cells[column]) for _, cells in table.rows)
            header[column] = _filled(words, max([*map(points_wide, words), *cells], default=0.0))
    return replace(table, header=tuple(header))


def _filled(words: list[str], room: float) -> str:
    lines: list[str] = []
    for word in words:
        if lines and points_wide(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _sides(table: ReadingTable) -> str:
    return table.align.replace("p", "l")


def _share(width: float, room: float) -> str:
    return rf"{width / room:.3f}\linewidth"


def _fitted(table: ReadingTable) -> tuple[ReadingTable, list[float | None], bool]:
    """Give the table, the widths of its columns that wrap, and whether it is turned.

    First its heads are broken, and only then is it turned on its side.
    """
    tight = _with_narrow_heads(table)
    for one, room in ((table, _UPRIGHT), (tight, _UPRIGHT), (table, _ON_ITS_SIDE)):
        if _least_width(one) <= room:
            return one, _column_widths(one, room), room == _ON_ITS_SIDE
    return tight, _column_widths(tight, _ON_ITS_SIDE), True


def _least_width(table: ReadingTable) -> float:
    """Give the width of a table whose text wraps as far as it can be read."""
    return sum(map(_least, _columns(table))) + _GAP * (len(table.header) - 1)


def _column_widths(table: ReadingTable, room: float) -> list[float | None]:
    """Give the width of each column that has to wrap; the others are as wide as their text.

    A column of figures never wraps. The room that they leave is shared among columns of text so
    that short ones are as wide as their text and long ones alike.
    """
    columns = _columns(table)
    left = room - _GAP * (len(columns) - 1)
    low, high = 0.0, max(column.natural for column in columns)
    if sum(column.natural for column in columns) <= left:
        return [None] * len(columns)
    for _ in range(40):
        limit = (low + high) / 2
        taken = sum(min(column.natural, max(_least(column), limit)) for column in columns)
        low, high = (limit, high) if taken <= left else (low, limit)
    wrapped = [max(_least(column), low) for column in columns]
    return [
        width if width < column.natural else None
        for column, width in zip(columns, wrapped, strict=True)
    ]


class _Column(NamedTuple):
    """Widths in points: of a column as it is, and of its longest word; figures are one word."""

    natural: float
    word: float


def _least(column: _Column) -> float:
    return min(column.natural, max(_NARROWEST_TEXT, column.word))


def _columns(table: ReadingTable) -> list[_Column]:
    natural = [max(_natural(table, place)) for place in range(len(table.header))]
    return [
        _Column(width, width if letter == "r" else _longest_piece(table, place))
        for place, (width, letter) in enumerate(zip(natural, table.align, strict=True))
    ]


def _natural(table: ReadingTable, column: int) -> list[float]:
    head = [points_wide(line) for line in table.header[column].split("\n")]
    return [*head, *(points_wide(cells[column]) for _, cells in table.rows)]


def _longest_piece(table: ReadingTable, column: int) -> float:
    """Give the width of the longest stretch that no line can be broken in."""
    texts = [table.header[column], *(cells[column] for _, cells in table.rows)]
    pieces = (piece for text in texts for piece in re.split(r"(?<=[-_ /\n])", text))
    return max((points_wide(piece.rstrip()) for piece in pieces), default=0.0)


def _body(table: ReadingTable, widths: list[float | None], room: float, *, long: bool) -> list[str]:
    columns = len(table.header)
    # A heading wraps over the whole table where it is wider than the page.
    wrapping = rf"@{{}}p{{{_share(room - 2, room)}}}@{{}}"
    body: list[str] = []
    for place, (group, rows) in enumerate(table.groups()):
        if group:
            body += [r"\addlinespace"] * (place > 0)
            wide = points_wide(group) > room - 10
            text = rf"\raggedright {breakable(group)}" if wide else escape_latex(group)
            # The star keeps a heading on the page of its first row.
            ending = r"\\*" if long else r"\\"
            kind = wrapping if wide else "@{}l"
            body.append(rf"\multicolumn{{{columns}}}{{{kind}}}{{\emph{{{text}}}}} {ending}")
        body += [" & ".join(map(_cell, cells, widths)) + r" \\" for cells in rows]
    return body


def _cell(text: str, width: float | None) -> str:
    return escape_latex(text) if width is None else breakable(text)


def _head(text: str, align: str, width: float | None) -> str:
    if width is not None:
        return breakable(text.replace("\n", " "))
    lines = [escape_latex(line) for line in text.split("\n")]
    if len(lines) == 1:
        return lines[0]
    return rf"\shortstack[{'r' if align == 'r' else 'l'}]{{" + r"\\".join(lines) + "}"


def _notes(table: ReadingTable) -> list[str]:
    if not table.notes:
        return []
    text = " ".join(map(breakable, table.notes))
    return [r"\par\medskip\noindent", rf"{{\raggedright {text}\par}}"]


def _floating(
    specification: str, head: str, columns: int, body: list[str], caption: str, notes: list[str]
) -> list[str]:
    del columns
    return [
        r"\begin{table}",
        r"\centering",
        caption,
        r"\scriptsize",
        r"\setlength{\tabcolsep}{3pt}",
        rf"\begin{{tabular}}{{@{{}}{specification}@{{}}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *notes,
        r"\end{table}",
    ]


def _longtable(
    specification: str, head: str, columns: int, body: list[str], caption: str, notes: list[str]
) -> list[str]:
    return [
        r"\begingroup",
        r"\scriptsize",
        r"\setlength{\tabcolsep}{3pt}",
        rf"\begin{{longtable}}{{@{{}}{specification}@{{}}}}",
        caption + r" \\",
        r"\toprule",
        head,
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        head,
        r"\midrule",
        r"\endhead",
        r"\midrule",
        rf"\multicolumn{{{columns}}}{{r@{{}}}}{{continued on the next page}} \\",
        r"\endfoot",
        r"\bottomrule",
        r"\endlastfoot",
        *body,
        r"\end{longtable}",
        *notes,
        r"\endgroup",
    ]
