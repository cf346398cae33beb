"""A bad row is kept out with a reason; a bad file or design is refused with a whole message."""

# ruff: noqa: E501 - whole messages read best on few lines

from __future__ import annotations

import json

import pytest
from explainer_data import feature_row, hint_row, patching_row, sentence, write_lines

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.explainers.analysis import analyse_explainers
from selfinterp_stats.study.explainers import check_design, load_explainers
from selfinterp_stats.study.explainers.simulate import ExplainerDesign, simulate_explainers

CHANGED, SAME = sentence("blue", changed=True), sentence("blue", changed=False)
CELL = {"explainer": "a", "target": "a"}
HEADER = "explainer,target,task,item,outcome\n"


def reasons(study):
    return [(left.row, left.reason) for left in study.left_out]


def tidy(folder, text, header=HEADER):
    path = folder / "tidy.csv"
    path.write_text(header + text)
    return path


def test_a_truncated_last_line_costs_that_line_alone(tmp_path):
    path = write_lines(tmp_path / "p.jsonl", [hint_row(i, SAME, SAME) for i in range(3)])
    path.write_bytes(path.read_bytes()[:-40])
    study = load_explainers(path, names=CELL)
    assert len(study.items) == 2
    assert reasons(study) == [(3, "the line is cut off: the file ends in the middle of it")]
    (notice,) = study.notices
    assert (notice.kind, notice.count) == ("left out", 1)
    assert notice.message.startswith(
        "p.jsonl: 1 row kept out, the first in line 3: the line is cut off: the file ends in the "
        "middle of it (found '{"
    )


def without(row, *fields):
    inner = row
    for field in fields[:-1]:
        inner = inner[field]
    del inner[fields[-1]]
    return row


GOOD = hint_row(1, SAME, SAME)
BAD_ROWS = {
    "the line is not a JSON object": "[1, 2]",
    "the row names no task": without(hint_row(2, SAME, SAME), "task"),
    "expected_label is neither of the two sentences": hint_row(2, SAME, "It stays."),
    "example is missing": without(hint_row(2, SAME, SAME), "example"),
}
BAD_PATCHING = {
    "example is not the JSON object of a patched text": {"example": "plain text"},
    "example.layer is missing": {"example": json.dumps({"text": "x"})},
    "extra_args.patch_position.orig_pos is missing": {"extra_args": {"counterfactual_text": "x"}},
    "extra_args.counterfactual_text is missing": {
        "extra_args": {"patch_position": {"orig_pos": 1}}
    },
}


@pytest.mark.parametrize("reason", BAD_ROWS)
def test_a_row_that_cannot_be_used_is_kept_out_with_its_reason(tmp_path, reason):
    bad = BAD_ROWS[reason]
    text = bad if isinstance(bad, str) else json.dumps(bad)
    path = tmp_path / "p.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{text}\n")
    study = load_explainers(path, names=CELL)
    assert len(study.items) == 1
    assert reasons(study) == [(2, reason)]


@pytest.mark.parametrize("reason", BAD_PATCHING)
def test_a_patched_item_without_its_key_is_kept_out(tmp_path, reason):
    rows = [patching_row(1, SAME, SAME), patching_row(2, SAME, SAME, **BAD_PATCHING[reason])]
    study = load_explainers(write_lines(tmp_path / "p.jsonl", rows), names=CELL)
    assert reasons(study) == [(2, reason)]


@pytest.mark.parametrize("score", [None, "high", True, -0.1, 1.5, float("nan")])
def test_a_score_outside_0_to_1_is_kept_out(tmp_path, score):
    rows = [feature_row(1, similarity=0.5), feature_row(2, similarity=score)]
    study = load_explainers(write_lines(tmp_path / "p.jsonl", rows), names=CELL)
    assert reasons(study) == [(2, "the score is not a number from 0 to 1")]


def test_items_repeated_within_a_cell_count_once(tmp_path):
    rows = [hint_row(1, SAME, SAME), hint_row(2, SAME, SAME), hint_row(1, CHANGED, SAME)]
    study = load_explainers(write_lines(tmp_path / "p.jsonl", rows), names=CELL)
    assert list(study.items["outcome"]) == [1, 1]
    assert reasons(study) == [(3, "the item is repeated within its cell")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,a,t,2,maybe", "outcome is not a number from 0 to 1"),
        ("a,a,t,2,1.2", "outcome is not a number from 0 to 1"),
        ("a,a,t,2,nan", "outcome is not a number from 0 to 1"),
        ("a,a,t,,1", "item is empty"),
        ("a,,t,2,1", "target is empty"),
    ],
)
def test_a_bad_row_of_a_tidy_table_is_kept_out(tmp_path, row, reason):
    study = load_explainers(tidy(tmp_path, f"a,a,t,1,1\n{row}\n"))
    assert len(study.items) == 1
    assert reasons(study) == [(3, reason)]


# Designs; files that are refused as a whole are in ``tests/damage/explainers.py``


def refused(call, *arguments, **options):
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def test_one_file_spelled_in_two_ways_is_given_twice(tmp_path):
    path = tidy(tmp_path, "a,a,t,1,1\n")
    (tmp_path / "link.csv").symlink_to(path)
    for other in (tmp_path / "link.csv", tmp_path / ".." / tmp_path.name / path.name):
        said = refused(load_explainers, [path, other])
        assert said == f"{path}: the file is given twice. Leave out one of the two --data."


def test_an_outcome_that_never_varies_in_a_cell_is_said(tmp_path):
    study = load_explainers(tidy(tmp_path, "a,a,x,1,1\na,a,x,2,1\nb,a,x,1,0\nb,a,x,2,1\n"))
    assert [notice.message for notice in check_design(study).notices] == [
        (
            "task 'x': the outcome of a explaining a is 1 in all 2 rows; on the logit scale the prior "
            "alone bounds this cell."
        )
    ]


def test_a_task_without_a_comparison_is_kept_for_its_runs_alone(tmp_path):
    header = "explainer,target,task,item,outcome,run\n"
    study = load_explainers(tidy(tmp_path, "a,a,x,1,1,1\na,a,x,1,0,2\n", header))
    assert [notice.message for notice in check_design(study).notices][:1] == [
        "task 'x' has no cross cell: explainers are a; targets are a; only its runs are compared."
    ]


def test_a_prediction_that_is_no_answer_to_yes_or_no_is_refused(tmp_path):
    header = "explainer,target,task,item,outcome,predicted,expected\n"
    rows = "a,a,x,1,1,yes,yes\nb,a,x,1,0,perhaps,no\n"
    study = load_explainers(tidy(tmp_path, rows, header))
    assert refused(analyse_explainers, study, draws=400) == (
        "column 'predicted': a prediction is neither yes, no nor a probability of yes (found "
        "'perhaps')."
    )


# Simulations


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"models": 1}, "there are too few models (found 1). Allowed: from 2."),
        ({"items": 0}, "there are too few items (found 0). Allowed: from 1."),
        ({"runs": 0}, "there are too few runs (found 0). Allowed: from 1."),
        ({"item_sd": -1.0}, "item_sd is no sd (found -1.0). Allowed: from 0."),
    ],
)
def test_a_design_that_cannot_be_simulated_is_refused(design, message):
    assert refused(ExplainerDesign, **design) == message


def test_a_simulation_leaves_what_is_there_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert refused(simulate_explainers, tmp_path) == (
        f"{tmp_path}: the folder exists and is not empty. Choose a new folder; nothing in this "
        "one was changed."
    )
