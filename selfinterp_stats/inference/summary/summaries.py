"""From draws to figures: mean, median, HDI, ETI, direction, ROPE and their Monte Carlo error.

Every figure comes from one sort of a quantity's draws. An array core: draws have shape
(quantity, chain, draw), results have shape (quantity,), nothing knows a label, a model or a file.
Quantities are handled in blocks on as many threads as the process may use; a quantity's figures
do not depend on the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from selfinterp_stats.inference.summary import mixing

Array = NDArray[np.float64]
Interval = tuple[float, float]

SUMMARY_COLUMNS: Final = (
    "mean",
    "median",
    "sd",
    "hdi_low",
    "hdi_high",
    "eti_low",
    "eti_high",
    "pd",
    "rope_share",
    "ess_bulk",
    "ess_tail",
    "rhat",
    "mcse_mean",
    "mcse_median",
    "mcse_sd",
    "n_draws",
)

_TAILS: Final = (0.05, 0.95)
_VALUES_PER_BLOCK: Final = 200_000


def summarise(
    draws: ArrayLike, *, hdi_prob: float = 0.95, rope: Interval = (-0.1, 0.1)
) -> dict[str, Array]:
    """Summarise the draws of many quantities.

    Parameters
    ----------
    draws : array-like, shape (quantity, chain, draw)
        Equally weighted draws, on whatever scale the quantity has.
    hdi_prob : float
        Probability of the highest-density and of the equal-tailed interval.
    rope : (float, float)
        The region of practical equivalence, ends included, on the quantity's scale.

    Returns
    -------
    dict of ndarray, shape (quantity,)
        In the order of `SUMMARY_COLUMNS`. ``pd`` is the larger share of draws on one side of
        zero; ``rope_share`` the share of the draws inside the HDI that lie in the ROPE (as
        bayestestR's ``rope``); ``ess_bulk``, ``ess_tail``, ``rhat`` and the MCSEs are those of
        Vehtari et al. (2021), NaN where a draw is not finite.

    Raises
    ------
    ValueError
        If the shape, the probability or the region makes no sense.
    """
    checked = _checked(draws)
    _check_probability(hdi_prob)
    if not rope[0] <= rope[1]:
        raise ValueError(f"rope must be (low, high) with low <= high, not {rope!r}")
    return _in_blocks(lambda block: block.summary(hdi_prob, rope), checked)


def hdi(draws: ArrayLike, prob: float = 0.95) -> tuple[Array, Array]:
    """Give the ends of the narrowest interval that holds `prob` of each quantity's draws."""
    _check_probability(prob)
    ends = _in_blocks(
        lambda block: dict(zip(("low", "high"), block.hdi(prob), strict=True)), _checked(draws)
    )
    return ends["low"], ends["high"]


def eti(draws: ArrayLike, prob: float = 0.95) -> tuple[Array, Array]:
    """Give the ends of the interval with equal tails outside it."""
    _check_probability(prob)
    ends = _in_blocks(
        lambda block: {
            "low": block.quantile((1 - prob) / 2),
            "high": block.quantile((1 + prob) / 2),
        },
        _checked(draws),
    )
    return ends["low"], ends["high"]


def rhat(draws: ArrayLike) -> Array:
    """Give the rank-normalised split R-hat, the larger of bulk and tail (Vehtari et al. 2021)."""
    return _in_blocks(lambda block: {"it": block.rhat()}, _checked(draws))["it"]


def ess_bulk(draws: ArrayLike) -> Array:
    """Give the effective sample size of the rank-normalised draws."""
    return _in_blocks(lambda block: {"it": block.ess_bulk()}, _checked(draws))["it"]


def ess_tail(draws: ArrayLike) -> Array:
    """Give the smaller effective sample size of the 5% and the 95% quantile."""
    return _in_blocks(lambda block: {"it": block.ess_tail()}, _checked(draws))["it"]


def mcse_mean(draws: ArrayLike) -> Array:
    """Give the Monte Carlo standard error of the mean."""
    return _in_blocks(lambda block: {"it": block.mcse_mean()}, _checked(draws))["it"]


def mcse_sd(draws: ArrayLike) -> Array:
    """Give the Monte Carlo standard error of the standard deviation.

    As the R package posterior and ``arviz_stats`` 1.x have it: from the effective size of the
    squared deviations. ``arviz_stats`` 0.x takes that of the draws themselves.
    """
    return _in_blocks(lambda block: {"it": block.mcse_sd()}, _checked(draws))["it"]


def mcse_quantile(draws: ArrayLike, prob: float) -> Array:
    """Give the Monte Carlo standard error of the `prob` quantile (.5: the median)."""
    return _in_blocks(lambda block: {"it": block.mcse_quantile(prob)}, _checked(draws))["it"]


def mcse_hdi(draws: ArrayLike, prob: float = 0.95, *, batches: int = 20) -> tuple[Array, Array]:
    """Estimate the Monte Carlo standard error of the two ends of the HDI by batch means.

    The ends of the narrowest interval settle with the cube root of the number of draws, not with
    its square root (Kim and Pollard 1990, "Cube root asymptotics", Annals of Statistics 18), so
    the spread over `batches` consecutive batches shrinks by ``batches ** (1 / 3)``. The figure is
    rough, good to a quarter of itself or so.

    Returns
    -------
    (ndarray, ndarray), each shape (quantity,)
        NaN where a batch would have fewer than 20 draws.
    """
    _check_probability(prob)
    checked = _checked(draws)
    quantities, chains, length = checked.shape
    per_chain = max(1, batches // chains)
    size = length // per_chain
    if size < 20:
        nothing = np.full(quantities, np.nan)
        return nothing, nothing.copy()
    pieces = checked[:, :, : size * per_chain].reshape(quantities * chains * per_chain, 1, size)
    shrink = (chains * per_chain) ** (1 / 3)
    low, high = (
        end.reshape(quantities, -1).std(axis=1, ddof=1) / shrink for end in hdi(pieces, prob)
    )
    return low, high


class _Block:
    """Some quantities' draws with everything that their one sort gives."""

    def __init__(self, draws: Array) -> None:
        self.draws = draws
        self.judged = mixing.can_be_judged(draws)

    @cached_property
    def flat(self) -> Array:
        return self.draws.reshape(len(self.draws), -1)

    @cached_property
    def order(self) -> mixing.Order:
        return np.argsort(self.flat, axis=1)

    @cached_property
    def ordered(self) -> Array:
        return np.take_along_axis(self.flat, self.order, axis=1)

    @cached_property
    def _split(self) -> tuple[Array, Array, mixing.Order]:
        """Split chains, their sorted values and the order of these."""
        split = mixing.split_chains(self.draws)
        if split.size == self.draws.size:
            return split, self.ordered, self.order
        flat = split.reshape(len(split), -1)
        order = np.argsort(flat, axis=1)
        return split, np.take_along_axis(flat, order, axis=1), order

    @cached_property
    def _scores(self) -> Array:
        split, ordered, order = self._split
        return mixing.normal_scores(ordered, order).reshape(split.shape)

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
        size = self.ordered.shape[1]
        held = min(int(np.floor(prob * size)), size - 1)
        widths = self.ordered[:, held:] - self.ordered[:, : size - held]
        start = widths.argmin(axis=1)
        rows = np.arange(len(start))
        return self.ordered[rows, start], self.ordered[rows, start + held]

    def _share(self, low: Array | float, high: Array | float) -> Array:
        """Count the draws from low to high, ends included, as a share of all."""
        low, high = (np.reshape(end, (-1, 1)) for end in (low, high))
        counted: Array = ((self.flat >= low) & (self.flat <= high)).mean(axis=1)
        return counted

    def rope_share(self, low: Array, high: Array, rope: Interval) -> Array:
        both = self._share(np.maximum(low, rope[0]), np.minimum(high, rope[1]))
        return both / self._share(low, high)

    def direction(self) -> Array:
        figures: Array = np.maximum((self.flat > 0).mean(axis=1), (self.flat < 0).mean(axis=1))
        return figures

    def rhat(self) -> Array:
        if self.draws.shape[1] < 2 or not self.judged.any():
            return np.full(len(self.draws), np.nan)
        split, ordered, order = self._split
        folded = mixing.folded_scores(ordered, order).reshape(split.shape)
        return self._where_judged(
            np.maximum(
                mixing.potential_scale_reduction(self._scores),
                mixing.potential_scale_reduction(folded),
            )
        )

    def _effective_size(self, series: Callable[[], Array]) -> Array:
        if not self.judged.any():
            return np.full(len(self.draws), np.nan)
        return self._where_judged(mixing.effective_size(series()))

    def ess_bulk(self) -> Array:
        return self._effective_size(lambda: self._scores)

    def ess_mean(self) -> Array:
        return self._effective_size(lambda: self._split[0])

    def ess_quantile(self, prob: float) -> Array:
        cut = self.quantile(prob)[:, np.newaxis, np.newaxis]
        return self._effective_size(
            lambda: mixing.split_chains((self.draws <= cut).astype(np.float64))
        )

    def ess_tail(self) -> Array:
        low, high = (self.ess_quantile(prob) for prob in _TAILS)
        return np.minimum(low, high)

    def mcse_mean(self) -> Array:
        figures: Array = self.flat.std(axis=1, ddof=1) / np.sqrt(self.ess_mean())
        return figures

    def mcse_sd(self) -> Array:
        # The sd is a function of the mean of the squared deviations (delta method; Kenney and
        # Keeping 1951, p. 141), so what counts is the effective number of squares: antithetic
        # chains, such as NUTS makes, have fewer of them than of draws.
        squares = (self.flat - self.flat.mean(axis=1, keepdims=True)) ** 2
        variance = squares.mean(axis=1)
        effective = self._effective_size(
            lambda: mixing.split_chains(squares.reshape(self.draws.shape))
        )
        of_variance = ((squares**2).mean(axis=1) - variance**2) / effective
        with np.errstate(divide="ignore", invalid="ignore"):
            error: Array = np.sqrt(of_variance / variance / 4)
        return error

    def mcse_quantile(self, prob: float) -> Array:
        """Half the width between the order statistics one standard error away on either side."""
        from scipy.stats import beta

        size = self.ordered.shape[1]
        judged = self.judged
        effective = np.where(judged, self.ess_quantile(prob), size)
        one_sd = np.array([[0.1586553], [0.8413447]])
        low, high = beta.ppf(one_sd, effective * prob + 1, effective * (1 - prob) + 1)
        first = np.floor(np.maximum(low * size - 1, 0)).astype(int)
        last = np.ceil(np.minimum(high * size - 1, size - 1)).astype(int)
        rows = np.arange(len(first))
        return self._where_judged((self.ordered[rows, last] - self.ordered[rows, first]) / 2)

    def summary(self, prob: float, rope: Interval) -> dict[str, Array]:
        low, high = self.hdi(prob)
        size = self.flat.shape[1]
        figures = (
            self.flat.mean(axis=1),
            (self.ordered[:, (size - 1) // 2] + self.ordered[:, size // 2]) / 2,
            self.flat.std(axis=1, ddof=1),
            low,
            high,
            self.quantile((1 - prob) / 2),
            self.quantile((1 + prob) / 2),
            self.direction(),
            self.rope_share(low, high, rope),
            self.ess_bulk(),
            self.ess_tail(),
            self.rhat(),
            self.mcse_mean(),
            self.mcse_quantile(0.5),
            self.mcse_sd(),
            np.full(len(self.flat), size, dtype=np.float64),
        )
        return dict(zip(SUMMARY_COLUMNS, figures, strict=True))


def _checked(draws: ArrayLike) -> Array:
    array = np.asarray(draws, dtype=np.float64)
    if array.ndim != 3 or array.shape[1] == 0 or array.shape[2] < 2:
        raise ValueError(
            "draws must have shape (quantity, chain, draw) with at least one chain of two draws, "
            f"not {array.shape}"
        )
    return array


def _check_probability(prob: float) -> None:
    if not 0 < prob < 1:
        raise ValueError(f"the probability of an interval must be between 0 and 1, not {prob!r}")


def _in_blocks(work: Callable[[_Block], dict[str, Array]], draws: Array) -> dict[str, Array]:
    """Apply `work` to blocks of quantities, on the threads at hand, and join the results."""
    rows = max(1, _VALUES_PER_BLOCK // (draws.shape[1] * draws.shape[2]))
    blocks = [draws[start : start + rows] for start in range(0, len(draws), rows)] or [draws]

    def done(block: Array) -> dict[str, Array]:
        # A draw that is not finite gives NaN; that is the answer, not a warning.
        with np.errstate(invalid="ignore"):
            return work(_Block(np.ascontiguousarray(block)))

    if len(blocks) == 1:
        return done(blocks[0])
    with ThreadPoolExecutor(_threads()) as pool:
        parts = list(pool.map(done, blocks))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return min(8, len(os.sched_getaffinity(0)))
    return min(8, os.cpu_count() or 1)
