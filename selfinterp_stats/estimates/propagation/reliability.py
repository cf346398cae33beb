"""How much of what was measured is noise: of the reports, of the weights, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.agreement import EXPLAINER
from selfinterp_stats.estimates.propagation.reports import refuse_without_repeats
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.weights import LARGEST_WEIGHT, fit_weights
from selfinterp_stats.inference.engines.seeds import key_data
from selfinterp_stats.inference.summary.summaries import summarise

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

# Random halves of a scenario's reports; their mean correlation is known to a tenth of its sd.
SPLITS: Final = 100


def spearman_brown(half: float) -> float:
    """Reliability of the whole from the correlation of its halves.

    References
    ----------
    Spearman (1910), Br. J. Psychol. 3; Brown (1910), ibid.
    """
    return 2 * half / (1 + half)


def report_reliability(study: Study, *, seed: int = 0) -> pd.DataFrame:
    """Split-half reliability of mean reports, by report set.

    Each scenario's reports are halved at random, over and over; the two means are correlated over
    scenarios and attributes (standardised within an explaining model, as in the paper), and the
    mean correlation is stepped up to the whole number of reports.

    Parameters
    ----------
    study : Study
    seed : int

    Returns
    -------
    pandas.DataFrame
        ``base_model, set, condition, scenarios, reports, split_half, spearman_brown``: scenarios
        with two reports or more, reports per such scenario, mean correlation of the halves, and
        the reliability of the mean report.

    Raises
    ------
    InputError
        A report set has no scenario with two valid reports.
    """
    refuse_without_repeats(study)
    rows = []
    for (base_model, set_, condition), reports in study.reports.groupby(
        ["base_model", "set", "condition"]
    ):
        by = reports.groupby([*EXPLAINER, "scenario"])
        repeated = reports[by["repeat"].transform("size") > 1]
        random = np.random.default_rng(key_data(seed, "halves", base_model, set_, condition))
        half = _mean_of_halves(repeated, study.attributes, random)
        cells = repeated.groupby([*EXPLAINER, "scenario"]).ngroups
        rows.append(
            {
                "base_model": base_model,
                "set": set_,
                "condition": condition,
                "scenarios": cells,
                "reports": len(repeated) / cells,
                "split_half": half,
                "spearman_brown": spearman_brown(half),
            }
        )
    return pd.DataFrame(rows)


def _mean_of_halves(
    reports: pd.DataFrame, attributes: tuple[str, ...], random: np.random.Generator
) -> float:
    """Mean correlation of the means of two random halves."""
    cells = reports.groupby([*EXPLAINER, "scenario"], sort=True)
    counts, labels = cells.size().to_numpy(), cells.size().index
    explainer = labels.droplevel("scenario").factorize()[0]
    shape = (len(counts), int(counts.max()))
    values, valid = np.zeros((*shape, len(attributes))), np.arange(shape[1]) < counts[:, None]
    at = (cells.ngroup().to_numpy(), cells.cumcount().to_numpy())
    values[at] = reports[list(attributes)].to_numpy(dtype=float)
    found = []
    for _ in range(SPLITS):
        # Places in a random order of each scenario's own reports.
        order = np.where(valid, random.random(shape), 2.0).argsort(axis=1).argsort(axis=1)
        first = (order < counts[:, None] // 2) & valid
        halves = []
        for half in (first, valid & ~first):
            means = (values * half[..., None]).sum(axis=1) / half.sum(axis=1)[:, None]
            halves.append(_standardised(means, explainer).ravel())
        found.append(np.corrcoef(np.stack(halves))[0, 1])
    return float(np.mean(found))


def _standardised(means: np.ndarray, explainer: np.ndarray) -> np.ndarray:
    """Within one explaining model and fold."""
    scaled = np.full_like(means, np.nan)
    for one in np.unique(explainer):
        own = means[explainer == one]
        scaled[explainer == one] = (own - own.mean()) / own.std(ddof=1)
    return scaled


def weight_reliability(study: Study, settings: Settings) -> pd.DataFrame:
    """Split-half reliability of the fitted weights, by base model and set.

    Every other choice of a scenario goes to either half, and stage 1 is fitted to both.

    Returns
    -------
    pandas.DataFrame
        ``base_model, set, scenarios, choices, split_half, spearman_brown``; empty figures where
        a scenario has but one choice.
    """
    place = study.choices.groupby(["base_model", "set", "scenario"]).cumcount() % 2
    tables = []
    for part in range(2):
        choices = study.choices[place == part].reset_index(drop=True)
        one = replace(study, choices=choices)
        tables.append(fit_weights(one, settings=settings).table)
    keys = ["base_model", "set", "scenario", "attribute"]
    both = tables[0].merge(tables[1], on=keys, suffixes=("", "_other"))
    rows: list[dict[str, Any]] = []
    for (base_model, set_), own in both.groupby(["base_model", "set"]):
        halves = [_unrounded(own, name) for name in ("mean", "mean_other")]
        half = float(np.corrcoef(np.stack(halves))[0, 1])
        rows.append(
            {
                "base_model": base_model,
                "set": set_,
                "scenarios": own["scenario"].nunique(),
                "choices": float((own["n"] + own["n_other"]).mean()),
                "split_half": half,
                "spearman_brown": spearman_brown(half),
            }
        )
    return pd.DataFrame(rows)


def _unrounded(weights: pd.DataFrame, name: str) -> np.ndarray:
    largest = weights[name].abs().groupby(weights["scenario"]).transform("max")
    return np.asarray(LARGEST_WEIGHT * weights[name] / largest)


def noise_ceilings(
    reports: pd.DataFrame, weights: pd.DataFrame, known: Mapping[tuple[str, str], np.ndarray]
) -> pd.DataFrame:
    """What the plug-in correlation could be at most, were the latent one 1.

    Parameters
    ----------
    reports : pandas.DataFrame
        As from `report_reliability`.
    weights : pandas.DataFrame
        As from `weight_reliability`.
    known : mapping of (base model, set) to (chain, draw) array
        Draws of the correlation of fitted with true weights, by the joint model.

    Returns
    -------
    pandas.DataFrame
        `reports` with ``choices_ceiling`` (root of the weights' split-half reliability),
        ``choices_ceiling_latent`` (the median of `known`, with its ``rhat`` and ``ess_bulk``),
        ``reports_ceiling`` (root of the reports' reliability) and ``ceiling`` (of both: product of
        the first and the last).
    """
    of_weights = weights.set_index(["base_model", "set"])["spearman_brown"]
    cells = [(row["base_model"], row["set"]) for row in reports.to_dict("records")]
    choices = np.sqrt([max(float(of_weights.get(cell, np.nan)), 0.0) for cell in cells])
    own = np.sqrt(np.maximum(reports["spearman_brown"].to_numpy(), 0.0))
    found = {cell: summarise(draws[None]) for cell, draws in known.items()}
    latent = {
        name: [float(found[cell][name][0]) if cell in found else np.nan for cell in cells]
        for name in ("median", "rhat", "ess_bulk")
    }
    return reports.assign(
        choices_ceiling=choices,
        choices_ceiling_latent=latent["median"],
        reports_ceiling=own,
        ceiling=choices * own,
        rhat=latent["rhat"],
        ess_bulk=latent["ess_bulk"],
    )
