"""The public face of this room: any Bambi formula, any data frame, all groups at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.fit import Engine, Sampling, fit_datasets
from selfinterp_stats.inference.posterior import tree_of
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

RESERVED = ("chain", "draw", "dataset")


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
    by = [by] if isinstance(by, str) else list(by)
    _check_groups(data, by)
    spec = ModelSpec.of(formula, family, priors or {})
    fits = fit_datasets(spec, data, by, Sampling(engine, draws=draws, seed=seed, x64=True))
    names = [" / ".join(label) for label in fits.labels]
    if len(set(names)) < len(names):
        raise InputError("two datasets have the same name once their labels are joined by ' / '")
    taken = [name for name in fits.parameters if name in RESERVED]
    if taken:
        raise InputError(
            "a parameter has the name of a dimension", value=taken[0], remedy="Rename the column."
        )
    posterior = {
        name: (("chain", "draw", "dataset"), np.moveaxis(fits.of(name), 0, 2))
        for name in fits.parameters
    }
    return tree_of(fits, posterior, {"dataset": names}, "dataset", seed=seed)


def _check_groups(data: pd.DataFrame, by: Sequence[str]) -> None:
    for column in by:
        if column not in data:
            raise InputError(
                "there is no such column to group by", value=column, allowed=", ".join(data)
            )
        if data[column].isna().any():
            raise InputError(
                "a row belongs to no dataset",
                column=column,
                remedy="Every row needs a value in the grouping columns.",
            )
