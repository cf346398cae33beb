r"""A table for reading as LaTeX that compiles as it is, and fits the page.

A table is set in ``\scriptsize``. TeX alone knows how wide text is; here it is estimated closely
enough to decide which columns have to wrap, and whether a table has to be turned on its side, on
pages as narrow as those of the standard classes. The first line of every table names the packages
it needs, all of them in any distribution.
"""

from __future__ import annotations

import re
from typing import Final

from selfinterp_stats.reporting.latex_text import breakable, escape_latex, points_wide
from selfinterp_stats.reporting.layout import ReadingTable

# \textwidth and \textheight of the article class in 10 points on letter paper, less a little.
_UPRIGHT: Final = 340.0
_ON_ITS_SIDE: Final = 540.0
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
    widths = _column_widths(table, _UPRIGHT)
    turned = widths is None
    room = _ON_ITS_SIDE if turned else _UPRIGHT
    widths = widths or _column_widths(table, room, at_any_cost=True)
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


def _sides(table: ReadingTable) -> str:
    return table.align.replace("p", "l")


def _share(width: float, room: float) -> str:
    return rf"{width / room:.3f}\linewidth"


def _column_widths(
    table: ReadingTable, room: float, *, at_any_cost: bool = False
) -> list[float | None] | None:
    """Give the width of each column that has to wrap, or nothing where none would be enough.

    A column of figures never wraps. The room that they leave is shared among columns of text so
    that short ones are as wide as their text and long ones alike.
    """
    natural = [max(_natural(table, column)) for column in range(len(table.header))]
    text = [place for place, letter in enumerate(table.align) if letter != "r"]
    figures = sum(width for place, width in enumerate(natural) if place not in text)
    left = room - _GAP * (len(natural) - 1) - figures
    least = {
        place: min(natural[place], max(_NARROWEST_TEXT, _longest_piece(table, place)))
        for place in text
    }
    if sum(least.values()) > left and not at_any_cost:
        return None
    low, high = 0.0, max(natural)
    for _ in range(40):
        limit = (low + high) / 2
        taken = sum(min(natural[place], max(least[place], limit)) for place in text)
        low, high = (limit, high) if taken <= left else (low, limit)
    fits = sum(natural[place] for place in text) <= left
    return [
        None
        if place not in least or fits or width <= max(least[place], low)
        else max(least[place], low)
        for place, width in enumerate(natural)
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
