"""Appendix D: what becomes of the correlations without weights of exactly +-100.

The paper does not say which weights are meant. Four readings are taken; in each Pearson's r of
the weights and mean reports as they are is compared with and without those rows, nothing being
standardised anew.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.agreement import pearson

READINGS: Final = {
    "reported": "the mean report is -100 or 100, or beyond",
    "both": "the mean report is so and the fitted weight is -100 or 100",
    "fitted": "the fitted weight is -100 or 100",
    "either": "the mean report, rescaled to a largest value of 100, or the fitted weight "
    "is -100 or 100",
}


def largest_changes(agreement: pd.DataFrame) -> pd.Series:
    """Largest absolute change of any correlation under each reading.

    Parameters
    ----------
    agreement : pandas.DataFrame
        As from `agreement_of`; a correlation is one base model, set and condition.

    Returns
    -------
    pandas.Series
        By reading; ``attrs["correlations"]`` is how many correlations were compared. Empty
        where there are none.
    """
    cells = [rows for _, rows in agreement.groupby(["base_model", "set", "condition"])]
    changes = pd.DataFrame([_changes(rows) for rows in cells], columns=list(READINGS))
    largest = changes.max() if cells else pd.Series(dtype=float)
    largest.attrs["correlations"] = int(changes.notna().any(axis=1).sum())
    return largest


def _changes(rows: pd.DataFrame) -> dict[str, float]:
    whole = pearson(rows["weight"], rows["reported"])
    changes = {}
    for reading, leave_out in _excluded(rows).items():
        kept = rows[~leave_out]
        changes[reading] = abs(pearson(kept["weight"], kept["reported"]) - whole)
    return changes


def _excluded(rows: pd.DataFrame) -> dict[str, pd.Series]:
    # The largest report of a scenario; one that reports nothing but zeros has none.
    largest = rows.groupby(["fold", "explaining_model", "scenario"])["reported"].transform(
        lambda r: r.abs().max()
    )
    rescaled = 100 * rows["reported"] / largest.where(largest > 0)
    # Some replies go beyond the scale that was asked for; their means are extremes too.
    reported = rows["reported"].abs().to_numpy() >= 100
    fitted = (rows["weight"].abs() == 100).to_numpy()
    return {
        "reported": pd.Series(reported, rows.index),
        "both": pd.Series(reported & fitted, rows.index),
        "fitted": pd.Series(fitted, rows.index),
        "either": pd.Series(np.isclose(rescaled.abs(), 100) | fitted, rows.index),
    }
