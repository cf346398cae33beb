"""What the page of `selfinterp propagate` says of reports with fitted weights, and of no others."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from selfinterp_stats.estimates.propagation.propagate import CARRIED, LATENT, PLUG_IN
from selfinterp_stats.estimates.sensitivity.conclusions import CONTRAST, PEARSON, SLOPE
from selfinterp_stats.reporting.propagation.page import headline, why
from selfinterp_stats.reporting.propagation.tables import propagated_table

# Kind, condition, against, and the three medians; names in ids must not matter.
ROWS = {
    "learned_target": (PEARSON, "", "target", (0.9, 0.8, 0.95)),
    "report_target_model": (SLOPE, "after", "fitted", (0.8, 0.6, 0.88)),
    "report_before": (PEARSON, "before", "fitted", (0.5, 0.425, 0.6)),
    "report_weak": (SLOPE, "before", "fitted", (0.1, 0.01, 0.5)),
    "d_report": (PEARSON, "after", "target", (0.7, 0.7, 0.7)),
    "d_other": (PEARSON, "before", "target", (0.6, 0.6, 0.6)),
    "effect": (CONTRAST, "before/after", "fitted", (0.4, 0.1, 0.4)),
}
SETTINGS = SimpleNamespace(hdi_prob=0.95)


def found(*names):
    rows = [
        {
            "id": name,
            "estimator": estimator,
            "median": median,
            "hdi_low": median - 0.01,
            "hdi_high": median + 0.01,
            "section": "section",
            "quantity": f"quantity of {name}",
            "base_model": "model-a",
            "kind": kind,
            "condition": condition,
            "against": against,
        }
        for name, (kind, condition, against, medians) in ROWS.items()
        if name in names
        for estimator, median in zip((PLUG_IN, CARRIED, LATENT), medians, strict=True)
    ]
    settled = {"latent": {"max_rhat": 1.004, "min_ess_bulk": 900.0, "quantities": 12}}
    return SimpleNamespace(
        table=pd.DataFrame(rows),
        run={"settled": settled},
        weights=SimpleNamespace(settings=SETTINGS),
    )


def test_the_largest_correlation_is_one_of_reports_with_fitted_weights():
    assert headline(found(*ROWS))[0] == (
        "The largest correlation (quantity of report_target_model, model-a) is 0.80 plugged in, "
        "0.60 with the weights’ uncertainty carried through, and 0.88 between true weights and "
        "expected reports."
    )


def test_how_far_estimators_lie_apart_is_told_of_reports_with_fitted_weights():
    """.6/.8 and .425/.5 carried, .88/.8 and .6/.5 latent: their means, there being two."""
    _, carried, latent = why(found(*ROWS))
    assert f"(here by a factor of {(0.75 + 0.85) / 2:.2f})" in carried
    assert f"(here the estimate is {(1.1 + 1.2) / 2:.2f} times the plug-in)" in latent


@pytest.mark.parametrize("names", [("learned_target",), ("d_report", "effect")])
def test_without_a_correlation_of_reports_with_fitted_weights_none_is_told(names):
    assert headline(found(*names)) == [
        "The study holds no correlation of reports with fitted weights."
    ]
    assert not any("(here" in text for text in why(found(*names)))


@pytest.mark.parametrize(("name", "told"), [("d_report", True), ("report_before", False)])
def test_the_table_says_what_targets_stand_for_where_there_are_some(name, told):
    (note,) = propagated_table(found(name)).notes
    assert ("Beside target weights" in note) == told
