"""All that is concluded of an explainer study, task by task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.analysis import Steps
from selfinterp_stats.estimates.explainers.across import Design, comparisons, delta_weights
from selfinterp_stats.estimates.explainers.cells import CellDraws
from selfinterp_stats.estimates.explainers.closed_form import cell_means
from selfinterp_stats.estimates.explainers.contrasts import DELTA
from selfinterp_stats.estimates.explainers.means import cells_of_means
from selfinterp_stats.estimates.explainers.measures import Measure, is_recognition, measures
from selfinterp_stats.estimates.explainers.results import ExplainerResults, run_of
from selfinterp_stats.estimates.explainers.runs import (
    RunSd,
    half_width,
    run_to_run_sd,
    tipping_point,
)
from selfinterp_stats.estimates.explainers.table import (
    TABLE_COLUMNS,
    Row,
    Rows,
    naive_gaps,
    not_identified,
)
from selfinterp_stats.estimates.results import check_draws, check_probability
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models.explainers.runs import RunPrior
from selfinterp_stats.study.explainers import ExplainerStudy, check_design
from selfinterp_stats.study.explainers.study import ANALYSIS, outcome_kind

PUBLISHED: Final = "published means"
ABOUT: Final = ("task", "condition", "training_items", "outcome")
CELL_COLUMNS: Final = (
    *ABOUT,
    "measure",
    "explainer",
    "target",
    "items",
    "runs",
    "mean",
    "se",
    "scale",
    "median",
    "hdi_low",
    "hdi_high",
)
TIPPING_COLUMNS: Final = (
    *ABOUT,
    "run_sd",
    "median",
    "sd",
    "hdi_low",
    "hdi_high",
    "p_positive",
    "tipping_point",
)


@dataclass(frozen=True)
class _Task:
    """The rows of one design, what they are about, and how its measures are made."""

    names: dict[str, Any]
    rows: pd.DataFrame
    make: Callable[[], Iterator[Measure]]

    @property
    def label(self) -> str:
        return " / ".join(str(part) for part in self.names.values() if part and not pd.isna(part))

    @property
    def compares(self) -> bool:
        own = self.rows["explainer"] == self.rows["target"]
        return bool(own.any() and not own.all())

    @property
    def is_recognition(self) -> bool:
        return "expected" in self.rows and is_recognition(self.rows)


def analyse_explainers(
    study: ExplainerStudy,
    *,
    draws: int = 4000,
    seed: int = 0,
    runs: RunPrior | None = None,
    hdi_prob: float = 0.95,
    steps: Steps | None = None,
) -> ExplainerResults:
    """Fit every task of a study and conclude who explains whom.

    Right and wrong by item in a crossed logistic model of explainer skill, target difficulty and
    self effect; verdicts by signal detection as well; published cells in a meta-analytic model.

    Parameters
    ----------
    study : ExplainerStudy
        As `load_explainers` reads it.
    draws : int
        Per model, over four chains.
    seed : int
        The same seed and study give the same draws.
    runs : RunPrior, optional
        Believed of the run-to-run sd, in percentage points, where the data have one run per cell.
    hdi_prob : float
        Probability of the highest-density intervals.
    steps : Steps, optional
        Where seconds and progress go.

    Returns
    -------
    ExplainerResults
        `table` has gaps, delta and delta of new runs on the scales ``logit`` and ``points``.

    Raises
    ------
    InputError
        A probability is not between 0 and 1, the number of draws is below 400 or no multiple of
        the four chains, or nothing can be compared; see `check_design`.

    References
    ----------
    The claim and the tasks: arXiv:2511.08579. Crossed effects of explainers and targets: the
    diallel analysis of Griffing (1956, Australian Journal of Biological Sciences 9).

    Examples
    --------
    >>> import pandas as pd
    >>> from selfinterp_stats import analyse_explainers, load_explainers
    >>> cells = {"explainer": list("aabb"), "target": list("abab"), "value": [64, 50, 54, 57]}
    >>> pd.DataFrame({**cells, "se": 0.4, "task": "patching"}).to_csv("cells.csv", index=False)
    >>> found = analyse_explainers(load_explainers("cells.csv"), seed=0).table
    >>> delta = found.query("quantity == 'delta' and scale == 'points'").iloc[0]
    >>> f"{delta['median']:.0f}"  # half the sum of the gaps, 64 - 54 and 57 - 50
    '8'
    """
    check_draws(draws)
    check_probability(hdi_prob)
    study = check_design(study)
    runs, steps = runs or RunPrior(), steps or Steps()
    found = _Found(Rows(hdi_prob))
    run_sds = {task: _run_sd(rows) for task, rows in study.items.groupby("task", sort=False)}
    tasks = list(_tasks(study, draws, seed))
    with steps.step("fitting", len(tasks)) as progress:
        for task in tasks:
            rng = np.random.default_rng(np.random.SeedSequence([seed, *task.label.encode()]))
            found.add(task, run_sds.get(task.names["task"]) or runs, rng)
            if progress is not None:
                progress(1)
    table = found.table + [found.make.of_comparison(one) for one in comparisons(found.designs)]
    for name, sd in run_sds.items():
        if sd is not None:
            rng = np.random.default_rng(np.random.SeedSequence([seed, *f"{name} runs".encode()]))
            about = {"task": name, "condition": "", "training_items": np.nan, "outcome": "runs"}
            table += [about | row for row in found.make.of_runs(sd, rng)]
    results = ExplainerResults(
        pd.DataFrame(table, columns=list(TABLE_COLUMNS)),
        _together(found.cells, CELL_COLUMNS),
        _together(found.tipping, TIPPING_COLUMNS),
        found.draws,
        study,
        runs,
        seed,
        hdi_prob,
    )
    return replace(results, run=run_of(results, steps.seconds))


@dataclass
class _Found:
    """What has been concluded so far."""

    make: Rows
    table: list[Row] = field(default_factory=list)
    cells: list[pd.DataFrame] = field(default_factory=list)
    tipping: list[pd.DataFrame] = field(default_factory=list)
    draws: dict[str, CellDraws] = field(default_factory=dict)
    designs: list[Design] = field(default_factory=list)

    def add(self, task: _Task, runs: RunPrior | RunSd, rng: np.random.Generator) -> None:
        """Conclude from every measure of a design, or say why nothing can be."""
        if not task.compares:
            why = "not identified: the design has no self cell or no cross cell"
            self.table.append(task.names | not_identified(DELTA, "points", why))
            return
        for measure in task.make():
            self._add_measure(task, measure, runs, rng)

    def _add_measure(
        self, task: _Task, measure: Measure, runs: RunPrior | RunSd, rng: np.random.Generator
    ) -> None:
        names = task.names | {"outcome": measure.outcome}
        label = " / ".join(filter(None, (task.label, measure.prefix.rstrip("_"))))
        self.draws[label] = measure.fitted
        similar = _similarity(task.rows, measure.fitted)
        rows = self.make.of_measure(measure, runs, similar, rng)
        self.table += [names | row for row in rows]
        self.cells.append(_cells(names, task.rows, measure, self.make.hdi_prob))
        if measure.prefix:
            return
        self.designs.append(Design(names, measure))
        self.tipping.append(_tipping(names, measure, self.make.hdi_prob))
        if task.is_recognition:
            self.table += [names | row for row in naive_gaps(task.rows, self.make.hdi_prob)]


def _together(parts: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(filled, ignore_index=True)[list(columns)]


def _tasks(study: ExplainerStudy, draws: int, seed: int) -> Iterator[_Task]:
    how = {"draws": draws, "seed": seed}
    for key, rows in study.items.groupby(list(ANALYSIS), sort=False, dropna=False):
        names = dict(zip(ANALYSIS, key, strict=True))
        kind = outcome_kind(study.items.loc[study.items["task"] == names["task"], "outcome"])
        label = " / ".join(map(str, key))
        yield _Task(names, rows, partial(measures, rows, kind, label, **how))
    for key, rows in study.cells.groupby(["task", "condition"], sort=False):
        names = {**dict(zip(("task", "condition"), key, strict=True)), "training_items": np.nan}
        label = " / ".join(map(str, key))
        yield _Task(names, rows, partial(_published, rows, label, **how))


def _published(rows: pd.DataFrame, label: str, **how: Any) -> Iterator[Measure]:
    noise = np.diag(rows["se"].to_numpy(float) ** 2)
    yield Measure(PUBLISHED, "", cells_of_means(rows, noise, scale="points", label=label, **how))


def _run_sd(rows: pd.DataFrame) -> RunSd | None:
    cell = ["explainer", "target", "condition", "training_items"]
    if rows.groupby(cell, dropna=False)["run"].nunique().max() > 1:
        return run_to_run_sd(rows)
    return None


def _similarity(rows: pd.DataFrame, fitted: CellDraws) -> np.ndarray | None:
    """Similarity of explainer and target in the order of the pairs, where there is any."""
    if "similarity" not in rows or rows["similarity"].isna().all():
        return None
    known = rows.groupby(["explainer", "target"])["similarity"].mean()
    return np.array([known[pair] for pair in fitted.pairs])


def _cells(
    names: dict[str, Any], rows: pd.DataFrame, measure: Measure, hdi_prob: float
) -> pd.DataFrame:
    if "outcome" in rows:
        means = cell_means(rows)[0].rename(columns={"value": "mean"})
    else:
        means = rows.rename(columns={"value": "mean"}).assign(items=np.nan, runs=1)
    if measure.prefix:
        means = means.assign(mean=np.nan, se=np.nan)
    parts = []
    for scale, draws in measure.fitted.scales.items():
        figures = summarise(np.moveaxis(draws, -1, 0), hdi_prob=hdi_prob)
        part = pd.DataFrame(measure.fitted.pairs, columns=["explainer", "target"]).assign(
            scale=scale, **{name: figures[name] for name in ("median", "hdi_low", "hdi_high")}
        )
        parts.append(part)
    wanted = ["explainer", "target", "items", "runs", "mean", "se"]
    whole = pd.concat(parts).merge(means[wanted], on=["explainer", "target"], how="left")
    return whole.assign(measure=measure.prefix.rstrip("_"), **names)


def _tipping(names: dict[str, Any], measure: Measure, hdi_prob: float) -> pd.DataFrame:
    """Delta in points for a row of run-to-run sds, and the sd at which its interval holds zero."""
    from scipy.stats import norm

    weights = delta_weights(measure)
    if weights is None or "points" not in measure.fitted.scales:
        return pd.DataFrame()
    delta = measure.fitted.scales["points"] @ weights
    mean, sd = float(delta.mean()), float(delta.std())
    reach = float(np.sqrt((weights**2 / measure.fitted.runs).sum()))
    run_sd = np.linspace(0, 15, 61)
    spread = np.hypot(sd, reach * run_sd)
    half = half_width(hdi_prob) * spread
    return pd.DataFrame(
        {
            **names,
            "run_sd": run_sd,
            "median": mean,
            "sd": spread,
            "hdi_low": mean - half,
            "hdi_high": mean + half,
            "p_positive": norm.cdf(mean / spread),
            "tipping_point": tipping_point(mean, sd, reach, hdi_prob=hdi_prob),
        }
    )
