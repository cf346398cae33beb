"""What is believed: each brms model of the paper as a Bambi model, priors spelled out."""

from __future__ import annotations

from selfinterp_stats.models.defaults import brms_priors
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.regressions import (
    correlation_model,
    training_effect_model,
)
from selfinterp_stats.models.spec import ModelSpec
from selfinterp_stats.models.weights import WEIGHT_PRIORS, weights_model

__all__ = [
    "WEIGHT_PRIORS",
    "ModelSpec",
    "Prior",
    "brms_priors",
    "correlation_model",
    "training_effect_model",
    "weights_model",
]
