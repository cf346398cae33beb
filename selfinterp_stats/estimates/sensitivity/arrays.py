"""A study's weights and reports as arrays, and the regression's sums under one specification.

Scenarios can be left out many ways at once: a leading axis says which way. Everything is done in
the paper's order: scenarios are chosen, values standardised, rows joined, extremes excluded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.agreement import FEWEST_ROWS
from selfinterp_stats.estimates.sensitivity.specifications import Specification
from selfinterp_stats.estimates.weights import LARGEST_WEIGHT, scaled_weights
from selfinterp_stats.study.study import INSTILLED

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

_EXTREME: Final = LARGEST_WEIGHT - 1e-6


@dataclass(frozen=True)
class ReportSet:
    """Reports of one base model, set and condition; one row per explaining model and scenario.

    Attributes
    ----------
    at : (row,) array of int
        Place of the scenario among those with choices; -1 for one without.
    groups : (row,) array of int
        Fold and explaining model, within which the paper standardises.
    counts : (row,) array of int
        Valid reports.
    values : dict of str to (row, attribute) array
        ``"mean"`` and ``"median"`` of them.
    """

    at: np.ndarray
    groups: np.ndarray
    counts: np.ndarray
    values: dict[str, np.ndarray]


@dataclass(frozen=True)
class Weighed:
    """One base model and set: fitted weights, target weights, choices, reports.

    Attributes
    ----------
    base_model, set : str
    scenarios : (scenario,) array of str
    weights : dict of str to (scenario, attribute) array
        ``"rounded"`` and ``"unrounded"``, largest +-100.
    intercepts : dict of str to (scenario,) array
        On the scale of the weights.
    targets : (scenario, attribute) array
        Missing where there are none.
    choices : pandas.DataFrame
    reports : dict of str to ReportSet
        By condition.
    """

    base_model: str
    set: str
    scenarios: np.ndarray
    weights: dict[str, np.ndarray]
    intercepts: dict[str, np.ndarray]
    targets: np.ndarray
    choices: pd.DataFrame
    reports: dict[str, ReportSet]

    def kept(self, specification: Specification, left_out: np.ndarray) -> np.ndarray:
        """Which scenarios take part, as a (way, scenario) array.

        Parameters
        ----------
        specification : Specification
            Its own `left_out` does not count.
        left_out : (way,) array of str
            The scenario left out in each way; empty for none.
        """
        kept = self.scenarios[None, :] != left_out[:, None]
        if specification.scenarios == "complete":
            for reports in self.reports.values():
                enough = reports.counts >= specification.min_reports
                kept &= np.isin(np.arange(len(self.scenarios)), reports.at[enough])
        return kept

    def with_means(self, means: np.ndarray) -> Weighed:
        """The same with other fitted weights; intercepts stay as they were.

        Parameters
        ----------
        means : (scenario, attribute) array
            Posterior means on the logit scale; missing for a scenario that is to be left out.
        """
        weights = {"rounded": scaled_weights(means), "unrounded": means * _scale(means)}
        return replace(self, weights=weights)


@dataclass(frozen=True)
class Sums:
    """What a regression of one report set needs, for every way; missing where it has none.

    Attributes
    ----------
    n, mean_x, mean_y, sxx, sxy, syy : (way,) array
        Rows, means, and sums of squares and products about the means.
    """

    n: np.ndarray
    mean_x: np.ndarray
    mean_y: np.ndarray
    sxx: np.ndarray
    sxy: np.ndarray
    syy: np.ndarray


def weighed_of(
    study: Study, weights: pd.DataFrame, intercepts: Mapping[tuple[str, str, str], float]
) -> dict[tuple[str, str], Weighed]:
    """Put a study into arrays, by base model and set.

    Parameters
    ----------
    study : Study
    weights : pandas.DataFrame
        As from `fit_weights`: ``base_model, set, scenario, attribute, mean, weight``.
    intercepts : mapping of (base model, set, scenario) to float
        Posterior means, logit scale.
    """
    found = {}
    for (base_model, set_), rows in weights.groupby(["base_model", "set"]):
        means = _wide(rows, "mean", study.attributes)
        scenarios = means.index.to_numpy(dtype=object)
        scale = _scale(means.to_numpy())
        alone = np.array([intercepts[base_model, set_, name] for name in scenarios])
        unrounded = alone * scale[:, 0]
        targets = study.targets.set_index("scenario").reindex(scenarios)
        known = targets[list(study.attributes)].to_numpy(dtype=float)
        found[base_model, set_] = Weighed(
            base_model=base_model,
            set=set_,
            scenarios=scenarios,
            weights={
                "rounded": _wide(rows, "weight", study.attributes).to_numpy(),
                "unrounded": means.to_numpy() * scale,
            },
            intercepts={"rounded": np.round(unrounded), "unrounded": unrounded},
            targets=known if set_ == INSTILLED else np.full_like(known, np.nan),
            choices=_of(study.choices, base_model, set_),
            reports=_report_sets(_of(study.reports, base_model, set_), scenarios, study),
        )
    return found


def _scale(means: np.ndarray) -> np.ndarray:
    """What brings the largest weight of each scenario to +-100, (scenario, 1)."""
    largest = np.abs(means).max(axis=1, keepdims=True)
    return np.asarray(LARGEST_WEIGHT / np.where(largest > 0, largest, 1))


def _of(frame: pd.DataFrame, base_model: str, set_: str) -> pd.DataFrame:
    return frame[(frame["base_model"] == base_model) & (frame["set"] == set_)]


def _wide(rows: pd.DataFrame, value: str, attributes: tuple[str, ...]) -> pd.DataFrame:
    wide = rows.astype({value: float}).pivot(index="scenario", columns="attribute", values=value)
    return wide[list(attributes)]


def _report_sets(
    reports: pd.DataFrame, scenarios: np.ndarray, study: Study
) -> dict[str, ReportSet]:
    places = pd.Index(scenarios)
    found = {}
    for condition, rows in reports.groupby("condition"):
        by = rows.groupby(["fold", "explaining_model", "scenario"], sort=True)
        counts = by.size()
        columns = list(study.attributes)
        index = counts.index
        found[condition] = ReportSet(
            at=places.get_indexer(index.get_level_values("scenario")),
            groups=index.droplevel("scenario").factorize()[0],
            counts=counts.to_numpy(),
            values={
                "mean": by[columns].mean().to_numpy(dtype=float),
                "median": by[columns].median().to_numpy(dtype=float),
            },
        )
    return found


def reports_with(
    weighed: Weighed,
    condition: str,
    against: str,
    specification: Specification,
    left_out: np.ndarray,
) -> Sums:
    """Sums of a regression on standardised reports.

    Parameters
    ----------
    weighed : Weighed
    condition : str
    against : {"fitted", "target"}
        Weights that the reports are set against.
    specification : Specification
    left_out : (way,) array of str
    """
    reports = weighed.reports[condition]
    kept = weighed.kept(specification, left_out)
    values = reports.values[specification.reports]
    enough = reports.counts >= specification.min_reports
    # Reports on a scenario without choices are standardised with the others and then dropped,
    # unless only complete scenarios are wanted.
    alone = np.full(len(kept), specification.scenarios == "all")
    member = np.where(reports.at >= 0, kept[:, reports.at], alone[:, None]) & enough
    groups = reports.groups if specification.standardising == "per fold" else reports.groups * 0
    x = np.full((*member.shape, values.shape[1]), np.nan)
    for group in np.unique(groups):
        own = groups == group
        x[:, own] = _standardised(values[own], member[:, own])
    weights = _weights(weighed, against, specification)
    fitted = ~np.isnan(_weights(weighed, "fitted", specification)).any(axis=1)
    y = _standardised(weights, kept & fitted & ~np.isnan(weights).any(axis=1))[:, reports.at]
    y[:, reports.at < 0] = np.nan
    out = _excluded(values, weights[reports.at], specification.exclusion)
    return _sums(x, y, member[..., None] & ~out)


def targets_with_fitted(
    weighed: Weighed, specification: Specification, left_out: np.ndarray
) -> Sums:
    """Sums of a regression of standardised fitted weights on target weights."""
    weights = weighed.weights[specification.weights]
    kept = weighed.kept(specification, left_out)
    kept &= ~np.isnan(weights + weighed.targets).any(axis=1)
    x, y = _standardised(weighed.targets, kept), _standardised(weights, kept)
    out = np.zeros(weights.shape, dtype=bool)
    if specification.exclusion == "fitted":
        out = np.abs(weights) >= _EXTREME
    return _sums(x, y, kept[..., None] & ~out)


def _weights(weighed: Weighed, against: str, specification: Specification) -> np.ndarray:
    return weighed.targets if against == "target" else weighed.weights[specification.weights]


def _standardised(values: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Values of all members' attributes together, as (way, row, attribute); others are missing.

    Where the members' values do not vary, or there is but one, all are missing.
    """
    inside = np.broadcast_to(member[..., None], (*member.shape, values.shape[1]))
    known = np.where(inside, values, 0.0)
    n = inside.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = known.sum(axis=(1, 2)) / n
        away = np.where(inside, values - means[:, None, None], 0.0)
        sd = np.sqrt((away**2).sum(axis=(1, 2)) / (n - 1))
        # As `agreement.standardise`: equal values need not have a computed deviation of zero.
        varies = np.ptp(np.where(inside, values, means[:, None, None]), axis=(1, 2)) > 0
        scaled = away / np.where(varies, sd, np.nan)[:, None, None]
    return np.where(inside, scaled, np.nan)


def _excluded(reported: np.ndarray, weights: np.ndarray, reading: str) -> np.ndarray:
    """Rows that a reading of Appendix D leaves out, as `exclusion` has them."""
    of_report = np.abs(reported) >= LARGEST_WEIGHT
    of_weight = np.abs(weights) >= _EXTREME
    if reading == "either":
        largest = np.abs(reported).max(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            rescaled = LARGEST_WEIGHT * reported / largest
        of_report = np.isclose(np.abs(rescaled), LARGEST_WEIGHT)
    return {
        "none": np.zeros(reported.shape, dtype=bool),
        "reported": of_report,
        "both": of_report & of_weight,
        "fitted": of_weight,
        "either": of_report | of_weight,
    }[reading]


def _sums(x: np.ndarray, y: np.ndarray, used: np.ndarray) -> Sums:
    used = used & np.isfinite(x) & np.isfinite(y)
    n = used.sum(axis=(1, 2)).astype(float)
    n[n < FEWEST_ROWS] = np.nan
    x, y = np.where(used, x, 0.0), np.where(used, y, 0.0)
    mean_x, mean_y = x.sum(axis=(1, 2)) / n, y.sum(axis=(1, 2)) / n
    dx = np.where(used, x - mean_x[:, None, None], 0.0)
    dy = np.where(used, y - mean_y[:, None, None], 0.0)
    sxx, sxy, syy = (np.einsum("wra,wra->w", a, b) for a, b in ((dx, dx), (dx, dy), (dy, dy)))
    flat = (sxx < 1e-12 * n) | (syy < 1e-12 * n)
    missing = np.isnan(n) | flat
    return Sums(*(np.where(missing, np.nan, a) for a in (n, mean_x, mean_y, sxx, sxy, syy)))
