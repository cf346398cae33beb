"""Particles of slopes: moves that leave their density as it is, and posteriors known otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import kstest, norm

from selfinterp_stats.estimates.propagation.choices import Around, Choices
from selfinterp_stats.estimates.propagation.particles import compiled
from selfinterp_stats.inference.engines.seeds import keys_data

PARTICLES, TRIALS, K = 8000, 6, 3
# Particles that were resampled count as a quarter of independent ones, or more.
INDEPENDENT = PARTICLES / 4
# The first scenario has no choices and no reports, so that only moves could change its particles.
AROUND = Around(
    ell=np.array([1.0, 1.5]),
    nu=np.array([0.4, 0.6]),
    delta=np.array([0.0, 1.0]),
    logit_pi=np.array([0.5, -0.3]),
    pull=np.array([[0.0, 0.0, 0.0], [4.0, -2.0, 1.0]]),
    curve=np.array([0.0, 3.0]),
)
STEPS = 12


@pytest.fixture(scope="module")
def led():
    """Particles of both scenarios, after a dozen steps: most of them at heat one, moves alone."""
    rng = np.random.default_rng(0)
    choices = Choices(
        d=rng.uniform(-1, 1, size=(2, TRIALS, K)),
        chose_a=rng.integers(2, size=(2, TRIALS)),
        made=np.stack([np.zeros(TRIALS), np.ones(TRIALS)]),
    )
    single = [type(of)(*(a.astype(np.float32) for a in of)) for of in (choices, AROUND)]
    start, step = compiled(PARTICLES)
    state = start(keys_data(0, "slopes", [("a",), ("b",)])[:, :2], *single)
    for _ in range(STEPS):
        state = step(state, *single)
    assert (np.asarray(state.heat) == 1).all()
    return choices, np.asarray(state.intercept, float), np.asarray(state.slopes, float)


def scaled(slopes):
    largest = np.abs(slopes).max(axis=1)
    return slopes / largest[:, None], np.log(largest)


def test_moves_leave_the_density_of_slopes_as_it_is(led):
    """Sizes uniform below the largest, which is lognormal; each attribute as likely to be it."""
    _, intercept, slopes = led
    weights, log_largest = scaled(slopes[0])
    normal = norm(AROUND.ell[0], AROUND.nu[0])
    # Moves are independent of each other, and resampling leaves each particle once.
    assert kstest(log_largest, normal.cdf).pvalue > 1e-4
    below = np.abs(weights)[np.abs(weights) < 1]
    assert len(below) == PARTICLES * (K - 1)
    assert kstest(below, "uniform").pvalue > 1e-4
    assert kstest(intercept[0] / 2.5, "t", (3,)).pvalue > 1e-4
    shares = np.bincount(np.abs(weights).argmax(axis=1), minlength=K) / PARTICLES
    np.testing.assert_allclose(shares, 1 / K, atol=4.5 * np.sqrt(2 / 9 / PARTICLES))
    positive = (weights > 0).mean()
    assert positive == pytest.approx(expit(0.5), abs=4.5 * np.sqrt(0.25 / K / PARTICLES))


def test_particles_stand_for_choices_and_reports_as_weighed_draws_of_the_prior_do(led):
    choices, _, slopes = led
    rng = np.random.default_rng(1)
    n = 400_000
    weights = rng.uniform(size=(n, K))
    weights[np.arange(n), rng.integers(K, size=n)] = 1.0
    weights *= np.where(rng.random((n, K)) < expit(AROUND.logit_pi[1]), 1, -1)
    log_largest = AROUND.ell[1] + AROUND.nu[1] * rng.normal(size=n)
    logit = (2.5 * rng.standard_t(3, n))[:, None] + np.exp(log_largest)[:, None] * (
        weights @ choices.d[1].T
    )
    log_weight = np.where(choices.chose_a[1], -np.logaddexp(0, -logit), -np.logaddexp(0, logit))
    log_weight = log_weight.sum(axis=1) + weights @ AROUND.pull[1]
    log_weight -= 0.5 * (AROUND.curve[1] + AROUND.delta[1]) * (weights**2).sum(axis=1)
    share = np.exp(log_weight - log_weight.max())
    share /= share.sum()
    assert 1 / (share**2).sum() > 5 * INDEPENDENT
    own, own_log = scaled(slopes[1])
    for value, found in [(log_largest, own_log), *zip(weights.T, own.T, strict=True)]:
        mean = share @ value
        sd = np.sqrt(share @ (value - mean) ** 2)
        assert found.mean() == pytest.approx(mean, abs=4.5 * sd / np.sqrt(INDEPENDENT))
        assert found.std() == pytest.approx(sd, rel=4.5 / np.sqrt(INDEPENDENT))
