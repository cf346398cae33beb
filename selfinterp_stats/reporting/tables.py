"""The tables of a report: the paper's numbers, the correlations, the weights.

Each is written as CSV for machines (the frame as it is, in full precision) and as Markdown
and LaTeX for readers (rounded by the Monte Carlo error, every interval named in the header).
Knows the columns of `Results`, and no file but those it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from selfinterp_stats.reporting import latex, layout, reading

if TYPE_CHECKING:
    from selfinterp_stats.estimates.results import Results

_READING: Final = {
    "paper_numbers": reading.paper_numbers_table,
    "correlations": reading.correlations_table,
    "weights": reading.weights_table,
}


def write_tables(results: Results, folder: Path) -> list[Path]:
    """Write every table as CSV, Markdown and LaTeX.

    Parameters
    ----------
    results : Results
    folder : Path
        An existing folder.

    Returns
    -------
    list of Path
        The files written.
    """
    return [path for name in _READING for path in write_table(name, results, folder)]


def write_table(name: str, results: Results, folder: Path) -> list[Path]:
    """Write one table; `name` is that of its frame in `results`."""
    for_reading = _READING[name]
    texts = {
        f"{name}.csv": csv_text(getattr(results, name)),
        f"{name}.md": layout.to_markdown(for_reading(results)),
        f"{name}.tex": latex.to_latex(for_reading(results, narrow=True)),
    }
    write_texts(texts, folder)
    return [folder / file for file in texts]


def readers_texts(tables: Mapping[str, layout.ReadingTable]) -> dict[str, str]:
    """Give tables as Markdown and LaTeX by the names of their files, which they are given under."""
    texts = {}
    for name, table in tables.items():
        texts[f"{name}.md"] = layout.to_markdown(table)
        texts[f"{name}.tex"] = latex.to_latex(table)
    return texts


def write_texts(texts: Mapping[str, str], folder: Path) -> None:
    """Write files of text into an existing folder, with the same bytes on every system."""
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def csv_text(frame: pd.DataFrame, first: tuple[str, ...] = ()) -> str:
    """Write a frame as CSV in full precision, the columns in `first` before all others."""
    missing = [name for name in first if name not in frame]
    if missing:
        raise KeyError(f"the frame lacks the columns {', '.join(missing)}")
    rest = [name for name in frame if name not in first]
    return str(frame[[*first, *rest]].to_csv(index=False, lineterminator="\n"))
