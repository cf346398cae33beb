"""How often intervals hold the truth: the test's level with few simulations, and its figures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from selfinterp_stats.estimates.calibration.holding import holding


def dependent(rng, simulations, quantities, correlation, prob):
    """Whether intervals hold, of dependent quantities, through a normal copula."""
    shared = rng.standard_normal((simulations, 1))
    own = rng.standard_normal((simulations, quantities))
    z = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    return stats.norm.cdf(z) < prob


@pytest.mark.parametrize("prob", [0.5, 0.95])
@pytest.mark.parametrize(("quantities", "correlation"), [(1, 0.0), (2, 0.0), (3, 0.3), (20, 0.0)])
@pytest.mark.parametrize("simulations", [20, 50, 200])
def test_intervals_that_hold_as_often_as_they_say_fail_no_more_often(
    simulations, quantities, correlation, prob
):
    rng = np.random.default_rng(0)
    tests = 1000
    p = [
        holding(dependent(rng, simulations, quantities, correlation, prob), prob).p_value
        for _ in range(tests)
    ]
    for level in (0.05, 0.01, 0.001):
        # Shares are of whole numbers, so that it may be less often; what is more than this comes
        # once in ten thousand.
        assert np.mean(np.array(p) < level) <= stats.binom.ppf(1 - 1e-4, tests, level) / tests


def test_of_many_simulations_the_level_is_kept_whatever_the_dependence():
    rng = np.random.default_rng(1)
    tests = 1000
    p = [holding(dependent(rng, 1000, 5, 0.7, 0.8), 0.8).p_value for _ in range(tests)]
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], tests, 0.05) / tests
    assert low <= np.mean(np.array(p) < 0.05) <= high


def test_of_one_quantity_it_is_the_binomial_test_and_its_interval():
    held = np.arange(80)[:, None] < 71
    found = holding(held, 0.95)
    exact = stats.binomtest(71, 80, 0.95)
    assert found.share == 71 / 80
    assert found.p_value == pytest.approx(2 * stats.binom.cdf(71, 80, 0.95))
    interval = exact.proportion_ci(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_intervals_that_always_hold_are_no_wonder_where_they_are_few():
    always = holding(np.ones((50, 1), dtype=bool), 0.95)
    assert always.p_value == pytest.approx(2 * 0.95**50)
    assert always.high == 1
    assert holding(np.ones((50, 2), dtype=bool), 0.95).p_value == pytest.approx(2 * 0.95**100)
    assert holding(np.zeros((50, 2), dtype=bool), 0.95).p_value < 1e-12


def test_quantities_that_are_all_the_same_are_as_one():
    held = np.arange(400)[:, None] < 330
    alone, repeated = holding(held, 0.8), holding(np.tile(held, 5), 0.8)
    assert repeated.p_value == pytest.approx(alone.p_value)
    assert repeated.low == pytest.approx(alone.low)
