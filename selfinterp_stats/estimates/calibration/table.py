"""The one table of a calibration: what every kind of check writes down, a row per verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.calibration.holding import holding
from selfinterp_stats.estimates.calibration.ranks import LOG_LIKELIHOOD, Ranks
from selfinterp_stats.estimates.calibration.uniformity import (
    holm,
    power_against_narrow,
    uniformity,
)

SBC: Final = "sbc"
BROKEN: Final = "broken"
COVERAGE: Final = "coverage"
RECOVERY: Final = "recovery"
PREDICTIVE: Final = "predictive"
LOO_PIT: Final = "loo_pit"

COLUMNS: Final = (
    "check",
    "model",
    "quantity",
    "statistic",
    "value",
    "expected",
    "low",
    "high",
    "p_value",
    "p_adjusted",
    "passes",
    "n",
    "power",
    "shift",
    "spread",
    "note",
)

Row = dict[str, Any]


def rank_rows(ranks: Ranks) -> Iterator[Row]:
    """Whether the ranks are uniform, one row per group of quantities."""
    for group, places in ranks.groups().items():
        found = uniformity(ranks.ranks[:, places], ranks.draws)
        yield {
            "check": SBC,
            "model": ranks.model.name,
            "quantity": group,
            "statistic": "smooth test",
            "value": found.statistic,
            "expected": 1.0,
            "p_value": found.p_value,
            "n": found.simulations,
            "shift": found.shift,
            "spread": found.spread,
            "note": _about(ranks),
        }


def broken_row(ranks: Ranks, group: str, factor: float, level: float) -> Row:
    """Whether a prior whose scale was multiplied is found out, and how surely it would be.

    Parameters
    ----------
    ranks : Ranks
        Simulated from the model, fitted with the other prior.
    group : str
        What is tested.
    factor : float
    level : float
        At which each test is made.
    """
    found = uniformity(ranks.ranks[:, ranks.groups()[group]], ranks.draws)
    return {
        "check": BROKEN,
        "model": ranks.model.name,
        "quantity": group,
        "statistic": f"smooth test, prior scale x {factor:.3g}",
        "value": found.statistic,
        "expected": np.nan,
        "p_value": found.p_value,
        "p_adjusted": found.p_value,
        "passes": found.p_value < level,
        "n": found.simulations,
        "power": found.power(level),
        "shift": found.shift,
        "spread": found.spread,
        "note": f"to be found out at level {level:.2g}; power estimated from the departure found",
    }


def coverage_rows(ranks: Ranks) -> Iterator[Row]:
    """How often intervals hold the truth, one row per group, kind and probability."""
    for group, places in ranks.groups().items():
        if group == LOG_LIKELIHOOD:
            continue
        for (kind, prob), covered in ranks.covered.items():
            found = holding(covered[:, places], prob)
            yield {
                "check": COVERAGE,
                "model": ranks.model.name,
                "quantity": group,
                "statistic": f"{100 * prob:g}% {kind.upper()}",
                "value": found.share,
                "expected": prob,
                "low": found.low,
                "high": found.high,
                "p_value": found.p_value,
                "n": len(covered),
            }


def table_of(rows: list[Row], level: float) -> pd.DataFrame:
    """Put rows together and judge them: Holm's correction within each kind of check.

    What the data say of the models (predictive checks, LOO-PIT) has p-values and no verdict. The
    ``power`` of a uniformity test is that of finding posteriors `NARROW` times too narrow at the
    level that Holm's method gives the smallest p-value.

    Parameters
    ----------
    rows : list of dict
    level : float
        The chance that any test of a kind of check raises a false alarm.
    """
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    passes = table["passes"].astype(object)
    for check in (SBC, COVERAGE, RECOVERY, PREDICTIVE, LOO_PIT):
        which = (table["check"] == check) & table["p_value"].notna()
        table.loc[which, "p_adjusted"] = holm(table.loc[which, "p_value"].to_numpy(dtype=float))
        if check not in (PREDICTIVE, LOO_PIT):
            passes[which] = table.loc[which, "p_adjusted"] >= level
    of_ranks = table["check"] == SBC
    table.loc[of_ranks, "power"] = [
        power_against_narrow(level / of_ranks.sum(), int(n)) for n in table.loc[of_ranks, "n"]
    ]
    table["passes"] = ["" if pd.isna(one) else "yes" if one else "no" for one in passes]
    return table


def _about(ranks: Ranks) -> str:
    parts = [ranks.model.stand_in] if ranks.model.stand_in else []
    return "; ".join([*parts, *troubles(ranks)])


def troubles(ranks: Ranks) -> list[str]:
    """What went wrong with single simulations, in words."""
    found = []
    if ranks.lost:
        found.append(f"left out, as no engine could fit them: {_simulations(ranks.lost)}")
    few = int((ranks.ess < ranks.draws).sum())
    if few:
        found.append(f"worth fewer draws than the {ranks.draws} ranked among: {_simulations(few)}")
    return found


def _simulations(number: int) -> str:
    return f"{number} simulation{'s' if number > 1 else ''}"
