"""One compiled density for priors of every family."""

from __future__ import annotations

import jax
import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.inference.density.any_prior import stacked, with_any_prior
from selfinterp_stats.inference.fit import prepare_groups
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.models import Prior, weights_model
from selfinterp_stats.models.families import numbers_of

RNG = np.random.default_rng(0)
DATA = pd.DataFrame(
    {
        "g": np.repeat(["a", "b"], 12),
        "d1": RNG.uniform(-1, 1, 24),
        "d2": RNG.uniform(-1, 1, 24),
        "chose_a": np.tile([0, 1, 1], 8),
    }
)
INTERCEPT = Prior.of("StudentT", nu=3, mu=0, sigma=2.5)


@pytest.mark.parametrize(
    "slopes",
    [
        Prior.of("Normal", mu=0.5, sigma=2),
        Prior.of("StudentT", nu=4, mu=0, sigma=1),
        Prior.of("Cauchy", alpha=0, beta=2),
        Prior.of("Logistic", mu=0, s=1),
        Prior.of("Laplace", mu=0, b=1),
    ],
    ids=lambda prior: prior.name,
)
def test_it_is_the_density_that_is_compiled_for_the_family(slopes):
    spec = weights_model(2, {"common": slopes, "Intercept": INTERCEPT})
    prepared = prepare_groups(spec, DATA, ["g"], Sampling())
    own = prepared.batch(np.array([1]), 12).data
    own = type(own)(*(part[0] for part in own))
    numbers = stacked([numbers_of(prior) for prior in (INTERCEPT, slopes, slopes)], 2)
    at = np.array([0.3, -1.2, 2.0])
    with jax.enable_x64(True):
        expected = prepared.lifted.log_density(at, own)
        found = with_any_prior(prepared.lifted).log_density(at, own._replace(numbers=numbers[1]))
    assert float(found) == pytest.approx(float(expected), rel=1e-9)


def test_a_model_that_is_given_again_gives_the_same():
    prepared = prepare_groups(weights_model(2), DATA, ["g"], Sampling())
    assert with_any_prior(prepared.lifted) is with_any_prior(prepared.lifted)
