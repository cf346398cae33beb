"""What the model predicts of two models that are not in the study.

Their skills, difficulties and whatever is peculiar to a pair are new draws from the population
that the study tells of; the grand mean and the self effect are those of the study, and as
uncertain.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from selfinterp_stats.estimates.explainers.cells import CellDraws, cutpoints, scores_at
from selfinterp_stats.estimates.explainers.means import MIDDLE, POINTS_PER_LOGIT
from selfinterp_stats.models.explainers.crossed import MEAN_SD, SELF_SD, covariance_at
from selfinterp_stats.models.explainers.items import NODES

NEW_PAIR: Final = {
    "delta_new_pair": np.array([0.5, -0.5, -0.5, 0.5]),
    "self_cross_gap_new_pair": np.array([1.0, 0.0, -1.0, 0.0]),
}
"""Weights of the cells (a of a, a of b, b of a, b of b) of two new models a and b."""


def new_pair_cells(fitted: CellDraws, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw the four cells of two new models.

    Parameters
    ----------
    fitted : CellDraws
        With `parts` and `cells`.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to (chain, draw, 4) array
        By scale: those that `fitted` has, as far as they can be predicted.
    """
    values = fitted.sampled.values
    chains, draws = values["cell"].shape[:2]
    flat = {name: v.reshape(chains * draws, *v.shape[2:]) for name, v in values.items()}
    mean, own = _mean_and_self(fitted, flat, rng)
    n = len(mean)

    def new(name: str, size: int) -> np.ndarray:
        sd: np.ndarray = flat[f"sd_{name}"][:, None] * rng.standard_normal((n, size))
        return sd

    skill, difficulty = new("explainer", 2), new("target", 2)
    cells = mean[:, None] + skill[:, [0, 0, 1, 1]] + difficulty[:, [0, 1, 0, 1]] + new("pair", 4)
    if "sd_run" in flat:
        cells = cells + new("run", 4)
    cells[:, [0, 3]] += own[:, None]
    scales = {}
    if fitted.item_sds is None:
        if "points" in fitted.scales:
            scales["points"] = MIDDLE + POINTS_PER_LOGIT * cells
        else:
            scales["logit"] = cells
    else:
        scales["logit"] = cells
        known = fitted.item_sds.reshape(n, -1)
        chosen = rng.integers(0, known.shape[1], (n, 2))
        spread = np.take_along_axis(known, chosen, axis=1)[:, [0, 1, 0, 1]]
        cuts = cutpoints(flat, n)
        worth = np.linspace(0, 1, cuts.shape[1] + 1)
        scales["points"] = 100 * scores_at(cells, spread, cuts, worth, NODES)
    return {scale: v.reshape(chains, draws, 4) for scale, v in scales.items()}


def _mean_and_self(
    fitted: CellDraws, flat: dict[str, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the grand mean and the self effect given cells and sds, which are jointly normal."""
    sds = {name: v for name, v in flat.items() if name.startswith("sd_")}
    total = covariance_at(fitted.parts, sds)
    prior = np.diag([MEAN_SD**2, SELF_SD**2])
    own = [float(cell.explainer == cell.target) for cell in fitted.cells]
    across = prior @ np.array([np.ones(len(own)), own])
    gain = np.linalg.solve(total, np.broadcast_to(across.T, (len(total), *across.T.shape)))
    gain = np.swapaxes(gain, 1, 2)
    centre = np.einsum("dij,dj->di", gain, flat["cell"])
    spread = prior - gain @ across.T
    root = np.linalg.cholesky((spread + np.swapaxes(spread, 1, 2)) / 2 + 1e-12 * np.eye(2))
    drawn = centre + np.einsum("dij,dj->di", root, rng.standard_normal(centre.shape))
    return drawn[:, 0], drawn[:, 1]
