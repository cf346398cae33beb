"""Which reported posterior quantities have settled, whatever table they are in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from selfinterp_stats.estimates.diagnostics import MAX_RHAT, MIN_ESS

# What tells the rows of the tables apart, where they have it.
NAMES: Final = (
    "id",
    "estimator",
    "base_model",
    "set",
    "model",
    "condition",
    "scenario",
    "attribute",
    "parameter",
    "quantity",
)
COLUMNS: Final = ("table", "row", "rhat", "ess_bulk", "ok")


def settledness(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """R-hat and bulk ESS of every row of every table that has them.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Each with ``rhat`` and ``ess_bulk``. R-hat is missing in a row that is of no posterior, or
        of one in which the quantity is constant; nothing is said of it.

    Returns
    -------
    pandas.DataFrame
        ``table``, ``row`` (its names, joined), ``rhat``, ``ess_bulk``, and whether it has settled
        (``ok``).
    """
    parts = [pd.DataFrame(columns=list(COLUMNS))]
    for table, frame in tables.items():
        rows = frame[frame["rhat"].notna()]
        # A correlation's id names its base model, section and quantity.
        names = NAMES[:2] if "id" in frame else NAMES[2:]
        row = rows[[name for name in names if name in frame]].astype(str).agg(_joined, axis=1)
        parts.append(
            pd.DataFrame(
                {
                    "table": table,
                    "row": row,
                    "rhat": rows["rhat"],
                    "ess_bulk": rows["ess_bulk"],
                    "ok": (rows["rhat"] <= MAX_RHAT) & (rows["ess_bulk"] >= MIN_ESS),
                }
            )
        )
    filled = [part for part in parts if len(part)]
    found = pd.concat(filled or parts[:1], ignore_index=True)
    return found.astype({"ok": bool})


def _joined(names: pd.Series) -> str:
    return " / ".join(name for name in names if name)
