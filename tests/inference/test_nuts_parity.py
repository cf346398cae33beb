"""Stage 1 with NUTS against brms, on every eighth of the paper's 400 scenarios.

All 400, and Bambi's 20, are compared by ``benchmarks/parity.py``; its result is in ``reports/``.
"""

from __future__ import annotations

from dataclasses import replace

import brms
import pytest

from selfinterp_stats.estimates import fit_weights
from selfinterp_stats.study import load_study

pytestmark = pytest.mark.paper


@pytest.fixture(scope="module")
def study(paper_data):
    return load_study(paper_data)


def narrowed(study, scenarios):
    """The study with some scenarios' choices only."""
    keys = study.choices.set_index(["base_model", "set", "scenario"]).index
    return replace(study, choices=study.choices[keys.isin(scenarios)].reset_index(drop=True))


class TestNuts(brms.AgreesWithBrms):
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, study):
        every = study.choices[["base_model", "set", "scenario"]].drop_duplicates()
        chosen = [tuple(row) for row in every.sort_values(list(every)).to_numpy()[::8]]
        return fit_weights(narrowed(study, chosen), engine="nuts")

    @pytest.fixture(scope="class")
    @classmethod
    def compared(cls, fitted):
        return brms.compared_weights(fitted.posteriors)

    def test_50_scenarios_are_compared_and_none_diverges(self, fitted, compared):
        assert len(compared) == 50 * 6
        assert (fitted.diagnostics["engine"] == "nuts").all()
        assert fitted.diagnostics["ok"].all()
        assert fitted.diagnostics["divergences"].sum() == 0
        assert fitted.diagnostics["ebfmi"].min() > 0.3


class TestBambi(brms.AgreesWithBrms):
    """The plain reference on one trained and one native scenario."""

    @pytest.fixture(scope="class")
    @classmethod
    def compared(cls, study):
        chosen = [
            (brms.LARGE, "instilled", "loose_leaf_tea"),
            (brms.MINI, "native", min(study.choices.query("set == 'native'")["scenario"])),
        ]
        fitted = fit_weights(narrowed(study, chosen), engine="bambi")
        assert (fitted.diagnostics["engine"] == "bambi").all()
        assert fitted.diagnostics["ok"].all()
        return brms.compared_weights(fitted.posteriors)

    # Two scenarios tell nothing of a spread.
    test_differences_from_brms_are_what_monte_carlo_error_makes_them = None
