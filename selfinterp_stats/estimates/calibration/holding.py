"""How often intervals hold the truth, where those of one simulation depend on each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc
from scipy.stats import beta


@dataclass(frozen=True)
class Holding:
    """How often intervals held the truth, beside how often they should.

    Attributes
    ----------
    share : float
    low, high : float
        95% confidence interval of the share (Clopper & Pearson 1934).
    p_value : float
        Twice the smaller tail of a binomial with the probability that intervals have.
    """

    share: float
    low: float
    high: float
    p_value: float


def holding(held: np.ndarray, prob: float) -> Holding:
    """Test how often intervals of a probability hold the truth.

    Parameters
    ----------
    held : (simulation, quantity) array of bool
        Simulations are independent; quantities of one simulation may depend on each other.
    prob : float

    Returns
    -------
    Holding
        That of as many independent intervals as the dependent ones are worth: their number over
        the design effect of their intraclass correlation (Kish 1965), which is not taken to be
        below one. With strong dependence (correlations of .5 and more) and a hundred simulations or
        fewer, small p-values of 95% intervals still come several times too often.
    """
    n, quantities = held.shape
    share = float(held.mean())
    worth = n * quantities / max(1.0, 1 + (quantities - 1) * _intraclass(held, share))
    yes, no = share * worth, (1 - share) * worth
    below = betainc(no, yes + 1, 1 - prob) if no else 1.0
    above = betainc(yes, no + 1, prob) if yes else 1.0
    return Holding(
        share=share,
        low=float(beta.ppf(0.025, yes, no + 1)) if yes else 0.0,
        high=float(beta.ppf(0.975, yes + 1, no)) if no else 1.0,
        p_value=float(min(1.0, 2 * min(below, above))),
    )


def _intraclass(held: np.ndarray, share: float) -> float:
    """Correlation of two quantities of one simulation; none where all are alike."""
    quantities = held.shape[1]
    if quantities == 1 or share in (0, 1):
        return 0.0
    away = held - share
    pairs = away.sum(axis=1) ** 2 - (away**2).sum(axis=1)
    return float(pairs.mean() / (quantities * (quantities - 1) * share * (1 - share)))
