"""One model, many datasets, three engines: the door to this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.density.batch import Batch, pack
from selfinterp_stats.inference.density.lift import (
    LiftedModel,
    design_at,
    design_matrix,
    lift_once,
    response,
)
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.importance import importance
from selfinterp_stats.inference.engines.laplace import Laplace, laplace
from selfinterp_stats.inference.engines.nuts import nuts
from selfinterp_stats.inference.engines.one_by_one import one_by_one
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.inference.running.devices import Progress
from selfinterp_stats.models.spec import ModelSpec

Engine = Literal["auto", "importance", "nuts", "bambi"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
# Below this share of accepted proposals, or this many posterior sds from a mode, importance
# sampling is not believed whatever its Pareto k.
FEWEST_ACCEPTED = 0.2
NEAR_MODE = 1e-3


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
    engines : (dataset,) array of str
        Which engine made each posterior.
    model : bambi.Model
        Built on the rows of all datasets.
    """

    spec: ModelSpec
    labels: tuple[tuple[str, ...], ...]
    rows: np.ndarray
    parameters: tuple[str, ...]
    draws: Draws
    engines: np.ndarray
    model: Any

    def select(self, dataset: int) -> Fits:
        """The same for one dataset alone."""
        return replace(
            self,
            labels=self.labels[dataset : dataset + 1],
            rows=self.rows[dataset : dataset + 1],
            draws=self.draws.select([dataset]),
            engines=self.engines[dataset : dataset + 1],
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
        slopes = self.draws.values[dataset, ..., at : at + step.shape[1]]
        return np.einsum("rp,cdp->rcd", step, slopes)

    def of(self, parameter: str) -> np.ndarray:
        """Draws of one scalar parameter, as a (dataset, chain, draw) array."""
        return self.draws.values[..., self.parameters.index(parameter)]


@dataclass(frozen=True)
class Prepared:
    """A model built on its datasets and ready to be sampled, by `prepare`.

    Attributes
    ----------
    spec, labels, rows, parameters, model
        As in `Fits`.
    frames : tuple of pandas.DataFrame
        The datasets one by one; only where the engine takes them so.
    batch : Batch or None
        The datasets as arrays; None where the engine takes them one by one.
    lifted : LiftedModel or None
    """

    spec: ModelSpec
    labels: tuple[tuple[str, ...], ...]
    rows: np.ndarray
    parameters: tuple[str, ...]
    model: Any
    frames: tuple[pd.DataFrame, ...] = ()
    batch: Batch | None = None
    lifted: LiftedModel | None = None


@dataclass(frozen=True)
class Sampling:
    """How posteriors are sampled.

    Attributes
    ----------
    engine : {"auto", "importance", "nuts", "bambi"}
        ``auto`` takes importance and refits with NUTS where its Pareto k exceeds 0.7 (or where
        hardly a proposal was accepted).
    chains, draws : int
        Chains, and draws kept over all of them together.
    seed : int
        With the engine and the number of draws it settles the draws of a dataset of given
        labels, whatever else is fitted beside it: bit for bit in chunks of one shape, and
        elsewhere to rounding (importance) or within Monte Carlo error (NUTS).
    x64 : bool
        Sample in 64-bit floats (Laplace fits always do).
    """

    engine: Engine = "auto"
    chains: int = 4
    draws: int = 4000
    seed: int = 0
    x64: bool = False

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise InputError("unknown engine", value=self.engine, allowed=", ".join(ENGINES))
        if self.chains < 1 or self.draws < 1 or self.draws % self.chains:
            raise InputError(
                "the number of draws cannot be shared out",
                value=self.draws,
                allowed=f"a positive multiple of the {self.chains} chains",
            )


def fit_datasets(
    spec: ModelSpec,
    data: pd.DataFrame,
    by: Sequence[str],
    sampling: Sampling | None = None,
    progress: Progress | None = None,
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
        Called with the number of datasets that have just been finished.

    Raises
    ------
    CannotBatch
        If the model cannot be lifted (never with ``engine="bambi"``).
    """
    sampling = sampling or Sampling()
    return sample(prepare(spec, data, by, sampling.engine), sampling, progress)


def prepare(spec: ModelSpec, data: pd.DataFrame, by: Sequence[str], engine: Engine) -> Prepared:
    """Build the model on all datasets and, for the batched engines, lift it.

    PyTensor's graphs are not made for several threads; what comes after, `sample`, is.
    """
    groups = data.groupby(list(by) if len(by) > 1 else by[0], sort=True, observed=True)
    labels = tuple(
        tuple(str(part) for part in (key if isinstance(key, tuple) else (key,)))
        for key in groups.groups
    )
    codes = groups.ngroup().to_numpy()
    model = spec.build(data)
    common = (spec, labels, np.bincount(codes, minlength=len(labels)), _scalars(model), model)
    if engine == "bambi":
        return Prepared(*common, frames=tuple(frame for _, frame in groups))
    return Prepared(
        *common,
        batch=pack(design_matrix(model), response(model), codes, labels),
        lifted=lift_once((spec, common[3]), model),
    )


def sample(prepared: Prepared, sampling: Sampling, progress: Progress | None = None) -> Fits:
    """Draw from the posteriors of a prepared model's datasets."""
    if prepared.batch is None or prepared.lifted is None:
        drawn = one_by_one(
            prepared.spec,
            prepared.frames,
            prepared.labels,
            chains=sampling.chains,
            draws=sampling.draws // sampling.chains,
            seed=sampling.seed,
            progress=progress,
        )
        engines = np.full(len(prepared.labels), "bambi")
    else:
        drawn, engines = _sample_batch(prepared.lifted, prepared.batch, sampling, progress)
        drawn = _with_intercept_at_zero(drawn, prepared.batch, prepared.parameters)
    return Fits(
        spec=prepared.spec,
        labels=prepared.labels,
        rows=prepared.rows,
        parameters=prepared.parameters,
        draws=drawn,
        engines=engines,
        model=prepared.model,
    )


def _sample_batch(
    lifted: LiftedModel, batch: Batch, sampling: Sampling, progress: Progress | None
) -> tuple[Draws, np.ndarray]:
    """Draw with a batched engine; say which engine made which posterior."""
    how: dict[str, Any] = {
        "chains": sampling.chains,
        "draws": sampling.draws // sampling.chains,
        "seed": sampling.seed,
        "x64": sampling.x64,
    }
    approximation = laplace(lifted, batch)
    sampler = nuts if sampling.engine == "nuts" else importance
    drawn = sampler(lifted, batch, approximation, progress=progress, **how)
    engines = np.full(len(batch), sampler.__name__, dtype="U10")
    if sampling.engine == "auto":
        poor = np.flatnonzero(~_trusted(drawn, approximation))
        if len(poor):
            again = nuts(lifted, batch.select(poor), approximation.select(poor), **how)
            drawn = _replace(drawn, again, poor)
            engines[poor] = "nuts"
    return drawn, engines


def _trusted(drawn: Draws, approximation: Laplace) -> np.ndarray:
    """Where importance may be taken: proposals around a mode, ratios with a thin tail.

    A thin tail alone proves nothing where the proposals are far from the posterior, as they are
    when no mode was found; then hardly any of them is accepted.
    """
    return np.asarray(
        (drawn.per_dataset["pareto_k"] <= GOOD_K)
        & (drawn.per_dataset["proposals_accepted"] >= FEWEST_ACCEPTED)
        & (approximation.gradient <= NEAR_MODE)
    )


def _scalars(model: Any) -> tuple[str, ...]:
    """Names of the scalar parameters of a built Bambi model, vectors written out by level."""
    pymc_model = model.backend.model
    names: list[str] = []
    for rv in pymc_model.free_RVs:
        dims = pymc_model.named_vars_to_dims.get(rv.name, ())
        if not dims:
            names.append(rv.name)
            continue
        levels = [""]
        for dim in dims:
            levels = [
                f"{before}, {level}" if before else f"{level}"
                for before in levels
                for level in pymc_model.coords[dim]
            ]
        names.extend(f"{rv.name}[{level}]" for level in levels)
    return tuple(names)


def _with_intercept_at_zero(drawn: Draws, batch: Batch, parameters: tuple[str, ...]) -> Draws:
    """Move the intercept from the centre of the predictors to their zero."""
    if "Intercept" not in parameters or not batch.X.shape[2]:
        return drawn
    at = parameters.index("Intercept")
    # Bambi lays out the slopes after the intercept, in the order of the design's columns.
    slopes = drawn.values[..., at + 1 : at + 1 + batch.X.shape[2]]
    centres = batch.centres[:, None, None, :].astype(slopes.dtype)
    drawn.values[..., at] -= (slopes * centres).sum(axis=-1)
    return drawn


def _replace(drawn: Draws, again: Draws, which: np.ndarray) -> Draws:
    """Put the refitted datasets in the place of the first fits; their Pareto k stays on record."""
    drawn.values[which] = again.values
    shape = drawn.values.shape[:3]
    per_draw = {}
    for name, values in again.per_draw.items():
        per_draw[name] = np.full(shape, False if values.dtype == bool else np.nan)
        per_draw[name][which] = values
    return Draws(drawn.values, per_draw, drawn.per_dataset)
