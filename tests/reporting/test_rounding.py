"""A figure is written with the digits that its Monte Carlo error leaves alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from selfinterp_stats.reporting import rounding


@pytest.mark.parametrize(
    ("mcse", "decimals"),
    [(0.0002, 3), (0.001, 3), (0.0011, 2), (0.011, 1), (0.1, 1), (0.3, 0), (4.0, 0), (0, 3)],
)
def test_the_last_decimal_is_the_last_whose_unit_exceeds_the_error(mcse, decimals):
    assert rounding.supported_decimals(mcse) == decimals


def test_a_figure_without_an_error_gets_the_most():
    assert rounding.supported_decimals(math.nan) == 3
    assert rounding.supported_decimals(math.nan, most=4) == 4


def test_the_digit_before_the_last_survives_another_seed():
    rng = np.random.default_rng(7)
    runs = rng.normal(0.523, 0.004, size=1000)
    decimals = rounding.supported_decimals(0.004)
    shown = [float(rounding.written(run, decimals)) for run in runs]
    assert decimals == 2
    assert np.mean(np.abs(np.array(shown) - 0.52) < 0.015) > 0.99


def test_error_of_an_interval_s_end_is_that_of_a_sample_quantile():
    rng = np.random.default_rng(11)
    ends = np.quantile(rng.normal(size=(4000, 1000)), 0.025, axis=1)
    assert rounding.quantile_mcse(1.0, 1000, 0.95) == pytest.approx(ends.std(), rel=0.05)


def test_signs_and_zeros():
    assert rounding.written(-0.5, 1) == "−0.5"
    assert rounding.written(-0.0004, 2) == "0.00"
    assert rounding.written(math.nan, 2) == ""
    assert rounding.written(-math.inf, 2) == "−∞"
    assert rounding.whole(-12345.4) == "−12,345"


def test_both_ends_of_an_interval_have_the_same_decimals():
    assert rounding.interval(-0.1234, 0.5678, 0.0002, 0.004) == "[−0.12, 0.57]"
    assert rounding.interval(math.nan, 1.0) == ""


def test_a_share_that_no_draw_contradicts_is_not_certain():
    assert rounding.share(1.0, 4000) == "> 0.999"
    assert rounding.share(0.0, 400) == "< 0.01"
    assert rounding.share(0.48, 80_000) == "0.48"
    assert rounding.share(math.nan, 4000) == ""


def test_probability_and_region_as_they_were_asked_for():
    assert rounding.percent(0.95) == "95%"
    assert rounding.percent(0.945) == "94.5%"
    assert rounding.region((-0.1, 0.1)) == "[−0.1, 0.1]"
