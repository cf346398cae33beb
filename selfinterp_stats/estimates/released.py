"""The refit beside the authors' own rounded weights, where a study holds them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from selfinterp_stats.study import Study

KEYS = ["base_model", "set", "scenario", "attribute"]
COLUMNS = [
    "base_model",
    "set",
    "n_scenarios",
    "correlation",
    "max_abs_difference",
    "share_within_1",
    "scenario",
    "attribute",
]


def compare_with_released(weights: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Differences on the +-100 scale, one row per base model and set.

    Parameters
    ----------
    weights : pandas.DataFrame
        ``base_model, set, scenario, attribute, weight``.
    study : Study

    Returns
    -------
    pandas.DataFrame
        ``base_model, set, n_scenarios, correlation, max_abs_difference`` (points of 100),
        ``share_within_1``, and the ``scenario`` and ``attribute`` of the largest difference.
    """
    released = study.released.melt(KEYS[:3], var_name="attribute", value_name="released")
    joined = weights[[*KEYS, "weight"]].merge(released, on=KEYS)
    joined["difference"] = (joined["weight"] - joined["released"]).abs()
    rows = []
    for (base_model, set_), group in joined.groupby(["base_model", "set"]):
        worst = group.loc[group["difference"].idxmax()]
        rows.append(
            {
                "base_model": base_model,
                "set": set_,
                "n_scenarios": group["scenario"].nunique(),
                "correlation": float(np.corrcoef(group["weight"], group["released"])[0, 1]),
                "max_abs_difference": float(worst["difference"]),
                "share_within_1": float((group["difference"] <= 1).mean()),
                "scenario": worst["scenario"],
                "attribute": worst["attribute"],
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)
