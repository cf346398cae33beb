"""One row per quantity of a posterior: the table that `hdi_table` gives.

Takes any container of draws that has dims chain and draw; knows no study and no paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.results import check_probability
from selfinterp_stats.inference.summary.summaries import SUMMARY_COLUMNS, summarise

if TYPE_CHECKING:
    import xarray as xr

_SAMPLE_DIMS = ("chain", "draw")


def hdi_table(
    posterior: xr.DataTree | xr.Dataset | str | PathLike[str],
    *,
    hdi_prob: float = 0.95,
    rope: tuple[float, float] = (-0.1, 0.1),
    var_names: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Summarise every scalar quantity of a posterior.

    Parameters
    ----------
    posterior : DataTree, Dataset or path
        A tree with a ``posterior`` group (or a dataset) whose variables have dims chain, draw
        and any others, on any scale; or the path of such a tree saved as netCDF.
    hdi_prob : float
        Probability of the HDI and of the ETI, between 0 and 1.
    rope : (float, float)
        Region of practical equivalence, on the scale of the quantities.
    var_names : iterable of str, optional
        The variables wanted; all by default.

    Returns
    -------
    DataFrame
        One row per scalar quantity: ``variable``, one column per further dim with its labels
        (empty where a variable lacks the dim), then ``mean, median, sd, hdi_low, hdi_high,
        eti_low, eti_high, pd, rope_share, ess_bulk, ess_tail, rhat, mcse_mean, mcse_median,
        mcse_sd, n_draws``. ``rope_share`` is the share of the draws inside the HDI that lie in
        the ROPE, and ``pd`` the larger share of the draws on one side of zero.

    Raises
    ------
    InputError
        If a file cannot be read as a posterior, a variable is unknown, or the probability or the
        region makes no sense.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), doi:10.1214/20-BA1221 (R-hat, ESS and
    MCSE). Makowski, Ben-Shachar & Lüdecke (2019), doi:10.21105/joss.01541 (probability of
    direction and share of the HDI in the ROPE).

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> from selfinterp_stats import hdi_table
    >>> draws = np.random.default_rng(0).normal(size=(4, 500, 2))
    >>> posterior = xr.Dataset({"slope": (("chain", "draw", "who"), draws)}, {"who": ["a", "b"]})
    >>> table = hdi_table(posterior, hdi_prob=0.89)
    >>> table[["variable", "who", "n_draws"]].to_numpy().tolist()
    [['slope', 'a', 2000], ['slope', 'b', 2000]]
    """
    check_probability(hdi_prob)
    if not rope[0] <= rope[1]:
        raise InputError(
            "the ROPE is upside down", value=rope, allowed="low, high with low <= high"
        )
    dataset, source = _posterior_dataset(posterior)
    names = _chosen(dataset, var_names, source)
    dims = list(dict.fromkeys(dim for name in names for dim in dataset[name].dims))
    labels = [str(dim) for dim in dims if dim not in _SAMPLE_DIMS]
    parts = [_variable_rows(dataset[name], labels, hdi_prob, rope) for name in names]
    columns = ["variable", *labels, *SUMMARY_COLUMNS]
    if not parts:
        return pd.DataFrame(columns=columns)
    table = pd.concat(parts, ignore_index=True)
    table["n_draws"] = table["n_draws"].astype(int)
    return table[columns]


def _posterior_dataset(
    posterior: xr.DataTree | xr.Dataset | str | PathLike[str],
) -> tuple[Any, str | None]:
    import xarray as xr

    source = None
    if isinstance(posterior, str | PathLike):
        source = str(posterior)
        posterior = read_posterior(posterior)
    if isinstance(posterior, xr.Dataset):
        return posterior, source
    group = posterior["posterior"] if "posterior" in posterior.children else posterior
    if not isinstance(group, xr.DataTree) or not group.data_vars:
        raise InputError(
            "there is no posterior group with draws",
            file=source,
            remedy="Give a posterior/*.nc file that reproduce or weights has written.",
        )
    return group.to_dataset(), source


def read_posterior(path: str | PathLike[str]) -> xr.DataTree:
    """Read a posterior that was saved as netCDF into memory.

    Raises
    ------
    InputError
        If there is no such file, or it is not netCDF.
    """
    import xarray as xr

    file = Path(path)
    if not file.is_file():
        raise InputError("there is no such file", file=file, remedy="Check the path.")
    try:
        # Other programs' files may have dimensions without names, which xarray then makes up.
        with xr.open_datatree(file, engine="h5netcdf", phony_dims="access") as tree:
            return tree.load()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise InputError(
            "this is not a netCDF file of draws, or it is damaged",
            file=file,
            remedy="Give a posterior/*.nc file that reproduce or weights has written.",
        ) from error


def _chosen(dataset: Any, var_names: Iterable[str] | None, source: str | None) -> list[str]:
    sampled = [
        str(name)
        for name, variable in dataset.data_vars.items()
        if set(_SAMPLE_DIMS) <= set(variable.dims) and variable.dtype.kind in "fiub"
    ]
    if not sampled:
        raise InputError(
            "there is no posterior group with draws",
            file=source,
            allowed="variables with the dims chain and draw",
            remedy="Give a posterior/*.nc file that reproduce or weights has written.",
        )
    if var_names is None:
        return sampled
    wanted = [var_names] if isinstance(var_names, str) else list(var_names)
    for name in wanted:
        if name not in sampled:
            raise InputError(
                "the posterior holds no such variable",
                file=source,
                value=name,
                allowed=", ".join(sampled),
            )
    return wanted


def _variable_rows(
    variable: Any, labels: list[str], hdi_prob: float, rope: tuple[float, float]
) -> pd.DataFrame:
    own = [dim for dim in variable.dims if dim not in _SAMPLE_DIMS]
    ordered = variable.transpose(*own, *_SAMPLE_DIMS)
    shape = [ordered.sizes[dim] for dim in own]
    draws = ordered.to_numpy().reshape(int(np.prod(shape)), *ordered.shape[-2:])
    rows = pd.DataFrame(summarise(draws, hdi_prob=hdi_prob, rope=rope))
    places = np.indices(shape).reshape(len(own), len(draws))
    for name in labels:
        if name in own:
            rows[name] = ordered[name].to_numpy()[places[own.index(name)]]
        else:
            rows[name] = ""
    rows["variable"] = str(variable.name)
    return rows
