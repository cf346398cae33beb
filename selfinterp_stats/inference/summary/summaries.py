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
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from selfinterp_stats.inference.summary.block import Block

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
_KEPT_BYTES: Final = 30 * 2**20


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
    return _in_blocks(lambda block: _summary(block, hdi_prob, rope), checked)


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
    return _in_blocks(
        lambda block: {"it": block.effective_sizes(block.scores)[0]}, _checked(draws)
    )["it"]


def ess_tail(draws: ArrayLike) -> Array:
    """Give the smaller effective sample size of the 5% and the 95% quantile."""
    return _in_blocks(
        lambda block: {"it": block.effective_sizes(block.below_quantiles(*_TAILS)).min(axis=0)},
        _checked(draws),
    )["it"]


def mcse_mean(draws: ArrayLike) -> Array:
    """Give the Monte Carlo standard error of the mean."""
    return _in_blocks(
        lambda block: {"it": block.mcse_mean(block.effective_sizes(block.split)[0])},
        _checked(draws),
    )["it"]


def mcse_sd(draws: ArrayLike) -> Array:
    """Give the Monte Carlo standard error of the standard deviation.

    As the R package posterior and ``arviz_stats`` 1.x have it: from the effective size of the
    squared deviations. ``arviz_stats`` 0.x takes that of the draws themselves.
    """
    return _in_blocks(
        lambda block: {"it": block.mcse_sd(block.effective_sizes(block.split_squares)[0])},
        _checked(draws),
    )["it"]


def mcse_quantile(draws: ArrayLike, prob: float) -> Array:
    """Give the Monte Carlo standard error of the `prob` quantile (.5: the median)."""
    return _in_blocks(
        lambda block: {
            "it": block.mcse_quantile(prob, block.effective_sizes(block.below_quantiles(prob))[0])
        },
        _checked(draws),
    )["it"]


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


def _summary(block: Block, prob: float, rope: Interval) -> dict[str, Array]:
    low, high = block.hdi(prob)
    size = block.flat.shape[1]
    ess_bulk, ess_mean, ess_squares, ess_low, ess_median, ess_high = block.effective_sizes(
        block.scores,
        block.split,
        block.split_squares,
        block.below_quantiles(_TAILS[0], 0.5, _TAILS[1]),
    )
    figures = (
        block.mean,
        (block.ordered[:, (size - 1) // 2] + block.ordered[:, size // 2]) / 2,
        block.sd,
        low,
        high,
        block.quantile((1 - prob) / 2),
        block.quantile((1 + prob) / 2),
        block.direction(),
        block.rope_share(low, high, rope),
        ess_bulk,
        np.minimum(ess_low, ess_high),
        block.rhat(),
        block.mcse_mean(ess_mean),
        block.mcse_quantile(0.5, ess_median),
        block.mcse_sd(ess_squares),
        np.full(len(block.flat), size, dtype=np.float64),
    )
    return dict(zip(SUMMARY_COLUMNS, figures, strict=True))


def _checked(draws: ArrayLike) -> NDArray[Any]:
    array = np.asarray(draws)
    if array.ndim != 3 or array.shape[1] == 0 or array.shape[2] < 2:
        raise ValueError(
            "draws must have shape (quantity, chain, draw) with at least one chain of two draws, "
            f"not {array.shape}"
        )
    return array


def _check_probability(prob: float) -> None:
    if not 0 < prob < 1:
        raise ValueError(f"the probability of an interval must be between 0 and 1, not {prob!r}")


def _in_blocks(work: Callable[[Block], dict[str, Array]], draws: NDArray[Any]) -> dict[str, Array]:
    """Apply `work` to blocks of quantities, on the threads at hand, and join the results."""
    rows = max(1, _VALUES_PER_BLOCK // (draws.shape[1] * draws.shape[2]))
    blocks = [draws[start : start + rows] for start in range(0, len(draws), rows)] or [draws]

    def done(block: NDArray[Any]) -> dict[str, Array]:
        # A draw that is not finite gives NaN; that is the answer, not a warning.
        with np.errstate(invalid="ignore"):
            return work(Block(np.ascontiguousarray(block, dtype=np.float64)))

    if len(blocks) == 1:
        return done(blocks[0])
    # glibc hands freed memory back to the system, and every page taken anew costs a fault: a third
    # of the time here. Once an array of this size has been freed, it keeps all smaller ones for
    # the next block.
    np.empty(_KEPT_BYTES, dtype=np.uint8)
    with ThreadPoolExecutor(_threads()) as pool:
        parts = list(pool.map(done, blocks))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _threads() -> int:
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told) > 0:  # a worker that shares its machine with others
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return min(8, len(os.sched_getaffinity(0)))
    return min(8, os.cpu_count() or 1)
