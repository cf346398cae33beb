"""The regularised horseshoe: its scales drawn given slopes, its slopes, and their density.

Piironen & Vehtari (2017, Electronic Journal of Statistics 11): given a global scale t, a slab c
and local scales l_j, slope j is normal with variance (t l_j c)^2 / (c^2 + (t l_j)^2); t and l_j
are half-Cauchy, c^2 is inverse gamma. For posteriors the scales are drawn in turn, each given the
others and the slopes. For the density of slopes alone they are integrated out: the local ones slope
by slope on a grid of slopes, t and c on a grid that all slopes of a scenario share.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from selfinterp_stats.estimates.priors import lattice
from selfinterp_stats.estimates.priors.group import Group, multiplied
from selfinterp_stats.inference.engines.lane_random import uniform
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
# Of the density of slopes alone.
_GLOBAL_NODES: Final = 21
_SLAB_NODES: Final = 5
_LOCAL_NODES: Final = 300
# Slopes on the logit scale. The density of one slope has a pole at zero, but one so weak that
# nothing hangs on what lies nearer.
_SMALLEST: Final = 1e-4
_LARGEST: Final = 100.0
_STEP: Final = 0.01
_CHUNK: Final = 5_000


@dataclass(frozen=True)
class Horseshoe:
    """The scales of one scenario's slopes; what is kept of them is 1 / c^2."""

    starts: tuple[float, float] = (0.1, 5.0)
    first: tuple[float, ...] = (SLAB_SCALE**-2,)

    def draw(
        self, theta: Array, numbers: Array, group: Group, count: Array
    ) -> tuple[Array, Array, Array]:
        """As `gibbs.Widths.draw`."""
        import jax.numpy as jnp

        keys = group.keys[0]  # a group is one scenario
        shares = uniform(keys, count, theta.shape[1] + 1, theta.dtype)
        overall, slab, sds = _scales(theta[0, 1:], numbers[0, 0], shares)

        def change(log_factor: Array) -> Array:
            factor = jnp.exp(log_factor)
            of_global = _half_cauchy_of(overall * factor, HORSESHOE_GLOBAL)
            was = _half_cauchy_of(overall, HORSESHOE_GLOBAL)
            of_slab = _log_slab_density(slab / factor**2) - _log_slab_density(slab)
            return jnp.log(of_global / was) + of_slab

        theta, log_factor = multiplied(theta, group, change, count + 1)
        shrunk = jnp.exp(-2 * log_factor)
        slab, precision = slab * shrunk, (slab + sds**-2) * shrunk
        return theta, slab[None, None], precision[None]


def _log_slab_density(slab: Array) -> Array:
    """Log-density of the logarithm of c at 1 / c^2, up to a constant."""
    import jax.numpy as jnp

    return SLAB_FREEDOM / 2 * (jnp.log(slab) - SLAB_SCALE**2 * slab)


def _scales(slopes: Array, slab: Array, shares: Array) -> tuple[Array, Array, Array]:
    """Draw one scenario's scales, each given all else.

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
    at = sd[:, None, None]
    of_slopes = jnp.sqrt(slab + at**-2) * jnp.exp(-(slopes**2) / (2 * at**2))
    # t is drawn with the local scales integrated out: given them it would hardly move.
    integrated = _half_cauchy_of(globals_[:, None], sd) @ of_slopes.reshape(len(sd), -1)
    weights = integrated.reshape(len(globals_), *slopes.shape).prod(axis=1)
    prior = _half_cauchy_of(globals_, HORSESHOE_GLOBAL)
    overall = globals_[lattice.drawn(weights * prior[:, None], shares[0])]
    weights = of_slopes * _half_cauchy_of(overall, sd[:, None])[:, None]
    sds = sd[lattice.drawn(weights, shares[2:])]
    # 1 / c^2 is gamma, but for the heights of the slopes' densities.
    heights = jnp.sqrt(1 + slabs[:, None, None] * sds**2).prod(axis=1)
    exponent = _log_slab_density(slabs[:, None]) - slabs[:, None] * (slopes**2).sum(axis=0) / 2
    weights = heights * jnp.exp(exponent)
    return overall, slabs[lattice.drawn(weights, shares[1])], sds


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


def _variance(unregularised_sd: np.ndarray, slab: np.ndarray) -> np.ndarray:
    """Variance of a slope; `slab` is its largest."""
    return 1 / (1 / slab + 1 / np.maximum(unregularised_sd, 1e-150) ** 2)


@cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Log-densities of single slopes by (slope, scales), and log-probabilities of the scales."""
    from scipy.stats import chi2

    slopes = _SMALLEST * np.exp(np.arange(0, np.log(_LARGEST / _SMALLEST) + _STEP, _STEP))
    log_global = np.linspace(-7, 7, _GLOBAL_NODES)
    middle = (np.arange(_SLAB_NODES) + 0.5) / _SLAB_NODES
    slabs = SLAB_FREEDOM * SLAB_SCALE**2 / chi2.ppf(middle, SLAB_FREEDOM)
    log_local = np.linspace(-14, 14, _LOCAL_NODES)
    shares = _half_cauchy(log_local) * np.gradient(log_local)
    columns, log_shares = [], []
    for place in log_global:
        for slab in slabs:
            sd = HORSESHOE_GLOBAL * np.exp(place + log_local)
            variance = _variance(sd, slab)
            unit = slopes[:, None] ** 2 / variance
            density = (shares * np.exp(-unit / 2) / np.sqrt(2 * np.pi * variance)).sum(axis=1)
            columns.append(np.log(np.maximum(density, 1e-300)))
            log_shares.append(np.log(_half_cauchy(place)))
    table = np.stack(columns, axis=1).astype(np.float32)
    log_probabilities = np.array(log_shares)
    total = np.log(np.exp(log_probabilities).sum())
    return table, (log_probabilities - total).astype(np.float32)


def _half_cauchy(log_value: np.ndarray | float) -> np.ndarray:
    """Density of the logarithm of a half-Cauchy variable of scale 1."""
    return np.asarray(1 / (np.pi * np.cosh(log_value)))
