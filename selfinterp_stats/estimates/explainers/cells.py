"""Posterior draws of the cells of one design, on the logit scale and in percentage points.

Everything that is concluded later is a weighted sum of these cells. Runs of a pair of explainer
and target are averaged, so that what is drawn is conditional on the runs at hand.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.sampling import CHAINS, Sampled, sample, steadied_model
from selfinterp_stats.inference.density.graph_model import GraphModel, lift_graph
from selfinterp_stats.models.explainers.crossed import (
    CellName,
    Part,
    cell_mean_model,
    cells_given_sds,
    parts_of,
)
from selfinterp_stats.models.explainers.items import ItemDesign, item_model, quadrature
from selfinterp_stats.models.explainers.patterns import Collapsed, Patterns, collapse

POINTS_PER_LOGIT: Final = 25.0
"""Percentage points that a logit is worth at one half: how priors in logits are told in points."""

_ROWS_AT_A_TIME: Final = 200


# Tasks of one design share a model, and with it what JAX compiled.
_LIFTED: dict[Hashable, GraphModel] = {}


def _lifted(parts: Sequence[Part], values: np.ndarray, noise: np.ndarray) -> GraphModel:
    key = tuple((part.name, part.numbers, part.matrix.tobytes()) for part in parts)
    if key not in _LIFTED:
        model = cell_mean_model(parts, values, noise)
        _LIFTED[key] = lift_graph(model, ["values", "noise"])
    return _LIFTED[key]


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


@dataclass(frozen=True)
class CellDraws:
    """Draws of the cells of one design.

    Attributes
    ----------
    pairs : tuple of (str, str)
        Explainer and target.
    runs : (pair,) array of int
        Runs of each.
    scales : dict of str to (chain, draw, pair) array
        ``logit`` and ``points``, as far as the model has them.
    priors : str
    sampled : Sampled
    cells : tuple of CellName
        As they were sampled, runs apart.
    """

    pairs: tuple[tuple[str, str], ...]
    runs: np.ndarray
    scales: dict[str, np.ndarray]
    priors: str
    sampled: Sampled
    cells: tuple[CellName, ...] = field(default=())


def cells_of_items(
    items: pd.DataFrame,
    answers: pd.Series,
    *,
    label: str,
    categories: int = 2,
    draws: int = 4000,
    seed: int = 0,
) -> CellDraws:
    """Fit the crossed model of items that explainers share.

    Parameters
    ----------
    items : pandas.DataFrame
        As `ExplainerStudy.items`, of one task and condition.
    answers : pandas.Series of int
        Categories, from 0 (wrong, lowest) up.
    label : str
        With the seed it settles the draws.
    categories : int
    draws : int
        Over all chains.
    seed : int
    """
    data = collapse(items, answers)
    design, found = sample_items(data, label=label, categories=categories, draws=draws, seed=seed)
    expected = 100 * expected_scores(design, data, found)
    return _by_pair(data.cells, {"logit": found.values["cell"], "points": expected}, design, found)


def sample_items(
    data: Collapsed, *, label: str, categories: int, draws: int, seed: int
) -> tuple[ItemDesign, Sampled]:
    """Sample the model of one design's items."""
    design = ItemDesign.of(data, categories)
    names = [f"given_{name}" for name in Patterns._fields]
    model = steadied_model(item_model(design, data), names, design.sampled_sds())
    arrays = Patterns(*(np.asarray(array)[None] for array in data.patterns))
    (found,) = sample(model, arrays, [label], draws=draws, seed=seed)
    return design, found


def expected_scores(design: ItemDesign, data: Collapsed, found: Sampled) -> np.ndarray:
    """Expected score of each cell, averaged over items, a (chain, draw, cell) array.

    Over the classes and clusters of the items that were seen, and over item effects.
    """
    p = data.patterns
    sizes = np.zeros(len(p.cell))
    np.add.at(sizes, p.site, p.seen * p.times[:, None])
    share = np.zeros((design.cells, len(sizes)))
    share[p.cell, np.arange(len(sizes))] = sizes
    share /= share.sum(axis=1, keepdims=True)
    values = {name: v.reshape(-1, *v.shape[2:]) for name, v in found.values.items()}
    place = values["cell"][:, p.cell]
    if "class" in values:
        place = place + values["class"][:, p.klass]
    if "cluster" in values:
        place = place + values["cluster"][:, p.group]
    spread = values["sd_item"][:, p.target]
    if design.integrates_clusters:
        spread = np.hypot(spread, values["sd_cluster"][:, None])
    cuts = np.zeros((len(place), 1))
    if "step" in values:
        cuts = np.concatenate([cuts, np.cumsum(values["step"], axis=1)], axis=1)
    nodes, log_weights = quadrature(design.nodes)
    scores = np.empty((len(place), design.cells))
    for start in range(0, len(place), _ROWS_AT_A_TIME):
        rows = slice(start, start + _ROWS_AT_A_TIME)
        x = place[rows, :, None] + spread[rows, :, None] * nodes
        above = sum(
            1 / (1 + np.exp(np.clip(cut[:, None, None] - x, -500, 500))) for cut in cuts[rows].T
        )
        scores[rows] = (above @ np.exp(log_weights)) @ share.T / cuts.shape[1]
    return scores.reshape(CHAINS, -1, design.cells)


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
    """
    names = [CellName(*pair) for pair in zip(cells["explainer"], cells["target"], strict=True)]
    unit, middle = (POINTS_PER_LOGIT, 50.0) if scale == "points" else (1.0, 0.0)
    values = (cells["value"].to_numpy(float) - middle) / unit
    errors = noise / unit**2
    parts = parts_of(names)
    found = _sds_of_means(parts, values, errors, label, draws, seed)
    flat = {name: v.ravel() for name, v in found.values.items()}
    rng = np.random.default_rng(np.random.SeedSequence([seed, *label.encode()]))
    drawn = cells_given_sds(parts, flat, values, errors, rng) * unit + middle
    found.values["cell"] = drawn.reshape(CHAINS, -1, len(names))
    scales = {scale: found.values["cell"]}
    if scale == "points" and ((drawn > 0) & (drawn < 100)).all():
        scales["logit"] = np.log(scales["points"] / (100 - scales["points"]))
    runs = cells["runs"].to_numpy(int) if "runs" in cells else np.ones(len(cells), int)
    priors = "; ".join(part.describe() for part in parts)
    if scale == "points":
        priors += f" (in units of {POINTS_PER_LOGIT:g} points, around {middle:g})"
    return CellDraws(tuple(name.pair for name in names), runs, scales, priors, found, tuple(names))


def _sds_of_means(
    parts: Sequence[Part], values: np.ndarray, noise: np.ndarray, label: str, draws: int, seed: int
) -> Sampled:
    """Draw the sds of the meta-analytic model, whose cells are integrated out."""
    import jax

    from selfinterp_stats.inference.engines.laplace import Laplace
    from selfinterp_stats.inference.engines.nuts import nuts

    graph = _lifted(parts, values, noise)
    free = [part for part in parts if part.prior != "fixed"]
    start = np.log([[0.5 * part.numbers[0] for part in free]])
    around = Laplace(start, np.eye(len(free))[None] * 0.7, np.zeros(1))
    batch: Any = _Means(((label,),), _MeansData(values[None], noise[None]))
    with jax.enable_x64(True):
        model: Any = graph  # the engine asks of a model no more than this one has
        per_chain = draws // CHAINS
        drawn = nuts(model, batch, around, chains=CHAINS, draws=per_chain, seed=seed, x64=True)
    diverging = int(drawn.per_draw["diverging"].sum())
    return Sampled(graph.split(drawn.values[0]), "nuts", float("nan"), float("nan"), diverging)


def _by_pair(
    cells: tuple[CellName, ...], scales: dict[str, np.ndarray], design: ItemDesign, found: Sampled
) -> CellDraws:
    pairs = tuple(dict.fromkeys(cell.pair for cell in cells))
    average = np.array([[float(cell.pair == pair) for cell in cells] for pair in pairs])
    runs = average.sum(axis=1)
    average /= runs[:, None]
    return CellDraws(
        pairs,
        runs.astype(int),
        {scale: draws @ average.T for scale, draws in scales.items()},
        design.describe_priors(),
        found,
        cells,
    )
