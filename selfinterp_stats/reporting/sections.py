"""A command's result as a folder: a page of sections, each with a table, drawings, or both.

What `calibrate` and `plan` write has one form: tables as CSV, Markdown and LaTeX, figures as PNG
and SVG, a page that holds them, ``run.json``. They say what stands in it; how it is written is
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfinterp_stats.reporting import drawing, html, layout, svg
from selfinterp_stats.reporting.tables import csv_text, readers_texts, write_texts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from selfinterp_stats.reporting.methods_section import MethodsSection


@dataclass(frozen=True)
class Drawing:
    """A figure that was written, and what a page says of it.

    Attributes
    ----------
    name : str
        Of its files.
    caption : str
    svg : str
        Its markup.
    """

    name: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Section:
    """One section of a page.

    Attributes
    ----------
    anchor, title : str
    notes : sequence of str
        Sentences before the table.
    table : ReadingTable, optional
    drawings : sequence of Drawing
    files : sequence of str
        Names of files in ``tables/`` to link to.
    """

    anchor: str
    title: str
    notes: Sequence[str] = ()
    table: layout.ReadingTable | None = None
    drawings: Sequence[Drawing] = ()
    files: Sequence[str] = field(default=())


def render_sections(
    *,
    title: str,
    question: str,
    headline: Sequence[str],
    sections: Sequence[Section],
    run: Mapping[str, Any],
    methods: MethodsSection,
) -> str:
    """Write a whole, self-contained HTML document."""
    return html.render(
        "sections.html.jinja",
        run,
        methods,
        title=title,
        question=question,
        headline=headline,
        sections=sections,
    )


def written_drawing(figure: Figure, folder: Path, name: str, caption: str) -> Drawing:
    """Write a figure into a folder, and give it for a page whose colours it follows."""
    from markupsafe import Markup

    compact = drawing.save(figure, folder, name)
    # Our own drawing; Matplotlib has escaped the names in it.
    return Drawing(name, caption, Markup(svg.themed(compact, drawing.PAGE_VARIABLES)))


def write_table(
    frame: pd.DataFrame, first: tuple[str, ...], table: layout.ReadingTable, path: Path
) -> list[str]:
    """Write a frame as CSV, and as Markdown and LaTeX for readers.

    Parameters
    ----------
    frame : pandas.DataFrame
    first : tuple of str
        Columns of the CSV before all others.
    table : ReadingTable
    path : Path
        Without an ending.

    Returns
    -------
    list of str
        The names of the files.
    """
    texts = {f"{path.name}.csv": csv_text(frame, first), **readers_texts({path.name: table})}
    write_texts(texts, path.parent)
    return list(texts)
