"""Stage 1: the logistic regression that finds the weights behind a model's choices.

brms in the paper: ``bernoulli`` family, ``normal(0, 1)`` on the slopes, and brms' default
``student_t(3, 0, 2.5)`` on the intercept of the mean-centred predictors.
"""

from __future__ import annotations

from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.spec import ModelSpec

WEIGHT_PRIORS = {
    "common": Prior.of("Normal", mu=0, sigma=1),
    "Intercept": Prior.of("StudentT", nu=3, mu=0, sigma=2.5),
}


def weights_model(n_attributes: int, priors: dict[str, Prior] | None = None) -> ModelSpec:
    """The model of one scenario's choices.

    Parameters
    ----------
    n_attributes : int
        Predictors are ``d1`` to ``d{n_attributes}``: the difference of the two options in an
        attribute, A minus B, as a share of the attribute's range.
    priors : dict of str to Prior, optional
        Bambi's terms; the paper's unless given.

    Returns
    -------
    ModelSpec
        Of ``chose_a``, which is 1 where the model chose option A.
    """
    predictors = " + ".join(f"d{i}" for i in range(1, n_attributes + 1))
    return ModelSpec.of(f"chose_a ~ {predictors}", "bernoulli", priors or WEIGHT_PRIORS)
