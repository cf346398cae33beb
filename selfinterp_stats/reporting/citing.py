"""Text that cites: as Markdown, as LaTeX, and with its works listed.

Paragraphs are plain text. A citation stands in them as ``[@key]`` or ``[@key; @other]``, as Pandoc
writes it, and a reference to a table as ``[tab:name]``. A paragraph begins with its title and a
full stop.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from selfinterp_stats.reporting import layout
from selfinterp_stats.reporting.latex_text import escape_latex
from selfinterp_stats.reporting.references import all_references, bibliography

__all__ = ["as_latex", "as_markdown", "bibliography", "cited", "plain", "works"]

_CITATION: Final = re.compile(r" ?\[@([\w-]+(?:; @[\w-]+)*)\]")
_TABLE: Final = re.compile(r"Table \[tab:(\w+)\]")


def cited(texts: Sequence[str]) -> list[str]:
    """Give the keys of all works cited, in the order in which they are."""
    groups = (found[1].split("; @") for text in texts for found in _CITATION.finditer(text))
    return list(dict.fromkeys(key for group in groups for key in group))


def plain(text: str) -> str:
    """Give a paragraph with its citations in brackets, as authors and year."""
    known = all_references()

    def named(found: re.Match[str]) -> str:
        return f" ({'; '.join(known[key].short for key in found[1].split('; @'))})"

    return _TABLE.sub(r"tables/\1.csv", _CITATION.sub(named, text))


def as_markdown(texts: Sequence[str]) -> str:
    """Give the whole section as Markdown, the works in full at its end."""
    lines = ["# Methods", *(layout.escape_markdown(plain(text)) for text in texts), "# References"]
    listed = [f"- {layout.escape_markdown(work)}" for work in works(texts)]
    return "\n\n".join(lines) + "\n\n" + "\n".join(listed) + "\n"


def works(texts: Sequence[str]) -> list[str]:
    """Give the works cited in full, by author."""
    return sorted(all_references()[key].line for key in cited(texts))


def as_latex(texts: Sequence[str]) -> str:
    r"""Give it as LaTeX, to be read by ``\input`` where ``references.bib`` is the bibliography."""
    head = r"% needs \bibliography{references}"
    if any(_TABLE.search(text) for text in texts):
        head += r" and, for the table of priors, \input{tables/priors_used}"
    # Names of models and files have no place to be broken at.
    stretched = r"\begingroup\emergencystretch=3em\relax"
    return "\n\n".join([f"{head}\n{stretched}", *map(_latex, texts), r"\endgroup"]) + "\n"


def _latex(text: str) -> str:
    """Escape a paragraph around its citations and references to tables."""
    name, _, rest = text.partition(". ")
    parts = re.split(r"( ?\[@[^\]]+\]|\[tab:\w+\])", rest)
    body = "".join(
        escape_latex(part)
        if place % 2 == 0
        else rf"\ref{{{part.strip('[]')}}}"
        if part.startswith("[tab:")
        else rf"~\cite{{{','.join(part.strip(' []@').split('; @'))}}}"
        for place, part in enumerate(parts)
    )
    return rf"\paragraph{{{escape_latex(name)}}} {body}"
