"""What the evaluation script wrote is read item by item, whatever its running totals say."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from explainer_data import (
    PUBLISHED_CELLS,
    feature_row,
    hint_row,
    patching_row,
    real,
    recognition,
    sentence,
    temperature,
    write_lines,
)

from selfinterp_stats.study.explainers import check_design, load_explainers
from selfinterp_stats.study.explainers.sentences import read_claim
from selfinterp_stats.study.explainers.simulate import ExplainerDesign, simulate_explainers

CHANGED, SAME = sentence("blue", changed=True), sentence("blue", changed=False)
RED = sentence("red", changed=True)


def load_rows(folder, rows, **names):
    file = write_lines(folder / "act_patch_predictions.json", rows)
    return load_explainers(file, names={"explainer": "a", "target": "a", **names})


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        (CHANGED, ("changed", "blue")),
        (SAME, ("unchanged", "blue")),
        ("The output would change to <<<Answer:  B>>>", ("changed", "answer: b")),
        ("so it would REMAIN  unchanged from <<<a >> b>>>.", ("unchanged", "a >> b")),
        (f"{CHANGED} {CHANGED}", ("changed", "blue")),
        (f"{CHANGED} {SAME}", None),
        ("It would be blue.", None),
        ("The output would change to <<<blue", None),
        ("", None),
    ],
)
def test_a_sentence_says_a_verdict_and_a_content(text, claim):
    assert read_claim(text) == claim


def test_outcomes_come_from_the_sentences_and_not_from_running_totals(tmp_path):
    said = [(CHANGED, CHANGED), (SAME, CHANGED), (RED, CHANGED), (SAME, SAME), ("Blue.", SAME)]
    study = load_rows(tmp_path, [patching_row(i, *pair) for i, pair in enumerate(said)])
    items = study.items
    assert list(items["outcome"]) == [1, 0, 0, 1, 0]
    assert list(items["predicted"]) == ["changed", "unchanged", "changed", "unchanged", "invalid"]
    assert list(items["expected"]) == ["changed"] * 3 + ["unchanged"] * 2
    assert list(items["content"].fillna(-1)) == [1, 1, 0, 1, -1]
    assert study.left_out == ()


def test_patched_items_are_joined_by_layer_text_place_and_source_not_by_row(tmp_path):
    rows = [patching_row(i, CHANGED, CHANGED) for i in range(4)]
    other = patching_row(0, CHANGED, CHANGED)
    other["extra_args"]["counterfactual_text"] = "The sun is"
    other_text = patching_row(0, CHANGED, CHANGED, text="The sea is")
    a = write_lines(tmp_path / "a_explains_t_predictions.json", [*rows, other, other_text])
    b = write_lines(tmp_path / "t_explains_t_predictions.json", [other, *rows[::-1][:3]])
    items = load_explainers([a, b]).items
    mine, theirs = (items.loc[items["explainer"] == name, "item"] for name in ("a", "t"))
    assert mine.nunique() == 6
    assert list(theirs) == [mine[4], mine[3], mine[2], mine[1]]
    assert items["cluster"].nunique() == 2


def test_one_question_with_two_hints_is_two_items(tmp_path):
    rows = [hint_row(1, CHANGED, CHANGED), hint_row(1, CHANGED, CHANGED)]
    rows[1]["extra_args"]["hint"] = "C"
    assert load_rows(tmp_path, rows).items["item"].nunique() == 2


def test_scores_of_both_kinds_are_tasks_of_their_own(tmp_path):
    judged = [feature_row(i, similarity=i / 4) for i in range(5)]
    simulated = [feature_row(i, simulator_correlation_abs=0.1 * i) for i in range(5)]
    files = [
        write_lines(tmp_path / kind / "x_explains_x.jsonl", rows)
        for kind, rows in (("judge", judged), ("simulator", simulated))
    ]
    items = load_explainers(files).items
    assert list(items["task"].unique()) == ["token_comparison", "token_comparison simulator"]
    assert list(items["outcome"][:5]) == [0, 0.25, 0.5, 0.75, 1]


def test_other_questions_of_the_script_are_kept_out(tmp_path):
    rows = [
        patching_row(1, CHANGED, CHANGED),
        patching_row(2, "b", "b", question_type="orig_match"),
    ]
    study = load_rows(tmp_path, rows)
    assert len(study.items) == 1
    assert study.left_out[0].reason == "question_type 'orig_match' asks for no explanation"


@pytest.mark.parametrize(
    "path",
    [
        "big_explains_small_hint_attribution_predictions.json",
        "big_explains_small/hint_predictions.json",
        "big/small/hint_predictions.json",
    ],
)
def test_a_path_names_its_cell_and_a_notice_says_so(tmp_path, path):
    study = load_explainers(write_lines(tmp_path / path, [hint_row(1, SAME, SAME)]))
    assert list(study.items.loc[0, ["explainer", "target"]]) == ["big", "small"]
    assert [n.message.endswith("by its path, big explains small.") for n in study.notices] == [True]


def test_files_are_recorded_with_no_more_folders_than_tell_them_apart(tmp_path):
    paths = ("data/one/a/hint.jsonl", "data/two/a/hint.jsonl", "data/two/patching.jsonl")
    for place, path in enumerate(paths):
        row = {**hint_row(place, SAME, SAME), "explainer": "m", "target": "m"}
        bad = {**hint_row(9, SAME, "It stays."), "explainer": "m", "target": "m"}
        write_lines(tmp_path / path, [row, bad])
    study = load_explainers(tmp_path / "data")
    assert list(study.sources) == ["one/a/hint.jsonl", "two/a/hint.jsonl", "patching.jsonl"]
    assert list(study.left_out_table()["file"]) == list(study.sources)
    assert [notice.file for notice in study.notices] == list(study.sources)
    data = (tmp_path / paths[0]).read_bytes()
    assert study.sources["one/a/hint.jsonl"] == hashlib.sha256(data).hexdigest()


def test_options_come_before_a_manifest_and_that_before_the_path(tmp_path):
    file = write_lines(tmp_path / "x_explains_y.jsonl", [hint_row(1, SAME, SAME)])
    manifest = tmp_path / "files.csv"
    manifest.write_text("file,explainer,target,run\nx_explains_y.jsonl,m,n,2\n")
    listed = load_explainers(file, manifest=manifest).items.iloc[0]
    given = load_explainers(file, manifest=manifest, names={"explainer": "o"}).items.iloc[0]
    assert list(listed[["explainer", "target", "run"]]) == ["m", "n", "2"]
    assert list(given[["explainer", "target", "run"]]) == ["o", "n", "2"]


def test_a_collection_names_its_own_pairs(tmp_path):
    """A collector writes `collection.json` beside its predictions; names may hold a slash."""
    write_lines(tmp_path / "a-b_explains_c_hint_predictions.json", [hint_row(1, SAME, SAME)])
    pair = {"file": "a-b_explains_c_hint_predictions.json", "explainer": "a/b", "target": "c"}
    (tmp_path / "collection.json").write_text(json.dumps({"pairs": [pair]}))
    study = load_explainers(tmp_path)
    assert list(study.items.loc[0, ["explainer", "target"]]) == ["a/b", "c"]
    assert study.notices == ()


def test_rows_that_name_their_own_cell_are_believed(tmp_path):
    row = hint_row(1, SAME, SAME, item="q-1", explainer="org/a", target="org/b")
    study = load_explainers(write_lines(tmp_path / "a_explains_b.jsonl", [row]))
    assert list(study.items.loc[0, ["explainer", "target", "item"]]) == ["org/a", "org/b", "q-1"]


def test_a_tidy_table_brings_its_optional_columns(tmp_path):
    path = tmp_path / "tidy.csv"
    path.write_text(
        "explainer,target,task,item,outcome,cluster,class,run,similarity,condition,predicted,"
        "expected,note\n"
        f'a,a,t,NA,right,c1,k,1,0.5,with,"{CHANGED}","{RED}",x\n'
        "b,a,t,NA,0,c1,k,1,,with,YES,no,x\n"
    )
    first, second = load_explainers(path).items.to_dict("records")
    assert (first["item"], first["outcome"], first["cluster"], first["class"]) == (
        "NA",
        1,
        "c1",
        "k",
    )
    assert (first["run"], first["similarity"], first["condition"]) == ("1", 0.5, "with")
    assert (first["predicted"], first["expected"], first["content"]) == ("changed", "changed", 0)
    assert (second["predicted"], second["expected"]) == ("yes", "no")
    assert pd.isna(second["similarity"])


def test_shares_published_instead_of_points_are_made_points(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("explainer,target,task,value,se\na,a,t,0.64,0.004\nb,a,t,0.541,0.004\n")
    study = load_explainers(path)
    assert list(study.cells["value"]) == pytest.approx([64, 54.1])
    assert list(study.cells["se"]) == pytest.approx([0.4, 0.4])
    assert "read as shares" in study.notices[0].message


def test_a_simulated_study_is_read_with_its_known_truth(tmp_path):
    design = ExplainerDesign(models=2, items=4000, runs=2, seed=3)
    truth = simulate_explainers(tmp_path / "s", design)
    study = check_design(load_explainers(tmp_path / "s"))
    assert study.left_out == ()
    items = study.items
    assert set(items["predicted"]) == {"changed", "unchanged", "invalid"}
    right = (items["predicted"] == items["expected"]) & (items["content"] == 1)
    assert (right == (items["outcome"] == 1)).all()
    shares = 100 * items.groupby(["explainer", "target", "run"])["outcome"].mean()
    known = truth.cells.set_index(["explainer", "target", "run"])["points"]
    # Four standard errors of a share of 4,000.
    assert (shares - known).abs().max() < 4 * 50 / np.sqrt(4000)
    delta = truth.quantities.query("quantity == 'delta' and scale == 'points'")["truth"].iloc[0]
    cells = known.groupby(["explainer", "target"]).mean()
    own = [who == whom for who, whom in cells.index]
    assert delta == pytest.approx(cells[own].mean() - cells[np.logical_not(own)].mean())


# Real data


def test_the_published_cells_are_read_metric_by_metric():
    study = check_design(load_explainers(PUBLISHED_CELLS))
    patching = study.cells[study.cells["task"] == "activation_patching"]
    assert list(patching["value"]) == [64.0, 54.1, 48.6, 41.7]
    assert list(patching["se"]) == [0.4, 0.4, 0.7, 0.7]
    counts = study.left_out_table().set_index("reason")["rows"].to_dict()
    assert counts == {
        "trained is 'no': only trained explainers are compared": 12,
        "trained is 'baseline': only trained explainers are compared": 4,
        "se is empty": 2,
    }
    # Of the hint task's F1 the standard errors of both cross cells are missing.
    (warning,) = [notice.message for notice in study.notices if notice.kind == "warning"]
    assert warning.startswith("task 'input_ablation: has_changed_f1' has no cross cell")


def test_shares_of_the_temperature_study_are_exactly_those_counted_in_its_files(tmp_path):
    folder = real("temperature")
    temperature(folder).to_csv(tmp_path / "tidy.csv", index=False)
    study = check_design(load_explainers(tmp_path / "tidy.csv"))
    shares = study.items.groupby(["explainer", "target"])["outcome"].agg(["mean", "size"])
    assert len(shares) == 16
    assert shares["size"].sum() == 8524
    for path in folder.glob("*.csv"):
        rows = pd.read_csv(path)
        right = 0
        for said, temperature_ in zip(
            rows["predicted_temperature"], rows["temperature"], strict=True
        ):
            right += said.startswith("HIGH" if temperature_ > 1 else "LOW")
        cell = (rows["predictor_model"][0], rows["predicted_model"][0])
        assert shares.loc[cell, "mean"] == right / len(rows), cell
    assert shares["mean"].round(2).between(0.48, 0.53).all()


@pytest.mark.parametrize("corpus", ["xsum", "cnn"])
def test_recognition_is_read_with_every_article_in_every_cell(corpus, tmp_path):
    recognition(real("recognition") / corpus).to_csv(tmp_path / "tidy.csv", index=False)
    study = check_design(load_explainers(tmp_path / "tidy.csv"))
    sizes = study.items.groupby(["explainer", "target"]).size()
    assert list(sizes) == [1000] * 9
    assert study.items["item"].nunique() == 1000


def test_runs_of_the_hint_task_are_read_and_told_apart():
    names = {"explainer": "m", "target": "m"}
    study = load_explainers(real("hint"), names=names)
    sizes = study.items.groupby(["condition", "run"]).size()
    assert sizes.to_dict() == {
        ("k=0", "0"): 1400,
        **{(f"k={k}", str(run)): 1400 for k in (4, 8) for run in range(3)},
    }
    assert study.items["item"].nunique() == 1400
    file = real("hint") / "preds_k4_seed1.jsonl"
    raw = pd.read_json(file, lines=True)
    right = (raw["pred_changed"] == raw["gold_changed"]) & (
        raw["pred_letter"] == raw["gold_letter"]
    )
    mine = study.items.query("condition == 'k=4' and run == '1'")
    assert mine["outcome"].mean() == right.mean()
