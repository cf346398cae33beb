"""Posterior draws on disk: netCDF for ArviZ, Parquet for R.

Knows trees of draws and their dims, nothing of models or studies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


def write_netcdf(posteriors: Mapping[str, xr.DataTree], folder: Path) -> list[Path]:
    """Write every tree as ``{name}.nc``, in the precision it has."""
    folder.mkdir(exist_ok=True)
    written = []
    for name, tree in _by_file_name(posteriors):
        path = folder / f"{name}.nc"
        # By way of memory: HDF5 ends the process when the disk is full while it writes.
        path.write_bytes(_storable(tree).to_netcdf(engine="h5netcdf"))
        written.append(path)
    return written


def write_parquet(posteriors: Mapping[str, xr.DataTree], folder: Path) -> list[Path]:
    """Write the posterior group of every tree as ``{name}.parquet``.

    One row per draw with ``.chain``, ``.iteration`` (both from 1) and ``.draw``, and one column
    per scalar quantity, ``name`` or ``name[label,label]``: what R's posterior package calls a
    draws_df, read there with ``posterior::as_draws_df(arrow::read_parquet(path))``.

    Raises
    ------
    InputError
        If pyarrow is not installed.
    """
    check_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(exist_ok=True)
    written = []
    for name, tree in _by_file_name(posteriors):
        path = folder / f"{name}.parquet"
        pq.write_table(pa.table(dict(_wide_columns(tree))), path)
        written.append(path)
    return written


def check_parquet() -> None:
    """Refuse to write Parquet files where pyarrow is not installed."""
    if find_spec("pyarrow") is None:
        raise InputError(
            "Parquet files need pyarrow, which is not installed",
            remedy="Install it with: pip install 'selfinterp-stats[parquet]'",
        )


def _wide_columns(tree: xr.DataTree) -> Iterator[tuple[str, Any]]:
    posterior = tree["posterior"] if "posterior" in tree.children else tree
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    yield ".chain", np.repeat(np.arange(1, chains + 1, dtype=np.int32), draws)
    yield ".iteration", np.tile(np.arange(1, draws + 1, dtype=np.int32), chains)
    yield ".draw", np.arange(1, chains * draws + 1, dtype=np.int32)
    for name, variable in posterior.data_vars.items():
        if not {"chain", "draw"} <= set(variable.dims):
            continue
        own = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        values = variable.transpose(*own, "chain", "draw").to_numpy()
        labels = [variable[dim].to_numpy() for dim in own]
        for place in np.ndindex(values.shape[:-2]):
            inside = ",".join(str(label[at]) for label, at in zip(labels, place, strict=True))
            yield f"{name}[{inside}]" if inside else str(name), values[place].reshape(-1)


def _by_file_name(posteriors: Mapping[str, xr.DataTree]) -> Iterator[tuple[str, xr.DataTree]]:
    """Give every tree a file name of its own, even where two names differ by a sign only."""
    taken: set[str] = set()
    for name, tree in posteriors.items():
        own = _file_name(name)
        while own.lower() in taken:
            own += "_"
        taken.add(own.lower())
        yield own, tree


def _file_name(name: str) -> str:
    """Keep letters, digits and a few signs, so that a base model's name cannot leave the folder."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    return kept.lstrip(".") or "posterior"


def _storable(tree: xr.DataTree) -> xr.DataTree:
    """Give the tree with attributes that netCDF can hold; what it cannot becomes JSON."""
    if all(_fits(value) for node in tree.subtree for value in _attributes(node)):
        return tree
    tree = tree.copy()
    for node in tree.subtree:
        node.attrs = {name: _fitting(value) for name, value in node.attrs.items()}
        for variable in node.variables.values():
            variable.attrs = {name: _fitting(value) for name, value in variable.attrs.items()}
    return tree


def _attributes(node: xr.DataTree) -> Iterator[Any]:
    yield from node.attrs.values()
    for variable in node.variables.values():
        yield from variable.attrs.values()


def _fits(value: object) -> bool:
    return isinstance(value, str | float | np.ndarray | np.number) or (
        isinstance(value, int) and not isinstance(value, bool)
    )


def _fitting(value: object) -> object:
    return value if _fits(value) else json.dumps(value, default=str)
