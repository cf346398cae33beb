"""What all tasks of a run have in common, and how one of them is done anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.datasets import REFUSALS, words_of
from selfinterp_stats.inference.density.batch import Batch
from selfinterp_stats.inference.density.lift import LiftedModel, lift_once
from selfinterp_stats.inference.density.terms import scalars
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.one_by_one import Method, one_by_one
from selfinterp_stats.inference.prepare import Prepared
from selfinterp_stats.inference.running.chunk import Chunk, fit_chunk
from selfinterp_stats.inference.running.plan import Task
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.models.spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Job:
    """What the tasks of a run share.

    Attributes
    ----------
    spec : ModelSpec
    template : pandas.DataFrame
        Rows that show the model's form, for a machine that has to lift it.
    sampling : Sampling
    size : int
        Datasets are computed so many at a time.
    x64 : bool
    intercept : int or None
        Its place among the parameters, where the predictors are centred.
    summary : mapping or None
        Options of `summarise`, where draws are to be summarised.
    method : {"pymc", "numpyro"}
        Whose NUTS Bambi is to use.
    """

    spec: ModelSpec
    template: pd.DataFrame
    sampling: Sampling
    size: int
    x64: bool
    intercept: int | None
    summary: Mapping[str, Any] | None
    method: Method = "pymc"


@dataclass(frozen=True)
class OneByOne:
    """Datasets for Bambi: their labels, rows and models, in one order."""

    labels: tuple[tuple[str, ...], ...]
    frames: tuple[pd.DataFrame, ...]
    specs: tuple[ModelSpec, ...]


def inputs_of(task: Task, prepared: Prepared) -> Batch | OneByOne:
    """What a task needs to know of its datasets."""
    if prepared.lifted is not None:
        return prepared.batch(task.which, task.length)
    return OneByOne(
        tuple(prepared.datasets.labels[i] for i in task.which),
        tuple(prepared.datasets.rows(i) for i in task.which),
        tuple(prepared.spec_of(i) for i in task.which),
    )


def do(job: Job, inputs: Batch | OneByOne, lifted: LiftedModel | None) -> Chunk:
    """Do one task."""
    if isinstance(inputs, OneByOne):
        chunk = _with_bambi(job, inputs)
    else:
        chunk = fit_chunk(
            lifted or _lifted(job),
            inputs,
            job.sampling,
            size=job.size,
            x64=job.x64,
            intercept=job.intercept,
        )
    return chunk if job.summary is None else chunk.summarised(job.summary)


_LIFTING = Lock()
_LIFTED: dict[ModelSpec, LiftedModel] = {}


def _lifted(job: Job) -> LiftedModel:
    """Lift a job's model where it has come to another process."""
    with _LIFTING:  # PyTensor's graphs are not made for several threads
        if job.spec not in _LIFTED:
            key = (job.spec.formula, job.spec.family, job.spec.link)
            _LIFTED[job.spec] = lift_once(key, job.spec.build(job.template))
        return _LIFTED[job.spec]


def _with_bambi(job: Job, inputs: OneByOne) -> Chunk:
    """Fit datasets one by one; what PyMC or Bambi says of one does not cost the others."""
    n, chains, draws = len(inputs.labels), job.sampling.chains, job.sampling.draws
    fitted: dict[int, Draws] = {}
    problems = np.full(n, "", dtype=object)
    for i in range(n):
        try:
            fitted[i] = one_by_one(
                inputs.specs[i : i + 1],
                inputs.frames[i : i + 1],
                inputs.labels[i : i + 1],
                chains=chains,
                draws=draws // chains,
                seed=job.sampling.seed,
                method=job.method,
            )
        except (*REFUSALS, RuntimeError) as error:
            problems[i] = f"Bambi cannot fit it: {words_of(error)}"
    if fitted:
        parameters = next(iter(fitted.values())).values.shape[-1]
    else:
        parameters = len(scalars(job.spec.build(job.template)))
    drawn = Draws(np.full((n, chains, draws // chains, parameters), np.nan))
    for i, one in fitted.items():
        drawn = drawn.put(np.array([i]), one)
    return Chunk(drawn, np.full(n, "bambi"), problems)
