"""Invalid answers are counted against what was asked, as far as a study tells."""

from __future__ import annotations

import pytest
from studies import write_rows

from selfinterp_stats.estimates.asked import asked_reports, invalid_choices
from selfinterp_stats.study import load_study

CELL = ["base_model", "set", "condition", "fold"]
HEADER = ["base_model", "set", "task", "condition", "asked", "valid", "invalid", "refused"]
HEADER += ["truncated", "failed"]


def cells(study):
    return asked_reports(study).set_index(CELL)[["asked", "invalid"]].astype(int)


def test_a_complete_study_has_no_invalid_report(make_study):
    asked = cells(load_study(make_study(scenarios=4, repeats=3)))
    # Five report sets, one of them in two folds of half the scenarios each.
    assert asked["asked"].sum() == 5 * 4 * 3
    assert (asked["invalid"] == 0).all()
    folds = asked.xs("introspection-trained", level="condition").loc["model-a", "instilled"]
    assert folds["asked"].tolist() == [6, 6]


def test_missing_reports_are_invalid_ones(make_study):
    folder = make_study(scenarios=4, repeats=3)
    file = folder / "model-a_instilled_weight_reports.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-5]))  # one scenario loses all its reports, one loses two
    asked = cells(load_study(folder))
    row = asked.loc["model-a", "instilled", "weight-trained", ""]
    assert row.to_dict() == {"asked": 12, "invalid": 5}
    assert asked["invalid"].sum() == 5


@pytest.mark.parametrize("keep", [0, 1])
def test_an_empty_report_file_is_a_set_without_a_valid_report(make_study, keep):
    folder = make_study(scenarios=4, repeats=3)
    file = folder / "model-a_instilled_weight_reports.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:keep]))
    row = cells(load_study(folder)).loc["model-a", "instilled", "weight-trained", ""]
    assert row.to_dict() == {"asked": 12, "invalid": 12}


def test_a_set_without_a_file_was_not_asked(make_study):
    study = load_study(make_study(conditions=("weight-trained",)))
    assert set(asked_reports(study)["condition"]) == {"weight-trained"}


def test_narrowing_counts_what_is_left(make_study):
    study = load_study(make_study(base_models=("model-a", "model-b"), scenarios=4, repeats=3))
    one = asked_reports(study.narrow(base_models="model-b"))
    assert set(one["base_model"]) == {"model-b"}
    assert one["asked"].sum() == 60
    native = asked_reports(study.narrow(sets="native"))
    assert set(native["set"]) == {"native"}
    assert native["asked"].sum() == 2 * 2 * 4 * 3


class TestCountsOfTheCollection:
    @pytest.fixture
    def folder(self, make_study):
        folder = make_study(scenarios=4, repeats=3, trials=6)
        rows = [
            ["model-a", "instilled", "choices", "", 30, 24, 3, 2, 1, 0],
            ["model-a", "native", "choices", "", 24, 20, 4, 0, 0, 0],
            ["model-a", "instilled", "reports", "weight-trained", 20, 12, 4, 1, 1, 2],
            ["model-a", "native", "reports", "weight-trained", 12, 12, 0, 0, 0, 0],
        ]
        write_rows(folder / "collection_counts.csv", HEADER, rows)
        return folder

    def test_they_are_taken_as_they_are(self, folder):
        asked = cells(load_study(folder))
        # Two calls failed and brought nothing, valid or not.
        row = asked.loc["model-a", "instilled", "weight-trained", ""]
        assert row.to_dict() == {"asked": 18, "invalid": 6}
        assert asked.loc["model-a", "native", "weight-trained", ""].to_dict() == {
            "asked": 12,
            "invalid": 0,
        }

    def test_invalid_choices_are_those_on_instilled_scenarios(self, folder, make_study):
        assert invalid_choices(load_study(folder)) == 6
        assert invalid_choices(load_study(make_study("other"))) == 0

    def test_they_are_narrowed_like_the_rest(self, folder):
        study = load_study(folder).narrow(sets="native")
        assert invalid_choices(study) == 0
        assert set(asked_reports(study)["set"]) == {"native"}

    def test_a_base_model_that_they_leave_out_is_worked_out(self, make_study):
        folder = make_study(base_models=("model-a", "model-b"), scenarios=4, repeats=3)
        rows = [["model-a", "instilled", "reports", "weight-trained", 20, 12, 8, 0, 0, 0]]
        write_rows(folder / "collection_counts.csv", HEADER, rows)
        asked = asked_reports(load_study(folder)).groupby("base_model")[["asked", "invalid"]].sum()
        assert asked.loc["model-a"].tolist() == [20, 8]
        assert asked.loc["model-b"].tolist() == [60, 0]
