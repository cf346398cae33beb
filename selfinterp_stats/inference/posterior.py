"""The posterior container: one DataTree, whichever engine made it.

It holds equally weighted draws with real labels, the sampler's statistics and where they came
from, so that every ArviZ function takes it as it is. Differences between ArviZ versions do not
reach further than this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from selfinterp_stats.inference.fit import Fits

CHAIN_DRAW = ("chain", "draw")


def tree_of(
    fits: Fits,
    posterior: Mapping[str, Any],
    coords: Mapping[str, Sequence[Any]],
    dataset_dim: str | None,
    *,
    seed: int,
    which: np.ndarray | None = None,
    summaries: Mapping[str, np.ndarray] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.DataTree:
    """Put draws into a DataTree with the groups ``posterior`` and ``sample_stats``.

    Parameters
    ----------
    fits : Fits
    posterior : mapping of str to (dims, array) or xarray.Variable
        Variables of the group ``posterior``; the first two dims are chain and draw. Without any
        there is no such group.
    coords : mapping of str to sequence
        Labels of the other dims.
    dataset_dim : str or None
        The dim that tells datasets apart in ``sample_stats``; None where there is just one.
    seed : int
    which : array of int, optional
        The datasets of `fits` that the tree is about; all of them unless given.
    summaries : mapping of str to (dataset, parameter) array, optional
        Variables of a group ``summary``.
    attrs : mapping, optional
        Further provenance.
    """
    import xarray as xr

    from selfinterp_stats._version import __version__

    which = np.arange(len(fits.labels)) if which is None else which
    dims = (dataset_dim,) if dataset_dim else ()

    def in_place(values: np.ndarray) -> np.ndarray:
        chosen = values[which]
        return np.moveaxis(chosen, 0, -1) if dataset_dim else chosen[0]

    statistics: dict[str, Any] = {
        name: ((*CHAIN_DRAW, *dims), in_place(values))
        for name, values in fits.draws.per_draw.items()
    }
    for name, values in fits.draws.per_dataset.items():
        statistics[name] = (dims, values[which] if dataset_dim else values[which][0])
    for name, texts in (("engine", fits.engines), ("problem", fits.problems)):
        chosen = texts[which].astype(str)
        statistics[name] = (dims, chosen if dataset_dim else chosen[0])

    posterior = {name: xr.as_variable(values) for name, values in posterior.items()}
    sizes: Any = next((values.sizes for values in posterior.values()), {})
    axes = {dim: np.arange(sizes[dim]) for dim in CHAIN_DRAW if dim in sizes}
    provenance = {
        "created_by": "selfinterp-stats",
        "version": __version__,
        "formula": fits.spec.formula,
        "family": fits.spec.family,
        "priors": fits.spec.describe_priors(),
        "seed": seed,
        **(attrs or {}),
    }
    group_coords = {dataset_dim: coords[dataset_dim]} if dataset_dim else {}
    groups = {"sample_stats": xr.Dataset(statistics, {**axes, **group_coords}, provenance)}
    if posterior:
        groups["posterior"] = xr.Dataset(posterior, {**axes, **coords}, provenance)
    if summaries:
        columns = {name: ((*dims, "parameter"), values) for name, values in summaries.items()}
        labels = {**group_coords, "parameter": list(fits.parameters)}
        groups["summary"] = xr.Dataset(columns, labels, provenance)
    return xr.DataTree.from_dict(groups)
