"""The paper's definitions, against direct recomputation from its files.

Nothing is fitted here: the weights are the authors' released ones, and the recomputation reads
the CSV files itself, scenario by scenario.
"""

from __future__ import annotations

import brms
import numpy as np
import pandas as pd
import pytest
from brms import LARGE, MINI

from selfinterp_stats.estimates import agreement_of
from selfinterp_stats.estimates.correlations import COLUMNS
from selfinterp_stats.estimates.exclusion import largest_changes
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.numbers import paper_numbers
from selfinterp_stats.estimates.weights import scaled_weights
from selfinterp_stats.study import load_study

pytestmark = pytest.mark.paper

SHORT = {LARGE: "4o", MINI: "mini"}
ATTRIBUTES = [f"attr{i}" for i in range(1, 6)]
REPORT_FILES = {
    ("instilled", "off-the-shelf"): ["{}_weight_reports"],
    ("instilled", "weight-trained"): ["{}_instilled_weight_reports"],
    ("instilled", "introspection-trained"): [
        "{}_itrained_first_50_of_100_50ex_weight_reports",
        "{}_itrained_last_50_of_100_50ex_weight_reports",
    ],
    ("native", "weight-trained"): ["{}_instilled_latent_weight_reports"],
    ("native", "introspection-trained"): ["{}_itrained_all_100_50ex_latent_weight_reports"],
}
CELLS = [(base, set_, condition) for base in SHORT for set_, condition in REPORT_FILES]


@pytest.fixture(scope="module")
def study(paper_data):
    return load_study(paper_data)


@pytest.fixture(scope="module")
def weights(study):
    return study.released.melt(
        ["base_model", "set", "scenario"], var_name="attribute", value_name="weight"
    ).merge(study.attribute_names, on=["scenario", "attribute"])


@pytest.fixture(scope="module")
def agreement(study, weights):
    return agreement_of(weights, study)


@pytest.fixture(scope="module")
def numbers(study, weights, agreement):
    nothing_fitted = pd.DataFrame(columns=list(COLUMNS))
    frame = paper_numbers(study, weights, agreement, nothing_fitted, Names.of(study))
    return frame.set_index("id")


@pytest.fixture(scope="module")
def files(paper_data):
    """The files as pandas reads them."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(paper_data / f"{name}.csv")

    return read


def by_scenario(frame: pd.DataFrame, prefix: str = "") -> dict[str, np.ndarray]:
    """Rows of five values by scenario."""
    columns = [f"{prefix}attr{i}" for i in range(1, 6)]
    return dict(zip(frame["scenario"], frame[columns].to_numpy(float), strict=True))


def predicted(files, selections: str, weights: dict[str, np.ndarray]) -> float:
    """Share of choices that go where the sign of sum(weight x d) points."""
    numbers = range(1, 6)
    ranges = files("scenarios").set_index("scenario")
    right = []
    for scenario, rows in files(selections).groupby("scenario"):
        width = [
            ranges.at[scenario, f"attr{i}_max"] - ranges.at[scenario, f"attr{i}_min"]
            for i in numbers
        ]
        a = rows[[f"A_attribute_{i}" for i in numbers]].to_numpy()
        b = rows[[f"B_attribute_{i}" for i in numbers]].to_numpy()
        towards_a = (a - b) / width @ weights[scenario]
        right.extend((rows["selection"] == "A").to_numpy() == (towards_a > 0))
    return float(np.mean(right))


def joined(files, base: str, set_: str, condition: str, by: dict[str, np.ndarray]) -> np.ndarray:
    """Pairs (weight, mean report), standardised and not, of the attributes that have both.

    Returns
    -------
    (pair, 4) array: weight, report, standardised weight, standardised report
    """
    everything = np.concatenate(list(by.values()))
    mean, sd = everything.mean(), everything.std(ddof=1)
    rows = []
    for name in REPORT_FILES[set_, condition]:
        reports = files(name.format(base))
        means = {
            scenario: rows[[f"report_attr{i}" for i in range(1, 6)]].to_numpy().mean(axis=0)
            for scenario, rows in reports.groupby("scenario")
        }
        of_fold = np.concatenate(list(means.values()))
        for scenario, report in means.items():
            standard = (report - of_fold.mean()) / of_fold.std(ddof=1)
            weight = by[scenario]
            rows += zip(weight, report, (weight - mean) / sd, standard, strict=True)
    return np.array(rows)


def released(files, base: str, set_: str) -> dict[str, np.ndarray]:
    latent = "_latent" if set_ == "native" else ""
    return by_scenario(files(f"{base}{latent}_regression_results"), "b_")


def test_the_released_files_are_read_as_they_are(files, weights):
    for base in SHORT:
        for set_ in ("instilled", "native"):
            chosen = weights[(weights["base_model"] == base) & (weights["set"] == set_)]
            for scenario, values in released(files, base, set_).items():
                ours = chosen[chosen["scenario"] == scenario].sort_values("attribute")["weight"]
                np.testing.assert_array_equal(ours.to_numpy(), values)


@pytest.mark.parametrize("base", SHORT)
def test_target_agreement_is_the_share_of_choices_that_the_targets_prescribe(files, numbers, base):
    targets = by_scenario(files("instilled_weights"))
    share = predicted(files, f"{base}_instilled_selections", targets)
    assert numbers.loc[f"e1_target_agreement_{SHORT[base]}", "estimate"] == pytest.approx(share)


@pytest.mark.parametrize(("base", "expected"), [(LARGE, 0.8447), (MINI, 0.8541)])
def test_choice_accuracy_is_that_of_the_rounded_weights(files, numbers, base, expected):
    share = predicted(files, f"{base}_instilled_latent_selections", released(files, base, "native"))
    assert share == pytest.approx(expected)
    assert numbers.loc[f"e3_choice_accuracy_{SHORT[base]}", "estimate"] == pytest.approx(share)


@pytest.mark.parametrize(("base", "missing"), [(LARGE, 34), (MINI, 966)])
def test_invalid_reports_are_what_5_000_lack(files, numbers, base, missing):
    given = sum(len(files(name.format(base))) for names in REPORT_FILES.values() for name in names)
    assert 5_000 - given == missing
    row = numbers.loc[f"all_invalid_reports_{SHORT[base]}"]
    assert row["estimate"] == pytest.approx(missing / 5_000)
    assert row["note"] == f"{missing} of 5,000"


def test_the_released_choices_hold_no_invalid_one(files, numbers):
    for base in SHORT:
        assert set(files(f"{base}_instilled_selections")["selection"]) == {"A", "B"}
    assert numbers.loc["e1_invalid_choices", "estimate"] == 0


@pytest.mark.parametrize(("base", "set_", "condition"), CELLS)
def test_standardised_pairs_are_those_of_the_paper(files, agreement, base, set_, condition):
    expected = joined(files, base, set_, condition, released(files, base, set_))
    rows = agreement[
        (agreement["base_model"] == base)
        & (agreement["set"] == set_)
        & (agreement["condition"] == condition)
    ]
    ours = rows[["weight", "reported", "standardized_b", "standardized_reports"]].to_numpy()
    # Row order is not part of the definition.
    np.testing.assert_allclose(
        ours[np.lexsort(ours.T)], expected[np.lexsort(expected.T)], rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("base", SHORT)
def test_pearson_correlations_with_native_weights(files, numbers, base):
    for stem, condition in (("before", "weight-trained"), ("after", "introspection-trained")):
        pairs = joined(files, base, "native", condition, released(files, base, "native"))
        r = np.corrcoef(pairs[:, 2], pairs[:, 3])[0, 1]
        ours = numbers.loc[f"e3_native_r_{stem}_{SHORT[base]}", "estimate"]
        assert ours == pytest.approx(r, rel=1e-9)
    if base == MINI:
        # A correlation, not a slope: with missing reports the two differ in the third digit.
        assert numbers.loc["e3_native_r_before_mini", "estimate"] == pytest.approx(0.398, abs=5e-4)


@pytest.mark.parametrize("base", SHORT)
def test_pearson_correlations_with_target_weights(files, numbers, base):
    instilled = set(files(f"{base}_instilled_selections")["scenario"])
    targets = {
        name: values
        for name, values in by_scenario(files("instilled_weights")).items()
        if name in instilled
    }
    assert len(targets) == 100
    for stem, condition in (("e1", "weight-trained"), ("e2", "introspection-trained")):
        pairs = joined(files, base, "instilled", condition, targets)
        r = np.corrcoef(pairs[:, 2], pairs[:, 3])[0, 1]
        ours = numbers.loc[f"d_{stem}_report_target_r_{SHORT[base]}", "estimate"]
        assert ours == pytest.approx(r, rel=1e-9)
    learned = released(files, base, "instilled")
    both = np.concatenate([np.stack([learned[name], targets[name]], axis=1) for name in targets])
    ours = numbers.loc[f"e1_learned_target_r_{SHORT[base]}", "estimate"]
    assert ours == pytest.approx(np.corrcoef(both.T)[0, 1], rel=1e-9)


class TestExclusionOfExtremes:
    """Appendix D under its four readings, all from the released weights."""

    EXPECTED = (("reported", 0.046), ("both", 0.031), ("fitted", 0.126), ("either", 0.213))

    @pytest.mark.parametrize(("reading", "figure"), EXPECTED)
    def test_largest_change(self, files, agreement, reading, figure):
        changes = []
        for base, set_, condition in CELLS:
            pairs = joined(files, base, set_, condition, released(files, base, set_))
            weight, report = pairs[:, 0], pairs[:, 1]
            largest = np.abs(report.reshape(-1, 5)).max(axis=1).repeat(5)
            at_end = {
                "reported": np.abs(report) >= 100,
                "fitted": np.abs(weight) == 100,
                "rescaled": np.isclose(np.abs(report), largest),
            }
            at_end["both"] = at_end["reported"] & at_end["fitted"]
            at_end["either"] = at_end["rescaled"] | at_end["fitted"]
            kept = ~at_end[reading]
            whole = np.corrcoef(weight, report)[0, 1]
            changes.append(abs(np.corrcoef(weight[kept], report[kept])[0, 1] - whole))
        ours = largest_changes(agreement)[reading]
        assert ours == pytest.approx(max(changes), rel=1e-9)
        assert round(ours, 3) == figure

    def test_ten_correlations_are_compared_and_two_readings_meet_the_paper(self, agreement):
        changes = largest_changes(agreement)
        assert changes.attrs["correlations"] == 10
        assert (changes <= 0.06).to_dict() == {
            "reported": True,
            "both": True,
            "fitted": False,
            "either": False,
        }


def test_posterior_means_are_scaled_as_the_authors_scaled_theirs(weights):
    # brms' means of 40,000 draws, scaled, and the authors' own of 4,000 differ by Monte Carlo
    # error and rounding: two runs of theirs differ by up to 2 points.
    reference = brms.weights()
    slopes = reference[reference["term"] != "Intercept"]
    slopes = slopes.sort_values([*brms.SCENARIO, "term"])
    ours = scaled_weights(slopes["mean"].to_numpy().reshape(-1, 5)).ravel()
    theirs = weights.sort_values([*brms.SCENARIO, "attribute"])["weight"].to_numpy()
    assert np.abs(ours - theirs).max() <= 2


def test_the_largest_weight_is_100_and_all_are_whole():
    means = np.array([[0.5, -2.0, 1.0], [0.0, 0.0, 0.0], [-1e-9, 0.0, 0.0]])
    expected = [[25, -100, 50], [0, 0, 0], [-100, 0, 0]]
    np.testing.assert_array_equal(scaled_weights(means), expected)


def test_the_correlations_table_of_brms_rests_on_the_same_rows(agreement):
    sizes = agreement.groupby(["base_model", "set", "condition"]).size()
    rows = brms.table("regressions").drop_duplicates("model").set_index("model")["n"]
    assert sizes[MINI, "instilled", "weight-trained"] == rows["exp1 instilled gpt-4o-mini"]
    assert sizes[LARGE, "instilled", "off-the-shelf"] == rows["exp1 off-the-shelf gpt-4o"]
    trained = sizes[sizes.index.get_level_values("condition") != "off-the-shelf"]
    by_set = trained.groupby("set").sum()
    assert by_set["instilled"] == rows["exp2 training effect"]
    assert by_set["native"] == rows["exp3 training effect"]
