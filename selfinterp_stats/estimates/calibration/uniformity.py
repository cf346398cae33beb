"""Whether ranks are uniform: Neyman's smooth test for ranks that come in dependent groups.

In simulation-based calibration (Talts et al. 2018, arXiv:1804.06788; Modrák et al. 2023,
doi:10.1214/23-BA1404) a parameter is drawn from its prior, data from the parameter, and the rank of
the parameter among L draws of its posterior is uniform on 0..L if all is well. Ranks of several
parameters of one simulation are not independent of each other, so that pooling them as if they were
would make a test of unknown level. Here each simulation is one observation: the mean over its ranks
of a few polynomials that are orthonormal under uniformity (shift, spread, skew, tails). Of one
quantity their covariance is then the identity, and n times their squared mean is chi-squared. Of
several the covariance is that of independent ranks plus what the quantities share, which is all
that is estimated; the reference is Hotelling's, as if the whole were. Estimating what is known
would cost the test its level where simulations are few: with 50 of them, 1 set of uniform ranks in
40 would have a p-value below .001.

An array core: nothing here knows a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from scipy import stats

# Neyman's (1937) own number of components; the first two answer to a posterior that is off, too
# wide or too narrow, the next two to its shape.
COMPONENTS: Final = 4
# Of so few simulations nothing can be said.
FEWEST: Final = 2 * COMPONENTS + 1
# The departure that the power of a test is told for: posterior sds that are too small by this.
NARROW: Final = 1.5
# What pooled quantities share may be negative, but the variance of their mean is not taken to be
# less than this part of what independent ones have.
_LEAST_VARIANCE: Final = 0.1


@dataclass(frozen=True)
class Uniformity:
    """The verdict on one set of ranks.

    Attributes
    ----------
    statistic : float
        Of a chi-squared over its degrees of freedom (one quantity), or an F (several): 1 is what
        uniform ranks give on average.
    p_value : float
    simulations : int
    quantities : int
        Of each simulation.
    shift, spread : float
        Means of the first two components. Under uniformity each has expectation zero; a positive
        shift says that posteriors are too low, a positive spread that they are too narrow.
    """

    statistic: float
    p_value: float
    simulations: int
    quantities: int
    shift: float
    spread: float

    def power(self, level: float, simulations: int | None = None) -> float:
        """How often a test at this level finds a departure as large as the one estimated here.

        Parameters
        ----------
        level : float
        simulations : int, optional
            As many as were made unless given.

        Returns
        -------
        float
            From the noncentral chi-squared; its noncentrality is what the statistic exceeds its
            expectation by.
        """
        n = self.simulations
        wanted = n if simulations is None else simulations
        excess = max(0.0, COMPONENTS * (self.statistic / _scale(n, self.quantities) - 1))
        critical = COMPONENTS * _reference(wanted, self.quantities).isf(level)
        return float(stats.ncx2.sf(critical, COMPONENTS, excess * wanted / n)) if excess else level


def uniformity(ranks: np.ndarray, draws: int) -> Uniformity:
    """Test ranks for uniformity.

    Parameters
    ----------
    ranks : (simulation, quantity) array of int
        From 0 to `draws`. Simulations are independent; quantities of one simulation are pooled and
        may depend on each other.
    draws : int
        How many (nearly independent) draws each rank was taken among.

    Returns
    -------
    Uniformity

    Raises
    ------
    ValueError
        Fewer simulations than the test can be made of, or a rank beyond the draws.
    """
    ranks = np.asarray(ranks)
    n = len(ranks)
    if n < FEWEST:
        raise ValueError(f"the test needs at least {FEWEST} simulations, not {n}")
    if ranks.min() < 0 or ranks.max() > draws:
        raise ValueError(f"ranks are between 0 and {draws}")
    components = _polynomials(draws)[ranks]
    quantities = components.shape[1]
    pooled = components.mean(axis=1)
    mean = pooled.mean(axis=0)
    size, axes = np.linalg.eigh(_covariance(components, pooled))
    size = np.maximum(size, _LEAST_VARIANCE / quantities)
    squared = n * float(((axes.T @ mean) ** 2 / size).sum())
    statistic = squared / COMPONENTS * _scale(n, quantities)
    p_value = float(_reference(n, quantities).sf(statistic))
    return Uniformity(statistic, p_value, n, quantities, float(mean[0]), float(mean[1]))


def _covariance(components: np.ndarray, pooled: np.ndarray) -> np.ndarray:
    """Covariance of the pooled components of uniform ranks, whatever the ranks' dependence."""
    n, quantities, _ = components.shape
    independent = np.eye(COMPONENTS) / quantities
    if quantities == 1:
        return independent
    own = np.einsum("sqk,sql->kl", components, components) / quantities**2
    return np.asarray(independent + (pooled.T @ pooled - own) / n)


def _scale(simulations: int, quantities: int) -> float:
    """What makes an F of Hotelling's T² over its degrees of freedom."""
    if quantities == 1:
        return 1.0
    return (simulations - COMPONENTS) / (simulations - 1)


@lru_cache(maxsize=64)
def _reference(simulations: int, quantities: int) -> Any:
    """The distribution of the statistic of uniform ranks."""
    if quantities == 1:
        return stats.chi2(COMPONENTS, scale=1 / COMPONENTS)
    return stats.f(COMPONENTS, simulations - COMPONENTS)


@lru_cache(maxsize=64)
def power_against_narrow(level: float, simulations: int, factor: float = NARROW) -> float:
    """How often the test finds normal posteriors whose sds are too small by a factor.

    Parameters
    ----------
    level : float
    simulations : int
    factor : float

    Returns
    -------
    float
        For one quantity; of several that are pooled it is more. The mean of the components is
        taken to be normal, which with 50 simulations is off by some hundredths.
    """
    z = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    fine = 1000
    place = (stats.norm.cdf(factor * z) * fine).round().astype(int)
    components = _polynomials(fine)[place]
    mean, covariance = components.mean(axis=0), np.cov(components, rowvar=False)
    noise = np.random.default_rng(0).multivariate_normal(np.zeros(COMPONENTS), covariance, 20_000)
    squared = ((np.sqrt(simulations) * mean + noise) ** 2).sum(axis=1)
    return float((squared / COMPONENTS > _reference(simulations, 1).isf(level)).mean())


def holm(p_values: np.ndarray) -> np.ndarray:
    """P-values of many tests, adjusted so that the chance of any false alarm is kept (Holm 1979).

    Parameters
    ----------
    p_values : (test,) array
        A missing one belongs to no test.

    Returns
    -------
    (test,) array
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = np.full_like(p_values, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * p_values[order]))
    return adjusted


@lru_cache(maxsize=8)
def ecdf_band(simulations: int, draws: int, prob: float = 0.95, points: int = 50) -> np.ndarray:
    """How far the ECDF of uniform ranks strays from the diagonal, at all points at once.

    A band for the eye, of the kind of Säilynoja, Bürkner & Vehtari (2022,
    doi:10.1007/s11222-022-10090-6): each point has the same chance of being left, and that chance
    is made so small, by simulation, that `prob` of all uniform samples stay within everywhere.

    Parameters
    ----------
    simulations, draws : int
    prob : float
    points : int

    Returns
    -------
    (3, points) array
        Where the ECDF is looked at, and the lower and upper end of ECDF minus diagonal.
    """
    at = np.unique(np.linspace(0, draws, points + 1)[:-1].round().astype(int))
    diagonal = (at + 1) / (draws + 1)
    rng = np.random.default_rng(0)
    made = 2_000
    counts = rng.multinomial(simulations, np.full(draws + 1, 1 / (draws + 1)), size=made)
    heights = counts.cumsum(axis=1)[:, at]
    below = stats.binom.cdf(heights, simulations, diagonal)
    above = stats.binom.sf(heights - 1, simulations, diagonal)
    least = np.minimum(below, above).min(axis=1)
    tail = np.quantile(least, 1 - prob)
    low = stats.binom.ppf(tail, simulations, diagonal) / simulations - diagonal
    high = stats.binom.isf(tail, simulations, diagonal) / simulations - diagonal
    return np.stack([diagonal, low, high])


@lru_cache(maxsize=8)
def _polynomials(draws: int) -> np.ndarray:
    """Polynomials of degree 1 to `COMPONENTS`, orthonormal over ranks 0..draws.

    Returns
    -------
    (draws + 1, component) array
    """
    place = np.linspace(-1, 1, draws + 1)
    basis, triangle = np.linalg.qr(np.vander(place, COMPONENTS + 1, increasing=True))
    return np.asarray((basis * np.sign(np.diag(triangle)))[:, 1:] * np.sqrt(draws + 1))
