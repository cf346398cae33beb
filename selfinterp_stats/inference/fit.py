"""One model, many datasets, three engines: from a data frame to posteriors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from selfinterp_stats.inference.datasets import group
from selfinterp_stats.inference.density.terms import design_at
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.prepare import DefaultPriors, Prepared, prepare
from selfinterp_stats.inference.running.job import Job
from selfinterp_stats.inference.running.kept import InMemory
from selfinterp_stats.inference.running.plan import Plan, check_draws_fit, plan
from selfinterp_stats.inference.running.store import Store, manifest_of
from selfinterp_stats.inference.running.workplace import workplace
from selfinterp_stats.inference.settings import Progress, Running, Sampling
from selfinterp_stats.models.spec import ModelSpec

# Rows up to which 32-bit floats hold a log-density of yes-or-no outcomes to four digits.
SHORT = 1000
BINARY = ("bernoulli", "binomial")


@dataclass(frozen=True)
class Fits:
    """Posteriors of many datasets under one model.

    Attributes
    ----------
    spec : ModelSpec
    labels : tuple of tuple of str
        What each dataset is called, one label per grouping column.
    rows : (dataset,) array
        Rows of each dataset.
    parameters : tuple of str
        Scalars in the order of the last axis of ``draws.values``; an element of a vector is
        ``name[level]``.
    draws : Draws
        The intercept is the one at zero of all predictors (brms' ``b_Intercept``).
    summaries : dict of str to (dataset, parameter) array
        What `summarise` says of the draws, where that was asked for.
    engines : (dataset,) array of str
        Which engine made each posterior; empty where a dataset could not be fitted.
    problems : (dataset,) array of str
        Why it could not; empty where it could.
    model : bambi.Model
        Built on rows that show its form.
    """

    spec: ModelSpec
    labels: tuple[tuple[str, ...], ...]
    rows: np.ndarray
    parameters: tuple[str, ...]
    draws: Draws
    summaries: dict[str, np.ndarray]
    engines: np.ndarray
    problems: np.ndarray
    model: Any

    def select(self, dataset: int) -> Fits:
        """The same for one dataset alone."""
        one = slice(dataset, dataset + 1)
        return replace(
            self,
            labels=self.labels[one],
            rows=self.rows[one],
            draws=self.draws.select([dataset]),
            summaries={name: values[one] for name, values in self.summaries.items()},
            engines=self.engines[one],
            problems=self.problems[one],
        )

    def difference(self, dataset: int, high: pd.DataFrame, low: pd.DataFrame) -> np.ndarray:
        """Draws of how far the linear predictor differs between two sets of predictor values.

        Parameters
        ----------
        dataset : int
            Position of the dataset.
        high, low : pandas.DataFrame
            Predictor values, as many rows in both.

        Returns
        -------
        (row, chain, draw) array
        """
        step = design_at(self.model, high) - design_at(self.model, low)
        at = self.parameters.index("Intercept") + 1
        slopes = np.asarray(self.draws.values[dataset, ..., at : at + step.shape[1]])
        return np.einsum("rp,cdp->rcd", step, slopes)

    def of(self, parameter: str) -> np.ndarray:
        """Draws of one scalar parameter, as a (dataset, chain, draw) array."""
        return np.asarray(self.draws.values[..., self.parameters.index(parameter)])


def fit_datasets(
    spec: ModelSpec,
    data: pd.DataFrame,
    by: Sequence[str],
    sampling: Sampling | None = None,
    progress: Progress | None = None,
    **kept: Any,
) -> Fits:
    """Fit one model to every group of a data frame.

    Parameters
    ----------
    spec : ModelSpec
    data : pandas.DataFrame
    by : sequence of str
        Columns whose values tell the datasets apart.
    sampling : Sampling, optional
    progress : callable, optional
        Called with the number of datasets that have just been finished and their effective
        draws (missing where nothing is summarised).
    **kept
        Further arguments of `sample`.

    Raises
    ------
    CannotBatch
        If the model cannot be lifted (never with ``engine="bambi"``).
    """
    sampling = sampling or Sampling()
    prepared = prepare_groups(spec, data, by, sampling)
    return sample(prepared, sampling, progress, **kept)


def prepare_groups(
    spec: ModelSpec,
    data: pd.DataFrame,
    by: Sequence[str],
    sampling: Sampling,
    defaults: DefaultPriors | None = None,
) -> Prepared:
    """Group a data frame and prepare its datasets for an engine."""
    datasets = group(data, by, spec.formula)
    return prepare(spec, datasets, batched=sampling.engine != "bambi", defaults=defaults)


def sample(
    prepared: Prepared,
    sampling: Sampling,
    progress: Progress | None = None,
    *,
    running: Running | None = None,
    summary: Mapping[str, Any] | None = None,
) -> Fits:
    """Draw from the posteriors of a prepared model's datasets.

    Parameters
    ----------
    prepared : Prepared
    sampling : Sampling
    progress : callable, optional
    running : Running, optional
    summary : mapping, optional
        Options of `summarise`, where draws are to be summarised as they are made.
    """
    running = running or Running()
    datasets, x64 = prepared.datasets, _wants_64_bits(prepared, sampling)
    with workplace(running, sampling) as place:
        layout = plan(
            datasets.sizes,
            datasets.fit_for_use(),
            sampling,
            parameters=len(prepared.parameters),
            batch_size=running.batch_size or _size_in(running.store),
            workers=place.workers,
            on_gpu=place.on_gpu,
        )
        kept = _kept(prepared, sampling, running, layout, summary, x64=x64)
        todo = [task for task in layout.tasks if not kept.has(task)]
        if progress is not None and len(todo) < len(layout.tasks):
            done = sum(len(task.which) for task in layout.tasks) - sum(len(t.which) for t in todo)
            progress(done, np.nan)
        job = Job(
            spec=prepared.spec,
            template=prepared.model.data,
            sampling=sampling,
            size=layout.size,
            x64=x64,
            intercept=prepared.intercept,
            summary=summary,
            method="numpyro" if running.device == "gpu" else "pymc",
        )
        for task, chunk in place.results(job, prepared, todo):
            kept.put(task, chunk)
            if progress is not None:
                progress(len(task.which), chunk.effective())
    problems = np.where(datasets.problems == "", kept.problems, datasets.problems)
    return Fits(
        spec=prepared.spec,
        labels=datasets.labels,
        rows=datasets.sizes,
        parameters=prepared.parameters,
        draws=kept.draws(),
        summaries=kept.summaries(),
        engines=np.where(problems == "", kept.engines, ""),
        problems=problems,
        model=prepared.model,
    )


def _wants_64_bits(prepared: Prepared, sampling: Sampling) -> bool:
    if sampling.x64 is not None:
        return sampling.x64
    return prepared.spec.family not in BINARY or int(prepared.datasets.sizes.max()) > SHORT


def _kept(
    prepared: Prepared,
    sampling: Sampling,
    running: Running,
    layout: Plan,
    summary: Mapping[str, Any] | None,
    *,
    x64: bool,
) -> InMemory | Store:
    """Where results are collected."""
    n, parameters = len(prepared.datasets.labels), len(prepared.parameters)
    if running.store is not None:
        about = {"sampling": repr(sampling), "x64": x64, "summary": repr(summary)}
        return Store.open(running.store, prepared, layout, running.keep, about)
    if running.keep == "draws":
        check_draws_fit(n, sampling, parameters, 8 if x64 else 4)
    return InMemory(n, running.keep)


def _size_in(store: Path | None) -> int | None:
    """How many datasets a stopped run computed together."""
    manifest = None if store is None else manifest_of(store)
    return None if manifest is None else int(manifest["batch_size"])
