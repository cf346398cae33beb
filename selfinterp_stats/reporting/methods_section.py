"""A methods section that a run writes of itself, as files and for its page.

The only place that writes one. What stands in it is told by one function for each command, in
`methods` and the `methods` of the folders beside this file, from the results alone: what a run did
not use is neither told nor cited.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from selfinterp_stats.reporting import citing, layout
from selfinterp_stats.reporting.priors_used import COLUMNS, priors_table
from selfinterp_stats.reporting.tables import csv_text, readers_texts, write_texts

# How a paragraph refers to the table of priors; see `citing`.
PRIORS_TABLE: Final = "Table [tab:priors_used]"


@dataclass(frozen=True)
class MethodsSection:
    """What a run says of how its results were got.

    Attributes
    ----------
    paragraphs : tuple of str
        Each begins with its title and a full stop; with citations in them, see `citing`.
    priors : pandas.DataFrame
        As from `priors_used`; empty where nothing was fitted.
    """

    paragraphs: tuple[str, ...]
    priors: pd.DataFrame

    @classmethod
    def of(cls, paragraphs: Iterable[str], priors: pd.DataFrame) -> MethodsSection:
        """Make a section of paragraphs, the empty ones left out."""
        return cls(tuple(filter(None, paragraphs)), priors)

    @property
    def titled(self) -> list[list[str]]:
        """Title and text of each paragraph, as plain text."""
        return [citing.plain(text).split(". ", 1) for text in self.paragraphs]

    @property
    def works(self) -> list[str]:
        """The works cited in full, by author."""
        return citing.works(self.paragraphs)

    @property
    def table(self) -> layout.ReadingTable | None:
        """The table of priors, where there is one."""
        return priors_table(self.priors) if len(self.priors) else None

    def texts(self) -> dict[str, str]:
        """Give the files by their names."""
        told = self.paragraphs
        texts = {
            "methods.md": citing.as_markdown(told),
            "methods.tex": citing.as_latex(told),
            "references.bib": citing.bibliography(citing.cited(told)),
        }
        if self.table is not None:
            tables = {"priors_used.csv": csv_text(self.priors, COLUMNS)}
            tables |= readers_texts({"priors_used": self.table})
            texts |= {f"tables/{name}": text for name, text in tables.items()}
        return texts

    def write(self, folder: Path) -> None:
        """Write the files into a result's folder, in which ``tables`` is there."""
        write_texts(self.texts(), folder)
