"""Studies of any design go the whole way: their sets, attributes, names, files and oddities."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest
from commandline import FEW_DRAWS, selfinterp
from studies import write_rows

from selfinterp_stats.study import load_study

# Standard errors that a figure may be off.
MANY = 4.5


def refit(study, out, *options):
    """Reproduce a study; gives what ran, and its tables by name."""
    data = ("--data", study) if study else ()
    ran = selfinterp("reproduce", *data, "--out", out, *FEW_DRAWS, "--no-posterior", *options)
    assert ran.status == 0, ran.err
    tables = {
        name: pd.read_csv(out / "tables" / f"{name}.csv")
        for name in ("paper_numbers", "weights", "correlations")
    }
    assert (out / "index.html").stat().st_size > 10_000
    return ran, tables


def change(path, cells):
    """Rewrite a CSV file: `cells` takes a row as a dict and gives it back."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    changed = [cells(dict(zip(header, row, strict=True))) for row in rows]
    write_rows(path, header, [list(row.values()) for row in changed])


def ids(tables):
    return set(tables["paper_numbers"]["id"])


def test_one_base_model_has_no_interaction_with_base_models(make_study, tmp_path):
    study = make_study(base_models=("a", "b"), sets=("instilled",))
    ran, tables = refit(study, tmp_path / "out", "--base-model", "b")
    assert set(tables["paper_numbers"]["base_model"]) == {"b"}
    assert "e2_training_effect" in ids(tables)
    assert "e2_report_r_b" in ids(tables)
    assert not any(name.startswith("e3_") for name in ids(tables))
    assert not tables["correlations"]["id"].str.contains("difference_").any()
    assert "The paper's quantities, b" in ran.out
    assert "As asked, only base models b" in ran.err


def test_eight_attributes_are_as_good_as_five(make_study, tmp_path):
    study = make_study(attributes=8, sets=("instilled",), conditions=("weight-trained",))
    _, tables = refit(study, tmp_path / "out")
    assert set(tables["weights"]["attribute"]) == {f"attr{i}" for i in range(1, 9)}
    assert len(tables["weights"]) == 4 * 8


def test_native_scenarios_alone_need_no_targets(make_study, tmp_path):
    study = make_study(sets=("native",), targets=False)
    _, tables = refit(study, tmp_path / "out")
    assert {name.partition("_")[0] for name in ids(tables)} == {"e3", "all", "d", "exclude"}
    assert set(tables["correlations"]["experiment"]) == {"Experiment 3"}


def test_choices_without_reports_give_weights_and_an_empty_table(make_study, tmp_path):
    ran, tables = refit(make_study(conditions=()), tmp_path / "out")
    assert len(tables["correlations"]) == 0
    assert "median" in tables["correlations"].columns
    assert len(tables["weights"]) == 24
    assert ids(tables) == {
        "e1_learned_target_r_model-a",
        "e1_target_agreement_model-a",
        "e1_invalid_choices",
        "e3_choice_accuracy_model-a",
    }
    assert "correlations: \n" not in ran.err
    assert "fits of correlations" not in ran.err
    for ending in ("md", "tex"):
        assert (tmp_path / "out" / "tables" / f"correlations.{ending}").read_text().strip()


def test_an_empty_file_of_reports_is_a_set_left_out_and_said(make_study, tmp_path):
    study = make_study(sets=("instilled",))
    (study / "model-a_weight_reports.csv").write_text("")
    ran, tables = refit(study, tmp_path / "out")
    message = "model-a_weight_reports.csv holds no report, so its set is left out."
    assert f"left out: {message}" in ran.err
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert message in [notice["message"] for notice in run["data"]["notices"]]
    assert "left out" in (tmp_path / "out" / "index.html").read_text()
    assert not any(name.startswith("e1_offshelf_r") for name in ids(tables))
    assert "e1_report_r_model-a" in ids(tables)


def test_a_scenario_where_every_choice_is_a_is_fitted_and_flagged(make_study, tmp_path):
    study = make_study(sets=("instilled",))
    change(
        study / "model-a_instilled_selections.csv",
        lambda row: row | ({"selection": "A"} if row["scenario"] == "item_2" else {}),
    )
    ran, tables = refit(study, tmp_path / "out")
    assert "warning: model-a / instilled / item_2: every choice is the same option." in ran.err
    flagged = tables["weights"][tables["weights"]["all_same_choice"]]
    assert set(flagged["scenario"]) == {"item_2"}
    assert flagged["mean"].notna().all()
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["flagged"]["all_choices_alike"] == ["model-a / instilled / item_2"]


def test_reports_that_never_vary_leave_their_correlation_out_and_say_so(make_study, tmp_path):
    study = make_study(sets=("instilled",))
    same = {f"report_attr{i}": "50" for i in (1, 2, 3)}
    change(study / "model-a_weight_reports.csv", lambda row: row | same)
    ran, tables = refit(study, tmp_path / "out")
    assert "left out: model-a, instilled, off-the-shelf: no correlation" in ran.err
    assert not any(name.startswith("e1_offshelf_r") for name in ids(tables))


def test_a_value_far_outside_its_range_is_a_warning(make_study, tmp_path):
    study = make_study(sets=("instilled",), conditions=())
    path = study / "model-a_instilled_selections.csv"
    lines = path.read_text().splitlines()
    lines[4] = lines[4].rpartition(",")[0] + ",9999"
    path.write_text("\n".join(lines) + "\n")
    ran, _ = refit(study, tmp_path / "out")
    assert "warning: model-a_instilled_selections.csv: 1 value lies far outside" in ran.err
    assert "first in row 5, column 'B_attribute_3': 9999" in ran.err


@pytest.fixture
def tidy(make_study, tmp_path):
    """One table of choices and one of reports, of one base model, set and condition."""
    study = load_study(make_study(sets=("instilled",), conditions=("weight-trained",)))
    choices = study.choices[["scenario", "selection", "d1", "d2", "d3"]]
    choices = choices.rename(columns={"selection": "picked"})
    choices.to_csv(tmp_path / "choices.csv", index=False)
    reports = study.reports[["scenario", "attr1", "attr2", "attr3"]]
    reports.columns = ["scenario", "report_attr1", "report_attr2", "report_attr3"]
    reports.to_csv(tmp_path / "reports.csv", index=False)
    return tmp_path


def test_tidy_tables_and_what_is_the_same_in_every_row(tidy):
    name = "meta-llama/Llama 3.1 70B=β"
    given = ("--choices", tidy / "choices.csv", "--reports", tidy / "reports.csv")
    columns = ("--map", "selection=picked", "--constant", f"base_model={name}")
    constants = ("--constant", "set=instilled", "--constant", "condition=weight-trained")
    out = tidy / "out"
    ran, tables = refit(None, out, *given, *columns, *constants)
    assert f"e1_report_r_{name}" in ids(tables)
    assert set(tables["weights"]["base_model"]) == {name}
    assert f"The paper's quantities, {name}" in ran.out
    folder = selfinterp(
        "weights", "--data", tidy / "study", "--out", tidy / "weights", *FEW_DRAWS[:2]
    )
    assert folder.status == 0
    as_folder = pd.read_csv(tidy / "weights" / "tables" / "weights.csv")
    # Scenarios of another base model's name have draws of their own.
    error = np.hypot(as_folder["mcse_mean"], tables["weights"]["mcse_mean"])
    assert (np.abs(as_folder["mean"] - tables["weights"]["mean"]) < MANY * error).all()
    saved = ("weights", *given, *columns, *constants, *FEW_DRAWS[:2], "--out", tidy / "draws")
    assert selfinterp(*saved).status == 0
    (path,) = (tidy / "draws" / "posterior").iterdir()
    assert selfinterp("tables", "--posterior", path).status == 0


def test_simulated_studies_of_other_designs_go_the_whole_way(tmp_path):
    study = tmp_path / "study"
    names = ("one", "two words", "drei-ß")
    models = [part for name in names for part in ("--base-model", name)]
    design = ("--native", "0", "--attributes", "2", "--trained", "6", "--trials-trained", "12")
    made = selfinterp("simulate", "--out", study, "--seed", "3", *models, *design)
    assert (made.status, made.out, made.err) == (0, f"{study}\n", "")
    truth = json.loads((study / "simulation.json").read_text(encoding="utf-8"))
    assert truth["parameters"]["attributes"] == 2
    ran, tables = refit(study, tmp_path / "out")
    assert set(tables["weights"]["base_model"]) == set(names)
    assert len(tables["weights"]) == 3 * 6 * 2
    numbers = tables["paper_numbers"].set_index("id")
    assert numbers.loc["e2_training_effect", "base_model"] == "all"
    for name in names:
        assert f"e1_report_r_{name}" in numbers.index
        assert f"\n    {name} " in ran.out


def test_the_same_seed_simulates_the_same_study(tmp_path):
    files = []
    for name in ("a", "b"):
        design = ("--trained", "2", "--native", "2", "--seed", "9")
        assert selfinterp("simulate", "--out", tmp_path / name, *design).status == 0
        files.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert files[0] == files[1]
