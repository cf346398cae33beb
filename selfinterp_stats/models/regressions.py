"""Stage 2: standardised linear regressions of the weights on the reports.

With both sides standardised the slope is close to a correlation. Priors are brms' defaults: flat
slopes, a Student-t on the intercept of the centred predictors and a half-Student-t on the
residual sd, both scaled by the response.
"""

from __future__ import annotations

import numpy as np

from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.spec import ModelSpec

RESPONSE = "standardized_b"
REPORTS = "standardized_reports"
TRAINED = "itrained"
BASE_MODEL = "base_model"


def regression_priors(response: np.ndarray) -> dict[str, Prior]:
    """Brms' default priors of a Gaussian regression (``brms::get_prior``).

    Parameters
    ----------
    response : (rows,) array
        The scale is the larger of 2.5 and the response's median absolute deviation (times
        1.4826), the location its median, both rounded to one decimal as brms does.
    """
    median = float(np.median(response)) + 0.0
    deviation = 1.4826 * float(np.median(np.abs(response - median)))
    scale = max(2.5, round(deviation, 1))
    return {
        "common": Prior.of("Flat"),
        "Intercept": Prior.of("StudentT", nu=3, mu=round(median, 1), sigma=scale),
        "sigma": Prior.of("HalfStudentT", nu=3, sigma=scale),
    }


# A standardised response has a median of 0 to one decimal, give or take one, and a deviation far
# below 2.5: brms' rule gives this, also to the first of the paper's regressions, whose priors
# ``brms::update`` carries over to the others.
STANDARDISED_PRIORS = regression_priors(np.zeros(1))


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
