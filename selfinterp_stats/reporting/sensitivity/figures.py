"""Specification curves: all estimates of one conclusion in order, over the choices behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.sensitivity import Sensitivity
from selfinterp_stats.estimates.sensitivity.specifications import COLUMNS, NOBODY
from selfinterp_stats.reporting import drawing, rounding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CURVE_INCHES: Final = 2.1
_LINE_INCHES: Final = 0.145
_MARK_LINES: Final = 0.68
_LEFT_INCHES: Final = 1.75
_AXES_INCHES: Final = drawing.TWO_COLUMNS - 1.87
_CHOICES: Final = {
    "exclusion": "±100 excluded",
    "standardising": "standardised",
    "reports": "reports",
    "min_reports": "valid reports",
    "weights": "fitted weights",
    "intercept": "intercept",
    "scenarios": "scenarios",
    "left_out": "left out",
}


def write_figures(found: Sensitivity, folder: Path) -> dict[str, str]:
    """Draw a specification curve of every conclusion, as PNG and SVG.

    Parameters
    ----------
    found : Sensitivity
    folder : Path
        An existing folder.

    Returns
    -------
    dict of str to str
        The SVG's text by the conclusion's id.
    """
    import matplotlib as mpl

    drawings = {}
    prob = found.weights.settings.hdi_prob
    with mpl.rc_context(drawing.STYLE):
        for identifier, rows in found.table.groupby("id", sort=False):
            estimated = rows.dropna(subset="estimate")
            if estimated.empty:
                continue
            name = file_name(str(identifier))
            drawings[str(identifier)] = drawing.save(_draw(estimated, prob), folder, name)
    return drawings


def file_name(identifier: str) -> str:
    """What a conclusion's figure is called; a base model may have any name."""
    return drawing.file_name(f"curve_{identifier}")


def caption(row: pd.Series, prob: float) -> str:
    """Say what a specification curve shows."""
    return (
        f"{row['quantity']}, {row['base_model']}: every specification’s estimate in order, with "
        f"{rounding.percent(prob)} HDIs (orange where they reach "
        f"{'chance' if row['reference'] else 'zero'}), and the choices behind each below. The dot "
        "and the dashed line are the paper’s own specification."
    )


def _draw(rows: pd.DataFrame, prob: float) -> Figure:
    rows = rows.sort_values("estimate", kind="stable").reset_index(drop=True)
    varied = [name for name in COLUMNS if rows[name].nunique() > 1]
    lines = sum(rows[name].nunique() for name in varied) + len(varied)
    choices = max(lines, 1) * _LINE_INCHES
    margins = {"top": 0.12, "gap": 0.1, "bottom": 0.42}
    height = _CURVE_INCHES + choices + sum(margins.values())
    figure = drawing.sheet(drawing.TWO_COLUMNS, height)
    left, width = _LEFT_INCHES / drawing.TWO_COLUMNS, _AXES_INCHES / drawing.TWO_COLUMNS
    base = (margins["bottom"] + choices + margins["gap"]) / height
    curve = figure.add_axes((left, base, width, _CURVE_INCHES / height))
    below = figure.add_axes((left, margins["bottom"] / height, width, choices / height))
    _curve(curve, rows, prob)
    _choices(below, rows, varied)
    for axes in (curve, below):
        axes.set_xlim(-1, len(rows))
    return figure


def _curve(axes: Axes, rows: pd.DataFrame, prob: float) -> None:
    places = np.arange(len(rows))
    reaches = rows["hdi_reaches_zero"].to_numpy() == "yes"
    low, high = rows["hdi_low"].to_numpy(), rows["hdi_high"].to_numpy()
    wide = min(4.0, 300 / len(rows))
    for which, colour in ((~reaches, drawing.AFTER), (reaches, drawing.BEFORE)):
        _ticks(axes, places[which], low[which], high[which], colour, wide, alpha=0.35)
    axes.plot(places, rows["estimate"], color=drawing.INK, linewidth=1.1)
    own = np.flatnonzero(rows["paper_specification"] == "yes")
    reference = float(rows["reference"].iloc[0])
    axes.axhline(reference, color=drawing.INK, linewidth=0.6)
    if len(own):
        estimate = rows["estimate"].iloc[own[0]]
        axes.axhline(estimate, color=drawing.INK, linewidth=0.6, dashes=(4, 3))
        axes.plot(
            [own[0]], [estimate], marker="o", markersize=4.5, color=drawing.INK,
            markeredgecolor=drawing.WHITE, markeredgewidth=0.8,
        )  # fmt: skip
    axes.tick_params(labelbottom=False, bottom=False)
    axes.spines["bottom"].set_visible(False)
    axes.yaxis.set_major_formatter(lambda value, _: rounding.written(value, 2))
    axes.set_ylabel(f"estimate and {rounding.percent(prob)} HDI")


def _choices(axes: Axes, rows: pd.DataFrame, varied: list[str]) -> None:
    labels, line = [], 0
    for name in varied:
        axes.text(
            -0.335, line, _CHOICES[name], transform=axes.get_yaxis_transform(), fontweight="bold",
            va="center", fontsize=6.8,
        )  # fmt: skip
        line += 1
        for option in sorted(rows[name].unique(), key=lambda value: _order(rows, name, value)):
            _marks(axes, np.flatnonzero(rows[name].to_numpy() == option), line, len(rows))
            labels.append((line, _words(name, option)))
            line += 1
    axes.set_ylim(max(line, 1) - 0.4, -0.6)
    axes.set_yticks([place for place, _ in labels], [words for _, words in labels], fontsize=6.8)
    axes.tick_params(left=False)
    axes.set_xticks([])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"{len(rows):,} specifications, by estimate")


def _order(rows: pd.DataFrame, name: str, option: object) -> tuple[bool, object]:
    """The paper's option first, others as they were listed."""
    listed = list(rows.sort_values("paper_specification", ascending=False)[name].unique())
    return option != listed[0], str(option).rjust(3) if name == "min_reports" else str(option)


def _words(name: str, option: object) -> str:
    if name == "left_out":
        text = "no scenario" if option == NOBODY else str(option).replace("_", " ")
        return drawing.shortened(text, 28)
    return f"at least {option}" if name == "min_reports" else str(option)


def _marks(axes: Axes, places: np.ndarray, line: int, total: int) -> None:
    """Mark the specifications that have an option: neighbours as one line, with a dash for each.

    There are ten thousands of marks in a report, and a third as many such lines.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    apart = 72 * _AXES_INCHES / (total + 1)  # in points; the limits are one place beyond each end
    wide, high = min(3.0, 300 / total), 72 * _LINE_INCHES * _MARK_LINES
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    half = wide / apart / 2
    ends = [((run[0] - half, line), (run[-1] + half, line)) for run in runs]
    axes.add_patch(
        PathPatch(
            Outline(
                np.reshape(ends, (-1, 2)), np.tile([Outline.MOVETO, Outline.LINETO], len(runs))
            ),
            facecolor="none",
            edgecolor=drawing.INK,
            linewidth=high,
            linestyle=(0, (wide / high, (apart - wide) / high)),
            capstyle="butt",
            snap=False,
        )
    )


def _ticks(
    axes: Axes,
    places: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    colour: str,
    width: float,
    alpha: float,
) -> None:
    """Upright strokes as one path, which keeps a drawing of thousands of them small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return
    points = np.stack([places, low, places, high], axis=1)[known].reshape(-1, 2)
    codes = np.tile([Outline.MOVETO, Outline.LINETO], int(known.sum()))
    axes.add_patch(
        PathPatch(
            Outline(points, codes),
            facecolor="none",
            edgecolor=colour,
            linewidth=width,
            alpha=alpha,
            capstyle="butt",
        )
    )
    axes.update_datalim(points)
    axes.autoscale_view()
