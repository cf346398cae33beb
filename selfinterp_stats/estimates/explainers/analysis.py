"""All that is concluded of an explainer study, task by task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.explainers.cells import CellDraws, cells_of_items, cells_of_means
from selfinterp_stats.estimates.explainers.closed_form import (
    CONDITIONAL,
    NEW_RUN,
    cell_means,
    closed_form,
)
from selfinterp_stats.estimates.explainers.contrasts import DELTA, Contrast, contrasts
from selfinterp_stats.estimates.explainers.runs import RunSd, run_to_run_sd, tipping_point
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models.explainers.runs import RunPrior
from selfinterp_stats.study.explainers import ExplainerStudy, check_design
from selfinterp_stats.study.explainers.study import ANALYSIS, BINARY, JUDGE, outcome_kind

TABLE_COLUMNS: Final = (
    "task",
    "quantity",
    "target",
    "scale",
    "median",
    "hdi_low",
    "hdi_high",
    "p_positive",
    "rope_share",
    "identified",
    "note",
    "condition",
    "training_items",
    "outcome",
    "ess_bulk",
    "ess_tail",
    "rhat",
    "mcse_median",
)
ROPES: Final = {"logit": (-0.1, 0.1), "points": (-2.5, 2.5)}
"""Regions of practical equivalence; 2.5 points are a tenth of a logit at one half."""

YES_BIAS: Final = "answered yes"
NAIVE: Final = "naive_accuracy_gap"
# A probability of exactly 0 or 1 has no logit.
_CLIP: Final = 1e-6


@dataclass(frozen=True)
class ExplainerResults:
    """What came of a study.

    Attributes
    ----------
    table : pandas.DataFrame
        Columns `TABLE_COLUMNS`.
    cells : pandas.DataFrame
        Every cell: `task`, `condition`, `training_items`, `outcome`, `explainer`, `target`,
        `items`, `runs`, `mean`, `se` (points), `scale`, `median`, `hdi_low`, `hdi_high`.
    tipping : pandas.DataFrame
        Per task: `run_sd`, `median`, `sd`, `p_positive` of delta in points for a row of run-to-run
        sds, and the `tipping_point`.
    draws : dict of str to CellDraws
    study : ExplainerStudy
    runs : RunPrior
    """

    table: pd.DataFrame
    cells: pd.DataFrame
    tipping: pd.DataFrame
    draws: dict[str, CellDraws]
    study: ExplainerStudy
    runs: RunPrior


def analyse_explainers(
    study: ExplainerStudy,
    *,
    draws: int = 4000,
    seed: int = 0,
    runs: RunPrior | None = None,
    hdi_prob: float = 0.95,
) -> ExplainerResults:
    """Fit every task of a study and conclude.

    Parameters
    ----------
    study : ExplainerStudy
    draws : int
        Per model, over four chains.
    seed : int
    runs : RunPrior, optional
        Believed of the run-to-run sd where the data have one run per cell.
    hdi_prob : float

    Raises
    ------
    InputError
        Nothing can be compared; see `check_design`.
    """
    if draws < 400 or draws % 4:
        raise InputError(
            "the number of draws cannot be used", value=draws, allowed="a multiple of 4, from 400"
        )
    study = check_design(study)
    runs = runs or RunPrior()
    table: list[dict[str, Any]] = []
    cells: list[pd.DataFrame] = []
    tipping: list[pd.DataFrame] = []
    kept: dict[str, CellDraws] = {}
    for names, rows, fitted in _fits(study, draws, seed):
        label = " / ".join(str(part) for part in names.values() if part and not pd.isna(part))
        kept[label] = fitted
        run_sd = _run_sd(rows)
        rng = np.random.default_rng(np.random.SeedSequence([seed, *label.encode()]))
        table += [
            {**names, **row} for row in conclude(fitted, run_sd or runs, rng, hdi_prob=hdi_prob)
        ]
        if names["outcome"] == YES_BIAS:
            table += [{**names, **row} for row in _naive(rows)]
        cells.append(_cells(names, rows, fitted, hdi_prob))
        if "points" in fitted.scales:
            tipping.append(_tipping(names, fitted))
    return ExplainerResults(
        pd.DataFrame(table, columns=list(TABLE_COLUMNS)),
        pd.concat(cells, ignore_index=True),
        pd.concat([part for part in tipping if len(part)] or [pd.DataFrame()], ignore_index=True),
        kept,
        study,
        runs,
    )


def _fits(study: ExplainerStudy, draws: int, seed: int) -> Any:
    """Every model of the study: what it is about, the rows, and draws of the cells."""
    how = {"draws": draws, "seed": seed}
    for key, rows in study.items.groupby(list(ANALYSIS), sort=False, dropna=False):
        names = dict(zip(ANALYSIS, key, strict=True))
        label = " / ".join(map(str, key))
        if is_recognition(rows):
            means, noise = cell_means(rows.assign(outcome=_log_odds(rows["predicted"]) / 100))
            fitted = cells_of_means(means, noise, scale="logit", label=label, **how)
            yield {**names, "outcome": YES_BIAS}, rows, fitted
            continue
        kind = outcome_kind(study.items.loc[study.items["task"] == names["task"], "outcome"])
        if kind == BINARY:
            fitted = cells_of_items(rows, rows["outcome"], label=label, **how)
        elif kind == JUDGE:
            fitted = cells_of_items(rows, 4 * rows["outcome"], label=label, categories=5, **how)
        else:
            means, noise = cell_means(rows)
            fitted = cells_of_means(means, noise, scale="points", label=label, **how)
        yield {**names, "outcome": kind}, rows, fitted
    for key, rows in study.cells.groupby(["task", "condition"], sort=False):
        names = {**dict(zip(("task", "condition"), key, strict=True)), "training_items": np.nan}
        own = rows["explainer"] == rows["target"]
        if own.all() or not own.any():
            continue
        noise = np.diag(rows["se"].to_numpy(float) ** 2)
        label = " / ".join(map(str, key))
        fitted = cells_of_means(rows, noise, scale="points", label=label, **how)
        yield {**names, "outcome": "published means"}, rows, fitted


def is_recognition(rows: pd.DataFrame) -> bool:
    """Whether yes is right in all self cells and wrong in all others.

    Accuracy then confuses telling oneself apart with saying yes readily, and how readily a model
    says yes is what has to be modelled.
    """
    own = rows["explainer"] == rows["target"]
    return bool((rows["expected"] == np.where(own, "yes", "no")).all())


def _log_odds(predicted: pd.Series) -> pd.Series:
    share = pd.to_numeric(predicted.replace({"yes": "1", "no": "0"}), errors="coerce")
    if share.isna().any() or not share.between(0, 1).all():
        raise InputError(
            "a prediction is neither yes, no nor a probability of yes",
            column="predicted",
            value=predicted[share.isna() | ~share.between(0, 1)].iloc[0],
        )
    clipped = share.clip(_CLIP, 1 - _CLIP)
    return np.log(clipped / (1 - clipped))


def _run_sd(rows: pd.DataFrame) -> RunSd | None:
    if "run" in rows and rows.groupby(["explainer", "target"])["run"].nunique().max() > 1:
        return run_to_run_sd(rows)
    return None


def conclude(
    fitted: CellDraws,
    runs: RunPrior | RunSd,
    rng: np.random.Generator,
    *,
    hdi_prob: float = 0.95,
) -> list[dict[str, Any]]:
    """Rows of the table for one design."""
    rows = []
    for scale, draws in fitted.scales.items():
        for contrast in contrasts(fitted.pairs):
            rows.append(_row(contrast, scale, draws, hdi_prob))
            if contrast.quantity == DELTA and contrast.weights is not None:
                sd = runs.draw(draws.shape[:2], rng)[..., None] * _slope(fitted, scale)
                moved = draws + sd * rng.standard_normal(draws.shape) / np.sqrt(fitted.runs)
                estimated = isinstance(runs, RunSd)
                note = (
                    f"run-to-run sd estimated from runs, median {runs.median:.1f} points"
                    if estimated
                    else f"one run per cell: {runs}"
                )
                new = Contrast(NEW_RUN, "", contrast.weights, note)
                identified = {} if estimated else {"identified": "no"}
                rows.append(_row(new, scale, moved, hdi_prob) | identified)
    return rows


def _slope(fitted: CellDraws, scale: str) -> np.ndarray:
    """How far each cell moves on a scale per percentage point."""
    if scale == "points":
        return np.ones(len(fitted.pairs))
    if "points" in fitted.scales:
        share = np.clip(fitted.scales["points"].mean(axis=(0, 1)) / 100, 0.02, 0.98)
    else:
        share = np.clip(1 / (1 + np.exp(-fitted.scales["logit"].mean(axis=(0, 1)))), 0.02, 0.98)
    return np.asarray(1 / (100 * share * (1 - share)))


def _row(contrast: Contrast, scale: str, draws: np.ndarray, hdi_prob: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "quantity": contrast.quantity,
        "target": contrast.target,
        "scale": scale,
        "identified": "no" if contrast.weights is None else "yes",
        "note": contrast.note or (CONDITIONAL if contrast.quantity == DELTA else ""),
    }
    if contrast.weights is None:
        return row
    values = (draws @ contrast.weights)[None]
    figures = summarise(values, hdi_prob=hdi_prob, rope=ROPES[scale])
    wanted = ("median", "hdi_low", "hdi_high", "rope_share", "ess_bulk", "ess_tail", "rhat")
    return {
        **row,
        **{name: float(figures[name][0]) for name in (*wanted, "mcse_median")},
        "p_positive": float((values > 0).mean()),
    }


def _naive(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The gap in accuracy, which says how readily a model says yes rather than what it knows."""
    means, covariance = cell_means(rows)
    found = closed_form(means, covariance).query("quantity == 'self_cross_gap'")
    note = "misleading: a model that says yes readily is right about itself and wrong of others"
    return [
        {
            "quantity": NAIVE,
            "target": row.target,
            "scale": "points",
            "median": row.estimate,
            "hdi_low": row.estimate - 1.96 * row.se,
            "hdi_high": row.estimate + 1.96 * row.se,
            "identified": "yes",
            "note": note,
        }
        for row in found[found["scale"] == "points"].itertuples(index=False)
    ]


def _cells(
    names: dict[str, Any], rows: pd.DataFrame, fitted: CellDraws, hdi_prob: float
) -> pd.DataFrame:
    if "outcome" in rows:
        means = cell_means(rows)[0].rename(columns={"value": "mean"})
    else:
        means = rows.rename(columns={"value": "mean"}).assign(items=np.nan, runs=1)
    parts = []
    for scale, draws in fitted.scales.items():
        figures = summarise(np.moveaxis(draws, -1, 0), hdi_prob=hdi_prob)
        part = pd.DataFrame(fitted.pairs, columns=["explainer", "target"]).assign(
            scale=scale, **{name: figures[name] for name in ("median", "hdi_low", "hdi_high")}
        )
        parts.append(part)
    wanted = ["explainer", "target", "items", "runs", "mean", "se"]
    whole = pd.concat(parts).merge(means[wanted], on=["explainer", "target"], how="left")
    return whole.assign(**names)


def _tipping(names: dict[str, Any], fitted: CellDraws) -> pd.DataFrame:
    """Delta in points for a row of run-to-run sds, and the sd at which its interval holds zero."""
    from scipy.stats import norm

    weights = next(one.weights for one in contrasts(fitted.pairs) if one.quantity == DELTA)
    if weights is None:
        return pd.DataFrame()
    delta = fitted.scales["points"] @ weights
    mean, sd = float(delta.mean()), float(delta.std())
    reach = float(np.sqrt((weights**2 / fitted.runs).sum()))
    run_sd = np.linspace(0, 15, 61)
    spread = np.hypot(sd, reach * run_sd)
    return pd.DataFrame(
        {
            **names,
            "run_sd": run_sd,
            "median": mean,
            "sd": spread,
            "p_positive": norm.cdf(mean / spread),
            "tipping_point": tipping_point(mean, sd, reach),
        }
    )
