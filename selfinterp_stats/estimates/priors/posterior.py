"""Posteriors of all scenarios under one set of priors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.models.prior_sets import PriorSet

# Figures of the table of weights.
FIGURES: Final = ("mean", "median", "sd", "hdi_low", "hdi_high", "ess_bulk", "ess_tail", "rhat")


LogPrior = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class LearnedWidth:
    """Posterior of the width that the slopes of some scenarios share.

    Attributes
    ----------
    draws : (chain, draw) array
        Drawn together with the slopes of these scenarios.
    """

    draws: np.ndarray

    def quantile(self, probability: np.ndarray | float) -> np.ndarray:
        """Quantiles."""
        return np.asarray(np.quantile(self.draws, probability))


@dataclass(frozen=True)
class Posterior:
    """All scenarios under one set of priors.

    Attributes
    ----------
    prior_set : PriorSet
    draws : (scenario, chain, draw, parameter) array
        Intercept of the mean-centred predictors, then the slopes, on the logit scale; missing
        for a scenario without a proper posterior.
    log_prior : callable
        Of (scenario, draw, parameter) arrays of draws, up to a constant: (scenario, draw).
    summaries : dict of str to (scenario, slope) array
        `FIGURES`.
    diagnostics : pandas.DataFrame
        One row per scenario: ``engine, pareto_k, ok, reason`` among others.
    problems : (scenario,) array of str
        Why a scenario has no posterior; empty where it has.
    note : str
        What the set learned, for readers.
    learned : tuple of LearnedWidth
        By base model and set, where widths are learned.
    """

    prior_set: PriorSet
    draws: np.ndarray
    log_prior: LogPrior
    summaries: dict[str, np.ndarray]
    diagnostics: pd.DataFrame
    problems: np.ndarray
    note: str = ""
    learned: tuple[LearnedWidth, ...] = ()

    def without_draws(self) -> Posterior:
        """The same with nothing that takes much memory."""
        return replace(self, draws=np.empty(0))

    @property
    def means(self) -> np.ndarray:
        """Posterior means of the slopes, (scenario, slope)."""
        return self.summaries["mean"]
