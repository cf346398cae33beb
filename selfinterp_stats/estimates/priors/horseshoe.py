"""The regularised horseshoe as a prior of slopes alone, its scales integrated out.

Piironen & Vehtari (2017, Electronic Journal of Statistics 11): given a global scale t, a slab c
and local scales l_j, slope j is normal with variance (t l_j c)^2 / (c^2 + (t l_j)^2); t and l_j
are half-Cauchy, c^2 is inverse gamma. The local scales are integrated out slope by slope on a
grid of slopes, t and c on a grid that all slopes of a scenario share. What is left is a density of
the slopes, with which draws of another posterior can be weighed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

import numpy as np

from selfinterp_stats.inference.running.devices import cores
from selfinterp_stats.models.prior_sets import HORSESHOE_GLOBAL, SLAB_FREEDOM, SLAB_SCALE

_GLOBAL_NODES: Final = 21
_SLAB_NODES: Final = 5
_LOCAL_NODES: Final = 300
# Slopes on the logit scale. The density of one slope has a pole at zero, but one so weak that
# nothing hangs on what lies nearer.
_SMALLEST: Final = 1e-4
_LARGEST: Final = 100.0
_STEP: Final = 0.01
_CHUNK: Final = 5_000


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
