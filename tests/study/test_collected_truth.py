"""What is known of a study, worked out from its folder alone."""

from __future__ import annotations

import numpy as np
import pytest

from selfinterp_stats.study import load_study, simulate_study
from selfinterp_stats.study.simulation.collected import collected_quantities


@pytest.mark.parametrize(("trained", "native"), [(6, 5), (4, 0), (0, 4)])
def test_a_simulated_studys_folder_gives_the_quantities_that_the_simulation_knew(
    tmp_path, trained, native
):
    truth = simulate_study(
        tmp_path / "study",
        seed=3,
        trained=trained,
        native=native,
        trials_trained=12,
        trials_native=15,
        reports=4,
        invalid_shares=(0.1, 0.4),
    )
    found = collected_quantities(load_study(truth.folder), truth.folder)
    known = truth.quantities
    columns = ["id", "quantity", "base_model", "set", "condition"]
    assert found[columns].equals(known[columns])
    for column in ("truth", "truth_all", "in_data", "expected_estimate"):
        # The folder's numbers are decimals of up to 17 digits.
        np.testing.assert_allclose(found[column], known[column], rtol=1e-9, atol=1e-12)
