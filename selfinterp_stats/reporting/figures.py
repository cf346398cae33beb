"""Figures 2 and 3 of the paper: reported against learned and native weights.

One row per base model: scatter panels before and after introspection training on the left, the
correlations with their HDIs on the right, in figure 2 with the off-the-shelf control. A set that
a study lacks leaves an empty place that says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.reporting import drawing, rounding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from selfinterp_stats.estimates.results import Results

_COLOURS: Final = {
    "off-the-shelf": drawing.GREY,
    "weight-trained": drawing.BEFORE,
    "introspection-trained": drawing.AFTER,
}
_ROW_INCHES: Final = 2.15
_MARGINS_INCHES: Final = {"left": 0.62, "right": 0.12, "top": 0.5, "bottom": 0.48, "gap": 0.42}
# Half the length of an axis of weights or reports: the scale of ±100 and a little.
_REACH: Final = 106.0
# Names of bars stand right of zero where the axis of correlations begins no farther left than this.
_NEAR_ZERO: Final = -0.2
# Mean reports beyond it that a caption names.
_FEW: Final = 3


@dataclass(frozen=True)
class _Design:
    name: str
    weights: str
    set: str
    scatter: tuple[str, str]
    bars: tuple[str, ...]


_DESIGNS: Final = (
    _Design(
        "figure2",
        "learned",
        "instilled",
        ("weight-trained", "introspection-trained"),
        ("off-the-shelf", "weight-trained", "introspection-trained"),
    ),
    _Design(
        "figure3",
        "native",
        "native",
        ("weight-trained", "introspection-trained"),
        ("weight-trained", "introspection-trained"),
    ),
)


@dataclass(frozen=True)
class DrawnFigures:
    """What became of the figures.

    Attributes
    ----------
    svg : dict of str to str
        The text of each figure's SVG by the figure's name.
    captions : dict of str to str
    skipped : dict of str to str
        Why a figure could not be drawn, by name.
    """

    svg: dict[str, str]
    captions: dict[str, str]
    skipped: dict[str, str]


def write_figures(results: Results, folder: Path) -> DrawnFigures:
    """Draw figures 2 and 3 as PNG (200 dpi) and SVG.

    Parameters
    ----------
    results : Results
    folder : Path
        An existing folder.
    """
    drawings, captions, skipped = {}, {}, {}
    for design in _DESIGNS:
        agreement = results.agreement[results.agreement["set"] == design.set]
        slopes = _slopes(results.correlations, design)
        models = _base_models(agreement, slopes, design)
        if not models:
            number = design.name.removeprefix("figure")
            skipped[design.name] = (
                f"Figure {number} is left out: the study holds no reports on {design.weights} "
                "weights that can be set against fitted ones."
            )
            continue
        drawings[design.name] = _write(
            design, models, agreement, slopes, results.settings.hdi_prob, folder
        )
        captions[design.name] = _caption(design, agreement, results.settings.hdi_prob)
    return DrawnFigures(drawings, captions, skipped)


def _slopes(correlations: pd.DataFrame, design: _Design) -> pd.DataFrame:
    chosen = correlations[
        (correlations["term"] == "standardized_reports")
        & (correlations["set"] == design.set)
        & correlations["condition"].isin(design.bars)
        & correlations["base_model"].notna()
    ]
    return chosen.drop_duplicates(["base_model", "condition"]).set_index(
        ["base_model", "condition"]
    )


def _base_models(agreement: pd.DataFrame, slopes: pd.DataFrame, design: _Design) -> list[str]:
    """Give the base models of which anything at all can be drawn."""
    shown = agreement[agreement["condition"].isin(design.scatter)]
    return sorted({*shown["base_model"], *slopes.index.get_level_values("base_model")})


def _caption(design: _Design, agreement: pd.DataFrame, hdi_prob: float) -> str:
    number = design.name.removeprefix("figure")
    shown = agreement.loc[agreement["condition"].isin(design.scatter), "reported"]
    beyond = shown[shown.abs() > _REACH]
    words = ", ".join(rounding.written(value, 0) for value in sorted(beyond, key=abs)[-_FEW:][::-1])
    largest = (
        "the largest are" if len(beyond) > _FEW else "it is" if len(beyond) == 1 else "they are"
    )
    edge = f" Triangles at the edge: mean reports beyond it; {largest} {words}." if words else ""
    control = "; the off-the-shelf model is the control" if design.name == "figure2" else ""
    return (
        f"Figure {number}. Reported against {design.weights} weights before and after "
        "introspection training, one point per scenario and attribute, with the least-squares "
        "line and Pearson’s r of the standardised values (left); posterior medians of the "
        f"standardised slopes with {rounding.percent(hdi_prob)} HDIs (right){control}.{edge}"
    )


def _write(
    design: _Design,
    models: list[str],
    agreement: pd.DataFrame,
    slopes: pd.DataFrame,
    hdi_prob: float,
    folder: Path,
) -> str:
    import matplotlib as mpl

    with mpl.rc_context(drawing.STYLE):
        return drawing.save(_draw(design, models, agreement, slopes, hdi_prob), folder, design.name)


def _draw(
    design: _Design,
    models: list[str],
    agreement: pd.DataFrame,
    slopes: pd.DataFrame,
    hdi_prob: float,
) -> Figure:
    gap = _MARGINS_INCHES["gap"]
    rows = len(models)
    height = (
        _MARGINS_INCHES["top"] + _MARGINS_INCHES["bottom"] + rows * _ROW_INCHES + (rows - 1) * gap
    )
    figure = drawing.sheet(drawing.TWO_COLUMNS, height)
    grid = figure.add_gridspec(
        rows,
        3,
        width_ratios=(1, 1, 1.18),
        left=_MARGINS_INCHES["left"] / drawing.TWO_COLUMNS,
        right=1 - _MARGINS_INCHES["right"] / drawing.TWO_COLUMNS,
        top=1 - _MARGINS_INCHES["top"] / height,
        bottom=_MARGINS_INCHES["bottom"] / height,
        wspace=0.12,
        hspace=gap / _ROW_INCHES,
    )
    lowest = _lowest(slopes)
    for row, model in enumerate(models):
        last = row == rows - 1
        of_model = agreement[agreement["base_model"] == model]
        for column, condition in enumerate(design.scatter):
            axes = figure.add_subplot(grid[row, column])
            points = of_model[of_model["condition"] == condition]
            _scatter(axes, points, condition)
            if column == 0:
                axes.set_ylabel("reported weight")
            else:
                axes.tick_params(labelleft=False)
            if last:
                axes.set_xlabel(f"{design.weights} weight")
            else:
                axes.tick_params(labelbottom=False)
            if row == 0:
                axes.annotate(
                    ("before training", "after training")[column],
                    (0.5, 1),
                    (0, 4),
                    xycoords="axes fraction",
                    textcoords="offset points",
                    ha="center",
                )
        axes = figure.add_subplot(grid[row, 2])
        _bars(axes, slopes, model, design.bars, lowest)
        axes.tick_params(labelbottom=last)
        if last:
            prob = rounding.percent(hdi_prob)
            axes.set_xlabel(f"correlation (slope), median and {prob} HDI")
        _model_label(figure, grid, row, model)
    return figure


def _model_label(figure: Figure, grid: Any, row: int, model: str) -> None:
    place = grid[row, 0].get_position(figure)
    figure.text(
        place.x0,
        # Above the first row's panels stand their titles.
        place.y1 + (0.25 if row == 0 else 0.055) / figure.get_figheight(),
        drawing.shortened(model, 70),
        fontweight="bold",
        va="bottom",
        parse_math=False,
    )


def _scatter(axes: Axes, points: pd.DataFrame, condition: str) -> None:
    axes.set_xlim(-_REACH, _REACH)
    axes.set_ylim(-_REACH, _REACH)
    ticks = (-100, -50, 0, 50, 100)
    axes.set_xticks(ticks, [rounding.written(tick, 0) for tick in ticks])
    axes.set_yticks(ticks, [rounding.written(tick, 0) for tick in ticks])
    axes.axhline(0, color=drawing.FAINT, linewidth=0.5, zorder=0)
    axes.axvline(0, color=drawing.FAINT, linewidth=0.5, zorder=0)
    if len(points) < 3:
        axes.text(0, 0, "no reports", ha="center", va="center", backgroundcolor="white")
        return
    learned = points["weight"].to_numpy(float)
    reported = points["reported"].to_numpy(float)
    inside = np.abs(reported) <= _REACH
    axes.plot(
        learned[inside],
        reported[inside],
        linestyle="",
        marker="o",
        markersize=2.6,
        markeredgewidth=0,
        color=_COLOURS[condition],
        alpha=0.45,
    )
    for marker, beyond in (("^", reported > _REACH), ("v", reported < -_REACH)):
        # One reply of thousands would press all others together: it stands at the edge.
        axes.plot(
            learned[beyond],
            np.sign(reported[beyond]) * _REACH,
            linestyle="",
            marker=marker,
            markersize=4.5,
            markeredgewidth=0,
            color=_COLOURS[condition],
            clip_on=False,
        )
    if learned.std() > 0 and reported.std() > 0:
        slope, intercept = np.polyfit(learned, reported, 1)
        ends = np.array([learned.min(), learned.max()])
        axes.plot(ends, intercept + slope * ends, color=drawing.INK, linewidth=1.2)
        r = np.corrcoef(points["standardized_b"], points["standardized_reports"])[0, 1]
        axes.text(
            0.04,
            0.965,
            f"r = {rounding.written(r, 2)}",
            transform=axes.transAxes,
            va="top",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.2},
        )


def _lowest(slopes: pd.DataFrame) -> float:
    """Give the left end of the correlations' axis, the same in every row."""
    least = float(slopes["hdi_low"].min()) if len(slopes) else 0.0
    return float(np.floor((min(least, -0.05) - 0.02) * 10) / 10)


def _bars(
    axes: Axes, slopes: pd.DataFrame, model: str, conditions: tuple[str, ...], lowest: float
) -> None:
    largest = float(slopes["hdi_high"].max()) if len(slopes) else 1.0
    axes.set_xlim(lowest, max(1.0, np.ceil((largest + 0.02) * 10) / 10))
    axes.set_ylim(len(conditions) - 0.35, -0.65)
    axes.set_yticks([])
    ticks = [tick for tick in (-0.5, 0, 0.5, 1) if tick >= lowest]
    axes.set_xticks(ticks, [rounding.written(tick, 1) for tick in ticks])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=drawing.INK, linewidth=0.6)
    for place, condition in enumerate(conditions):
        key = (model, condition)
        if key not in slopes.index:
            axes.text(0.02, place, f"{condition}: no reports", va="center", color=drawing.INK)
            continue
        slope = slopes.loc[key]
        low, middle, high = slope["hdi_low"], slope["median"], slope["hdi_high"]
        axes.barh(place, middle, height=0.42, color=_COLOURS[condition], linewidth=0)
        axes.plot(
            [low, high], [place, place], color=drawing.INK, linewidth=1.1, solid_capstyle="butt"
        )
        axes.plot(
            [low, high], [place, place], linestyle="", marker="|", markersize=5, color=drawing.INK,
            markeredgewidth=1.1,
        )  # fmt: skip
        errors = (slope.get("mcse_hdi_low", np.nan), slope.get("mcse_hdi_high", np.nan))
        decimals = min(2, *(rounding.supported_decimals(error) for error in errors))
        figures = [rounding.written(value, decimals) for value in (middle, low, high)]
        axes.text(
            0.02 if lowest >= _NEAR_ZERO else lowest,
            place - 0.27,
            f"{condition}  {figures[0]} [{figures[1]}, {figures[2]}]",
            va="bottom",
            fontsize=6.8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        )
