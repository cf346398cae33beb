"""What stands behind the calibration of the explainer model: its studies and their likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from selfinterp_stats.estimates.calibration import explainers
from selfinterp_stats.estimates.calibration.models import shipped_models
from selfinterp_stats.estimates.explainers.contrasts import DELTA


def test_the_explainer_model_is_among_the_calibrated():
    assert explainers.CalibratedExplainers() in shipped_models()


def test_the_likelihood_of_a_study_is_that_of_its_items_one_by_one():
    """Each item's answers are independent given its effect, which is integrated out."""
    study = explainers.draw_study(2, 5, np.random.default_rng(0))
    design = explainers.FullDesign(2)
    found = design.log_likelihood(study.cells[None], study.item_sds[None], study)

    def chance(target, right):
        def given(effect):
            logits = study.cells.reshape(2, 2)[target] + study.item_sds[target] * effect
            return np.prod(np.where(right, expit(logits), expit(-logits))) * norm.pdf(effect)

        return quad(given, -9, 9)[0]

    patterns = [(0, 0), (0, 1), (1, 0), (1, 1)]
    expected = sum(
        times * np.log(chance(target, np.array(right, dtype=bool)))
        for target, counts in enumerate(study.times.reshape(2, 4))
        for right, times in zip(patterns, counts, strict=True)
    )
    assert study.times.sum() == 10
    assert found[0] == pytest.approx(expected, rel=1e-6)


def test_a_better_explainer_moves_its_cells_and_not_what_self_has_over_cross():
    plain, better = (
        explainers.draw_study(3, 5, np.random.default_rng(1), bias) for bias in ((0, 0), (2, 0))
    )
    weights = explainers.FullDesign(3).weights
    moved = better.cells - plain.cells
    np.testing.assert_allclose(moved.reshape(3, 3), [[2, 0, 0]] * 3)
    assert moved @ weights[DELTA] == pytest.approx(0, abs=1e-12)
    assert moved @ weights["skill"] == pytest.approx(2)
