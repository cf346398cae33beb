"""brms' default priors, by family.

As ``brms::get_prior`` of version 2.18 gives them: flat slopes, a Student-t on the intercept of
the centred predictors whose place and width follow the response, and a prior for each further
parameter of the family.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.models.priors import Prior

NARROWEST: Final = 2.5
MAD_OF_NORMAL: Final = 1.4826
# Families by the link of their mean, in Bambi's names.
IDENTITY: Final = ("gaussian", "t")
LOG: Final = ("poisson", "negativebinomial")
LOGIT: Final = ("bernoulli", "binomial", "beta")
FAMILIES: Final = (*LOGIT, *IDENTITY, *LOG)


def brms_priors(family: str, response: np.ndarray) -> dict[str, Prior]:
    """Default priors of a regression.

    Parameters
    ----------
    family : str
        ``bernoulli``, ``binomial``, ``beta``, ``gaussian``, ``t``, ``poisson`` or
        ``negativebinomial``, each with its usual link.
    response : (row,) array
        Its median and its median absolute deviation (times 1.4826), on the scale of an identity
        or log link and rounded to one decimal, are the intercept's place and width, the width
        at least 2.5; a logit link takes 0 and 2.5.

    Returns
    -------
    dict of str to Prior
        In Bambi's terms. brms keeps the degrees of freedom of Student's t above 1, Bambi above 0.

    Raises
    ------
    InputError
        If brms' defaults for the family are not known here.
    """
    if family not in FAMILIES:
        raise InputError(
            "there are no default priors for this family",
            value=family,
            allowed=", ".join(FAMILIES),
            remedy="Name a prior for every parameter, or use one of these.",
        )
    place, scale = 0.0, NARROWEST
    if family not in LOGIT:
        on_link = np.log(np.where(response == 0, 0.1, response)) if family in LOG else response
        middle = np.median(on_link)
        place = float(np.round(middle, 1)) + 0.0
        spread = MAD_OF_NORMAL * np.median(np.abs(on_link - middle))
        scale = max(NARROWEST, float(np.round(spread, 1)))
    shape = Prior.of("Gamma", alpha=0.01, beta=0.01)
    of_family = {
        "sigma": Prior.of("HalfStudentT", nu=3, sigma=scale),
        "nu": Prior.of("Gamma", alpha=2, beta=0.1),
        "alpha": shape,
        "kappa": shape,
    }
    used = {
        "gaussian": ("sigma",),
        "t": ("sigma", "nu"),
        "negativebinomial": ("alpha",),
        "beta": ("kappa",),
    }.get(family, ())
    return {
        "common": Prior.of("Flat"),
        "Intercept": Prior.of("StudentT", nu=3, mu=place, sigma=scale),
        **{name: of_family[name] for name in used},
    }
