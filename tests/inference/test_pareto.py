"""Pareto-smoothed weights are ArviZ's, for many datasets at once."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from selfinterp_stats.inference.engines.pareto import pareto_k, smoothed


@pytest.mark.parametrize("draws", [200, 1000])
@pytest.mark.parametrize("spread", [0.2, 1.0, 2.0])
def test_weights_and_k_are_arvizs(draws, spread):
    log_ratios = spread * np.random.default_rng(1).standard_t(5, (6, draws))
    weights, k = smoothed(log_ratios)
    reference, reference_k = array_stats.psislw(-log_ratios)
    assert k == pytest.approx(reference_k, abs=1e-10)
    assert np.exp(weights) == pytest.approx(np.exp(reference), rel=1e-9, abs=1e-15)


def test_ratios_that_do_not_vary_are_equal_weights():
    weights, k = smoothed(np.full((2, 3, 100), -7.0))
    assert np.isnan(k).all()
    assert weights == pytest.approx(np.full((2, 3, 100), -np.log(100)))


def test_one_ratio_above_all_others_is_said_to_have_no_tail():
    log_ratios = np.random.default_rng(2).normal(size=(1, 1000)) - 1000
    log_ratios[0, 0] = 0
    weights, k = smoothed(log_ratios)
    assert k[0] == np.inf
    assert np.exp(weights).sum() == pytest.approx(1)


def test_a_dataset_without_a_usable_tail_has_no_k_and_the_others_keep_theirs():
    log_ratios = np.random.default_rng(3).standard_t(5, (3, 1000))
    log_ratios[1, 30:] = -np.inf  # fewer draws have a weight than half of the tail holds
    k = pareto_k(log_ratios)
    assert np.isnan(k[1])
    assert k[[0, 2]] == pytest.approx(smoothed(log_ratios[[0, 2]])[1], abs=1e-12)
