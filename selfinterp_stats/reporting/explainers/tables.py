"""The table of an explainer study as people read it: rounded, in words, intervals named."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from selfinterp_stats.estimates.explainers.table import ROPES
from selfinterp_stats.reporting import layout, rounding

# Most decimals of a scale; fewer where the Monte Carlo error supports fewer.
_DECIMALS: Final = {"logit": 2, "points": 1}
_WORDS: Final = {
    "self_cross_gap": "self minus mean of cross cells",
    "delta_of_target": "self effect of this target",
    "double_centred": "self cell, double-centred",
    "delta": "self effect (delta)",
    "delta_new_run": "self effect, other runs in view",
    "delta_new_pair": "self effect of two new models",
    "self_cross_gap_new_pair": "self minus cross of a new model",
    "delta_beyond_similarity": "self effect beyond similarity",
    "similarity_gradient": "gradient over similarity",
    "channel_contrast": "self effect, one condition less the other",
    "delta_per_doubling": "self effect per doubling of training items",
    "self_per_doubling": "self cells per doubling of training items",
    "cross_per_doubling": "cross cells per doubling of training items",
    "naive_accuracy_gap": "gap in accuracy (naive)",
    "run_sd": "run-to-run sd",
    "smallest_difference_by_items": "smallest difference found, by items alone",
    "smallest_difference_with_runs": "smallest difference found, with runs",
    "false_alarms": "false alarms by items alone, in percent",
}


def reading_table(table: pd.DataFrame, hdi_prob: float) -> layout.ReadingTable:
    """The table for Markdown and LaTeX.

    Parameters
    ----------
    table : pandas.DataFrame
        As ``ExplainerResults.table``.
    hdi_prob : float
    """
    hdi = f"{rounding.percent(hdi_prob)} HDI"
    rows = [(row.pop("task"), tuple(row.values())) for row in reading_rows(table)]
    regions = "; ".join(f"{rounding.region(ends)} ({scale})" for scale, ends in ROPES.items())
    return layout.ReadingTable(
        "explainers",
        "Self and cross explanations",
        "task",
        ("quantity", "target", "scale", "median", hdi, "P(> 0)", "share of\nHDI in ROPE", "note"),
        "pllrrrrp",
        rows,
        (
            "Points are percentage points, averaged over items.",
            f"ROPE: {regions}; its share is that of the {hdi}.",
        ),
    )


def reading_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    """The table's rows as texts."""
    return [
        {
            "task": design_words(row),
            "quantity": quantity_words(row["quantity"]),
            "target": row["target"],
            "scale": row["scale"],
            "median": _number(row["median"], row),
            "hdi": _interval(row),
            "p_positive": _share(row["p_positive"]),
            "rope": _share(row["rope_share"]),
            "note": row["note"],
        }
        for row in table.to_dict("records")
    ]


def design_words(row: Mapping[str, Any]) -> str:
    """What a row is about: task, condition, training size."""
    size = row["training_items"]
    trained = "" if math.isnan(size) else f"{size:,.0f} training items"
    return " / ".join(str(part) for part in (row["task"], row["condition"], trained) if part)


def quantity_words(quantity: str) -> str:
    """A quantity in words; what it is measured on comes first."""
    known = [name for name in _WORDS if quantity == name or quantity.endswith(f"_{name}")]
    if not known:
        return quantity
    name = max(known, key=len)
    measured = quantity.removesuffix(name).replace("_", " ").strip()
    return f"{measured}: {_WORDS[name]}" if measured else _WORDS[name]


def _number(value: float, row: Mapping[str, Any]) -> str:
    if math.isnan(value):
        return ""
    decimals = rounding.supported_decimals(row["mcse_median"], most=_DECIMALS[row["scale"]])
    return rounding.written(value, decimals)


def _interval(row: Mapping[str, Any]) -> str:
    if math.isnan(row["hdi_low"]):
        return ""
    return f"[{_number(row['hdi_low'], row)}, {_number(row['hdi_high'], row)}]"


def _share(value: float) -> str:
    if math.isnan(value):
        return ""
    return "> 0.999" if value > 0.999 else "< 0.001" if value < 0.001 else f"{value:.3f}"
