"""The regularised horseshoe: its scales drawn given slopes, its slopes, and their density.

Piironen & Vehtari (2017, Electronic Journal of Statistics 11): given a global scale t, a slab c
and local scales l_j, slope j is normal with variance (t l_j c)^2 / (c^2 + (t l_j)^2); t and l_j
are half-Cauchy, c^2 is inverse gamma. For posteriors the scales are drawn in turn given the
slopes. For the density of slopes alone they are integrated out: the local ones slope by slope on a
grid of slopes, t and c on a grid that all slopes of a scenario share.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from selfinterp_stats.estimates.priors import lattice
from selfinterp_stats.estimates.priors.group import Group, stride, taken
from selfinterp_stats.inference.engines.lane_random import standard_normal, uniform
from selfinterp_stats.inference.running.devices import cores
from selfinterp_stats.models.prior_sets import HORSESHOE_GLOBAL, SLAB_FREEDOM, SLAB_SCALE

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Nodes of the logarithms of t l_j, of t and of c that scales are drawn from. Their densities bend
# within about 1; what lies beyond the ends has less than a thousandth of the prior.
_LOG_SD: Final = np.arange(-9, 9.01, 0.5)
_LOG_GLOBAL: Final = np.arange(-7, 7.01, 0.5)
_LOG_SLAB: Final = np.arange(-0.6, 4.51, 0.3)
# What the information of the priors of the logarithms of t and c is about: one over their variance.
_GLOBAL_INFORMATION: Final = 4 / np.pi**2
_SLAB_INFORMATION: Final = 2 * SLAB_FREEDOM
# Nodes of the density of slopes alone, which has no need of as many; those of l_j reach farther.
_FEWER_GLOBAL: Final = np.arange(-7, 7.01, 0.7)
_FEWER_SLAB: Final = np.arange(-0.6, 4.51, 0.45)
_LOG_LOCAL: Final = np.arange(-14, 14.01, 0.5)
# Slopes on the logit scale. The density of one slope has a pole at zero, but one so weak that
# nothing hangs on what lies nearer.
_SMALLEST: Final = 1e-4
_LARGEST: Final = 100.0
_STEP: Final = 0.01
_CHUNK: Final = 5_000


@dataclass(frozen=True)
class Horseshoe:
    """The scales of one scenario's slopes; what is kept of them is 1 / c^2.

    They are drawn given the slopes. Then t and c are moved, and the slopes with them.
    """

    starts: tuple[float, float] = (0.1, 20.0)
    first: tuple[float, ...] = (SLAB_SCALE**-2,)

    def draw(
        self, theta: Array, numbers: Array, group: Group, count: Array
    ) -> tuple[Array, Array, Array]:
        """As `gibbs.Widths.draw`."""
        import jax.numpy as jnp

        shares = uniform(group.keys[0], count, theta.shape[1] + 4, theta.dtype)
        slopes = theta[0, 1:]  # a group is one scenario
        overall, slab, sds = _scales(slopes, numbers[0, 0], shares[3:])
        log_global = stride(group, _GLOBAL_INFORMATION) * standard_normal(shares[0])
        log_slab = stride(group, _SLAB_INFORMATION) * standard_normal(shares[1])
        new_global, new_slab = overall * jnp.exp(log_global), slab * jnp.exp(-2 * log_slab)
        old_precision = slab + sds**-2
        new_precision = new_slab + (sds * jnp.exp(log_global)) ** -2
        change = (
            jnp.log(_half_cauchy_of(new_global, HORSESHOE_GLOBAL))
            - jnp.log(_half_cauchy_of(overall, HORSESHOE_GLOBAL))
            + _log_slab_density(new_slab)
            - _log_slab_density(slab)
        )
        there = jnp.concatenate([theta[0, :1], slopes * jnp.sqrt(old_precision / new_precision)])
        moved = taken(group, theta, there[None], change, shares[2])
        precision = jnp.where(moved, new_precision, old_precision)
        slab = jnp.where(moved, new_slab, slab)
        return jnp.where(moved, there, theta), slab[None, None], precision[None]


def _log_slab_density(slab: Array) -> Array:
    """Log-density of the logarithm of c at 1 / c^2, up to a constant."""
    import jax.numpy as jnp

    return SLAB_FREEDOM / 2 * (jnp.log(slab) - SLAB_SCALE**2 * slab)


def _scales(slopes: Array, slab: Array, shares: Array) -> tuple[Array, Array, Array]:
    """Draw one scenario's scales given its slopes: t, then c, then the local ones.

    Parameters
    ----------
    slopes : (slope, lane) array
    slab : (lane,) array
        1 / c^2.
    shares : (slope + 2, lane) array
        Uniform.

    Returns
    -------
    overall, slab : (lane,) array
        t and the new 1 / c^2.
    sds : (slope, lane) array
        t l_j.
    """
    import jax.numpy as jnp

    def nodes(logs: np.ndarray) -> Array:
        return jnp.asarray(np.exp(logs), slopes.dtype)

    sd, globals_, slabs = nodes(_LOG_SD), nodes(_LOG_GLOBAL), nodes(-2 * _LOG_SLAB)
    # A slope's normal density, without what all local scales share: a height and an exponential.
    heights = jnp.sqrt(slabs[:, None] + sd**-2)
    falls = jnp.exp(-(slopes**2) / (2 * sd[:, None, None] ** 2))

    def integrated(of_scale: Array, of_sd: Array) -> Array:
        """Densities of all slopes under each value of a scale, up to a constant."""
        each = of_scale @ (of_sd[:, None] * falls).reshape(len(sd), -1)
        # The product of many slopes' densities would leave the range of the floats.
        return (each / each.max(axis=0)).reshape(len(of_scale), *slopes.shape).prod(axis=1)

    # Given the local scales t and c would hardly move: these are integrated out.
    of_slab = jnp.sqrt(slab + sd[:, None] ** -2)
    weights = integrated(_half_cauchy_of(globals_[:, None], sd), of_slab)
    prior = _half_cauchy_of(globals_, HORSESHOE_GLOBAL)
    overall = globals_[lattice.drawn(weights * prior[:, None], shares[0])]
    of_global = _half_cauchy_of(overall, sd[:, None])
    exponent = _log_slab_density(slabs[:, None]) - slabs[:, None] * (slopes**2).sum(axis=0) / 2
    weights = integrated(heights, of_global) * jnp.exp(exponent)
    slab = slabs[lattice.drawn(weights, shares[1])]
    of_slab = jnp.sqrt(slab + sd[:, None] ** -2)
    return overall, slab, sd[lattice.drawn((of_slab * of_global)[:, None] * falls, shares[2:])]


def _half_cauchy_of(first: Array, second: Array | float) -> Array:
    """Density of the logarithm of a half-Cauchy ratio of two scales, up to a constant."""
    ratio = first / second
    return 1 / (ratio + 1 / ratio)


def log_density(slopes: np.ndarray) -> np.ndarray:
    """Log-density of the slopes of one scenario.

    Parameters
    ----------
    slopes : (..., slope) array

    Returns
    -------
    (...) array
    """
    table, log_shares = _table()
    flat = slopes.reshape(-1, slopes.shape[-1])
    found = np.empty(len(flat))

    def evaluate(start: int) -> None:
        part = slice(start, start + _CHUNK)
        size = np.clip(np.abs(flat[part]), _SMALLEST, _LARGEST)
        at = np.rint(np.log(size / _SMALLEST) / _STEP).astype(int)
        given_scales = log_shares + table[at].sum(axis=1)
        top = given_scales.max(axis=1)
        found[part] = top + np.log(np.exp(given_scales - top[:, None]).sum(axis=1))

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(evaluate, range(0, len(flat), _CHUNK)))
    return found.reshape(slopes.shape[:-1])


def draw(rng: np.random.Generator, size: tuple[int, ...], slopes: int) -> np.ndarray:
    """Draw slopes from the prior, an array of `size` and then (slope,)."""
    slab = SLAB_FREEDOM * SLAB_SCALE**2 / rng.chisquare(SLAB_FREEDOM, size)[..., None]
    overall = HORSESHOE_GLOBAL * np.abs(rng.standard_cauchy(size))[..., None]
    local = np.abs(rng.standard_cauchy((*size, slopes)))
    return np.sqrt(_variance(overall * local, slab)) * rng.standard_normal((*size, slopes))


def _variance(unregularised_sd: np.ndarray, slab: np.ndarray | float) -> np.ndarray:
    """Variance of a slope; `slab` is its largest."""
    return 1 / (1 / slab + 1 / np.maximum(unregularised_sd, 1e-150) ** 2)


@cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Log-densities of single slopes by (slope, scales), and log-probabilities of the scales."""
    slopes = _SMALLEST * np.exp(np.arange(0, np.log(_LARGEST / _SMALLEST) + _STEP, _STEP))
    halves = slopes[:, None] ** 2 / 2
    shares = 1 / np.cosh(_LOG_LOCAL)
    columns, log_shares = [], []
    for log_global in _FEWER_GLOBAL:
        sd = HORSESHOE_GLOBAL * np.exp(log_global + _LOG_LOCAL)
        for log_slab in _FEWER_SLAB:
            precision = 1 / _variance(sd, np.exp(2 * log_slab))
            density = np.exp(-halves * precision) @ (shares * np.sqrt(precision))
            columns.append(np.log(np.maximum(density, 1e-300)))
            of_slab = -SLAB_FREEDOM * (log_slab + SLAB_SCALE**2 * np.exp(-2 * log_slab) / 2)
            log_shares.append(of_slab - np.log(np.cosh(log_global)))
    table = np.stack(columns, axis=1).astype(np.float32)
    log_probabilities = np.array(log_shares)
    constant = np.log(np.exp(log_probabilities).sum())
    of_single = np.log(shares.sum() * np.sqrt(2 * np.pi))
    return table - np.float32(of_single), (log_probabilities - constant).astype(np.float32)
