"""Figures of an explainer study: cells, self effects, tipping points, learning curves."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.analysis import ExplainerResults
from selfinterp_stats.reporting import svg
from selfinterp_stats.reporting.rounding import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE: Final = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "selfinterp-stats",
}
_SELF: Final = "#0072b2"
_OTHER: Final = "#d55e00"
_GREY: Final = "#8c8c8c"
_WIDTH: Final = 7.0


def write_figures(results: ExplainerResults, folder: Path, hdi_prob: float) -> dict[str, str]:
    """Draw what the study has, as PNG and SVG.

    Returns
    -------
    dict of str to str
        The SVG of each figure by its caption.
    """
    import matplotlib as mpl

    hdi = f"{percent(hdi_prob)} HDI"
    deltas = results.table[results.table["quantity"].isin(("delta", "delta_new_run"))]
    deltas = deltas[deltas["median"].notna()]
    sized = deltas[deltas["training_items"].notna() & (deltas["quantity"] == "delta")]
    whole = results.cells[results.cells["measure"] == ""] if len(results.cells) else results.cells
    wanted: dict[str, tuple[str, pd.DataFrame, Callable[[pd.DataFrame], Figure]]] = {
        "cells": (f"Cells: posterior median with {hdi}.", whole, _cells),
        "deltas": (f"The self effect by task: median and {hdi}.", deltas, _forest),
        "tipping": (
            "The self effect against the run-to-run sd: mean and 95% interval.",
            results.tipping,
            _tipping,
        ),
        "learning": (f"The self effect over training size: median and {hdi}.", sized, _learning),
    }
    drawings = {}
    with mpl.rc_context(_STYLE):
        for name, (caption, frame, draw) in wanted.items():
            if len(frame):
                drawings[caption] = _write(draw(frame), name, folder)
    return drawings


def _write(figure: Figure, name: str, folder: Path) -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasAgg(figure).print_png(folder / f"{name}.png", metadata={"Software": None})
    drawing = io.StringIO()
    FigureCanvasSVG(figure).print_svg(drawing, metadata={"Date": None, "Creator": None})
    compact = svg.compacted(drawing.getvalue(), name)
    (folder / f"{name}.svg").write_text(compact, encoding="utf-8", newline="\n")
    return svg.themed(compact, {})


def _figure(height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, height), dpi=200, facecolor="white", layout="constrained")


def _about(rows: pd.DataFrame) -> pd.Series:
    """What rows are about, as one text."""
    size = rows["training_items"].map(lambda n: "" if np.isnan(n) else f"{n:,.0f} items")
    parts = [rows["task"], rows["condition"], size]
    return pd.Series(
        [" / ".join(filter(None, names)) for names in zip(*parts, strict=True)], index=rows.index
    )


def _cells(cells: pd.DataFrame) -> Figure:
    scale = "points" if (cells["scale"] == "points").any() else "logit"
    cells = cells[cells["scale"] == scale]
    groups = list(cells.groupby(_about(cells), sort=False))
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    largest = max(group["explainer"].nunique() for _, group in groups)
    figure = _figure(rows * (0.9 + 0.42 * largest))
    for place, (name, group) in enumerate(groups):
        axes = figure.add_subplot(rows, columns, place + 1)
        table = group.pivot(index="explainer", columns="target", values="median")
        axes.imshow(table, cmap="Blues", aspect="auto", alpha=0.7)
        axes.set_xticks(range(table.shape[1]), table.columns, rotation=20, ha="right")
        axes.set_yticks(range(table.shape[0]), table.index)
        for row in group.itertuples(index=False):
            axes.annotate(
                f"{row.median:.1f}\n[{row.hdi_low:.1f}, {row.hdi_high:.1f}]",
                (table.columns.get_loc(row.target), table.index.get_loc(row.explainer)),
                ha="center",
                va="center",
                fontsize=6,
                fontweight="bold" if row.explainer == row.target else "normal",
            )
        axes.set_title(f"{name} ({scale})")
        axes.set_xlabel("target")
        axes.set_ylabel("explainer")
    return figure


def _forest(deltas: pd.DataFrame) -> Figure:
    scale = "points" if (deltas["scale"] == "points").any() else "logit"
    deltas = deltas[deltas["scale"] == scale]
    names = list(dict.fromkeys(_about(deltas)))
    figure = _figure(0.8 + 0.36 * len(names))
    axes = figure.add_subplot()
    for row, name in zip(deltas.itertuples(index=False), _about(deltas), strict=True):
        new = row.quantity == "delta_new_run"
        y = names.index(name) + 0.15 * (1 if new else -1)
        colour = _OTHER if new else _SELF
        axes.plot([row.hdi_low, row.hdi_high], [y, y], color=colour, lw=1.4)
        axes.plot(row.median, y, "o", color=colour, ms=3.5)
    axes.axvline(0, color=_GREY, lw=0.6)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(f"self effect ({scale}); blue: these runs, orange: other runs in view")
    return figure


def _tipping(tipping: pd.DataFrame) -> Figure:
    groups = list(tipping.groupby(_about(tipping), sort=False))
    columns = min(3, len(groups))
    rows = -(-len(groups) // columns)
    figure = _figure(1.7 * rows)
    for place, (name, group) in enumerate(groups):
        axes = figure.add_subplot(rows, columns, place + 1)
        reach = 1.959964 * group["sd"]
        axes.fill_between(
            group["run_sd"], group["median"] - reach, group["median"] + reach, color="#cfe3f1"
        )
        axes.plot(group["run_sd"], group["median"], color=_SELF, lw=1)
        axes.axhline(0, color=_GREY, lw=0.6)
        point = group["tipping_point"].iloc[0]
        if 0 < point <= group["run_sd"].max():
            axes.axvline(point, color=_OTHER, lw=0.8, ls="--")
        axes.set_title(name, fontsize=7)
        axes.set_xlabel("run-to-run sd (points)")
        axes.set_ylabel("delta (points)")
    return figure


def _learning(sized: pd.DataFrame) -> Figure:
    scale = "points" if (sized["scale"] == "points").any() else "logit"
    sized = sized[sized["scale"] == scale].sort_values("training_items")
    figure = _figure(2.4)
    axes = figure.add_subplot()
    for (task, condition), rows in sized.groupby(["task", "condition"], sort=False):
        low, high = rows["median"] - rows["hdi_low"], rows["hdi_high"] - rows["median"]
        label = " / ".join(filter(None, (task, condition)))
        axes.errorbar(rows["training_items"], rows["median"], [low, high], fmt="o-", label=label)
    axes.set_xscale("log")
    axes.axhline(0, color=_GREY, lw=0.6)
    axes.set_xlabel("training items")
    axes.set_ylabel(f"delta ({scale})")
    axes.legend(frameon=False)
    return figure
