"""Forest plots: one conclusion under every set of priors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from selfinterp_stats.estimates.priors import PriorComparison
from selfinterp_stats.models.prior_sets import PAPER
from selfinterp_stats.reporting import drawing, rounding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINE_INCHES: Final = 0.19
_MARGINS_INCHES: Final = 0.55
_LABELS_INCHES: Final = 0.95


def write_figures(found: PriorComparison, folder: Path) -> dict[str, str]:
    """Draw a forest plot of every conclusion, as PNG and SVG.

    Parameters
    ----------
    found : PriorComparison
    folder : Path
        An existing folder.

    Returns
    -------
    dict of str to str
        The SVG's text by the conclusion's id.
    """
    import matplotlib as mpl

    drawings = {}
    with mpl.rc_context(drawing.STYLE):
        for identifier, rows in found.table.groupby("id", sort=False):
            estimated = rows.dropna(subset="median")
            if len(estimated):
                figure = _draw(estimated, found.settings.hdi_prob)
                drawings[str(identifier)] = drawing.save(figure, folder, name_of(str(identifier)))
    return drawings


def name_of(identifier: str) -> str:
    """What a conclusion's figure is called."""
    return drawing.file_name(f"forest_{identifier}")


def caption(row: pd.Series, prob: float) -> str:
    """Say what a forest plot shows."""
    return (
        f"{row['quantity']}, {row['base_model']}: estimate and {rounding.percent(prob)} HDI under "
        "each set of priors (an orange square where the HDI reaches "
        f"{'chance' if row['reference'] else 'zero'}; hollow where scenarios without a posterior "
        "are left out). The dashed line is the paper’s estimate."
    )


def _draw(rows: pd.DataFrame, prob: float) -> Figure:
    from matplotlib.ticker import MaxNLocator

    height = _MARGINS_INCHES + len(rows) * _LINE_INCHES
    figure = drawing.sheet(drawing.ONE_COLUMN, height)
    left = _LABELS_INCHES / drawing.ONE_COLUMN
    axes = figure.add_axes(
        (left, 0.45 / height, 1 - left - 0.1 / drawing.ONE_COLUMN, 1 - _MARGINS_INCHES / height)
    )
    reference = float(rows["reference"].iloc[0])
    for place, row in enumerate(rows.to_dict("records")):
        reaches = row["hdi_reaches_zero"] == "yes"
        colour = drawing.BEFORE if reaches else drawing.AFTER
        axes.plot(
            [row["hdi_low"], row["hdi_high"]], [place, place], color=colour, linewidth=1.6,
            solid_capstyle="butt",
        )  # fmt: skip
        axes.plot(
            [row["median"]],
            [place],
            marker="s" if reaches else "o",
            markersize=4,
            color=colour,
            markeredgewidth=1.1,
            markerfacecolor=drawing.WHITE if row["left_out"] else colour,
        )
    papers = rows.loc[rows["prior"] == PAPER, "median"]
    if len(papers):
        axes.axvline(papers.iloc[0], color=drawing.INK, linewidth=0.6, dashes=(4, 3), zorder=0)
    low, high = axes.get_xlim()
    # Zero is shown where it is about as near as the estimates are wide.
    if low - (high - low) <= reference <= high + (high - low):
        axes.axvline(reference, color=drawing.INK, linewidth=0.6, zorder=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    names = [drawing.shortened(str(name), 20) for name in rows["prior"]]
    axes.set_yticks(range(len(rows)), names)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], min_n_ticks=3))
    axes.xaxis.set_major_formatter(lambda value, _: rounding.written(value, 2))
    axes.set_xlabel(f"estimate and {rounding.percent(prob)} HDI")
    return figure
