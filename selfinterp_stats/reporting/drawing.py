"""A drawing as files: PNG, and SVG that is small and always the same."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from selfinterp_stats.reporting import figures, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save(figure: Figure, folder: Path, name: str) -> str:
    """Write a figure as ``name.png`` and ``name.svg`` into an existing folder.

    Returns
    -------
    str
        The SVG's text.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    figures.write_png(np.asarray(canvas.buffer_rgba()), folder / f"{name}.png")
    drawn = io.StringIO()
    FigureCanvasSVG(figure).print_svg(drawn, metadata={"Date": None, "Creator": None})
    compact = svg.compacted(drawn.getvalue(), name)
    (folder / f"{name}.svg").write_text(compact, encoding="utf-8", newline="\n")
    return compact
