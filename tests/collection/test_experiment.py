"""The demo's experiment in its smallest form: every step over HTTP, and a folder that loads."""

from __future__ import annotations

import contextlib
import json
import os

import pandas as pd
import pytest

from data_collection.participant.experiment import Size, run_experiment
from selfinterp_stats.study import load_study
from selfinterp_stats.study.simulation.contexts import contexts_file

SIZE = Size(trained=20, native=2, examples=20, choices_trained=4, choices_native=6, reports=2)


@contextlib.contextmanager
def no_step(_name, _total):
    yield None


def collected(folder, **options):
    with contexts_file() as scenarios:
        run_experiment(scenarios, folder, step=no_step, size=SIZE, base_models=["mine"], **options)
    return folder


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    return collected(tmp_path_factory.mktemp("experiment"), seed=5)


def test_the_study_holds_what_was_asked_for(experiment):
    study = load_study(experiment / "study")
    assert study.base_models == ("mine",)
    choices = study.choices.groupby("set")["scenario"].value_counts()
    assert set(choices["instilled"]) == {4}
    assert set(choices["native"]) == {6}
    assert len(study.targets) == 20
    cells = study.counts.set_index(["set", "task", "condition"]).sort_index()
    assert cells.loc[("instilled", "reports", "introspection-trained"), "asked"].tolist() == [
        20,
        20,
    ]
    assert (cells["failed"] == 0).all()
    reports = study.reports
    told = reports[reports["condition"] == "introspection-trained"]
    folds = told.groupby("fold")["scenario"].nunique()
    assert folds.to_dict() == {"all_20": 2, "first_10_of_20": 10, "last_10_of_20": 10}


def test_no_model_reports_on_scenarios_that_it_was_trained_to_report_on(experiment):
    study = load_study(experiment / "study")
    order = study.scenarios["scenario"].tolist()
    reports = study.reports
    first = reports[reports["fold"] == "first_10_of_20"]["scenario"].map(order.index)
    last = reports[reports["fold"] == "last_10_of_20"]["scenario"].map(order.index)
    assert first.between(10, 19).all()
    assert last.between(0, 9).all()
    models = json.loads((experiment / "study" / "models.json").read_text())["fine_tuning_jobs"]
    by_suffix = {job["suffix"]: job["fine_tuned_model"] for job in models}
    assert set(by_suffix) == {"prefs", "first", "last", "whole"}
    explaining = reports.groupby(["set", "condition", "fold"])["explaining_model"].unique()
    assert explaining["instilled", "introspection-trained", "first_10_of_20"].tolist() == [
        by_suffix["first"]
    ]
    assert explaining["instilled", "off-the-shelf", ""].tolist() == ["mine"]
    assert {job["model"] for job in models} == {"mine", by_suffix["prefs"]}


def test_the_truth_stands_beside_the_answers(experiment):
    truth = pd.read_csv(experiment / "study" / "simulation_truth.csv")
    assert len(truth) == 22 * 5
    scenario = truth.groupby("scenario")
    assert scenario["true_weight_scaled"].agg(lambda w: w.abs().max()).round(9).eq(100).all()
    assert scenario["true_intercept"].nunique().eq(1).all()
    ratio = truth["true_weight"] / truth["true_weight_scaled"]
    assert (ratio.groupby(truth["scenario"]).std() < 1e-12).all()
    instilled = truth[truth["set"] == "instilled"]
    # 100 pairs: training on 20 choices leaves about .8, with a standard error of .04.
    assert instilled["target"].corr(instilled["true_weight_scaled"]) > 0.6
    expected = truth.filter(like="expected_")
    assert expected.abs().max().max() <= 100
    assert truth.loc[truth["set"] == "native", "expected_off_the_shelf"].isna().all()
    assert instilled.filter(like="expected_").notna().all().all()


def test_the_same_seed_gives_the_same_study_byte_for_byte(experiment, tmp_path):
    again = collected(tmp_path, seed=5)
    files = {path.name: path.read_bytes() for path in (experiment / "study").iterdir()}
    assert {path.name: path.read_bytes() for path in (again / "study").iterdir()} == files


def test_neither_key_nor_proxy_of_the_environment_are_used(experiment, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    # Port 9 is that of the discard service, which nobody runs.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    folder = collected(tmp_path, seed=6)
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(b"sk-real" in content for content in written)
    assert os.environ["NO_PROXY"] == "example.org"
    # Another seed is another study.
    name = "study/mine_instilled_selections.csv"
    assert (folder / name).read_bytes() != (experiment / name).read_bytes()
