"""Fitted weights beside reported ones, standardised as in the paper.

Weights are standardised over all values of one base model and set, reports within one
explaining model and set (so each introspection-training fold on its own), both before anything
is joined.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.study import Study
from selfinterp_stats.study.study import INSTILLED

CELL: Final = ("base_model", "set", "condition")
# One more than a correlation's regression has parameters.
FEWEST_ROWS: Final = 4
EXPLAINER: Final = (*CELL, "fold", "explaining_model")


def standardise(values: pd.Series) -> pd.Series:
    """Subtract the mean and divide by the sample standard deviation (n - 1).

    Values that are all the same have none; they become missing. (Their computed deviation need
    not be exactly zero.)
    """
    if values.min() == values.max():
        return values * np.nan
    return (values - values.mean()) / values.std(ddof=1)


def pearson(a: pd.Series, b: pd.Series) -> float:
    """Pearson's r, missing for fewer than three pairs or where one side does not vary."""
    if len(a) < 3 or a.min() == a.max() or b.min() == b.max():
        return float("nan")
    return float(np.corrcoef(a.to_numpy(dtype=float), b.to_numpy(dtype=float))[0, 1])


def standardised_weights(weights: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Fitted and target weights, standardised within base model and set.

    Parameters
    ----------
    weights : pandas.DataFrame
        ``base_model, set, scenario, attribute, attribute_name, weight``.
    study : Study

    Returns
    -------
    pandas.DataFrame
        Those columns, ``standardized_b``, and for instilled scenarios ``target`` and
        ``standardized_target``.
    """
    columns = ["base_model", "set", "scenario", "attribute", "attribute_name", "weight"]
    frame = weights[columns].dropna(subset="weight").astype({"weight": float})
    by = frame.groupby(["base_model", "set"])
    frame["standardized_b"] = by["weight"].transform(standardise)
    targets = study.targets.melt("scenario", var_name="attribute", value_name="target")
    frame = frame.merge(targets, on=["scenario", "attribute"], how="left")
    # A native scenario was never given weights, even where the file lists some for it.
    frame.loc[frame["set"] != INSTILLED, "target"] = np.nan
    frame["standardized_target"] = frame.groupby(["base_model", "set"])["target"].transform(
        standardise
    )
    return frame


def mean_reports(study: Study) -> pd.DataFrame:
    """Mean over a scenario's valid reports, and the same standardised.

    Returns
    -------
    pandas.DataFrame
        ``base_model, set, condition, fold, explaining_model, scenario, attribute, reported,
        standardized_reports``.
    """
    keys = [*EXPLAINER, "scenario"]
    means = study.reports.groupby(keys, sort=True)[list(study.attributes)].mean().reset_index()
    long = means.melt(keys, var_name="attribute", value_name="reported")
    long["standardized_reports"] = long.groupby(list(EXPLAINER))["reported"].transform(standardise)
    return long


def agreement_of(weights: pd.DataFrame, study: Study) -> pd.DataFrame:
    """One row per attribute that has both a fitted weight and a report.

    Parameters
    ----------
    weights : pandas.DataFrame
        As for `standardised_weights`.
    study : Study

    Returns
    -------
    pandas.DataFrame
        ``base_model, set, condition, fold, explaining_model, scenario, attribute,
        attribute_name, weight, reported, target, standardized_b, standardized_reports,
        standardized_target``. A report set that does not vary, or has fewer than four rows, is
        not here.
    """
    joined = standardised_weights(weights, study).merge(
        mean_reports(study), on=["base_model", "set", "scenario", "attribute"], how="inner"
    )
    # Of a scenario without a finite fit, a report set without spread, or too few of either,
    # there is nothing to compare.
    joined = joined.dropna(subset=["standardized_reports", "standardized_b"])
    cells = joined.groupby(list(CELL))
    varies = [cells[name].transform("nunique") > 1 for name in ("weight", "standardized_reports")]
    comparable = (cells["weight"].transform("size") >= FEWEST_ROWS) & varies[0] & varies[1]
    columns = [
        *CELL,
        "fold",
        "explaining_model",
        "scenario",
        "attribute",
        "attribute_name",
        "weight",
        "reported",
        "target",
        "standardized_b",
        "standardized_reports",
        "standardized_target",
    ]
    order = [*EXPLAINER, "scenario", "attribute"]
    return joined.loc[comparable, columns].sort_values(order).reset_index(drop=True)
