"""The public face of this room: any Bambi formula, any data frame, all groups at once."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.density.terms import spec_of
from selfinterp_stats.inference.fit import Fits, prepare_groups, sample
from selfinterp_stats.inference.posterior import tree_of
from selfinterp_stats.inference.prepare import DataPriors, DefaultPriors
from selfinterp_stats.inference.running.progress import bar
from selfinterp_stats.inference.settings import Device, Engine, Keep, Progress, Running, Sampling
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.spec import ModelSpec

if TYPE_CHECKING:
    import bambi
    import pandas as pd
    import xarray as xr

RESERVED = ("chain", "draw", "dataset")
SUMMARY = {"hdi_prob": 0.95}


class DatasetWarning(UserWarning):
    """Some datasets could not be fitted; the others were."""


def fit_many(  # noqa: PLR0913 - all that a caller may want to settle
    model: str | bambi.Model,
    data: pd.DataFrame,
    by: str | Sequence[str],
    *,
    priors: Mapping[str, Prior] | None = None,
    family: str = "gaussian",
    default_priors: DataPriors = "frozen",
    frozen_to: str | Sequence[str] | None = None,
    engine: Engine = "auto",
    draws: int = 4000,
    seed: int = 0,
    keep: Keep = "draws",
    store: str | Path | None = None,
    batch_size: int | None = None,
    device: Device | None = None,
    cluster: str | None = None,
    progress: bool | Progress = True,
) -> xr.DataTree:
    """Fit one Bambi model to every group of a data frame at once.

    The model is compiled once, whatever the number of groups. Groups may differ in size.

    Parameters
    ----------
    model : str or bambi.Model
        A formula with fixed effects only, or a model, whose formula, family, link and priors are
        taken (automatic priors with the numbers that Bambi gave them).
    data : pandas.DataFrame
        One row per observation, with the columns that the model and `by` name.
    by : str or sequence of str
        The column or columns whose values tell the datasets apart.
    priors : mapping of str to Prior
        By term, ``"common"`` for all slopes; the intercept's prior is that of the centred
        predictors. brms' default priors stand in for what is not named. Only with a formula.
    family : str
        ``bernoulli``, ``binomial``, ``gaussian``, ``t``, ``poisson``, ``negativebinomial`` or
        ``beta``; another of Bambi's families if every parameter's prior is named.
    default_priors : {"frozen", "per_dataset"}
        Whether brms' default priors, which depend on the response, are made of one dataset for
        all (as ``brms::update`` keeps those of its first fit) or of each dataset's own.
    frozen_to : str or sequence of str, optional
        The labels of that one dataset; the first in sorted order unless given.
    engine : {"auto", "importance", "nuts", "bambi"}
        ``importance`` draws around the mode; ``auto`` does so too and refits with NUTS what its
        diagnostics do not trust; ``bambi`` fits one dataset after the other.
    draws : int
        Draws kept of each posterior, over four chains.
    seed : int
        Settles the draws of a dataset of given labels, whatever is fitted beside it.
    keep : {"draws", "summaries"}
        Whether the draws are kept, or only their summaries and diagnostics.
    store : str or Path, optional
        A folder for Zarr arrays to which finished work is written. The same call goes on where
        it was stopped. The draws that come back are read from there when they are used.
    batch_size : int, optional
        Datasets computed together; bounds the memory. Chosen from what is free unless given.
    device : str, optional
        ``"cpu"`` or ``"gpu"``; JAX's own choice unless given.
    cluster : str, optional
        Address of a Dask scheduler; ``"local"`` starts one worker per core on this machine.
    progress : bool or callable
        A bar on stderr if that is a terminal; or a function that is called with the number of
        datasets that were just finished and their effective draws.

    Returns
    -------
    xarray.DataTree
        Group ``posterior`` (not with ``keep="summaries"``): one variable per scalar parameter,
        dims (chain, draw, dataset); coefficients are on the scale of the linear predictor.
        ``summary``: mean, median, sd, 95% HDI and ETI, R-hat, ESS and MCSE, dims (dataset,
        parameter). ``sample_stats``: the engine of each dataset, why a dataset could not be fitted
        (``problem``, empty where it could), Pareto k and the like. The coordinate ``dataset`` holds
        the labels joined by " / ".

    Raises
    ------
    InputError
        If the call makes no sense, or no dataset can be fitted.
    CannotBatch
        If the model cannot be fitted to many datasets at once; the message says why.
    ServiceError
        If the cluster does not answer.

    Warns
    -----
    DatasetWarning
        If some datasets cannot be fitted: values are missing, a level of a factor is lacking, the
        posterior is improper. The others are fitted all the same.

    References
    ----------
    Capretto et al. (2022), doi:10.18637/jss.v103.i15 (Bambi, whose formulas these are). Bürkner
    (2017), doi:10.18637/jss.v080.i01 (brms, whose default priors these are). Vehtari, Simpson,
    Gelman, Yao & Gabry (2024), JMLR 25(72) (Pareto k of the importance engine). Hoffman & Gelman
    (2014), JMLR 15 (No-U-Turn sampler). Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021),
    doi:10.1214/20-BA1221 (R-hat, ESS and MCSE).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from selfinterp_stats import Prior, fit_many
    >>> rng = np.random.default_rng(0)
    >>> data = pd.DataFrame({"g": np.repeat(["a", "b"], 40), "x": rng.normal(size=80)})
    >>> data["y"] = (rng.normal(size=80) < data["x"]).astype(int)
    >>> tree = fit_many(
    ...     "y ~ x", data, "g", family="bernoulli",
    ...     priors={"common": Prior.of("Normal", mu=0, sigma=1)},
    ... )
    >>> dict(tree["posterior"]["x"].sizes)
    {'chain': 4, 'draw': 1000, 'dataset': 2}
    """
    by = [by] if isinstance(by, str) else list(by)
    sampling = Sampling(engine, draws=draws, seed=seed)
    running = Running(batch_size, keep, None if store is None else Path(store), device, cluster)
    spec, defaults = _model(model, priors, family, default_priors, frozen_to)
    prepared = prepare_groups(spec, data, by, sampling, defaults)
    taken = [name for name in prepared.parameters if name in RESERVED]
    if taken:
        raise InputError(
            "a parameter has the name of a dimension", value=taken[0], remedy="Rename the column."
        )
    with _reported(progress, len(prepared.datasets.labels)) as report:
        fits = sample(prepared, sampling, report, running=running, summary=SUMMARY)
    _warn(fits)
    return _tree(fits, seed)


def _model(
    model: str | bambi.Model,
    priors: Mapping[str, Prior] | None,
    family: str,
    default_priors: DataPriors,
    frozen_to: str | Sequence[str] | None,
) -> tuple[ModelSpec, DefaultPriors | None]:
    """The model as a value, and where its default priors come from."""
    if not isinstance(model, str):
        if priors is not None:
            raise InputError(
                "a Bambi model brings its own priors",
                value=list(priors),
                remedy="Set them on the model, or give its formula instead.",
            )
        return spec_of(model), None
    frozen = (frozen_to,) if isinstance(frozen_to, str) else frozen_to
    defaults = DefaultPriors(default_priors, None if frozen is None else tuple(map(str, frozen)))
    return ModelSpec.of(model, family, priors or {}), defaults


@contextmanager
def _reported(progress: bool | Progress, total: int) -> Iterator[Progress | None]:
    """What tells of the progress: a bar, the caller's own function, or nothing."""
    if callable(progress):
        yield progress
    elif progress and sys.stderr.isatty():
        with bar("fitting", total) as report:
            yield report
    else:
        yield None


def _warn(fits: Fits) -> None:
    lost = np.flatnonzero(fits.problems != "")
    if len(lost):
        first = " / ".join(fits.labels[lost[0]])
        warnings.warn(
            f"{len(lost)} of {len(fits.labels)} datasets could not be fitted; the first, "
            f"{first!r}: {fits.problems[lost[0]]}. See sample_stats['problem'].",
            DatasetWarning,
            stacklevel=3,
        )


def _tree(fits: Fits, seed: int) -> xr.DataTree:
    import xarray as xr

    names = [" / ".join(label) for label in fits.labels]
    posterior = {}
    if fits.draws.values.shape[1]:
        # Draws in a folder stay there: xarray takes an element, and turns it, when it is used.
        values = xr.Variable(("dataset", "chain", "draw", "parameter"), fits.draws.values)
        for i, name in enumerate(fits.parameters):
            posterior[name] = values[..., i].transpose("chain", "draw", "dataset")
    return tree_of(
        fits, posterior, {"dataset": names}, "dataset", seed=seed, summaries=fits.summaries
    )
