"""What is concluded: weights, correlations, contrasts and the paper's other numbers."""

from __future__ import annotations

from selfinterp_stats.estimates.agreement import agreement_of
from selfinterp_stats.estimates.correlations import Correlations, fit_correlations
from selfinterp_stats.estimates.results import Results, Settings
from selfinterp_stats.estimates.weights import Weights, fit_weights

__all__ = [
    "Correlations",
    "Results",
    "Settings",
    "Weights",
    "agreement_of",
    "fit_correlations",
    "fit_weights",
]
