"""Simulated studies that several files of tests read, and none changes."""

from __future__ import annotations

import pytest
from simulated import many_scenarios

from selfinterp_stats.study.simulate import simulate_study


@pytest.fixture(scope="session")
def default(tmp_path_factory):
    """The default study: two base models, 60 trained and 60 native scenarios."""
    return simulate_study(tmp_path_factory.mktemp("default") / "study")


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """One base model, 700 scenarios in each set: enough to see correlations to .04."""
    return simulate_study(
        tmp_path_factory.mktemp("large") / "study",
        base_models=("big",),
        trained=700,
        native=700,
        trials_trained=20,
        trials_native=20,
        invalid_shares=(0.2,),
        scenarios=many_scenarios(1400),
        seed=3,
    )
