"""The tables of `selfinterp sensitivity`: long ones for machines, ranges for readers.

`sensitivity.csv` has every specification, `left_out.csv` every scenario left out, and
`ranges` one row per conclusion, which alone says in words what an id stands for. In Markdown and
LaTeX `sensitivity` lists only the specifications that flip a sign or let an HDI reach zero where
the paper's does not.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from selfinterp_stats.estimates.sensitivity import Sensitivity
from selfinterp_stats.estimates.sensitivity.ranges import departed, departures
from selfinterp_stats.estimates.sensitivity.specifications import COLUMNS
from selfinterp_stats.reporting import cells, layout, rounding
from selfinterp_stats.reporting.tables import csv_text, readers_texts, write_texts

_OF_CONCLUSIONS = ["section", "quantity", "base_model", "kind", "reference"]
_LISTED = 10  # of the specifications that overturn a conclusion; the CSV has all


def write_tables(found: Sensitivity, folder: Path) -> None:
    """Write every table into an existing folder."""
    first = ("id", *COLUMNS, "estimate", "hdi_low", "hdi_high", "n", "flips_sign")
    # Thousands of rows: what is the same for all of a conclusion's stands once in its range's.
    table = found.table.drop(columns=_OF_CONCLUSIONS)
    texts = {
        "sensitivity.csv": csv_text(table, (*first, "hdi_reaches_zero")),
        "left_out.csv": csv_text(found.left_out, ("id", "scenario")),
        "ranges.csv": csv_text(found.ranges, ("id",)),
    }
    tables = {"sensitivity": overturned_table(found), "ranges": ranges_table(found)}
    write_texts(texts | readers_texts(tables), folder)


def ranges_table(found: Sensitivity) -> layout.ReadingTable:
    """Give each conclusion's range over its specifications; one scenario left out is in the CSV."""
    prob = rounding.percent(found.weights.settings.hdi_prob)
    header = (
        "quantity",
        "base model",
        "paper’s\nspecification",
        f"its\n{prob} HDI",
        "specifi-\ncations",
        "estimates,\nlowest to highest",
        f"ends of all\n{prob} HDIs",
        "sign\nflips",
        "HDI\nreaches 0",
        "moved most by",
    )
    return layout.ReadingTable(
        "sensitivity_ranges",
        "The paper’s conclusions over all specifications",
        "section",
        header,
        "plrrrrrrrl",
        [(str(row["section"]), _range_cells(row)) for row in found.ranges.to_dict("records")],
        (reference_note(found), order_note()),
    )


def _range_cells(row: cells.Row) -> tuple[str, ...]:
    moved = cells.figure(row, "moved_by")
    by = cells.spaced(cells.text(row["moved_most_by"]))
    return (
        str(row["quantity"]),
        str(row["base_model"]),
        rounding.written(cells.figure(row, "estimate")),
        between(row, "hdi_low", "hdi_high"),
        rounding.whole(row["specifications"]),
        between(row, "lowest", "highest"),
        between(row, "lowest_end", "highest_end"),
        rounding.whole(row["flips"]),
        rounding.whole(row["reaches"]),
        f"{by} ({rounding.written(moved, 2)})" if by else "",
    )


def between(row: cells.Row, low: str, high: str) -> str:
    """Write two figures of a row as an interval."""
    return rounding.interval(cells.figure(row, low), cells.figure(row, high))


def overturning(found: Sensitivity) -> pd.DataFrame:
    """Specifications that flip a sign, or reach zero where the paper's does not.

    Column ``least`` marks those of which no part does it: every specification with fewer of the
    same departures from the paper's leaves the conclusion as it is. Those with the fewest come
    first in each conclusion.
    """
    table = found.table
    paper = table[table["paper_specification"] == "yes"].set_index("id")
    clear = table["id"].map(paper["hdi_reaches_zero"]) == "no"
    which = (table["flips_sign"] == "yes") | ((table["hdi_reaches_zero"] == "yes") & clear)
    rows = table[which].copy()
    records = rows.to_dict("records")
    sets = pd.Series([frozenset(departed(row)) for row in records], rows.index, dtype=object)
    rows["departures"] = [departures(row) for row in records]
    rows["many"] = sets.map(len)
    rows["least"] = [
        not any(other < own for other in sets[rows["id"] == identifier])
        for identifier, own in zip(rows["id"], sets, strict=True)
    ]
    order = {name: place for place, name in enumerate(found.ranges["id"])}
    rows["place"] = rows["id"].map(order)
    return rows.sort_values(["place", "many"], kind="stable")


def overturned_table(found: Sensitivity) -> layout.ReadingTable:
    """Give the least departures from the paper's specification that overturn a conclusion."""
    prob = rounding.percent(found.weights.settings.hdi_prob)
    rows = overturning(found)
    shown = rows[rows["least"]].groupby("id", sort=False).head(_LISTED)
    counts = rows.groupby("id").size()
    body: list[tuple[str, tuple[str, ...]]] = [
        (
            f"{row['quantity']} · {row['base_model']} ({counts[row['id']]:,} in all)",
            (
                str(row["departures"]),
                rounding.written(row["estimate"]),
                between(row, "hdi_low", "hdi_high"),
                rounding.whole(row["n"]),
                "yes" if row["flips_sign"] == "yes" else "",
                "yes" if row["hdi_reaches_zero"] == "yes" else "",
            ),
        )
        for row in shown.to_dict("records")
    ]
    least = (
        "Only the least departures are listed, those of which no part does it (at most "
        f"{_LISTED} of each conclusion); all are in sensitivity.csv."
    )
    notes = (least, reference_note(found))
    return layout.ReadingTable(
        "sensitivity",
        "Specifications that flip a sign or let an HDI reach zero",
        "conclusion",
        (
            "what differs from\nthe paper",
            "estimate",
            f"{prob} HDI",
            "n",
            "flips\nsign",
            "HDI\nreaches 0",
        ),
        "prrrll",
        body,
        notes if body else ("No specification does.",),
    )


def reference_note(found: Sensitivity) -> str:
    """Say what intervals are and what zero is for a share."""
    prob = rounding.percent(found.weights.settings.hdi_prob)
    return (
        f"Intervals are {prob} HDIs; a Pearson r’s is that of the correlation which its regression "
        "implies, and a share’s that of a mean over scenarios. For a share of choices zero "
        "stands for .5, choices at random."
    )


def order_note() -> str:
    """Say in which order choices take effect."""
    return (
        "Scenarios are left out before anything is standardised; weights of ±100 are excluded "
        "after it. Every specification is also estimated without either of the two scenarios whose "
        "leaving out moves the paper’s estimate furthest up and down."
    )
