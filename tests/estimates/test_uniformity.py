"""The test of ranks: its level whatever the dependence, its power, and the band drawn with it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from selfinterp_stats.estimates.calibration.uniformity import (
    ecdf_band,
    holm,
    power_against_narrow,
    uniformity,
)

DRAWS = 100


def dependent_ranks(rng, simulations, quantities=5, correlation=0.7):
    """Uniform ranks that depend on each other within a simulation, through a normal copula."""
    shared = rng.standard_normal((simulations, 1))
    own = rng.standard_normal((simulations, quantities))
    u = stats.norm.cdf(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)
    return np.minimum((u * (DRAWS + 1)).astype(int), DRAWS)


def normal_ranks(rng, simulations, width):
    """Ranks of a standard normal truth among draws of a normal of another width."""
    truth = rng.standard_normal((simulations, 1))
    return (rng.normal(scale=width, size=(simulations, DRAWS)) < truth).sum(axis=1)[:, None]


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_uniform_ranks_fail_as_often_as_the_level_says(correlation):
    rng = np.random.default_rng(0)
    tests = 2000
    p = [
        uniformity(dependent_ranks(rng, 300, correlation=correlation), DRAWS).p_value
        for _ in range(tests)
    ]
    for level in (0.05, 0.01):
        # The range that a test of this level leaves once in ten thousand.
        low, high = stats.binom.ppf([5e-5, 1 - 5e-5], tests, level) / tests
        assert low <= np.mean(np.array(p) < level) <= high


@pytest.mark.parametrize("simulations", [20, 50, 200])
def test_one_quantity_at_a_time_fails_as_often_however_few_the_simulations(simulations):
    rng = np.random.default_rng(1)
    tests = 5000
    ranks = rng.integers(DRAWS + 1, size=(tests, simulations, 1))
    p = np.array([uniformity(one, DRAWS).p_value for one in ranks])
    for level in (0.05, 0.01, 0.001):
        low, high = stats.binom.ppf([5e-5, 1 - 5e-5], tests, level) / tests
        assert low <= np.mean(p < level) <= high


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_several_quantities_of_few_simulations_fail_no_more_often(correlation):
    rng = np.random.default_rng(6)
    tests = 2000
    p = [
        uniformity(dependent_ranks(rng, 50, correlation=correlation), DRAWS).p_value
        for _ in range(tests)
    ]
    for level in (0.05, 0.01, 0.001):
        assert np.mean(np.array(p) < level) <= stats.binom.ppf(1 - 5e-5, tests, level) / tests


def test_quantities_that_are_all_the_same_are_as_one():
    ranks = np.random.default_rng(7).integers(DRAWS + 1, size=(400, 1))
    alone, repeated = uniformity(ranks, DRAWS), uniformity(np.tile(ranks, 5), DRAWS)
    assert repeated.shift == pytest.approx(alone.shift)
    # The covariance is known of one, and of five estimated from 400: to 4 standard errors,
    # sqrt(2/400) each, of the smallest and the largest of four variances.
    assert repeated.statistic == pytest.approx(alone.statistic, rel=4 * np.sqrt(2 / 400))


def test_the_power_that_is_stated_is_the_share_of_tests_that_fail():
    rng = np.random.default_rng(2)
    many = uniformity(normal_ranks(rng, 20_000, 1.15), DRAWS)
    failing = [uniformity(normal_ranks(rng, 400, 1.15), DRAWS).p_value < 0.01 for _ in range(600)]
    share = np.mean(failing)
    assert 0.2 < share < 0.9  # where a wrong power would show
    # Four standard errors, and what the noncentrality is uncertain by.
    assert many.power(0.01, 400) == pytest.approx(share, abs=4 * np.sqrt(0.25 / 600) + 0.03)


def test_without_a_departure_the_power_is_the_level():
    rng = np.random.default_rng(3)
    found = [uniformity(normal_ranks(rng, 500, 1.0), DRAWS) for _ in range(20)]
    assert min(one.power(0.01) for one in found) == pytest.approx(0.01)


def test_signs_say_which_way_a_posterior_is_off():
    rng = np.random.default_rng(4)
    narrow, wide = (uniformity(normal_ranks(rng, 2000, width), DRAWS) for width in (0.7, 1.4))
    assert narrow.spread > 0.1
    assert wide.spread < -0.1
    truth = rng.normal(0.3, size=(2000, 1))
    low = uniformity((rng.standard_normal((2000, DRAWS)) < truth).sum(axis=1)[:, None], DRAWS)
    assert low.shift > 0.1


def test_holm_as_by_hand():
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.03, 0.06, np.nan, 0.06, 0.02])


def test_the_band_holds_95_of_100_uniform_samples():
    simulations = 400
    at, low, high = ecdf_band(simulations, DRAWS)
    rng = np.random.default_rng(5)
    ranks = rng.integers(DRAWS + 1, size=(3000, simulations))
    highest = np.round(at * (DRAWS + 1) - 1)
    share = (ranks[:, :, None] <= highest).mean(axis=1) - at
    inside = ((share >= low - 1e-12) & (share <= high + 1e-12)).all(axis=1).mean()
    # Counts are whole, so that the band can only be a little too wide.
    assert 0.935 <= inside <= 0.98


def test_what_is_no_rank_is_refused():
    with pytest.raises(ValueError, match="ranks are between 0 and 100"):
        uniformity(np.full((20, 1), 101), DRAWS)
    with pytest.raises(ValueError, match="at least 9 simulations, not 8"):
        uniformity(np.zeros((8, 1), dtype=int), DRAWS)


def test_the_power_that_is_told_is_the_power_that_there_is():
    rng = np.random.default_rng(5)
    tests, simulations, level, factor = 300, 200, 0.01, 1.25
    p = np.array(
        [
            uniformity(normal_ranks(rng, simulations, 1 / factor), DRAWS).p_value
            for _ in range(tests)
        ]
    )
    expected = power_against_narrow(level, simulations, factor)
    assert 0.1 < expected < 0.9
    # Four standard errors, and what the asymptotic form is off by.
    assert (p < level).mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(tests) + 0.03)
    assert power_against_narrow(level, 1000, factor) > 0.99
