"""The tables of `selfinterp calibrate`, for readers."""

from __future__ import annotations

from typing import Final

import pandas as pd

from selfinterp_stats.estimates.calibration import Calibration
from selfinterp_stats.estimates.calibration.checks import FACTORS
from selfinterp_stats.estimates.calibration.table import (
    BROKEN,
    COVERAGE,
    LOO_PIT,
    PREDICTIVE,
    RECOVERY,
    SBC,
    troubles,
)
from selfinterp_stats.estimates.calibration.uniformity import NARROW
from selfinterp_stats.reporting import cells, layout, rounding

FIRST: Final = ("check", "model", "quantity", "statistic", "value", "expected", "low", "high")

_COMPONENTS: Final = (
    "Shift and spread: means of the first two orthonormal polynomials of the rank, zero if "
    "calibrated; a positive spread says that posteriors are too narrow."
)

_POWER: Final = (
    "Power: how often a test of one quantity, corrected for all tests, finds posteriors whose sds "
    f"are {NARROW:g} times too small."
)

_INTERVALS: Final = (
    "Of a statistic the interval holds 95% of replicates drawn from the posterior predictive; of a "
    "share of choices it is that of the share seen."
)


def p_value(value: float) -> str:
    """Write a p-value; a very small one only as that."""
    return "< .0001" if value < 1e-4 else rounding.written(value, 4)


def verdict(row: cells.Row) -> str:
    """Say whether a check passed."""
    return {"yes": "passes", "no": "FAILS"}.get(str(row["passes"]), "")


def ranks_table(found: Calibration) -> layout.ReadingTable:
    """Give the uniformity tests, the broken model's last."""
    rows = found.table[found.table["check"] == SBC]
    body: list[tuple[str, tuple[str, ...]]] = [
        (
            str(row["model"]),
            (
                str(row["quantity"]),
                rounding.whole(row["n"]),
                rounding.written(row["shift"], 3),
                rounding.written(row["spread"], 3),
                rounding.written(row["value"], 2),
                p_value(row["p_value"]),
                p_value(row["p_adjusted"]),
                rounding.share(row["power"]),
                verdict(row),
            ),
        )
        for row in rows.to_dict("records")
    ]
    stand_ins = dict.fromkeys(one.model.stand_in for one in found.ranks if one.model.stand_in)
    whole = found.ranks[: len(found.ranks) - len(FACTORS)]
    lost = [f"{one.model.name}: {words}" for one in whole for words in troubles(one)]
    return layout.ReadingTable(
        "calibration_ranks",
        "Are the ranks of the truth uniform?",
        "model",
        ("ranks of", "simula-\ntions", "shift", "spread", "F", "p", "p, Holm", "power", ""),
        "lrrrrrrrl",
        body,
        (
            _COMPONENTS,
            _POWER,
            *(f"{note[0].upper()}{note[1:]}." for note in (*stand_ins, *lost)),
        ),
    )


def broken_table(found: Calibration) -> layout.ReadingTable:
    """Give what became of the deliberately broken models."""
    rows = found.table[found.table["check"] == BROKEN]
    return layout.ReadingTable(
        "calibration_broken",
        "Is a broken prior found out?",
        "model",
        ("what is broken", "ranks of", "simula-\ntions", "spread", "F", "p", "power", ""),
        "llrrrrrl",
        [
            (
                str(row["model"]),
                (
                    str(row["statistic"]).split(", ")[-1].replace(" x ", " × "),
                    str(row["quantity"]),
                    rounding.whole(row["n"]),
                    rounding.written(row["spread"], 3),
                    rounding.written(row["value"], 1),
                    p_value(row["p_value"]),
                    rounding.share(row["power"]),
                    "found out" if row["passes"] == "yes" else "NOT FOUND OUT",
                ),
            )
            for row in rows.to_dict("records")
        ],
        tuple(f"The broken model is {note}." for note in rows["note"].unique()),
    )


def coverage_table(found: Calibration) -> layout.ReadingTable:
    """Give how often intervals hold the truth."""
    rows = found.table[found.table["check"] == COVERAGE]
    body: list[tuple[str, tuple[str, ...]]] = []
    for (model, quantity), group in rows.groupby(["model", "quantity"], sort=False):
        shares = group.set_index("statistic")["value"]
        lowest = group["p_adjusted"].min()
        worst = "passes" if (group["passes"] == "yes").all() else "FAILS"
        shown = tuple(rounding.written(share, 3) for share in shares)
        n = rounding.whole(group["n"].iloc[0])
        body.append((str(model), (str(quantity), n, *shown, p_value(lowest), worst)))
    kinds = tuple(dict.fromkeys(rows["statistic"]))
    return layout.ReadingTable(
        "calibration_coverage",
        "How often do intervals hold the truth?",
        "model",
        (
            "interval of",
            "simula-\ntions",
            *(kind.replace(" ", "\n") for kind in kinds),
            "smallest\np, Holm",
            "",
        ),
        "lr" + "r" * len(kinds) + "rl",
        body,
        ("Shares of a model’s simulations, pooled over the quantities that are named together.",),
    )


def recovery_table(found: Calibration) -> layout.ReadingTable:
    """Give what estimators make of known correlations."""
    rows = found.table[found.table["check"] == RECOVERY]
    body = [(cells.spaced(str(row["model"])), _compared(row)) for row in rows.to_dict("records")]
    notes = [str(note) for note in rows["note"].unique() if note]
    return layout.ReadingTable(
        "calibration_recovery",
        "Are known correlations recovered?",
        "estimator",
        ("truth", "statistic", "value", "expected", "95% CI", "studies", "p, Holm", ""),
        "llrrrrrl",
        body,
        tuple(f"{note[0].upper()}{note[1:]}." for note in notes),
    )


def data_table(found: Calibration) -> layout.ReadingTable:
    """Give what the data say of the models."""
    rows = found.table[found.table["check"].isin([PREDICTIVE, LOO_PIT])]
    body: list[tuple[str, tuple[str, ...]]] = []
    for row in rows.to_dict("records"):
        kind = "LOO-PIT: " if row["check"] == LOO_PIT else ""
        *shown, _ = _compared({**row, "statistic": kind + str(row["statistic"])})
        surprising = cells.figure(row, "p_adjusted") < found.level
        body.append((str(row["model"]), (*shown, "differs" if surprising else "")))
    return layout.ReadingTable(
        "calibration_data",
        "Do the models describe the data?",
        "model",
        ("data", "statistic", "value", "expected", "95% interval", "n", "p, Holm", ""),
        "llrrrrrl",
        body,
        (
            _INTERVALS,
            f"“Differs”: adjusted p-value below {found.level:g}. It is said of the model.",
        ),
    )


def _compared(row: cells.Row) -> tuple[str, ...]:
    p = cells.figure(row, "p_adjusted")
    return (
        str(row["quantity"]),
        str(row["statistic"]).replace(" - ", f" {rounding.MINUS} "),
        rounding.written(cells.figure(row, "value")),
        rounding.written(cells.figure(row, "expected")),
        rounding.interval(cells.figure(row, "low"), cells.figure(row, "high")),
        rounding.whole(cells.figure(row, "n")),
        "" if p != p else p_value(p),  # noqa: PLR0124 - not a number
        verdict(row),
    )


def all_table(found: Calibration) -> layout.ReadingTable:
    """Give every row of ``calibration.csv``."""
    frame: pd.DataFrame = found.table
    return layout.ReadingTable(
        "calibration",
        "Every check",
        "check",
        ("model", "quantity", "statistic", "value", "expected", "interval", "n", "p", ""),
        "lllrrrrrl",
        [
            (
                cells.spaced(str(row["check"])),
                (
                    str(row["model"]),
                    str(row["quantity"]),
                    str(row["statistic"]),
                    rounding.written(cells.figure(row, "value")),
                    rounding.written(cells.figure(row, "expected")),
                    rounding.interval(cells.figure(row, "low"), cells.figure(row, "high")),
                    rounding.whole(cells.figure(row, "n")),
                    "" if pd.isna(row["p_value"]) else p_value(row["p_value"]),
                    verdict(row),
                ),
            )
            for row in frame.to_dict("records")
        ],
        ("Intervals are 95% confidence intervals of the value, unless the statistic says else.",),
    )
