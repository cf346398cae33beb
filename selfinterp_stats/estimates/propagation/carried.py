"""Stage 2 with the weights' uncertainty carried into it: multiple imputation, a cut posterior.

Each of many stage-1 draws is scaled by its own largest weight, standardised and regressed as if
it were the truth; the posteriors of these regressions are pooled. Nothing flows back from the
reports to the weights. With the posterior means as the one draw, this is the paper's plug-in.

No regression needs a sampler: given the residual sd a slope is normal, and the residual sd has one
dimension (see `sensitivity.regression`). One posterior alone is summarised by quadrature; those of
many imputations are pooled as independent draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from selfinterp_stats.estimates.agreement import FEWEST_ROWS
from selfinterp_stats.estimates.propagation.scenarios import max_scaled
from selfinterp_stats.estimates.results import CHAINS
from selfinterp_stats.estimates.sensitivity.arrays import Sums
from selfinterp_stats.estimates.sensitivity.conclusions import contrast_of
from selfinterp_stats.estimates.sensitivity.regression import (
    Regressions,
    contrast_hdi,
    correlation_hdi,
    residual_sds,
)
from selfinterp_stats.inference.summary.summaries import summarise

IMPUTATIONS: Final = 400
# From each imputation's posterior, over all chains.
DRAWS: Final = 2000


@dataclass(frozen=True)
class Predicted:
    """What weights are regressed on, one row per scenario and explaining model.

    Attributes
    ----------
    x : (row, attribute) array
        Standardised.
    at : (row,) array of int
        Place of the row's scenario among the weights; -1 for one without.
    """

    x: np.ndarray
    at: np.ndarray


@dataclass(frozen=True)
class Pooled:
    """Posterior of one number over all imputations.

    Attributes
    ----------
    draws : (chain, draw) array
        Imputations one after the other, shared out over the chains.
    rhat, ess_bulk : float
        The worst over the imputations, each by itself, and over the pooled draws.
    within_sd, between_sd : float
        Within an imputation's posterior (root mean square), and between their means.
    """

    draws: np.ndarray
    rhat: float
    ess_bulk: float
    within_sd: float
    between_sd: float


def imputations(slopes: np.ndarray, number: int = IMPUTATIONS) -> np.ndarray:
    """Max-scaled weights of so many stage-1 draws, evenly spaced.

    Parameters
    ----------
    slopes : (chain, draw, scenario, attribute) array
        Logit scale.

    Returns
    -------
    (imputation, scenario, attribute) array
    """
    flat = slopes.reshape(-1, *slopes.shape[2:])
    which = np.linspace(0, len(flat) - 1, min(number, len(flat))).round().astype(int)
    return max_scaled(flat[which].astype(float))[0]


def regressed(cells: Sequence[tuple[Predicted, np.ndarray]], signs: Sequence[float]) -> Regressions:
    """One contrast of slopes, for every imputation.

    Parameters
    ----------
    cells : sequence of (Predicted, (imputation, scenario, attribute) array)
        Each with the weights of its base model; they are standardised here, over all scenarios.
    signs : sequence of float
    """
    return contrast_of([_sums(one, weights) for one, weights in cells], np.array(signs))


def _sums(cell: Predicted, weights: np.ndarray) -> Sums:
    mean = np.nanmean(weights, axis=(1, 2), keepdims=True)
    sd = np.nanstd(weights, axis=(1, 2), ddof=1, keepdims=True)
    y = ((weights - mean) / sd)[:, cell.at]
    used = np.isfinite(cell.x) & (cell.at >= 0)[:, None] & np.isfinite(y)
    n = used.sum(axis=(1, 2)).astype(float)
    n[n < FEWEST_ROWS] = np.nan
    x, y = np.where(used, cell.x, 0.0), np.where(used, y, 0.0)
    mean_x, mean_y = x.sum(axis=(1, 2)) / n, y.sum(axis=(1, 2)) / n
    sxx, sxy, syy = (
        (a * b).sum(axis=(1, 2)) - n * mean_a * mean_b
        for a, b, mean_a, mean_b in (
            (x, x, mean_x, mean_x),
            (x, y, mean_x, mean_y),
            (y, y, mean_y, mean_y),
        )
    )
    return Sums(n, mean_x, mean_y, sxx, sxy, syy)


def by_quadrature(fits: Regressions, *, correlation: bool, prob: float) -> dict[str, float]:
    """Summarise the posterior of the only imputation, without drawing.

    Parameters
    ----------
    fits : Regressions
        Of one imputation.
    correlation : bool
        Whether Pearson's r is wanted in the place of the contrast.
    prob : float
        Of the HDI.

    Returns
    -------
    dict of str to float
        ``median`` (of a correlation Pearson's r itself), ``hdi_low``, ``hdi_high``, ``pd``.
    """
    from scipy.special import ndtr

    low, high = (correlation_hdi if correlation else contrast_hdi)(fits, prob)
    middle = fits.pearson() if correlation else fits.estimate
    sd, share = residual_sds(fits)
    # A correlation has its slope's sign.
    one_sided = (share * ndtr(np.abs(fits.estimate[:, None]) / (sd * fits.unit_sd[:, None]))).sum()
    return {
        "median": float(middle[0]),
        "hdi_low": float(low[0]),
        "hdi_high": float(high[0]),
        "pd": min(float(one_sided), 1.0),
    }


def posterior_draws(
    fits: Regressions, *, correlation: bool, draws: int, random: np.random.Generator
) -> np.ndarray:
    """Independent draws of every regression's contrast, or of the correlation that it implies.

    Returns
    -------
    (regression, draw) array
    """
    sd, share = residual_sds(fits)
    below = np.cumsum(share, axis=1)
    uniform = random.random((len(sd), draws))
    residual = np.stack(
        [
            np.interp(u, b - s / 2, own)
            for u, b, s, own in zip(uniform, below, share, sd, strict=True)
        ]
    )
    normal = random.standard_normal(residual.shape)
    slope = fits.estimate[:, None] + normal * residual * fits.unit_sd[:, None]
    if not correlation:
        return slope
    explained = slope * fits.sd_x[:, None]
    return explained / np.sqrt(explained**2 + residual**2)


def pooled(
    fits: Regressions, *, correlation: bool, draws: int, random: np.random.Generator
) -> Pooled:
    """Pool the imputations' posteriors, and judge them one by one and together.

    Parameters
    ----------
    fits : Regressions
        One for each imputation.
    correlation : bool
        Whether the correlation is wanted that the slope implies.
    draws : int
        From each imputation, over all chains.
    random : numpy.random.Generator
    """
    drawn = posterior_draws(fits, correlation=correlation, draws=draws, random=random)
    by_chain = drawn.reshape(len(drawn), CHAINS, -1)
    # Whole imputations go to one chain each in turn, so that chains differ if imputations do.
    if len(drawn) >= CHAINS:
        used = len(drawn) - len(drawn) % CHAINS
        together = drawn[:used].reshape(-1, CHAINS, draws).transpose(1, 0, 2).reshape(CHAINS, -1)
    else:
        together = by_chain.transpose(1, 0, 2).reshape(CHAINS, -1)
    single, all_ = summarise(by_chain), summarise(together[None])
    return Pooled(
        draws=together,
        rhat=float(max(single["rhat"].max(), all_["rhat"].max())),
        ess_bulk=float(min(single["ess_bulk"].min(), all_["ess_bulk"].min())),
        within_sd=float(np.sqrt((single["sd"] ** 2).mean())),
        between_sd=float(single["mean"].std(ddof=1)) if len(drawn) > 1 else 0.0,
    )
