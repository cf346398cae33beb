"""A study's single reports, as the joint model takes them: standardised, scenario by scenario."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.agreement import EXPLAINER
from selfinterp_stats.estimates.propagation.scenarios import Reported
from selfinterp_stats.study import Study


def refuse_without_repeats(study: Study) -> None:
    """Refuse reports of which nothing tells noise from meaning.

    Raises
    ------
    InputError
        A report set has no scenario with two valid reports.
    """
    repeats = study.reports.groupby([*EXPLAINER, "scenario"]).size()
    most = repeats.groupby(level=["base_model", "set", "condition"]).max()
    for name in most.index[most < 2]:
        raise InputError(
            "reports were asked for only once per scenario, so their reliability is unknown",
            file=study.source,
            value=" / ".join(name),
            allowed="report sets in which some scenario has two valid reports or more",
            remedy="Ask for several reports per scenario, or leave this report set out.",
        )


def standardised_singles(study: Study) -> pd.DataFrame:
    """Single reports on the scale on which the paper's mean reports have mean 0 and sd 1.

    Returns
    -------
    pandas.DataFrame
        The columns of ``study.reports``; values missing where an explainer's mean reports do not
        vary.
    """
    columns = list(study.attributes)
    reports = study.reports.reset_index(drop=True)
    keys = list(EXPLAINER)
    means = reports.groupby([*keys, "scenario"], sort=False)[columns].mean()
    long = means.stack().groupby(level=keys)
    places, spreads = long.mean(), long.std(ddof=1)
    spreads = spreads.where(long.max() > long.min())
    of_row = pd.MultiIndex.from_frame(reports[keys])
    place = places.reindex(of_row).to_numpy()[:, None]
    spread = spreads.reindex(of_row).to_numpy()[:, None]
    return reports.assign(
        **dict(zip(columns, ((reports[columns].to_numpy() - place) / spread).T, strict=True))
    )


def reported_of(
    singles: pd.DataFrame, scenarios: Sequence[str], attributes: Sequence[str]
) -> Reported:
    """Reports of one base model, set and condition, one row per scenario.

    Parameters
    ----------
    singles : pandas.DataFrame
        As from `standardised_singles`, of that report set alone.
    scenarios : sequence of str
        Those with choices; reports on others are left out.
    attributes : sequence of str
    """
    columns = list(attributes)
    singles = singles[singles["scenario"].isin(scenarios)].dropna(subset=columns)
    cells = [*EXPLAINER, "scenario"]
    own = singles.groupby(cells)[columns]
    deviations = singles[columns] - own.transform("mean")
    freedom = (len(singles) - own.ngroups) * len(columns)
    by_scenario = singles.groupby("scenario")[columns]
    return Reported(
        means=by_scenario.mean().reindex(scenarios).to_numpy(dtype=float),
        counts=by_scenario.size().reindex(scenarios, fill_value=0).to_numpy(),
        within=float((deviations.to_numpy() ** 2).sum()),
        freedom=float(freedom),
    )


def targets_as_reports(targets: np.ndarray) -> Reported:
    """Target weights in the place of a report condition without noise.

    Parameters
    ----------
    targets : (scenario, attribute) array
        Missing where a scenario has none.
    """
    known = np.isfinite(targets).all(axis=1)
    sd = np.nanstd(targets[known], ddof=1)
    means = np.where(known[:, None], (targets - np.nanmean(targets[known])) / sd, np.nan)
    return Reported(means, known.astype(int), 0.0, 0.0)
