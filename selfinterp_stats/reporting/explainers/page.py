"""The page of an explainer study, and its main table as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.analysis import ExplainerResults
from selfinterp_stats.estimates.explainers.table import ROPES
from selfinterp_stats.reporting.rounding import percent

_DECIMALS: Final = {"logit": 2, "points": 1}
_WORDS: Final = {
    "self_cross_gap": "self minus mean of cross cells",
    "delta_of_target": "self effect of this target",
    "double_centred": "self cell, double-centred",
    "delta": "self effect (delta)",
    "delta_new_run": "self effect, other runs in view",
    "naive_accuracy_gap": "gap in accuracy (naive)",
}


def table_for_reading(table: pd.DataFrame, hdi_prob: float) -> str:
    """The table as Markdown, rounded; every interval says what it is."""
    hdi = f"{percent(hdi_prob)} HDI"
    header = ["Task", "Quantity", "Target", "Scale", "Median", hdi, "P(> 0)", "In ROPE", "Note"]
    rows = [list(row.values()) for row in reading_rows(table)]
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def reading_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    """The table's rows as texts."""
    return [
        {
            "task": " / ".join(
                str(part)
                for part in (row["task"], row["condition"], _size(row["training_items"]))
                if part
            ),
            "quantity": _WORDS.get(row["quantity"], row["quantity"]),
            "target": row["target"],
            "scale": row["scale"],
            "median": _number(row["median"], row["scale"]),
            "hdi": _interval(row),
            "p_positive": _share(row["p_positive"]),
            "rope": _share(row["rope_share"]),
            "note": row["note"],
        }
        for row in table.to_dict("records")
    ]


def render_page(
    results: ExplainerResults, drawings: Mapping[str, str], run: Mapping[str, Any], hdi_prob: float
) -> str:
    """Write the page.

    Parameters
    ----------
    results : ExplainerResults
    drawings : mapping of str to str
        SVG by the figure's caption.
    run : mapping
        What ``run.json`` will hold.
    hdi_prob : float
    """
    from importlib.resources import files

    import jinja2

    templates = files("selfinterp_stats.reporting") / "templates"
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((templates / "explainers.html.jinja").read_text("utf-8"))
    page: str = template.render(
        style=(templates / "page.css").read_text("utf-8"),
        rows=reading_rows(results.table),
        hdi=f"{percent(hdi_prob)} HDI",
        ropes=ROPES,
        drawings=drawings,
        run=run,
        tipping=_tipping(results.tipping),
        left_out=results.study.left_out_table().to_dict("records"),
        notices=[notice for notice in results.study.notices if notice.kind != "left out"],
    )
    return page


def _tipping(tipping: pd.DataFrame) -> list[tuple[str, str]]:
    if not len(tipping):
        return []
    first = tipping.groupby(["task", "condition"], sort=False)["tipping_point"].first()
    return [(" / ".join(filter(None, key)), f"{value:.1f}") for key, value in first.items()]


def _size(training_items: float) -> str:
    return "" if np.isnan(training_items) else f"{training_items:,.0f} training items"


def _number(value: float, scale: str) -> str:
    if np.isnan(value):
        return ""
    text = f"{value:.{_DECIMALS[scale]}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _interval(row: Mapping[str, Any]) -> str:
    if np.isnan(row["hdi_low"]):
        return ""
    ends = (_number(row[end], row["scale"]) for end in ("hdi_low", "hdi_high"))
    return f"[{', '.join(ends)}]"


def _share(value: float) -> str:
    if np.isnan(value):
        return ""
    return "> 0.999" if value > 0.999 else "< 0.001" if value < 0.001 else f"{value:.3f}"
