"""What a correlation does not say: signs, the most important attribute, the reports' scale.

Each share and slope is given twice: of what was measured (fitted weights and mean reports), and of
the truth behind it (true weights and expected reports, drawn from the joint model's posterior).
All are about the very scenarios of the study.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.propagation.correlations import Cell, JointOf
from selfinterp_stats.estimates.propagation.truths import Truths
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.sensitivity.arrays import ReportSet, Weighed
from selfinterp_stats.estimates.weights import LARGEST_WEIGHT
from selfinterp_stats.inference.summary.summaries import summarise

QUANTITIES: Final = {
    "correlation_here": "correlation over the study’s own scenarios",
    "sign_agreement": "share of attributes reported with the right sign",
    "most_important_named": "share of scenarios whose most important attribute is reported as such",
    "points_per_point": "points of report per point of weight (slope of reports on weights)",
    "calibration_slope": "points of weight per point of report (1: reports can be taken as read)",
    "calibration_intercept": "weight where the report is 0, points",
}
COLUMNS: Final = (
    "base_model",
    "set",
    "condition",
    "quantity",
    "measured",
    "median",
    "hdi_low",
    "hdi_high",
    "rhat",
    "ess_bulk",
    "n_scenarios",
)


def beyond_correlation(
    weighed: Mapping[Cell, Weighed],
    joints: Mapping[Cell, JointOf],
    truths: Mapping[Cell, Truths],
    settings: Settings,
) -> pd.DataFrame:
    """Everything of `QUANTITIES`, by report set.

    Parameters
    ----------
    weighed : mapping of (base model, set) to Weighed
    joints : mapping of (base model, set) to JointOf
    truths : mapping of (base model, set) to Truths
    settings : Settings

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; ``measured`` is that of fitted weights and mean reports, the rest the posterior
        of the truth.
    """
    rows: list[dict[str, Any]] = []
    for cell, one in joints.items():
        for c, condition in enumerate(one.conditions):
            reports = weighed[cell].reports[condition]
            place, spread, means = own_scale(reports, len(weighed[cell].scenarios))
            with_reports = np.isfinite(means).all(axis=1)
            fitted = weighed[cell].weights["rounded"] / LARGEST_WEIGHT
            measured = _figures(fitted[with_reports], means[with_reports])
            expected = truths[cell].expected[:, :, c] * spread[:, None] + place[:, None]
            drawn = _figures(truths[cell].weights[:, :, with_reports], expected[:, :, with_reports])
            found = summarise(np.stack(list(drawn.values())), hdi_prob=settings.hdi_prob)
            for i, quantity in enumerate(drawn):
                figures = ("median", "hdi_low", "hdi_high", "rhat", "ess_bulk")
                rows.append(
                    {
                        "base_model": cell[0],
                        "set": cell[1],
                        "condition": condition,
                        "quantity": quantity,
                        "measured": float(measured[quantity]),
                        **{name: float(found[name][i]) for name in figures},
                        "n_scenarios": int(with_reports.sum()),
                    }
                )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def own_scale(reports: ReportSet, scenarios: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What was taken off a scenario's reports and what they were divided by, and their mean.

    Returns
    -------
    place, spread : (scenario,) array
        Points; missing for a scenario without reports.
    means : (scenario, attribute) array
        Points.
    """
    values = reports.values["mean"]
    place, spread = np.full(scenarios, np.nan), np.full(scenarios, np.nan)
    means = np.full((scenarios, values.shape[1]), np.nan)
    for group in np.unique(reports.groups):
        own = reports.groups == group
        at = reports.at[own]
        place[at[at >= 0]] = values[own].mean()
        spread[at[at >= 0]] = values[own].std(ddof=1)
    inside = reports.at >= 0
    means[reports.at[inside]] = values[inside]
    return place, spread, means


def _figures(weights: np.ndarray, reports: np.ndarray) -> dict[str, np.ndarray]:
    """Of (..., scenario, attribute) arrays of max-scaled weights and of reports in points."""
    points = LARGEST_WEIGHT * weights
    w, r = (a - a.mean(axis=(-2, -1), keepdims=True) for a in (points, reports))
    ww, wr, rr = ((a * b).sum(axis=(-2, -1)) for a, b in ((w, w), (w, r), (r, r)))
    slope = wr / rr
    named = np.abs(weights).argmax(axis=-1) == np.abs(reports).argmax(axis=-1)
    return {
        "correlation_here": wr / np.sqrt(ww * rr),
        "sign_agreement": (weights * reports > 0).mean(axis=(-2, -1)),
        "most_important_named": named.mean(axis=-1),
        "points_per_point": wr / ww,
        "calibration_slope": slope,
        "calibration_intercept": points.mean(axis=(-2, -1)) - slope * reports.mean(axis=(-2, -1)),
    }
