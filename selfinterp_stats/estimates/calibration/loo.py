"""Each observation predicted from all the others, by importance weights on one posterior's draws.

Leaving an observation out divides the posterior by its likelihood, so that draws weighted by one
over it are draws without it. Weights are truncated at the root of their number times their mean
(Ionides 2008, doi:10.1198/106186008X320456), and the shape k of their tail is looked at, as in
Vehtari, Gelman & Gabry (2017, doi:10.1007/s11222-016-9696-4). An array core.
"""

from __future__ import annotations

import numpy as np

from selfinterp_stats.inference.engines.pareto import pareto_k


def left_out_weights(log_likelihood: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights that leave each observation out.

    Parameters
    ----------
    log_likelihood : (observation, draw) array

    Returns
    -------
    weights : (observation, draw) array
        Each row sums to one.
    k : (observation,) array
        Pareto shape of the raw weights; missing where they hardly differ.
    """
    raw = -log_likelihood
    weights = np.exp(raw - raw.max(axis=1, keepdims=True))
    most = np.sqrt(weights.shape[1]) * weights.mean(axis=1, keepdims=True)
    weights = np.minimum(weights, most)
    return weights / weights.sum(axis=1, keepdims=True), pareto_k(raw)


def as_ranks(pit: np.ndarray, draws: int) -> np.ndarray:
    """Probability integral transforms as ranks 0..draws, for the test that ranks have."""
    return np.minimum((pit * (draws + 1)).astype(int), draws)
