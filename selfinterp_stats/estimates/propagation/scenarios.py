"""What the joint model is told of reports, and the sums that its density is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from selfinterp_stats.estimates.propagation.slopes import SlopeDraws


class LatentData(NamedTuple):
    """What the density needs of one study, or of many along a first axis.

    A draw is a particle of a scenario's slopes, see `slopes`.

    Attributes
    ----------
    log_largest : (scenario, draw) array
        Log of the largest of its slopes.
    positive : (scenario, draw) array
        How many of its weights are positive.
    unweighted : (scenario, draw) array
        Minus the log of what the choices' likelihood was multiplied by where it was drawn, up to
        a constant.
    squares, total : (scenario, draw) array
        Sums over attributes of the weights' squares, and of the weights.
    products : (condition, scenario, draw) array
        Sums over attributes of weight times mean report.
    reports : (scenario, condition, attribute) array
        Mean standardised reports; 0 where there is none.
    counts : (scenario, condition) array
        Valid reports.
    within : (condition,) array
        Sum of squares of single reports about their scenario's mean.
    freedom : (condition,) array
        Its degrees of freedom.
    """

    log_largest: Any
    positive: Any
    unweighted: Any
    squares: Any
    total: Any
    products: Any
    reports: Any
    counts: Any
    within: Any
    freedom: Any

    def astype(self, kind: type) -> LatentData:
        """The same in another precision."""
        return LatentData(*(a.astype(kind) for a in self))


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
