"""Ranks drawn: how far their distribution is from uniform, model by model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from selfinterp_stats.estimates.calibration.ranks import Ranks
from selfinterp_stats.estimates.calibration.uniformity import ecdf_band
from selfinterp_stats.reporting import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TITLES: Final = {"sigma": "residual sd", "Intercept": "intercept"}
_ROW_INCHES: Final = 1.15

CAPTION: Final = (
    "Ranks of the truth among posterior draws: their distribution function less the uniform one, "
    "a line for each quantity. 95% of the lines of a calibrated model stay inside the grey band "
    "throughout."
)


def draw_ranks(found: list[tuple[str, Ranks]]) -> Figure:
    """Draw one row per model, one panel per group of quantities.

    Parameters
    ----------
    found : list of (label, Ranks)
    """
    height = _ROW_INCHES * len(found) + 0.55
    figure = drawing.sheet(drawing.TWO_COLUMNS, height, layout="constrained")
    names = [list(ranks.groups()) for _, ranks in found]
    columns = max(map(len, names))
    panels = figure.subplots(len(found), columns, squeeze=False, sharex=True)
    for row, (label, ranks) in enumerate(found):
        groups = ranks.groups()
        for column, axes in enumerate(panels[row]):
            if column >= len(groups):
                axes.set_visible(False)
                continue
            group = names[row][column]
            _panel(axes, ranks, groups[group])
            if row == 0 or names[row - 1][column : column + 1] != [group]:
                axes.set_title(_TITLES.get(group, group))
        panels[row, 0].set_ylabel(
            label.replace(", ", ",\n").replace(" under ", "\nunder\n"), fontsize=6.5
        )
    figure.supxlabel("rank, as a share of the draws", fontsize=7.5)
    return figure


def _panel(axes: Axes, ranks: Ranks, places: list[int]) -> None:
    simulations = len(ranks.ranks)
    at, low, high = ecdf_band(simulations, ranks.draws)
    axes.fill_between(at, low, high, color=drawing.GREY, alpha=0.28, linewidth=0)
    axes.axhline(0, color=drawing.INK, linewidth=0.5)
    ordered = np.sort(ranks.ranks[:, places], axis=0)
    highest = np.round(at * (ranks.draws + 1) - 1)
    for column in ordered.T:
        share = np.searchsorted(column, highest, side="right") / simulations
        axes.plot(at, share - at, color=drawing.AFTER, linewidth=0.8)
    reach = max(1.6 * high.max(), 1.1 * np.abs(axes.dataLim.intervaly).max())
    axes.set_ylim(-reach, reach)
    axes.set_xlim(0, 1)
    axes.tick_params(labelsize=6)
