"""One model, many datasets, three engines: the door to this room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.batch import Batch, pack
from selfinterp_stats.inference.devices import Progress
from selfinterp_stats.inference.draws import Draws
from selfinterp_stats.inference.importance import GOOD_K, importance
from selfinterp_stats.inference.laplace import laplace
from selfinterp_stats.inference.lift import (
    LiftedModel,
    design_at,
    design_matrix,
    lift,
    response,
)
from selfinterp_stats.inference.nuts import nuts
from selfinterp_stats.inference.one_by_one import one_by_one
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.spec import ModelSpec

if TYPE_CHECKING:
    import xarray as xr

Engine = Literal["auto", "importance", "nuts", "bambi"]
ENGINES: tuple[Engine, ...] = get_args(Engine)


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
        ``auto`` takes importance and refits with NUTS where its Pareto k exceeds 0.7.
    chains, draws : int
        Chains, and draws kept over all of them together.
    seed : int
        Draws depend on it and on a dataset's labels, on nothing else.
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
        lifted=_lifted(spec, _signature(data, spec), _Carrier(model)),
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
        poor = np.flatnonzero(~(drawn.per_dataset["pareto_k"] <= GOOD_K))
        if len(poor):
            again = nuts(lifted, batch.select(poor), approximation.select(poor), **how)
            drawn = _replace(drawn, again, poor)
            engines[poor] = "nuts"
    return drawn, engines


def fit_many(
    formula: str,
    data: pd.DataFrame,
    by: str | Sequence[str],
    *,
    priors: Mapping[str, Prior] | None = None,
    family: str = "gaussian",
    engine: Engine = "auto",
    draws: int = 4000,
    seed: int = 0,
) -> xr.DataTree:
    """Fit one Bambi formula to every group of a data frame at once.

    Parameters
    ----------
    formula : str
        A formula with fixed effects only.
    data : pandas.DataFrame
    by : str or sequence of str
        The column or columns whose values tell the datasets apart.
    priors : mapping of str to Prior
        By term, ``"common"`` for all slopes; the intercept's prior is that of the centred
        predictors.
    family : str
        A family of Bambi with one linear predictor.
    engine, draws, seed
        As in `Sampling`; there are four chains.

    Returns
    -------
    xarray.DataTree
        Group ``posterior`` with one variable per scalar parameter, dims (chain, draw, dataset),
        and ``sample_stats``; the coordinate ``dataset`` holds the labels joined by `` / ``.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> data = pd.DataFrame({"g": np.repeat(["a", "b"], 40), "x": rng.normal(size=80)})
    >>> data["y"] = (rng.normal(size=80) < data["x"]).astype(int)
    >>> tree = fit_many(
    ...     "y ~ x", data, "g", family="bernoulli",
    ...     priors={"common": Prior.of("Normal", mu=0, sigma=1),
    ...             "Intercept": Prior.of("StudentT", nu=3, mu=0, sigma=2.5)},
    ... )
    >>> dict(tree["posterior"]["x"].sizes)
    {'chain': 4, 'draw': 1000, 'dataset': 2}
    """
    from selfinterp_stats.inference.posterior import tree_of

    by = [by] if isinstance(by, str) else list(by)
    spec = ModelSpec.of(formula, family, priors or {})
    fits = fit_datasets(spec, data, by, Sampling(engine, draws=draws, seed=seed, x64=True))
    names = [" / ".join(label) for label in fits.labels]
    posterior = {
        name: (("chain", "draw", "dataset"), np.moveaxis(fits.of(name), 0, 2))
        for name in fits.parameters
    }
    return tree_of(fits, posterior, {"dataset": names}, "dataset", seed=seed)


class _Carrier:
    """Hands a built model to the cache below without taking part in its key."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Carrier)


@lru_cache(maxsize=32)
def _lifted(spec: ModelSpec, signature: tuple[Any, ...], built: _Carrier) -> LiftedModel:  # noqa: ARG001
    """Lift each model once; what was compiled for it stays with it."""
    return lift(built.model)


def _signature(data: pd.DataFrame, spec: ModelSpec) -> tuple[Any, ...]:
    """What of the data shapes the model: the levels of the categorical columns it names."""
    return tuple(
        (name, tuple(sorted(map(str, column.unique()))))
        for name, column in data.items()
        if not pd.api.types.is_numeric_dtype(column) and str(name) in spec.formula
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
