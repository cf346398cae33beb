"""The tables of `selfinterp propagate`: long ones for machines, the estimators side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from selfinterp_stats.estimates.propagation import Propagation
from selfinterp_stats.estimates.propagation.beyond import QUANTITIES
from selfinterp_stats.estimates.propagation.propagate import CARRIED, LATENT, PLUG_IN
from selfinterp_stats.reporting import cells, layout, rounding
from selfinterp_stats.reporting.tables import csv_text, readers_texts, write_texts

FIRST: Final = ("id", "estimator", "median", "hdi_low", "hdi_high", "rhat", "ess_bulk")
CELL: Final = ("base_model", "set", "condition")
_SLOPES: Final = {
    "mean_slope": "mean slope over scenarios",
    "sd_of_slopes": "sd of scenarios’ slopes",
    "share_positive": "share of scenarios with a positive slope",
    "correlation": "latent correlation, slopes being allowed to differ",
}


def write_tables(found: Propagation, folder: Path) -> None:
    """Write every table into an existing folder."""
    texts = {"propagated.csv": csv_text(found.table, FIRST)}
    frames = {
        "latent": found.latent.diagnostics,
        "reliability": found.reliability,
        "beyond": found.beyond,
        "heterogeneity": found.heterogeneity.table,
        "slopes_by_scenario": found.heterogeneity.scenarios,
        "pooled_weights": found.pooled,
        "pooling": found.pooled_summary,
    }
    texts |= {f"{name}.csv": csv_text(frame) for name, frame in frames.items()}
    tables = (
        propagated_table(found),
        reliability_table(found),
        beyond_table(found),
        heterogeneity_table(found),
        pooling_table(found),
    )
    texts |= readers_texts({table.name: table for table in tables})
    write_texts(texts, folder)


def propagated_table(found: Propagation) -> layout.ReadingTable:
    """Give the estimators side by side, one row per correlation."""
    prob = rounding.percent(found.weights.settings.hdi_prob)
    rows = []
    for _, own in found.table.groupby("id", sort=False):
        by = {row["estimator"]: row for row in own.to_dict("records")}
        first = by[PLUG_IN]
        body = [str(first["quantity"]), str(first["base_model"])]
        for name in (PLUG_IN, CARRIED, LATENT):
            body += _with_interval(by.get(name, {}), found.weights.settings.hdi_prob)
        missing = cells.figure(by.get(CARRIED, {}), "missing_information")
        rows.append((str(first["section"]), (*body, rounding.written(missing, 2))))
    targets = (
        " Beside target weights, which have no noise: true weights, or expected reports, with "
        "them. Reports with targets have no fitted weights to carry."
        if found.table["against"].eq("target").any()
        else ""
    )
    header: tuple[str, ...] = ("quantity", "base model")
    for words in ("plug-in", "carried\nthrough", "latent"):
        header += (words, f"{words}\n{prob} HDI")
    return layout.ReadingTable(
        "propagated",
        "Correlations plugged in, carried through and latent",
        "section",
        (*header, "missing\ninformation"),
        "plrrrrrrr",
        rows,
        (
            (
                f"Medians and {prob} HDIs. Plug-in: the paper’s regression on posterior "
                "means. Carried "
                "through: the same on every stage-1 draw scaled by its own maximum, "
                "pooled. Latent: "
                f"true max-scaled weights with expected reports, by the joint model.{targets} "
                "Missing information: share of the carried-through variance that lies between the "
                "draws."
            ),
        ),
    )


def _with_interval(row: dict[str, Any], prob: float) -> list[str]:
    if not row:
        return ["", ""]
    return [cells.rounded(row, "median"), cells.short_interval(row, prob)]


def _in_cells(
    frame: pd.DataFrame, body: Sequence[tuple[str, ...]]
) -> list[tuple[str, tuple[str, ...]]]:
    groups = [
        f"{row['base_model']} · {row['set']}"
        for row in frame[["base_model", "set"]].to_dict("records")
    ]
    return list(zip(groups, body, strict=True))


def reliability_table(found: Propagation) -> layout.ReadingTable:
    """Give the reports' reliability and the noise ceilings."""
    names = (
        "split_half",
        "spearman_brown",
        "reports_ceiling",
        "choices_ceiling",
        "choices_ceiling_latent",
        "ceiling",
    )
    body = [
        (
            str(row["condition"]),
            rounding.whole(row["scenarios"]),
            rounding.written(row["reports"], 1),
            *(rounding.written(cells.figure(row, name), 2) for name in names),
        )
        for row in found.reliability.to_dict("records")
    ]
    return layout.ReadingTable(
        "reliability",
        "Reliability of reports and weights, and the noise ceiling",
        "base model and set",
        (
            "condition",
            "scenarios",
            "reports\neach",
            "split-half r\nof reports",
            "reliability of\nmean reports",
            "ceiling by\nreports",
            "ceiling by\nchoices",
            "the same,\njoint model",
            "ceiling\nby both",
        ),
        "lrrrrrrrr",
        _in_cells(found.reliability, body),
        (
            (
                "Reliability is the split-half correlation stepped up by Spearman and Brown. A "
                "ceiling is what the plug-in correlation could be if the latent one were "
                "1: the root "
                "of the mean reports’ reliability, the root of the fitted weights’ (from halves of "
                "the choices; beside it the median correlation of fitted with true weights in the "
                "joint model), and the product of the first two."
            ),
        ),
    )


def beyond_table(found: Propagation) -> layout.ReadingTable:
    """Give signs, the most important attribute and the reports' scale."""
    prob = found.weights.settings.hdi_prob
    body = [
        (
            str(row["condition"]),
            QUANTITIES[row["quantity"]],
            rounding.written(row["measured"], 2),
            rounding.written(row["median"], 2),
            _rough_interval(row),
        )
        for row in found.beyond.to_dict("records")
    ]
    return layout.ReadingTable(
        "beyond",
        "Signs, the most important attribute, and the reports’ scale",
        "base model and set",
        ("condition", "quantity", "measured", "truth", f"{rounding.percent(prob)} HDI"),
        "lprrr",
        _in_cells(found.beyond, body),
        (
            (
                "Measured: fitted weights and mean reports as they are. Truth: true weights and "
                "expected reports of the same scenarios, by the joint model (median and HDI)."
            ),
        ),
    )


def _rough_interval(row: dict[str, Any]) -> str:
    low, high = (rounding.written(cells.figure(row, name), 2) for name in ("hdi_low", "hdi_high"))
    return f"[{low}, {high}]"


def heterogeneity_table(found: Propagation) -> layout.ReadingTable:
    """Give how far agreement differs between scenarios."""
    frame = found.heterogeneity.table
    prob = rounding.percent(found.weights.settings.hdi_prob)
    body = [
        (
            str(row["condition"]),
            _SLOPES[row["quantity"]],
            rounding.written(row["median"], 2),
            _rough_interval(row),
            rounding.written(row["rhat"], 3),
            rounding.whole(row["ess_bulk"]),
        )
        for row in frame.to_dict("records")
    ]
    return layout.ReadingTable(
        "heterogeneity",
        "Agreement scenario by scenario: a hierarchical model of its slope",
        "base model and set",
        ("condition", "quantity", "median", f"{prob} HDI", "R-hat", "bulk ESS"),
        "lprrrr",
        _in_cells(frame, body),
        (
            (
                "Slopes are sds of expected report per sd of true weight, each scenario its own, "
                "normal around their mean. Every scenario’s slope is in slopes_by_scenario.csv."
            ),
        ),
    )


def pooling_table(found: Propagation) -> layout.ReadingTable:
    """Give what partial pooling of the weights makes of the plug-in correlations."""
    frame = found.pooled_summary
    frame = frame[frame["separate"].notna()]
    body = [
        (
            str(row["condition"]),
            str(row["quantity"]),
            rounding.written(row["separate"], 3),
            rounding.written(row["pooled"], 3),
        )
        for row in frame.to_dict("records")
    ]
    return layout.ReadingTable(
        "pooling",
        "Pearson’s r with mean reports of weights fitted separately and pooled in part",
        "base model and set",
        ("condition", "quantity", "separate fits", "partial pooling"),
        "llrr",
        _in_cells(frame, body),
        (
            (
                "Partial pooling learns from all scenarios of a base model and set how "
                "large slopes "
                "are and how weights spread below the largest; weights are posterior means of the "
                "max-scaled weights."
            ),
        ),
    )
