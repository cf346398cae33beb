"""The training effect gives every base model the same weight, whatever its number of rows.

The reference figures here are least squares: with flat priors on the coefficients and some
hundred rows the posterior mean of a slope is its least-squares estimate to far less than its sd.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.estimates import Settings
from selfinterp_stats.estimates.correlations import correlate
from selfinterp_stats.estimates.names import Names

BEFORE, AFTER = "weight-trained", "introspection-trained"
# Slopes before and after, and rows of each condition: very unbalanced on purpose.
TRUTH = {"big": (0.2, 0.4, 600), "small": (0.3, 0.9, 60), "tiny": (0.5, 0.4, 30)}


def rows(base_models, set_="instilled", conditions=(BEFORE, AFTER), seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frames = []
    for name in base_models:
        for condition, slope in zip((BEFORE, AFTER), TRUTH[name][:2], strict=True):
            n = TRUTH[name][2]
            reports = rng.normal(size=n)
            frame = pd.DataFrame(
                {
                    "base_model": name,
                    "set": set_,
                    "condition": condition,
                    "standardized_reports": reports,
                    "standardized_b": slope * reports + rng.normal(size=n) / 2,
                }
            )
            if condition in conditions:
                frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def analysed(agreement) -> pd.DataFrame:
    return analysed_with_posteriors(agreement).table.set_index("id")


def analysed_with_posteriors(agreement):
    settings = Settings(regression_draws=8000, engine="importance")
    return correlate(agreement, settings=settings, names=Names())


def slopes(agreement) -> dict[tuple[str, str], float]:
    """Least-squares slope of each base model and condition."""
    return {
        key: np.polyfit(cell["standardized_reports"], cell["standardized_b"], 1)[0]
        for key, cell in agreement.groupby(["base_model", "condition"])
    }


def close(row, value) -> bool:
    # Monte Carlo error of the median, and what priors on intercept and sigma may shift.
    return abs(row["median"] - value) < 4.5 * row["mcse_median"] + 0.02 * row["sd"]


@pytest.fixture(scope="module")
def two():
    agreement = rows(["big", "small"])
    native = rows(["big", "small"], set_="native", seed=3)
    return agreement, analysed(pd.concat([agreement, native], ignore_index=True)), native


def test_every_base_model_has_the_same_weight(two):
    agreement, table, _ = two
    slope = slopes(agreement)
    effects = [slope[name, AFTER] - slope[name, BEFORE] for name in ("big", "small")]
    row = table.loc["e2_training_effect"]
    assert close(row, np.mean(effects))
    by_rows = np.average(effects, weights=[TRUTH[name][2] for name in ("big", "small")])
    # The other estimand, weighted by rows, is far from it on data like these.
    assert abs(row["median"] - by_rows) > 2 * row["sd"]


def test_mean_slopes_and_effects_of_one_base_model(two):
    agreement, table, _ = two
    slope = slopes(agreement)
    for condition in (BEFORE, AFTER):
        expected = np.mean([slope[name, condition] for name in ("big", "small")])
        assert close(table.loc[f"mean_slope_e2_training_effect_{condition}"], expected)
    for name in ("big", "small"):
        effect = slope[name, AFTER] - slope[name, BEFORE]
        assert close(table.loc[f"effect_of_one_e2_training_effect_{name}"], effect)


def test_differences_between_base_models(two):
    agreement, table, _ = two
    slope = slopes(agreement)
    for condition in (BEFORE, AFTER):
        row = table.loc[f"difference_e2_training_effect_{condition}_big-small"]
        assert row["base_model"] == "big - small"
        assert close(row, slope["big", condition] - slope["small", condition])


def test_the_interval_of_the_mean_is_that_of_independent_slopes(two):
    agreement, table, _ = two
    # The interaction model has one sigma: (X'X)^-1 of each cell times it, added up.
    residuals, variance = [], 0.0
    for _, cell in agreement.groupby(["base_model", "condition"]):
        x, y = cell["standardized_reports"], cell["standardized_b"]
        residuals.append(y - np.polyval(np.polyfit(x, y, 1), x))
        variance += 1 / ((x - x.mean()) ** 2).sum()
    sigma2 = (np.concatenate(residuals) ** 2).sum() / (len(agreement) - 8)
    expected = np.sqrt(sigma2 * variance) / 2
    # 8,000 draws know an sd to .8%; 4.5 of those, and the prior on sigma.
    assert table.loc["e2_training_effect", "sd"] == pytest.approx(expected, rel=0.04)


def test_with_one_base_model_its_term_drops_out():
    agreement = rows(["small"])
    found = analysed_with_posteriors(agreement)
    table = found.table.set_index("id")
    slope = slopes(agreement)
    row = table.loc["e2_training_effect"]
    assert close(row, slope["small", AFTER] - slope["small", BEFORE])
    assert row["base_model"] == "small"
    assert not any("base_model" in identifier for identifier in table.index)
    assert not any(identifier.startswith("difference_") for identifier in table.index)
    formula = found.posteriors["training_effect_instilled"]["posterior"].attrs["formula"]
    assert formula == "standardized_b ~ standardized_reports * itrained"


def test_three_base_models():
    agreement = rows(list(TRUTH))
    table = analysed(agreement)
    slope = slopes(agreement)
    effects = [slope[name, AFTER] - slope[name, BEFORE] for name in TRUTH]
    row = table.loc["e2_training_effect"]
    assert close(row, np.mean(effects))
    assert row["base_model"] == "all"
    pairs = [i for i in table.index if i.startswith("difference_e2_training_effect_change_")]
    assert sorted(pair.rsplit("_", 1)[1] for pair in pairs) == [
        "big-small",
        "big-tiny",
        "small-tiny",
    ]


def test_a_base_model_without_one_of_the_conditions_is_left_out(two):
    lacking = rows(["tiny"], conditions=(AFTER,), seed=5)
    table = analysed(pd.concat([two[0], lacking], ignore_index=True))
    row = table.loc["e2_training_effect"]
    assert row["base_model"] == "both"
    assert row["n"] == len(two[0])
    # It still has a correlation of its own.
    assert table.loc["e2_report_r_tiny", "n"] == 30
    # Same data, same seed, same labels: the same draws, to rounding.
    assert row["median"] == pytest.approx(two[1].loc["e2_training_effect", "median"], rel=1e-6)


def test_native_and_instilled_sets_have_contrasts_of_their_own(two):
    _, table, native = two
    slope = slopes(native)
    effects = [slope[name, AFTER] - slope[name, BEFORE] for name in ("big", "small")]
    assert close(table.loc["e3_training_effect"], np.mean(effects))
    assert table.loc["e2_training_effect", "median"] != table.loc["e3_training_effect", "median"]


def test_without_both_conditions_there_is_no_contrast():
    table = analysed(rows(["big"], conditions=(BEFORE,)))
    assert "e2_training_effect" not in table.index
    assert "e1_report_r_big" in table.index
