"""A table for reading, and how it is said in Markdown and in LaTeX.

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
        One letter, ``l`` or ``r``, for each column; ``p`` is a left-aligned column that wraps
        in LaTeX.
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


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': "''",
    "[": "{[}",  # a bracket that opens a row would be read as the argument of \\
    "\N{MINUS SIGN}": "$-$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\le$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\ge$",
    "\N{INFINITY}": r"$\infty$",
    "\N{MIDDLE DOT}": r"$\cdot$",
    "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{NO-BREAK SPACE}": "~",
}


def escape_latex(text: str) -> str:
    """Escape what LaTeX would take for a command; signs become math where they need it."""
    single = re.sub(r"[ \t\r\n]+", " ", text)
    return "".join(
        _LATEX.get(letter, letter) for letter in single if letter in _LATEX or letter.isprintable()
    )


def to_latex(table: ReadingTable, *, long: bool = False) -> str:
    r"""Write a booktabs table, or with `long` a longtable that breaks over pages.

    Needs ``\usepackage{booktabs}`` and, with `long`, ``\usepackage{longtable}``; nothing else.
    """
    wrapping = rf"p{{{0.19 if long else 0.28}\linewidth}}"
    columns = "".join(wrapping if letter == "p" else letter for letter in table.align)
    head = " & ".join(map(_latex_head, table.header, table.align)) + r" \\"
    width = len(table.header)
    body: list[str] = []
    for place, (group, rows) in enumerate(table.groups()):
        if group:
            body += [r"\addlinespace"] * (place > 0)
            # The star keeps a heading on the page of its first row.
            ending = r"\\*" if long else r"\\"
            body.append(
                rf"\multicolumn{{{width}}}{{@{{}}l}}{{\emph{{{escape_latex(group)}}}}} {ending}"
            )
        body += [" & ".join(escape_latex(cell) for cell in cells) + r" \\" for cells in rows]
    caption = rf"\caption{{{escape_latex(table.caption)}}}\label{{tab:{table.name}}}"
    notes = " ".join(escape_latex(note) for note in table.notes)
    if long:
        lines = _longtable(columns, head, width, body, caption, notes)
    else:
        lines = _floating(columns, head, body, caption, notes)
    needed = r"\usepackage{booktabs,longtable}" if long else r"\usepackage{booktabs}"
    return "\n".join([f"% needs {needed}", *lines]) + "\n"


def _latex_head(text: str, align: str) -> str:
    lines = [escape_latex(line) for line in text.split("\n")]
    if len(lines) == 1:
        return lines[0]
    side = "r" if align == "r" else "l"
    return rf"\shortstack[{side}]{{" + r"\\".join(lines) + "}"


def _floating(columns: str, head: str, body: list[str], caption: str, notes: str) -> list[str]:
    return [
        r"\begin{table}",
        r"\centering",
        caption,
        r"\scriptsize",
        r"\setlength{\tabcolsep}{3pt}",
        rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *([rf"\par\medskip\parbox{{\linewidth}}{{{notes}}}"] if notes else []),
        r"\end{table}",
    ]


def _longtable(
    columns: str, head: str, width: int, body: list[str], caption: str, notes: str
) -> list[str]:
    return [
        r"\begingroup",
        r"\scriptsize",
        r"\setlength{\tabcolsep}{3pt}",
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
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
        rf"\multicolumn{{{width}}}{{r@{{}}}}{{continued on the next page}} \\",
        r"\endfoot",
        r"\bottomrule",
        r"\endlastfoot",
        *body,
        r"\end{longtable}",
        *([rf"\noindent\parbox{{\linewidth}}{{{notes}}}"] if notes else []),
        r"\endgroup",
    ]
