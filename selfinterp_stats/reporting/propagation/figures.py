"""The three estimators of every correlation as points with intervals."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Final

from selfinterp_stats.estimates.propagation import Propagation
from selfinterp_stats.estimates.propagation.propagate import CARRIED, LATENT, PLUG_IN
from selfinterp_stats.reporting import cells, drawing

_WORDS: Final = {PLUG_IN: "plug-in", CARRIED: "carried through", LATENT: "latent"}
_COLOURS: Final = {PLUG_IN: drawing.INK, CARRIED: drawing.BEFORE, LATENT: drawing.AFTER}
_MARKERS: Final = {PLUG_IN: "o", CARRIED: "s", LATENT: "D"}
_ROW_INCHES: Final = 0.3
# Of a line beside the drawing, which has two.
_LETTERS: Final = 50


def write_figures(found: Propagation, folder: Path) -> dict[str, str]:
    """Draw all correlations, as PNG and SVG.

    Parameters
    ----------
    found : Propagation
    folder : Path
        An existing folder.

    Returns
    -------
    dict of str to str
        The SVG's text by the figure's name.
    """
    import matplotlib as mpl

    with mpl.rc_context(drawing.STYLE):
        names = dict(
            zip(found.table["id"], map(_label, found.table.to_dict("records")), strict=True)
        )
        ids = list(names)
        height = 0.8 + _ROW_INCHES * len(ids)
        figure = drawing.sheet(drawing.TWO_COLUMNS, height)
        axes = figure.add_axes((0.36, 0.42 / height, 0.62, 1 - 0.8 / height))
        axes.axvline(0, color=drawing.INK, linewidth=0.5)
        for shift, estimator in zip((-0.22, 0.0, 0.22), _WORDS, strict=True):
            rows = found.table[found.table["estimator"] == estimator]
            at = [ids.index(name) + shift for name in rows["id"]]
            errors = [rows["median"] - rows["hdi_low"], rows["hdi_high"] - rows["median"]]
            axes.errorbar(
                rows["median"],
                at,
                xerr=errors,
                fmt=_MARKERS[estimator],
                color=_COLOURS[estimator],
                markersize=3,
                linewidth=0.9,
                label=_WORDS[estimator],
            )
        axes.set_ylim(len(ids) - 0.4, -0.6)
        axes.set_yticks(range(len(ids)), list(names.values()), fontsize=6.5)
        for label in axes.get_yticklabels():
            label.set_parse_math(False)
        axes.tick_params(left=False)
        axes.set_xlabel("correlation, or change of it")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=7)
        return {"propagated": drawing.save(figure, folder, "propagated")}


def _label(row: cells.Row) -> str:
    name = drawing.shortened(f"{row['quantity']} · {row['base_model']}", 2 * _LETTERS)
    return textwrap.fill(name, _LETTERS)
