"""Reliability of the weights, and the ceilings, beside measurements made twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.estimates.propagation.reliability import (
    noise_ceilings,
    spearman_brown,
    weight_reliability,
)
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.weights import fit_weights
from selfinterp_stats.study import load_study

SETTINGS = Settings(draws=400)
KEYS = ["base_model", "set", "scenario"]


def max_scaled(study):
    """Fitted weights of all scenarios, each divided by its largest."""
    table = fit_weights(study, settings=SETTINGS).table
    largest = table.groupby(KEYS)["mean"].transform(lambda own: own.abs().max())
    return (table["mean"] / largest).to_numpy()


def test_weights_are_as_reliable_as_fits_to_other_halves_agree(make_study):
    """The first 20 choices and the last 20, in the place of every other one.

    As many scenarios and choices are fitted at a time as in the tests of `sensitivity`, so that one
    compiled program serves both.
    """
    study = load_study(make_study(scenarios=48, trials=40, sets=("native",), conditions=()))
    (row,) = weight_reliability(study, SETTINGS).to_dict("records")
    assert (row["scenarios"], row["choices"]) == (48, 40)
    assert row["spearman_brown"] == 2 * row["split_half"] / (1 + row["split_half"])
    late = study.choices.groupby(KEYS).cumcount() >= 20
    halves = [
        max_scaled(replace(study, choices=study.choices[late == half].reset_index(drop=True)))
        for half in (False, True)
    ]
    other = np.corrcoef(halves)[0, 1]
    # Either is a correlation of 144 values, and each has its own chance.
    error = (1 - other**2) * np.sqrt(2 / 144)
    assert row["split_half"] == pytest.approx(other, abs=4.5 * error)
    assert 0.5 < other < 0.95


def test_a_perfect_correlation_is_found_at_the_ceiling():
    """Halves of noisy weights and noisy reports of one truth, and their wholes' correlation."""
    rng = np.random.default_rng(0)
    n = 100_000
    truth = rng.normal(size=n)
    halves = [truth + noise * rng.normal(size=(2, n)) for noise in (0.5, 0.9)]
    split = [np.corrcoef(both)[0, 1] for both in halves]
    weights, reports = (
        pd.DataFrame(
            {"base_model": ["m"], "set": ["native"], "spearman_brown": [spearman_brown(one)]}
        )
        for one in split
    )
    fitted, mean_reports = (both.mean(axis=0) for both in halves)
    known = np.full((4, 100), np.corrcoef(fitted, truth)[0, 1])
    known += 1e-6 * rng.normal(size=known.shape)
    (row,) = noise_ceilings(reports, weights, {("m", "native"): known}).to_dict("records")
    # Standard errors of correlations of 100,000 values are below .003.
    assert row["ceiling"] == pytest.approx(np.corrcoef(fitted, mean_reports)[0, 1], abs=0.01)
    assert row["reports_ceiling"] == pytest.approx(np.corrcoef(mean_reports, truth)[0, 1], abs=0.01)
    assert row["choices_ceiling"] == pytest.approx(row["choices_ceiling_latent"], abs=0.01)


def test_ceilings_are_roots_of_reliabilities_and_their_product():
    reports = pd.DataFrame(
        {
            "base_model": ["a", "a", "b"],
            "set": "native",
            "condition": ["before", "after", "after"],
            "spearman_brown": [0.81, -0.2, 0.64],
        }
    )
    weights = pd.DataFrame({"base_model": ["a"], "set": "native", "spearman_brown": [0.49]})
    found = noise_ceilings(reports, weights, {})
    np.testing.assert_allclose(found["reports_ceiling"], [0.9, 0, 0.8])
    assert list(found["choices_ceiling"][:2]) == pytest.approx([0.7, 0.7])
    np.testing.assert_allclose(found["ceiling"][:2], [0.63, 0])
