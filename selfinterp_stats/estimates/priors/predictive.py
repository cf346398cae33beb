"""What a prior says of the choices before any was seen."""

from __future__ import annotations

from typing import Final

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.priors import horseshoe
from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.models.families import draw
from selfinterp_stats.models.prior_sets import WIDTH_FREEDOM, WIDTH_SCALE, PriorSet

# A choice is near-certain where one option has more than this probability.
NEAR_CERTAIN: Final = 0.99
DRAWS: Final = 200


def near_certain(scenarios: Scenarios, prior_set: PriorSet, seed: int = 0) -> np.ndarray:
    """How often the prior makes a choice near-certain, for each scenario's own trials.

    Parameters
    ----------
    scenarios : Scenarios
    prior_set : PriorSet
    seed : int

    Returns
    -------
    (scenario,) array
        Share of trials and prior draws in which one option has a probability above .99.

    Raises
    ------
    InputError
        The prior is improper: nothing can be predicted from it.
    """
    rng = np.random.default_rng(seed)
    slopes = prior_slopes(scenarios, prior_set, rng, DRAWS)
    intercept = draw(prior_set.of_term("Intercept"), rng, (len(scenarios), DRAWS))
    certain = np.log(NEAR_CERTAIN / (1 - NEAR_CERTAIN))
    shares = np.empty(len(scenarios))
    for i in range(len(scenarios)):
        X = scenarios.X[scenarios.rows(i)]
        logit = intercept[i] + X @ slopes[i].T
        shares[i] = (np.abs(logit) > certain).mean()
    return shares


def prior_slopes(
    scenarios: Scenarios, prior_set: PriorSet, rng: np.random.Generator, draws: int
) -> np.ndarray:
    """Slopes drawn from the prior, (scenario, draw, slope).

    Scenarios share what the prior has them share: a learned width is one number in each draw.

    Raises
    ------
    InputError
        The prior is improper.
    """
    n, k = len(scenarios), len(scenarios.slopes)
    if prior_set.structure == "horseshoe":
        return horseshoe.draw(rng, (n, draws), k)
    unit = rng.standard_normal((n, draws, k))
    if prior_set.structure == "hierarchical":
        return unit * width(rng, draws)[:, None]
    if prior_set.structure == "scaled":
        return unit * scenarios.numbers_under(prior_set)[:, None, 1:, 1]
    for term in scenarios.slopes:
        try:
            draw(prior_set.of_term(term), rng, (0,))
        except InputError as error:
            raise InputError(
                f"the set {prior_set.name!r}: {error.problem}",
                value=error.value,
                allowed=error.allowed,
            ) from error
    columns = [draw(prior_set.of_term(term), rng, (n, draws)) for term in scenarios.slopes]
    return np.stack(columns, axis=-1)


def width(rng: np.random.Generator, size: int) -> np.ndarray:
    """Widths drawn from the prior of the one that scenarios share."""
    return np.asarray(WIDTH_SCALE * np.abs(rng.standard_t(WIDTH_FREEDOM, size)))
