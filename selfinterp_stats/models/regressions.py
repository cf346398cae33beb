"""Stage 2: standardised linear regressions of the weights on the reports.

With both sides standardised the slope is close to a correlation. Priors are brms' defaults: flat
slopes, a Student-t on the intercept of the centred predictors and a half-Student-t on the
residual sd, both scaled by the response.
"""

from __future__ import annotations

import numpy as np

from selfinterp_stats.models.defaults import brms_priors
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.spec import ModelSpec

RESPONSE = "standardized_b"
REPORTS = "standardized_reports"
TRAINED = "itrained"
BASE_MODEL = "base_model"


# A standardised response has a median of 0 to one decimal, give or take one, and a deviation far
# below 2.5: brms' rule gives this, also to the first of the paper's regressions, whose priors
# ``brms::update`` carries over to the others.
STANDARDISED_PRIORS = brms_priors("gaussian", np.zeros(1))


def correlation_model(priors: dict[str, Prior] | None = None) -> ModelSpec:
    """``standardized_b ~ standardized_reports``: one report set of one base model."""
    return ModelSpec.of(f"{RESPONSE} ~ {REPORTS}", "gaussian", priors or STANDARDISED_PRIORS)


def training_effect_model(
    priors: dict[str, Prior] | None = None, *, several_base_models: bool
) -> ModelSpec:
    """The interaction model behind the training-effect contrast.

    Parameters
    ----------
    priors : dict of str to Prior, optional
    several_base_models : bool
        With a single base model its term drops out.
    """
    terms = [REPORTS, TRAINED, *([BASE_MODEL] if several_base_models else [])]
    return ModelSpec.of(
        f"{RESPONSE} ~ {' * '.join(terms)}", "gaussian", priors or STANDARDISED_PRIORS
    )
