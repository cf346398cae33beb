"""What the joint model is told of reports, and the sums that its density is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfinterp_stats.estimates.propagation.latent import LatentData
from selfinterp_stats.estimates.propagation.slopes import SlopeDraws


@dataclass(frozen=True)
class Reported:
    """Reports of one condition, one row per scenario of the draws.

    Attributes
    ----------
    means : (scenario, attribute) array
        Of the valid reports, standardised; missing where there are none.
    counts : (scenario,) array
        Valid reports.
    within : float
        Sum of squares of single reports about their scenario's mean, standardised.
    freedom : float
        Its degrees of freedom.
    """

    means: np.ndarray
    counts: np.ndarray
    within: float
    freedom: float


def latent_data(drawn: SlopeDraws, reported: Sequence[Reported]) -> LatentData:
    """Put draws and reports into the sums that the density is made of."""
    weights, log_largest = max_scaled(drawn.slopes)
    n, _, k = weights.shape
    reports, counts = np.zeros((n, 0, k)), np.zeros((n, 0))
    if reported:
        reports = np.stack([np.nan_to_num(one.means) for one in reported], axis=1)
        counts = np.stack([one.counts for one in reported], axis=1).astype(float)
    return LatentData(
        log_largest=log_largest,
        positive=(weights > 0).sum(axis=2).astype(float),
        unweighted=-drawn.log_density,
        squares=(weights**2).sum(axis=2),
        total=weights.sum(axis=2),
        products=np.einsum("sjk,sck->csj", weights, reports),
        reports=reports,
        counts=counts,
        within=np.array([one.within for one in reported], dtype=float),
        freedom=np.array([one.freedom for one in reported], dtype=float),
    )


def max_scaled(slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes divided by the largest absolute one, and its log.

    Parameters
    ----------
    slopes : (..., attribute) array
    """
    largest = np.abs(slopes).max(axis=-1)
    return slopes / largest[..., None], np.log(largest)
