"""Curves of a plan: the HDI's width, how sure it is to exclude the ROPE, what noise takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from selfinterp_stats.estimates.planning import Plan
from selfinterp_stats.reporting import drawing, rounding

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW_INCHES: Final = 1.75
_MOST_ROWS: Final = 12
_COLOURS: Final = (drawing.AFTER, drawing.BEFORE, drawing.GREY, drawing.INK)
_DASHES: Final = ("-", "--", ":", "-.")


def caption(found: Plan) -> str:
    """Say what the curves show."""
    prob = rounding.percent(found.settings.hdi_prob)
    return (
        f"Expected width of the {prob} HDI (left), probability that it excludes "
        f"{_region(found)} (middle) and correlation found on average (right), by number of "
        "scenarios: a colour for each number of trials, a dash for each number of reports. Thin "
        "lines: the width that is wanted, the latent correlation."
    )


def assumptions(found: Plan) -> list[tuple[str, pd.DataFrame]]:
    """Rows of the table by what is assumed, with a label, as many as are drawn."""
    table = found.table
    keys = ["assumed", "attributes", "correlation", "choice_noise", "report_noise"]
    varied = [name for name in keys if table[name].nunique() > 1]
    parts = []
    for values, rows in table.groupby(keys, sort=False):
        given = dict(zip(keys, values, strict=True))
        words = [
            str(given[name]) if name == "assumed" else f"{name.replace('_', ' ')} {given[name]:.3g}"
            for name in varied
            if not (given["assumed"] != "as given" and name in keys[2:])
        ]
        parts.append((", ".join(words) or "as given", rows))
    return parts[:_MOST_ROWS]


def draw_curves(found: Plan) -> Figure:
    """Draw one row of three panels for each of what is assumed."""
    parts = assumptions(found)
    height = _ROW_INCHES * len(parts) + 0.5
    figure = drawing.sheet(drawing.TWO_COLUMNS, height, layout="constrained")
    panels = figure.subplots(len(parts), 3, squeeze=False, sharex=True, sharey="col")
    trials = {value: _COLOURS[i % 4] for i, value in enumerate(sorted(set(found.table["trials"])))}
    reports = {value: _DASHES[i % 4] for i, value in enumerate(sorted(set(found.table["reports"])))}
    for (label, rows), (width, power, found_r) in zip(parts, panels, strict=True):
        in_order = rows.sort_values("scenarios")
        for (trial, report), line in in_order.groupby(["trials", "reports"]):
            style = {"color": trials[trial], "linestyle": reports[report], "linewidth": 1.1}
            words = f"{trial} trials, {report} report{'s' if report > 1 else ''}"
            for axes, column in (
                (width, "hdi_width"),
                (power, "p_excludes"),
                (found_r, "attenuated_r"),
            ):
                axes.plot(
                    line["scenarios"],
                    line[column],
                    marker="o",
                    markersize=2.5,
                    label=words,
                    **style,
                )
        width.axhline(found.wanted.width, color=drawing.INK, linewidth=0.5)
        width.set_ylim(bottom=0)
        power.set_ylim(-0.03, 1.03)
        found_r.axhline(rows["correlation"].iloc[0], color=drawing.INK, linewidth=0.5)
        found_r.set_ylabel("correlation found", fontsize=7)
        width.set_ylabel("HDI width", fontsize=7)
        power.set_ylabel(f"P(excludes {_region(found)})", fontsize=7)
        title = width.set_title(label, loc="left", fontsize=7)
        title.set_parse_math(False)
    _legend(panels[0, 1], figure)
    figure.supxlabel("scenarios", fontsize=7.5)
    return figure


def _legend(axes: Axes, figure: Figure) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=6, frameon=False)


def _region(found: Plan) -> str:
    low, high = found.wanted.rope
    return "0" if low == high == 0 else rounding.region((low, high))
