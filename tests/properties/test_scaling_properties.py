"""Weights scaled to their largest, and values standardised set by set."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from selfinterp_stats.estimates.agreement import EXPLAINER, mean_reports, standardise
from selfinterp_stats.estimates.propagation.scenarios import max_scaled
from selfinterp_stats.estimates.weights import scaled_weights
from selfinterp_stats.study.simulation.trials import scaled_to_largest

MEANS = arrays(
    float,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    # Times a factor, or over the largest, they stay far from where floats lose digits.
    elements=st.floats(-1e6, 1e6).map(lambda value: value if abs(value) > 1e-200 else 0.0),
)
# Exact in binary, so that a scaled weight is the same number to the last bit.
FACTORS = st.integers(-40, 40).map(lambda power: 2.0**power)


@given(MEANS)
def test_scaled_weights_are_whole_within_100_and_of_the_sign_of_the_mean(means):
    weights = scaled_weights(means)
    assert (weights == np.round(weights)).all()
    assert (np.abs(weights) <= 100).all()
    assert ((np.sign(weights) == np.sign(means)) | (weights == 0)).all()
    for row, of_means in zip(weights, means, strict=True):
        assert np.abs(row).max() == (100 if np.abs(of_means).max() > 0 else 0)


@given(MEANS, FACTORS)
def test_a_positive_factor_changes_no_scaled_weight_and_a_negative_one_only_signs(means, factor):
    weights = scaled_weights(means)
    np.testing.assert_array_equal(scaled_weights(factor * means), weights)
    np.testing.assert_array_equal(scaled_weights(-factor * means), -weights)


@given(MEANS, FACTORS)
def test_every_way_of_scaling_to_the_largest_is_the_same(means, factor):
    assume((np.abs(means).max(axis=1) > 0).all())
    scaled, log_largest = max_scaled(means)
    np.testing.assert_array_equal(np.abs(scaled).max(axis=1), 1.0)
    # Rounded values may differ only where one stands within rounding of a half.
    np.testing.assert_allclose(scaled * 100, scaled_to_largest(means), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(np.round(scaled * 100), scaled_weights(means), atol=1)
    assert (np.abs(scaled_weights(means) - scaled * 100) <= 0.5 + 1e-9).all()
    larger, log_larger = max_scaled(factor * means)
    np.testing.assert_array_equal(larger, scaled)
    np.testing.assert_allclose(log_larger - log_largest, np.log(factor), atol=1e-9)


VALUES = st.lists(st.integers(-1_000, 1_000), min_size=2, max_size=40).filter(
    lambda values: len(set(values)) > 1
)


@given(VALUES)
def test_standardised_values_have_mean_0_and_sd_1(values):
    standard = standardise(pd.Series(values, dtype=float))
    assert abs(standard.mean()) < 1e-12
    assert abs(standard.std(ddof=1) - 1) < 1e-12
    assert (standard.rank() == pd.Series(values).rank()).all()


@given(VALUES, st.integers(1, 50), st.integers(-10_000, 10_000))
def test_standardising_takes_no_notice_of_place_and_width(values, factor, shift):
    given_values = pd.Series(values, dtype=float)
    standard = standardise(given_values)
    pd.testing.assert_series_equal(standardise(factor * given_values + shift), standard)
    pd.testing.assert_series_equal(standardise(-factor * given_values + shift), -standard)


@given(st.floats(-1e9, 1e9), st.integers(1, 20))
def test_values_that_are_all_alike_have_no_standard(value, count):
    assert standardise(pd.Series([value] * count)).isna().all()


@st.composite
def folds(draw):
    """Reports of several explaining models, in their folds, as `Study.reports` has them."""
    count = draw(st.integers(1, 3))
    rows = []
    for fold in range(count):
        for scenario in range(draw(st.integers(1, 4))):
            for repeat in range(draw(st.integers(1, 3))):
                numbers = [draw(st.integers(-100, 100)) for _ in range(2)]
                key = ("m", "instilled", "introspection-trained", f"fold{fold}", f"x{fold}")
                rows.append([*key, f"s{scenario}", repeat, *map(float, numbers)])
    return pd.DataFrame(rows, columns=[*EXPLAINER, "scenario", "repeat", "attr1", "attr2"])


class Reports:
    """The part of a study that standardising reports looks at."""

    attributes = ("attr1", "attr2")

    def __init__(self, reports):
        self.reports = reports


@settings(max_examples=30)
@given(folds())
def test_each_fold_of_reports_is_standardised_by_itself(reports):
    found = mean_reports(Reports(reports))
    assert len(found) == 2 * len(reports.groupby([*EXPLAINER, "scenario"]))
    for fold, rows in found.groupby("fold"):
        standard = rows["standardized_reports"]
        if rows["reported"].nunique() == 1:
            assert standard.isna().all()
            continue
        assert abs(standard.mean()) < 1e-12
        assert abs(standard.std(ddof=1) - 1) < 1e-12
        # As if the other folds were not there.
        alone = mean_reports(Reports(reports[reports["fold"] == fold]))
        np.testing.assert_array_equal(alone["standardized_reports"], standard)


@settings(max_examples=30)
@given(folds(), st.integers(1, 9), st.integers(-50, 50))
def test_a_fold_on_another_scale_is_standardised_to_the_same(reports, factor, shift):
    moved = reports.copy()
    first = moved["fold"] == "fold0"
    moved.loc[first, ["attr1", "attr2"]] = factor * moved.loc[first, ["attr1", "attr2"]] + shift
    np.testing.assert_allclose(
        mean_reports(Reports(moved))["standardized_reports"],
        mean_reports(Reports(reports))["standardized_reports"],
        atol=1e-9,
    )
