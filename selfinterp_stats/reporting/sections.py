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

from selfinterp_stats.reporting import cells, figures, layout, svg
from selfinterp_stats.reporting.page import provenance_facts, resource, template
from selfinterp_stats.reporting.tables import csv_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


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
) -> str:
    """Write a whole, self-contained HTML document."""
    from markupsafe import Markup

    return template("sections.html.jinja").render(
        title=title,
        question=question,
        headline=headline,
        sections=sections,
        provenance=provenance_facts(run),
        seed=run["seed"],
        version=cells.text(run.get("version")),
        styles=Markup(resource("page.css")),
        script=Markup(resource("page.js")),
    )


def written_drawing(figure: Figure, folder: Path, name: str, caption: str) -> Drawing:
    """Write a figure into a folder, and give it for a page whose colours it follows."""
    from markupsafe import Markup

    compact = figures.save(figure, folder, name)
    # Our own drawing; Matplotlib has escaped the names in it.
    return Drawing(name, caption, Markup(svg.themed(compact, figures.PAGE_VARIABLES)))


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
    texts = {
        ".csv": csv_text(frame, first),
        ".md": layout.to_markdown(table),
        ".tex": layout.to_latex(table, long=True),
    }
    for ending, text in texts.items():
        path.with_name(path.name + ending).write_text(text, encoding="utf-8", newline="\n")
    return [path.name + ending for ending in texts]
