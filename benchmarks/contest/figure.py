"""The growth curves as one figure: cost over datasets, rows and predictors."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

# Okabe and Ito's: told apart with any colour vision.
COLOURS = {"importance": "#0072b2", "nuts": "#d55e00"}
MARKERS = {"importance": "o", "nuts": "s"}
PANELS = (
    ("datasets", "fit_seconds", "datasets", "ms per dataset"),
    ("datasets", "peak_mib", "datasets", "peak memory, MiB"),
    ("rows", "fit_seconds", "rows of a dataset", "ms per dataset"),
    ("predictors", "fit_seconds", "predictors", "ms per dataset"),
)
STYLE = {
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "engines",
}


def draw(curves: dict[str, list[dict[str, Any]]], folder: Path) -> list[Path]:
    """Write ``engines.png`` and ``engines.svg`` into `folder`."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 6.6), layout="constrained")
        for axes, panel in zip(figure.subplots(2, 2).ravel(), PANELS, strict=True):
            _panel(axes, curves, *panel)
        written = []
        for suffix in ("png", "svg"):
            written.append(folder / f"engines.{suffix}")
            # Without a date the same figures make the same file.
            figure.savefig(
                written[-1], dpi=150, metadata={"Date": None} if suffix == "svg" else None
            )
        return written


def _panel(
    axes: Any,
    curves: dict[str, list[dict[str, Any]]],
    over: str,
    quantity: str,
    across: str,
    up: str,
) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    points = curves[over]
    for engine, colour in COLOURS.items():
        own = [p for p in points if p["engine"] == engine]
        at = sorted({p[over] for p in own})
        if not at:
            continue
        height = [statistics.median(_value(p, quantity) for p in own if p[over] == x) for x in at]
        axes.plot(at, height, color=colour, marker=MARKERS[engine], label=engine)
    axes.set(xlabel=across, ylabel=up, xscale="log")
    measured = sorted({p[over] for p in points})
    axes.set_xticks(measured, [f"{x:,}" for x in measured])
    axes.minorticks_off()
    if over != "datasets":
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter("{x:g}")
        axes.legend(frameon=False)
    elif quantity == "peak_mib":
        axes.axhline(4096, color="#555555", linestyle="--", linewidth=1)
        axes.annotate("4 GiB", (0.02, 4096), xycoords=("axes fraction", "data"), va="bottom")
        axes.set_ylim(0, 5000)
    else:
        axes.set_ylim(0, 1.3 * max(_value(p, quantity) for p in points))
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)


def _value(point: dict[str, Any], quantity: str) -> float:
    return (
        1000 * point[quantity] / point["datasets"] if quantity == "fit_seconds" else point[quantity]
    )
