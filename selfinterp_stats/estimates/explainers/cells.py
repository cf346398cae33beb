"""Posterior draws of the cells of one design, on the logit scale and in percentage points.

Everything that is concluded later is a weighted sum of these cells. Runs of a pair of explainer
and target are averaged, so that what is drawn is conditional on the runs at hand.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.sampling import CHAINS, Sampled, sample, steadied_model
from selfinterp_stats.inference.density.steadied import SteadiedModel, wide_model
from selfinterp_stats.models.explainers.crossed import CellName, Part
from selfinterp_stats.models.explainers.items import ItemDesign, item_model, quadrature
from selfinterp_stats.models.explainers.patterns import Collapsed, Patterns, collapse

Pair = tuple[str, str]

_ROWS_AT_A_TIME: Final = 200

# Designs of one form share a model, and with it what JAX compiled.
_MODELS: dict[Hashable, tuple[SteadiedModel, Any]] = {}


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
        As they were sampled, runs apart; empty where no cells were.
    parts : tuple of Part
        Of the covariance of `cells`.
    item_sds : (chain, draw, target) array, optional
        Sd of the items of each target, in logits.
    """

    pairs: tuple[Pair, ...]
    runs: np.ndarray
    scales: dict[str, np.ndarray]
    priors: str
    sampled: Sampled
    cells: tuple[CellName, ...] = field(default=())
    parts: tuple[Part, ...] = field(default=())
    item_sds: np.ndarray | None = None


def cells_of_items(
    items: pd.DataFrame,
    answers: pd.Series,
    *,
    label: str,
    worth: np.ndarray | None = None,
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
    worth : (category,) array, optional
        What each category counts on the scale from 0 to 1, ascending; right and wrong unless
        given.
    draws : int
        Over all chains.
    seed : int
    """
    worth = np.array([0.0, 1.0]) if worth is None else worth
    data = collapse(items, answers, categories=len(worth))
    design, found = sample_items(data, label=label, categories=len(worth), draws=draws, seed=seed)
    points = 100 * expected_scores(design, data, found, worth)
    return CellDraws(
        **by_pair(data.cells, {"logit": found.values["cell"], "points": points}),
        priors=design.describe_priors(),
        sampled=found,
        cells=data.cells,
        parts=design.parts,
        item_sds=found.values["sd_item"],
    )


def by_pair(cells: tuple[CellName, ...], scales: dict[str, np.ndarray]) -> dict[str, Any]:
    """Average runs: `pairs`, `runs` and `scales` of `CellDraws`."""
    pairs = tuple(dict.fromkeys(cell.pair for cell in cells))
    average = np.array([[float(cell.pair == pair) for cell in cells] for pair in pairs])
    runs = average.sum(axis=1)
    average /= runs[:, None]
    averaged = {scale: draws @ average.T for scale, draws in scales.items()}
    return {"pairs": pairs, "runs": runs.astype(int), "scales": averaged}


def sample_items(
    data: Collapsed, *, label: str, categories: int, draws: int, seed: int
) -> tuple[ItemDesign, Sampled]:
    """Sample the model of one design's items."""
    design = ItemDesign.of(data, categories)
    model, wide = _model(design, data)
    arrays = Patterns(*(np.asarray(array)[None] for array in data.patterns))
    (found,) = sample(model, arrays, [label], draws=draws, seed=seed, wide=wide)
    return design, found


def _model(design: ItemDesign, data: Collapsed) -> tuple[SteadiedModel, Any]:
    key = (design.form, *(array.shape for array in data.patterns))
    if key not in _MODELS:
        names = [f"given_{name}" for name in Patterns._fields]
        model = steadied_model(item_model(design, data), names, design.sampled_sds())
        _MODELS[key] = model, wide_model(model)
    return _MODELS[key]


def expected_scores(
    design: ItemDesign, data: Collapsed, found: Sampled, worth: np.ndarray
) -> np.ndarray:
    """Expected score of each cell, averaged over items, a (chain, draw, cell) array.

    Over the classes and clusters of the items that were seen, and over item effects.
    """
    p = data.patterns
    cell, slots = p.cell.ravel(), p.cell.shape[1]
    sizes = np.einsum("bpcs,bp->bs", p.by_category, p.items).ravel()
    share = np.zeros((design.cells, len(sizes)))
    share[cell, np.arange(len(sizes))] = sizes
    share /= share.sum(axis=1, keepdims=True)
    values = {name: v.reshape(-1, *v.shape[2:]) for name, v in found.values.items()}
    place = values["cell"][:, cell]
    if "class" in values:
        place = place + values["class"][:, p.klass.repeat(slots)]
    if "cluster" in values:
        place = place + values["cluster"][:, p.group.repeat(slots)]
    spread = values["sd_item"][:, p.target.repeat(slots)]
    if design.integrates_clusters:
        spread = np.hypot(spread, values["sd_cluster"][:, None])
    scores = scores_at(place, spread, cutpoints(values, len(place)), worth, design.nodes)
    return (scores @ share.T).reshape(CHAINS, -1, design.cells)


def cutpoints(values: dict[str, np.ndarray], n: int) -> np.ndarray:
    """Cutpoints of draws laid out in a row, a (draw, cutpoint) array; the first is 0."""
    first = np.zeros((n, 1))
    if "step" not in values:
        return first
    return np.concatenate([first, np.cumsum(values["step"], axis=1)], axis=1)


def scores_at(
    place: np.ndarray, spread: np.ndarray, cuts: np.ndarray, worth: np.ndarray, nodes: int
) -> np.ndarray:
    """Expected scores where items have their own effects.

    Parameters
    ----------
    place, spread : (draw, site) array
        Logits, and the sd of items around them.
    cuts : (draw, cutpoint) array
    worth : (category,) array
    nodes : int
        Of the quadrature over items.

    Returns
    -------
    (draw, site) array
    """
    at, log_weights = quadrature(nodes)
    scores = np.empty(place.shape)
    for start in range(0, len(place), _ROWS_AT_A_TIME):
        rows = slice(start, start + _ROWS_AT_A_TIME)
        x = place[rows, :, None] + spread[rows, :, None] * at
        above = sum(
            rise / (1 + np.exp(np.clip(cut[:, None, None] - x, -500, 500)))
            for rise, cut in zip(np.diff(worth), cuts[rows].T, strict=True)
        )
        scores[rows] = worth[0] + above @ np.exp(log_weights)
    return scores
