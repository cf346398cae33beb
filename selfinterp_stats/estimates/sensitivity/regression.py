"""Posteriors of thousands of small Gaussian regressions at once, without drawing.

The model is the paper's (brms' defaults: flat slopes, a Student-t on the intercept of the centred
predictors, a half-Student-t on the residual sd). Centred predictors are orthogonal to their
intercept, so given the residual sd a slope, or any contrast of slopes, is normal around its
least-squares estimate, whatever the priors of intercept and sd; those only say how residual sds
are weighed. What is left is one integral over the residual sd, taken on a grid of its logarithm.
The median of a contrast therefore is its least-squares estimate, and its HDI is symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.regressions import STANDARDISED_PRIORS

_NODES: Final = 81
_INTERCEPT_NODES: Final = 15
_STEPS: Final = 40
_CHUNK: Final = 1000
_TAILS: Final = 401
_FARTHEST: Final = 12.0


@dataclass(frozen=True)
class Regressions:
    """Least squares of many regressions, and one contrast of slopes of each.

    Attributes
    ----------
    estimate : (regression,) array
        Of the contrast.
    unit_sd : (regression,) array
        Its standard error where the residual sd is one.
    rss : (regression,) array
        Residual sum of squares.
    mean_y : (regression,) array
    n : (regression,) array
        Rows.
    slopes : (regression,) array
        Coefficients under flat priors: all but the intercept.
    sd_x : (regression,) array
        Standard deviation (n) of the only predictor, where there is but one.
    """

    estimate: np.ndarray
    unit_sd: np.ndarray
    rss: np.ndarray
    mean_y: np.ndarray
    n: np.ndarray
    slopes: np.ndarray
    sd_x: np.ndarray

    def pearson(self) -> np.ndarray:
        """Pearson's r, where there is but one predictor."""
        explained = self.estimate * self.sd_x
        return explained / np.sqrt(explained**2 + self.rss / self.n)

    def rows(self, which: slice | np.ndarray) -> Regressions:
        """Some of them."""
        return Regressions(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def contrast_hdi(fits: Regressions, prob: float) -> tuple[np.ndarray, np.ndarray]:
    """HDI of every regression's contrast.

    Parameters
    ----------
    fits : Regressions
    prob : float

    Returns
    -------
    low, high : (regression,) array
        Missing where a regression has no more rows than coefficients.
    """
    halves = [_half_width(part, prob) for part in _chunks(fits)]
    half = np.concatenate(halves) if halves else np.empty(0)
    return fits.estimate - half, fits.estimate + half


def correlation_hdi(fits: Regressions, prob: float) -> tuple[np.ndarray, np.ndarray]:
    """HDI of the correlation that a regression on one predictor implies.

    It is slope x sd(x) / sqrt(slope^2 var(x) + residual variance); the reports are taken as given.
    """
    ends = [_correlation_ends(part, prob) for part in _chunks(fits)]
    if not ends:
        return np.empty(0), np.empty(0)
    low, high = zip(*ends, strict=True)
    return np.concatenate(low), np.concatenate(high)


def _chunks(fits: Regressions) -> list[Regressions]:
    return [fits.rows(slice(i, i + _CHUNK)) for i in range(0, len(fits.n), _CHUNK)]


def residual_sds(fits: Regressions) -> tuple[np.ndarray, np.ndarray]:
    """Residual sds from the smallest up, and their posterior probabilities.

    Returns
    -------
    sd, probability : (regression, node) arrays
    """
    free = fits.n - fits.slopes - 1
    free = np.where(free >= 1, free, np.nan)[:, None]
    middle = 0.5 * np.log(fits.rss[:, None] / free)
    # In log(sd) the density falls off like a normal of sd 1/sqrt(2 free) towards the middle and
    # like exp(-(free - 1) log(sd)) to the right, and where that is flat like the prior.
    width = 8 / np.sqrt(2 * free)
    place = np.linspace(0, 1, _NODES)
    log_sd = middle - width + place * (2 * width + 30 / free)
    sd = np.exp(log_sd)
    log_density = (
        -(free - 1) * log_sd  # sd**-free, and one sd for a node's width: they are even in log(sd)
        - fits.rss[:, None] / (2 * sd**2)
        + _log_prior_sd(sd)
        + np.log(_intercept(fits, sd))
    )
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return sd, density / density.sum(axis=1, keepdims=True)


def _log_prior_sd(sd: np.ndarray) -> np.ndarray:
    nu, _, scale = _student(dict(STANDARDISED_PRIORS)["sigma"])
    return -(nu + 1) / 2 * np.log1p((sd / scale) ** 2 / nu)


def _intercept(fits: Regressions, sd: np.ndarray) -> np.ndarray:
    """Mean of the centred intercept's prior density over N(mean of y, sd / sqrt(n))."""
    nu, mu, scale = _student(dict(STANDARDISED_PRIORS)["Intercept"])
    nodes, weights = np.polynomial.hermite_e.hermegauss(_INTERCEPT_NODES)
    total = np.zeros_like(sd)
    for node, weight in zip(nodes, weights, strict=True):
        away = (fits.mean_y[:, None] + node * sd / np.sqrt(fits.n[:, None]) - mu) / scale
        total += weight * (1 + away**2 / nu) ** (-(nu + 1) / 2)
    return total


def _student(prior: Prior) -> tuple[float, float, float]:
    numbers = {name: float(np.ravel(value)[0]) for name, value in prior.arguments}
    return numbers["nu"], numbers.get("mu", 0.0), numbers["sigma"]


def _half_width(fits: Regressions, prob: float) -> np.ndarray:
    """Half the HDI: where the mixture of normals holds `prob`, by Newton's steps.

    The probability is concave in the half-width, so that from below every step stays below.
    """
    from scipy.special import ndtr, ndtri

    sd, share = residual_sds(fits)
    spread = sd * fits.unit_sd[:, None]
    half = ndtri((1 + prob) / 2) * spread.min(axis=1)
    for _ in range(_STEPS):
        z = half[:, None] / spread
        inside = (share * (2 * ndtr(z) - 1)).sum(axis=1)
        slope = (share * np.exp(-(z**2) / 2) / spread).sum(axis=1) * np.sqrt(2 / np.pi)
        step = (prob - inside) / slope
        half = half + step
        if not (np.abs(step) > 1e-9 * half).any():
            break
    return half


def _correlation_ends(fits: Regressions, prob: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import ndtr
    from scipy.stats import t

    sd, share = residual_sds(fits)
    # On Fisher's scale: the correlation is tanh(z) where slope x sd(x) / residual sd is sinh(z).
    z = np.arctanh(np.clip(fits.pearson(), -1 + 1e-12, 1 - 1e-12))
    farthest = np.minimum(t.isf(1e-7, np.maximum(fits.n - 2, 1)), _FARTHEST)
    reach = farthest / np.sqrt(np.maximum(fits.n - 3, 1))
    grid = z[:, None] + reach[:, None] * np.linspace(-1, 1, _TAILS)
    below = np.empty_like(grid)
    for at in range(_TAILS):
        limit = np.sinh(grid[:, at])[:, None] * sd / fits.sd_x[:, None]
        away = (limit - fits.estimate[:, None]) / (sd * fits.unit_sd[:, None])
        below[:, at] = (share * ndtr(away)).sum(axis=1)
    lows, highs = np.full(len(z), np.nan), np.full(len(z), np.nan)
    tails = np.linspace(1e-6, 1 - prob - 1e-6, _TAILS)
    for i in np.flatnonzero(np.isfinite(below).all(axis=1)):
        left = np.tanh(np.interp(tails, below[i], grid[i]))
        right = np.tanh(np.interp(tails + prob, below[i], grid[i]))
        narrowest = int(np.argmin(right - left))
        lows[i], highs[i] = left[narrowest], right[narrowest]
    return lows, highs
