"""Cells of which only means and their errors are known: a meta-analytic model."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.cells import CellDraws
from selfinterp_stats.estimates.explainers.sampling import CHAINS, Sampled
from selfinterp_stats.inference.density.graph_model import GraphModel, lift_graph
from selfinterp_stats.models.explainers.crossed import (
    CellName,
    Part,
    cell_mean_model,
    cells_given_sds,
    parts_of,
)

POINTS_PER_LOGIT: Final = 25.0
"""Percentage points that a logit is worth at one half: how priors in logits are told in points."""
MIDDLE: Final = 50.0

# Tasks of one design share a model, and with it what JAX compiled.
_LIFTED: dict[Hashable, GraphModel] = {}


class _MeansData(NamedTuple):
    values: np.ndarray
    X: np.ndarray  # the errors' covariance; for the name see `Steadied`

    def astype(self, kind: type) -> _MeansData:
        return _MeansData(self.values.astype(kind), self.X.astype(kind))


@dataclass(frozen=True)
class _Means:
    labels: tuple[tuple[str, ...], ...]
    data: _MeansData

    def __len__(self) -> int:
        return len(self.labels)


def cells_of_means(
    cells: pd.DataFrame,
    noise: np.ndarray,
    *,
    scale: str,
    label: str,
    draws: int = 4000,
    seed: int = 0,
) -> CellDraws:
    """Fit the meta-analytic model of cell means.

    Parameters
    ----------
    cells : pandas.DataFrame
        `explainer`, `target`, `value` on `scale`; `runs` where there are several.
    noise : (cell, cell) array
        Covariance of the errors of the values.
    scale : {"points", "logit"}
        Points are centred on 50, and 25 of them count as a logit for the priors.
    label : str
        With the seed it settles the draws.
    draws : int
        Over all chains.
    seed : int
    """
    names = [CellName(*pair) for pair in zip(cells["explainer"], cells["target"], strict=True)]
    unit, middle = (POINTS_PER_LOGIT, MIDDLE) if scale == "points" else (1.0, 0.0)
    values = (cells["value"].to_numpy(float) - middle) / unit
    errors = noise / unit**2
    parts = parts_of(names)
    found = _sds_of_means(parts, values, errors, label, draws, seed)
    flat = {name: v.ravel() for name, v in found.values.items()}
    rng = np.random.default_rng(np.random.SeedSequence([seed, *label.encode()]))
    drawn = cells_given_sds(parts, flat, values, errors, rng).reshape(CHAINS, -1, len(names))
    found.values["cell"] = drawn
    scales = {scale: drawn * unit + middle}
    if scale == "points" and ((scales[scale] > 0) & (scales[scale] < 100)).all():
        scales["logit"] = logit_of(scales["points"])
    runs = cells["runs"].to_numpy(int) if "runs" in cells else np.ones(len(cells), int)
    priors = "; ".join(part.describe() for part in parts)
    if scale == "points":
        priors += f" (in units of {POINTS_PER_LOGIT:g} points, around {middle:g})"
    return CellDraws(
        tuple(name.pair for name in names),
        runs,
        scales,
        priors,
        found,
        cells=tuple(names),
        parts=tuple(parts),
    )


def logit_of(points: np.ndarray) -> np.ndarray:
    """Logits of shares in percentage points."""
    return np.log(points / (100 - points))


def _lifted(parts: Sequence[Part], values: np.ndarray, noise: np.ndarray) -> GraphModel:
    key = tuple(part.form for part in parts)
    if key not in _LIFTED:
        model = cell_mean_model(parts, values, noise)
        _LIFTED[key] = lift_graph(model, ["values", "noise"])
    return _LIFTED[key]


def _sds_of_means(
    parts: Sequence[Part], values: np.ndarray, noise: np.ndarray, label: str, draws: int, seed: int
) -> Sampled:
    """Draw the sds of the meta-analytic model, whose cells are integrated out."""
    import jax

    from selfinterp_stats.inference.engines.laplace import Laplace
    from selfinterp_stats.inference.engines.nuts import nuts

    graph = _lifted(parts, values, noise)
    # Cells say little of the sds: NUTS starts from the prior, which is standard normal.
    around = Laplace(np.zeros((1, graph.size)), np.eye(graph.size)[None], np.zeros(1))
    batch: Any = _Means(((label,),), _MeansData(values[None], noise[None]))
    with jax.enable_x64(True):
        model: Any = graph  # the engine asks of a model no more than this one has
        per_chain = draws // CHAINS
        drawn = nuts(model, batch, around, chains=CHAINS, draws=per_chain, seed=seed, x64=True)
    diverging = int(drawn.per_draw["diverging"].sum())
    return Sampled(graph.split(drawn.values[0]), "nuts", float("nan"), float("nan"), diverging)
