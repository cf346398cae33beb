"""Figures of an explainer study: cells, self effects, tipping points, learning curves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.results import ExplainerResults
from selfinterp_stats.reporting import drawing
from selfinterp_stats.reporting.rounding import percent
from selfinterp_stats.reporting.sections import Drawing, written_drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RUNS: Final = {
    False: (drawing.AFTER, "o", "these runs"),
    True: (drawing.BEFORE, "s", "other runs in view"),
}
_LINES: Final = (
    (drawing.AFTER, "o", "-"),
    (drawing.BEFORE, "s", "--"),
    (drawing.GREY, "D", ":"),
    (drawing.INK, "^", "-."),
)


def write_figures(results: ExplainerResults, folder: Path) -> list[Drawing]:
    """Draw what the study has, as PNG and SVG.

    Parameters
    ----------
    results : ExplainerResults
    folder : Path
        An existing folder.
    """
    import matplotlib as mpl

    hdi = f"{percent(results.hdi_prob)} HDI"
    deltas = results.table[results.table["quantity"].isin(("delta", "delta_new_run"))]
    deltas = deltas[deltas["median"].notna()]
    sized = deltas[deltas["training_items"].notna() & (deltas["quantity"] == "delta")]
    whole = results.cells[results.cells["measure"] == ""] if len(results.cells) else results.cells
    wanted: dict[str, tuple[str, pd.DataFrame, Callable[[pd.DataFrame], Figure]]] = {
        "cells": (f"Cells: posterior median with {hdi}.", whole, _cells),
        "deltas": (f"The self effect by task: median and {hdi}.", deltas, _forest),
        "tipping": (
            f"The self effect against the run-to-run sd: mean and {hdi}.",
            results.tipping,
            _tipping,
        ),
        "learning": (f"The self effect over training size: median and {hdi}.", sized, _learning),
    }
    with mpl.rc_context(drawing.STYLE):
        return [
            written_drawing(draw(frame), folder, name, caption)
            for name, (caption, frame, draw) in wanted.items()
            if len(frame)
        ]


def _sheet(height: float) -> Figure:
    return drawing.sheet(drawing.TWO_COLUMNS, height, layout="constrained")


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
    figure = _sheet(rows * (0.9 + 0.42 * largest))
    for place, (name, group) in enumerate(groups):
        axes = figure.add_subplot(rows, columns, place + 1)
        table = group.pivot(index="explainer", columns="target", values="median")
        _shade(axes, table)
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


def _shade(axes: Axes, table: pd.DataFrame) -> None:
    """Shade cells by their place between the smallest and the largest, lightly under their text."""
    from matplotlib.patches import Rectangle

    values = table.to_numpy(dtype=float)
    spread = np.nanmax(values) - np.nanmin(values)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            share = (value - np.nanmin(values)) / spread if spread > 0 else 0.5
            axes.add_patch(
                Rectangle(
                    (column - 0.5, row - 0.5), 1, 1, color=drawing.AFTER, alpha=0.05 + 0.3 * share,
                    linewidth=0,
                )
            )  # fmt: skip
    axes.set_xlim(-0.5, values.shape[1] - 0.5)
    axes.set_ylim(values.shape[0] - 0.5, -0.5)


def _forest(deltas: pd.DataFrame) -> Figure:
    scale = "points" if (deltas["scale"] == "points").any() else "logit"
    deltas = deltas[deltas["scale"] == scale]
    names = list(dict.fromkeys(_about(deltas)))
    figure = _sheet(0.8 + 0.36 * len(names))
    axes = figure.add_subplot()
    for row, name in zip(deltas.itertuples(index=False), _about(deltas), strict=True):
        new = row.quantity == "delta_new_run"
        y = names.index(name) + 0.15 * (1 if new else -1)
        colour, marker, words = _RUNS[new]
        axes.plot([row.hdi_low, row.hdi_high], [y, y], color=colour, lw=1.4)
        axes.plot(row.median, y, marker, color=colour, ms=3.5, linestyle="", label=words)
    axes.axvline(0, color=drawing.GREY, lw=0.6)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(f"self effect ({scale})")
    marks = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(
        marks.values(), marks.keys(), loc="outside upper right", ncols=2, frameon=False, fontsize=7
    )
    return figure


def _tipping(tipping: pd.DataFrame) -> Figure:
    groups = list(tipping.groupby(_about(tipping), sort=False))
    columns = min(3, len(groups))
    rows = -(-len(groups) // columns)
    figure = _sheet(1.7 * rows)
    for place, (name, group) in enumerate(groups):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.fill_between(
            group["run_sd"], group["hdi_low"], group["hdi_high"], color=drawing.AFTER, alpha=0.2,
            linewidth=0,
        )  # fmt: skip
        axes.plot(group["run_sd"], group["median"], color=drawing.AFTER, lw=1)
        axes.axhline(0, color=drawing.GREY, lw=0.6)
        point = group["tipping_point"].iloc[0]
        if 0 < point <= group["run_sd"].max():
            axes.axvline(point, color=drawing.BEFORE, lw=0.8, ls="--")
        axes.set_title(name, fontsize=7)
        axes.set_xlabel("run-to-run sd (points)")
        axes.set_ylabel("delta (points)")
    return figure


def _learning(sized: pd.DataFrame) -> Figure:
    scale = "points" if (sized["scale"] == "points").any() else "logit"
    sized = sized[sized["scale"] == scale].sort_values("training_items")
    figure = _sheet(2.4)
    axes = figure.add_subplot()
    groups = sized.groupby(["task", "condition"], sort=False)
    for place, ((task, condition), rows) in enumerate(groups):
        colour, marker, dashes = _LINES[place % len(_LINES)]
        low, high = rows["median"] - rows["hdi_low"], rows["hdi_high"] - rows["median"]
        label = " / ".join(filter(None, (task, condition)))
        axes.errorbar(
            rows["training_items"], rows["median"], [low, high], color=colour, marker=marker,
            linestyle=dashes, markersize=3.5, linewidth=1.1, label=label,
        )  # fmt: skip
    axes.set_xscale("log")
    sizes = sorted(set(sized["training_items"]))
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    axes.minorticks_off()
    axes.axhline(0, color=drawing.GREY, lw=0.6)
    axes.set_xlabel("training items")
    axes.set_ylabel(f"delta ({scale})")
    figure.legend(loc="outside upper right", ncols=3, frameon=False)
    return figure
