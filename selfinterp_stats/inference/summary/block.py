"""What can be said of the draws of some quantities, worked out of one sort.

An array core: draws have shape (quantity, chain, draw), results have shape (quantity,). Monte
Carlo errors and R-hat are NaN where draws are not finite or too few.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from selfinterp_stats.inference.summary import mixing, ranks

Array = NDArray[np.float64]

_ABOVE_ZERO = float(np.nextafter(0, 1))


class Block:
    """The draws of some quantities, and what is worked out of them, each thing once.

    Parameters
    ----------
    draws : contiguous ndarray, shape (quantity, chain, draw)
    """

    def __init__(self, draws: Array) -> None:
        self.draws = draws
        self.judged = mixing.can_be_judged(draws)

    @cached_property
    def flat(self) -> Array:
        """The draws of all chains, shape (quantity, value)."""
        return self.draws.reshape(len(self.draws), -1)

    @cached_property
    def _sorted(self) -> tuple[Array, ranks.Places]:
        return ranks.sort_rows(self.flat)

    @property
    def ordered(self) -> Array:
        """The draws of all chains, ascending."""
        return self._sorted[0]

    @cached_property
    def split(self) -> Array:
        """The draws in halves of chains."""
        return mixing.split_chains(self.draws)

    @cached_property
    def _split_sorted(self) -> tuple[Array, ranks.Places]:
        if self.split.size == self.draws.size:
            return self._sorted
        return ranks.sort_rows(self.split.reshape(len(self.split), -1))

    @cached_property
    def scores(self) -> Array:
        """Normal scores of the draws' ranks, in halves of chains."""
        return ranks.normal_scores(*self._split_sorted).reshape(self.split.shape)

    @cached_property
    def squares(self) -> Array:
        """Squared deviations from the mean."""
        squares = self.flat - self.mean[:, np.newaxis]
        squares *= squares
        return squares

    @property
    def split_squares(self) -> Array:
        """Squared deviations from the mean, in halves of chains."""
        return mixing.split_chains(self.squares.reshape(self.draws.shape))

    @cached_property
    def mean(self) -> Array:
        """Mean of each quantity."""
        figures: Array = self.flat.mean(axis=1)
        return figures

    @cached_property
    def sd(self) -> Array:
        """Standard deviation of each quantity, with divisor n - 1."""
        figures: Array = np.sqrt(self.squares.sum(axis=1) / (self.flat.shape[1] - 1))
        return figures

    def _where_judged(self, figures: Array) -> Array:
        return np.where(self.judged, figures, np.nan)

    def quantile(self, prob: float) -> Array:
        """Interpolate between order statistics linearly (type 7), rounding as numpy does."""
        place = prob * (self.ordered.shape[1] - 1)
        below = int(place)
        share = place - below
        low = self.ordered[:, below]
        high = self.ordered[:, min(below + 1, self.ordered.shape[1] - 1)]
        step = high - low
        figures: Array = low + step * share if share < 0.5 else high - step * (1 - share)
        return figures

    def hdi(self, prob: float) -> tuple[Array, Array]:
        """Give the ends of the narrowest interval that holds `prob` of the draws."""
        size = self.ordered.shape[1]
        held = min(int(np.floor(prob * size)), size - 1)
        widths = self.ordered[:, held:] - self.ordered[:, : size - held]
        start = widths.argmin(axis=1)
        rows = np.arange(len(start))
        return self.ordered[rows, start], self.ordered[rows, start + held]

    def _counts(self, low: Array, high: Array) -> NDArray[np.intp]:
        """Count the draws in regions from low to high, ends included.

        `low` and `high` have shape (quantity, region), as has the result.
        """
        first, after = (
            np.array(
                [row.searchsorted(at, side) for row, at in zip(self.ordered, ends, strict=True)]
            )
            for ends, side in ((low, "left"), (high, "right"))
        )
        counts: NDArray[np.intp] = np.maximum(after - first, 0)
        return counts

    def rope_share(self, low: Array, high: Array, rope: tuple[float, float]) -> Array:
        """Give the share of the draws from low to high that are in the ROPE."""
        regions = self._counts(
            np.stack((low, np.maximum(low, rope[0])), axis=1),
            np.stack((high, np.minimum(high, rope[1])), axis=1),
        )
        return np.where(np.isnan(high), np.nan, regions[:, 1] / regions[:, 0])

    def direction(self) -> Array:
        """Give the larger share of draws on one side of zero."""
        low, high = np.array([[-np.inf, _ABOVE_ZERO], [-_ABOVE_ZERO, np.inf]])
        shape = (len(self.flat), 2)
        sides = self._counts(np.broadcast_to(low, shape), np.broadcast_to(high, shape))
        figures: Array = sides.max(axis=1) / self.flat.shape[1]
        return figures

    def rhat(self) -> Array:
        """Give the larger R-hat of the ranks and of the ranks of the distances from the median."""
        if self.draws.shape[1] < 2 or not self.judged.any():
            return np.full(len(self.draws), np.nan)
        folded = ranks.folded_scores(*self._split_sorted).reshape(self.split.shape)
        return self._where_judged(
            np.maximum(
                mixing.potential_scale_reduction(self.scores),
                mixing.potential_scale_reduction(folded),
            )
        )

    def effective_sizes(self, *series: mixing.Series) -> Array:
        """Give the effective sizes of split chains, shape (series, quantity).

        Indicators may hold several series, one after another; asking for all at once is cheaper.
        """
        sizes = np.full(sum(len(some) for some in series), np.nan)
        if self.judged.any():
            sizes = mixing.effective_size(*series)
        return self._where_judged(sizes.reshape(-1, len(self.draws)))

    def below_quantiles(self, *probs: float) -> mixing.Series:
        """Tell which draws are below quantiles, as split chains, one quantile after another."""
        cuts = np.stack([self.quantile(prob) for prob in probs])[:, :, np.newaxis, np.newaxis]
        below = self.draws <= cuts
        return mixing.split_chains(below.reshape(-1, *self.draws.shape[1:]))

    def mcse_mean(self, effective: Array) -> Array:
        """Give the error of the mean from the effective size of the draws."""
        figures: Array = self.sd / np.sqrt(effective)
        return figures

    def mcse_sd(self, effective: Array) -> Array:
        """Give the error of the sd from the effective size of the squared deviations."""
        # The sd is a function of the mean of the squared deviations (delta method; Kenney and
        # Keeping 1951, p. 141), so what counts is the effective number of squares: antithetic
        # chains, such as NUTS makes, have fewer of them than of draws.
        squares = self.squares
        variance = squares.mean(axis=1)
        of_variance = np.einsum("qv,qv->q", squares, squares) / squares.shape[1] - variance**2
        with np.errstate(divide="ignore", invalid="ignore"):
            error: Array = np.sqrt(of_variance / effective / variance / 4)
        return error

    def mcse_quantile(self, prob: float, effective: Array) -> Array:
        """Give half the width between the order statistics a standard error off either way.

        `effective` is the effective size of the draws' being below the quantile.
        """
        from scipy.special import betaincinv

        size = self.ordered.shape[1]
        effective = np.where(self.judged, effective, size)
        one_sd = np.array([[0.1586553], [0.8413447]])
        low, high = betaincinv(effective * prob + 1, effective * (1 - prob) + 1, one_sd)
        first = np.floor(np.maximum(low * size - 1, 0)).astype(int)
        last = np.ceil(np.minimum(high * size - 1, size - 1)).astype(int)
        rows = np.arange(len(first))
        return self._where_judged((self.ordered[rows, last] - self.ordered[rows, first]) / 2)
