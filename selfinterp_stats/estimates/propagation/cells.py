"""Which regressions a conclusion is made of, for one set of weights or for many imputed ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from selfinterp_stats.estimates.propagation.carried import IMPUTATIONS, Predicted, imputations
from selfinterp_stats.estimates.sensitivity.arrays import Weighed
from selfinterp_stats.estimates.sensitivity.conclusions import Conclusion

if TYPE_CHECKING:
    import xarray as xr

Weights = Mapping[tuple[str, str], np.ndarray]


def plugged_in(weighed: Mapping[tuple[str, str], Weighed]) -> dict[tuple[str, str], np.ndarray]:
    """The paper's whole-number weights, as one imputation: (1, scenario, attribute) arrays."""
    return {key: one.weights["rounded"][None] for key, one in weighed.items()}


def imputed(
    weighed: Mapping[tuple[str, str], Weighed],
    posteriors: Mapping[str, xr.DataTree],
    number: int = IMPUTATIONS,
) -> dict[tuple[str, str], np.ndarray]:
    """Stage-1 draws, each scaled by its own largest: (imputation, scenario, attribute) arrays."""
    found = {}
    for (base_model, set_), one in weighed.items():
        draws = posteriors[f"weights_{base_model}_{set_}"]["posterior"]["weight"]
        ordered = draws.sel(scenario=list(one.scenarios))
        slopes = ordered.transpose("chain", "draw", "scenario", "attribute").to_numpy()
        found[base_model, set_] = imputations(slopes, number)
    return found


def cells_of(
    conclusion: Conclusion, weights: Weights
) -> tuple[list[tuple[Predicted, np.ndarray]], list[float]]:
    """Cells of a conclusion's regression and the signs of its contrast; see `regressed`."""
    if not conclusion.conditions:
        (one,) = conclusion.weighed
        return [(_of_targets(one), weights[one.base_model, one.set])], [1.0]
    cells, signs = [], []
    for one in conclusion.weighed:
        for condition in conclusion.conditions:
            given = weights[one.base_model, one.set]
            y = one.targets[None] if conclusion.against == "target" else given
            cells.append((of_reports(one, condition), y))
            last = condition == conclusion.conditions[-1]
            signs.append((1.0 if last else -1.0) / len(conclusion.weighed))
    return cells, signs


def _of_targets(weighed: Weighed) -> Predicted:
    # The paper standardises a base model's targets over the scenarios that have weights.
    return Predicted(_standardised(weighed.targets), np.arange(len(weighed.scenarios)))


def of_reports(weighed: Weighed, condition: str) -> Predicted:
    """The mean reports of a condition, standardised as the paper does."""
    reports = weighed.reports[condition]
    x = np.full(reports.values["mean"].shape, np.nan)
    for group in np.unique(reports.groups):
        own = reports.groups == group
        x[own] = _standardised(reports.values["mean"][own])
    return Predicted(x, reports.at)


def _standardised(values: np.ndarray) -> np.ndarray:
    if np.nanmin(values) == np.nanmax(values):
        return values * np.nan
    return np.asarray((values - np.nanmean(values)) / np.nanstd(values, ddof=1))
