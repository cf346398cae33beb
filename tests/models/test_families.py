"""Priors of every family as one formula, and what is refused."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from selfinterp_stats.errors import InputError
from selfinterp_stats.models import Prior
from selfinterp_stats.models.families import (
    FAMILIES,
    check_prior,
    draw,
    log_density,
    numbers_of,
    scaled,
)

PRIORS = {
    "normal": (Prior.of("Normal", mu=1, sigma=2), stats.norm(1, 2)),
    "student": (Prior.of("StudentT", nu=3, mu=-1, sigma=2.5), stats.t(3, -1, 2.5)),
    "cauchy": (Prior.of("Cauchy", alpha=0.5, beta=2), stats.cauchy(0.5, 2)),
    "logistic": (Prior.of("Logistic", mu=0, s=1.5), stats.logistic(0, 1.5)),
    "laplace": (Prior.of("Laplace", mu=0.3, b=0.7), stats.laplace(0.3, 0.7)),
}
AT = np.array([-40.0, -2.0, 0.0, 0.3, 1.0, 25.0])


@pytest.mark.parametrize("name", PRIORS)
def test_log_density_is_the_distributions(name):
    prior, reference = PRIORS[name]
    assert log_density(numbers_of(prior), AT) == pytest.approx(reference.logpdf(AT), rel=1e-12)


@pytest.mark.parametrize("name", PRIORS)
def test_it_is_the_same_in_jax(name):
    numbers = numbers_of(PRIORS[name][0])
    in_jax = log_density(jnp.asarray(numbers), jnp.asarray(AT), jnp)
    assert np.asarray(in_jax) == pytest.approx(log_density(numbers, AT), rel=1e-5, abs=1e-5)


def test_a_flat_prior_says_nothing():
    assert (log_density(numbers_of(Prior.of("Flat")), AT) == 0).all()


def test_a_wider_prior_is_still_a_density():
    wider = scaled(numbers_of(Prior.of("Normal", mu=0, sigma=1)), np.array([0.5, 3.0]))
    for numbers, sigma in zip(wider, (0.5, 3.0), strict=True):
        assert log_density(numbers, AT) == pytest.approx(stats.norm(0, sigma).logpdf(AT))


@pytest.mark.parametrize("name", PRIORS)
def test_draws_are_from_the_distribution(name):
    prior, reference = PRIORS[name]
    drawn = draw(prior, np.random.default_rng(0), (20_000,))
    # The largest distance of the distribution functions is above this once in 100,000 times.
    assert stats.kstest(drawn, reference.cdf).pvalue > 1e-5


def test_nothing_can_be_drawn_from_a_flat_prior():
    with pytest.raises(InputError) as caught:
        draw(Prior.of("Flat"), np.random.default_rng(0), (1,))
    assert str(caught.value) == (
        "an improper prior has no prior predictive distribution (found 'Flat()'). Allowed: Normal, "
        "StudentT, Cauchy, Logistic, Laplace. Give a proper prior where choices are to be "
        "predicted from it."
    )


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (
            Prior.of("Gaussian", mu=0, sigma=1),
            (
                "this distribution is not known here (found 'Gaussian'). Allowed: "
                f"{', '.join(FAMILIES)}."
            ),
        ),
        (
            Prior.of("Normal", mu=0, sd=1),
            "Normal has no such parameter (found 'sd'). Allowed: mu, sigma.",
        ),
        (Prior.of("Normal", sigma=1), "Normal lacks its parameter mu. Allowed: mu, sigma."),
        (
            Prior.of("Flat", mu=0),
            "Flat has no such parameter (found 'mu'). Allowed: no parameters.",
        ),
        (
            Prior.of("StudentT", nu=0, mu=0, sigma=1),
            "nu of StudentT cannot be this (found 0.0). Allowed: a number above 0.",
        ),
        (
            Prior.of("Normal", mu=[0, 1], sigma=1),
            "mu of Normal is not a single number (found (0.0, 1.0)). Allowed: one finite number.",
        ),
        (
            Prior.of("Normal", mu=0, sigma=float("inf")),
            "sigma of Normal is not a single number (found inf). Allowed: one finite number.",
        ),
    ],
)
def test_a_wrong_prior_is_refused(prior, message):
    with pytest.raises(InputError) as caught:
        check_prior(prior)
    assert str(caught.value) == message
