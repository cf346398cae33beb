"""What all figures share: widths, type, colours and files.

A figure is as wide as one column of a journal or as two, its smallest type 6 points at that size.
Matplotlib is used through its objects, without pyplot, and writes the same bytes for the same
result.
"""

from __future__ import annotations

import io
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from selfinterp_stats.reporting import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches. The wider one is for what has panels side by side.
ONE_COLUMN: Final = 3.4
TWO_COLUMNS: Final = 7.0
# Points.
SMALLEST_TYPE: Final = 6.0
DOTS_PER_INCH: Final = 200

# Okabe and Ito's palette: told apart with any colour vision, and in grey by lightness. Where
# colour says something, a marker, a dash or a place says it too.
BEFORE: Final = "#d55e00"
AFTER: Final = "#0072b2"
GREY: Final = "#8c8c8c"
INK: Final = "#22262b"
FAINT: Final = "#b8bcc2"
WHITE: Final = "#ffffff"

PAGE_VARIABLES: Final = {
    INK: "--ink",
    FAINT: "--rule",
    WHITE: "--sheet",
    GREY: "--shelf",
    BEFORE: "--before",
    AFTER: "--after",
}
"""The page's variable for each colour of a drawing, so that it follows the page's theme."""

STYLE: Final = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    # A dollar in a name is a dollar.
    "text.parse_math": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "selfinterp-stats",
}


def sheet(width: float, height: float, **options: Any) -> Figure:
    """Make an empty figure of so many inches; `options` are Matplotlib's."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor=WHITE, **options)


def save(figure: Figure, folder: Path, name: str) -> str:
    """Write a figure as PNG (200 dpi) and SVG into an existing folder.

    Returns
    -------
    str
        The SVG's text.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    write_png(np.asarray(canvas.buffer_rgba()), folder / f"{name}.png")
    drawing = io.StringIO()
    FigureCanvasSVG(figure).print_svg(drawing, metadata={"Date": None, "Creator": None})
    compact = svg.compacted(drawing.getvalue(), name)
    (folder / f"{name}.svg").write_text(compact, encoding="utf-8", newline="\n")
    return compact


def file_name(name: str) -> str:
    """What a figure's file may be called; a base model may have any name."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)


def write_png(pixels: np.ndarray, path: Path) -> None:
    """Write a PNG of 256 colours, a third of the size; a few colours and their mixtures fit."""
    from PIL import Image

    image = Image.fromarray(pixels).convert("RGB")
    few = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, dpi=(DOTS_PER_INCH, DOTS_PER_INCH), optimize=True)


def shortened(text: str, letters: int) -> str:
    """Cut a text down to so many printable letters."""
    printable = "".join(letter for letter in text if letter.isprintable())
    return textwrap.shorten(printable, letters, placeholder="…") or printable[:letters]
