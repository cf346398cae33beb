"""The joint model's HDI holds truths that its prior has drawn: the quick form.

The full one, with 400 studies, is ``benchmarks/latent_coverage.py``; its result is committed under
``reports/benchmarks/``.
"""

from __future__ import annotations

import numpy as np
import pytest

from selfinterp_stats.estimates.propagation.coverage import interval_coverage
from selfinterp_stats.estimates.propagation.simulated import SimulatedDesign, draw_study

STUDIES = 20


@pytest.fixture(scope="module")
def found():
    names = [f"quick-{i}" for i in range(STUDIES)]
    # One number of particles throughout: half of what is to be compiled.
    return interval_coverage(names, SimulatedDesign(scenarios=20), particles=(300, 300))


def of(found, estimator):
    rows = found[found["estimator"] == estimator]
    assert len(rows) == STUDIES
    return rows


def test_the_latent_hdi_holds_nearly_all_truths(found):
    """Of 20 calibrated 95% intervals 16 or fewer hold their truth once in 400 runs."""
    assert of(found, "latent")["covered"].sum() >= 16


def test_the_two_stage_estimators_are_attenuated_and_the_latent_one_is_not(found):
    ratios = {}
    for name in ("plug_in", "carried_through", "latent"):
        rows = of(found, name)
        # Slope of estimates on truths through zero: large truths count most.
        ratios[name] = (rows["median"] * rows["truth"]).sum() / (rows["truth"] ** 2).sum()
    assert ratios["carried_through"] < ratios["plug_in"] < 0.95
    # Posterior means shrink a little towards zero; twenty studies know the slope to about .05.
    assert ratios["latent"] == pytest.approx(1, abs=0.15)


def test_a_studys_name_and_the_seed_settle_what_is_drawn():
    design = SimulatedDesign(scenarios=5)
    one, same, other = (draw_study(design, seed, "quick-3") for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.weights, same.weights)
    assert one.choices.equals(same.choices)
    assert (one.correlations != other.correlations).all()
