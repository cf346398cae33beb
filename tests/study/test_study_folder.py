"""Studies of every shape that the reader takes, and what it says about them."""

from __future__ import annotations

import csv
import os

import pytest
from studies import write_rows

from selfinterp_stats.errors import InputError
from selfinterp_stats.study import load_study


def rewrite(path, old, new, count=1):
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, count))


def messages(study, kind=None):
    return [n.message for n in study.notices if kind in (None, n.kind)]


def test_a_complete_study_has_nothing_to_tell(make_study):
    study = load_study(make_study(released=True))
    assert study.notices == ()
    assert study.describe()["complete"].all()
    assert len(study.describe()) == 7
    assert not study.is_paper


@pytest.mark.parametrize("attributes", [1, 2, 8, 12])
def test_attributes_are_taken_from_the_columns(make_study, attributes):
    study = load_study(make_study(attributes=attributes, scenarios=6))
    assert len(study.attributes) == attributes
    assert study.attributes[-1] == f"attr{attributes}"
    assert study.choices.columns[-1] == f"d{attributes}"
    assert study.reports[list(study.attributes)].notna().all(axis=None)


def test_any_names_of_base_models_are_kept_apart(make_study):
    names = ("llama_3", "qwen_instilled", "m_latent", "ü-模型 (v2), 70b", "x_itrained_y", "a.b+[c]")
    study = load_study(make_study(base_models=names, scenarios=2))
    assert study.base_models == tuple(sorted(names))
    counts = study.describe().groupby("base_model").size()
    assert (counts == 7).all()
    assert messages(study) == []


def test_sets_and_reports_may_be_absent(make_study):
    study = load_study(make_study(sets=("native",), conditions=(), targets=False))
    assert study.sets_of("model-a") == ("native",)
    assert [len(f) for f in (study.reports, study.targets, study.released)] == [0, 0, 0]
    assert list(study.reports.columns)[:5] == [
        "base_model", "set", "condition", "fold", "explaining_model",
    ]  # fmt: skip
    assert len(study.describe()) == 1


@pytest.mark.parametrize("content", ["", "\n", "header"])
def test_an_empty_file_of_reports_is_a_set_left_out_and_told(make_study, content):
    folder = make_study()
    path = folder / "model-a_instilled_weight_reports.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n" if content == "header" else content)
    study = load_study(folder)
    assert "weight-trained" not in set(study.reports.query("set == 'instilled'")["condition"])
    (notice,) = study.notices
    assert notice.kind == "left out"
    assert notice.file == path.name
    assert path.name in study.hashes


def test_blank_reports_are_left_out_and_counted(make_study):
    folder = make_study()
    path = folder / "model-a_weight_reports.csv"
    lines = path.read_text().splitlines()
    lines[1] = "ft,v1,item_1,,,"
    lines[2] = "ft,v1,item_1, , ,"
    path.write_text("\n".join(lines) + "\n")
    study = load_study(folder)
    assert messages(study) == [f"{path.name}: 2 of 12 rows hold no report and are left out."]
    first = study.reports.query("condition == 'off-the-shelf'")
    assert len(first) == 10
    assert first["repeat"].tolist()[:4] == [0, 0, 1, 2]


def test_a_file_of_blank_reports_alone_is_a_set_left_out(make_study):
    folder = make_study()
    path = folder / "model-a_weight_reports.csv"
    header = path.read_text().splitlines()[0]
    path.write_text(f"{header}\nft,v1,item_1,,,\n")
    study = load_study(folder)
    assert messages(study, "left out") == [f"{path.name} holds no report, so its set is left out."]


def test_every_file_without_a_role_is_named_once(make_study):
    folder = make_study()
    for name in ("notes.txt", "model-a_itrained_all_4_5ex_weight_reports.csv", "old.csv"):
        (folder / name).write_text("x")
    for name in ("a.jsonl", "roles.csv", "SHA256SUMS", "README.md", "models.json", ".DS_Store"):
        (folder / name).write_text("x")
    (folder / "simulation_truth.csv").write_text("x")
    (notice,) = load_study(folder).notices
    assert notice.kind == "info"
    assert notice.count == 3
    assert "'model-a_itrained_all_4_5ex_weight_reports.csv', 'notes.txt', 'old.csv'" in str(notice)


def test_reports_without_choices_are_kept_and_said_to_be_of_no_use(make_study):
    folder = make_study(base_models=("model-a", "model-b"))
    (folder / "model-b_instilled_selections.csv").unlink()
    study = load_study(folder)
    assert study.sets_of("model-b") == ("native",)
    told = messages(study, "left out")
    assert len(told) == 3
    assert all("model-b, instilled" in message for message in told)
    assert (study.reports["base_model"] == "model-b").sum() == 5 * 12


def test_values_far_outside_their_range_are_kept_with_a_warning(make_study):
    folder = make_study()
    path = folder / "model-a_instilled_selections.csv"
    lines = path.read_text().splitlines()
    cells = lines[3].split(",")
    cells[4] = "-1000"
    lines[3] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")
    study = load_study(folder)
    (notice,) = study.notices
    assert (notice.kind, notice.count, notice.file) == ("warning", 1, path.name)
    assert "row 4, column 'A_attribute_2': -1000" in notice.message
    assert study.choices["d2"].min() < -20


def test_reports_beyond_100_are_kept_with_a_warning(make_study):
    folder = make_study()
    path = folder / "model-a_weight_reports.csv"
    path.write_text(path.read_text() + "ft,v1,item_1,1000,0,-101\n")
    study = load_study(folder)
    (notice,) = study.notices
    assert (notice.kind, notice.count) == ("warning", 2)
    assert "row 14, column 'report_attr1': 1000" in notice.message
    assert study.reports["attr1"].max() == 1000


def test_a_scenario_where_every_choice_is_a_is_read(make_study):
    folder = make_study()
    path = folder / "model-a_instilled_selections.csv"
    path.write_text(path.read_text().replace(",item_1,B,", ",item_1,A,"))
    study = load_study(folder)
    assert study.choices.query("scenario == 'item_1'")["chose_a"].all()
    assert study.notices == ()


def test_unequal_numbers_of_trials_are_told(make_study):
    folder = make_study()
    path = folder / "model-a_instilled_selections.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-2]) + "\n")
    (message,) = messages(load_study(folder))
    assert message.startswith("model-a, instilled: 1 of 4 scenarios have fewer choices than the 6")


def test_a_scenario_in_two_folds_is_told(make_study):
    folder = make_study()
    path = folder / "model-a_itrained_first_2_of_4_5ex_weight_reports.csv"
    path.write_text(path.read_text() + "ft,v1,item_1,1,2,3\n")
    (message,) = messages(load_study(folder), "warning")
    assert "1 scenarios are reported in more than one fold" in message


def test_missing_targets_are_told(make_study):
    folder = make_study()
    path = folder / "instilled_weights.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:3]) + "\n")
    study = load_study(folder)
    assert len(study.targets) == 2
    assert messages(study)[0].startswith("2 of 4 instilled scenarios have no target weights")


def test_a_last_line_without_an_end_is_told(make_study):
    folder = make_study()
    path = folder / "model-a_instilled_selections.csv"
    path.write_text(path.read_text().rstrip("\n"))
    (message,) = messages(load_study(folder), "warning")
    assert message.startswith(f"{path.name}: the last line has no line end")


@pytest.mark.parametrize("how", ["byte order mark", "CRLF", "blank lines", "column order"])
def test_files_may_come_from_any_editor(make_study, how):
    plain = load_study(make_study("plain"))
    folder = make_study("edited")
    for path in folder.glob("*.csv"):
        data = path.read_bytes()
        if how == "byte order mark":
            data = b"\xef\xbb\xbf" + data
        elif how == "CRLF":
            data = data.replace(b"\n", b"\r\n")
        elif how == "blank lines":
            data = data.replace(b"\n", b"\n\n")
        elif "question" not in path.name and path.name != "scenarios.csv":
            rows = [line.split(b",") for line in data.splitlines()]
            data = b"\n".join(b",".join(reversed(row)) for row in rows) + b"\n"
        path.write_bytes(data)
    edited = load_study(folder)
    assert edited.choices.equals(plain.choices)
    assert edited.reports.equals(plain.reports)
    assert edited.scenarios.equals(plain.scenarios)
    assert edited.notices == plain.notices


@pytest.mark.parametrize("name", ["NA", "null", "1", "01", "True", "a,b", 'say "x"', "two\nlines"])
def test_names_of_scenarios_are_text_whatever_they_look_like(make_study, name):
    folder = make_study(scenarios=2)
    for path in folder.glob("*.csv"):
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
        write_rows(path, header, [[name if c == "item_1" else c for c in row] for row in rows])
    study = load_study(folder)
    assert study.scenarios["scenario"].iloc[0] == name
    assert (study.choices["scenario"] == name).sum() == 6
    assert study.notices == ()


def test_columns_that_are_not_needed_may_be_missing_or_more(make_study):
    folder = make_study()
    rewrite(folder / "model-a_instilled_selections.csv", b"model,", b"comment,")
    rewrite(folder / "scenarios.csv", b"question,", b"prompt,")
    rewrite(folder / "model-a_weight_reports.csv", b"explaining_model,", b"comment,")
    study = load_study(folder)
    assert set(study.choices.query("set == 'instilled'")["model"]) == {"model-a"}
    assert set(study.scenarios["question"]) == {""}
    assert set(study.reports.query("condition == 'off-the-shelf'")["explaining_model"]) == {
        "model-a"
    }


def test_collection_counts_are_read_where_they_are(make_study):
    folder = make_study()
    columns = ["asked", "valid", "invalid", "refused", "truncated", "failed"]
    write_rows(
        folder / "collection_counts.csv",
        ["base_model", "set", "task", "condition", *columns],
        [
            ["model-a", "instilled", "choices", "", 24, 24, 0, 0, 0, 0],
            ["model-a", "native", "reports", "weight-trained", 12, 10, 1, 1, 0, 0],
        ],
    )
    study = load_study(folder)
    assert study.counts["valid"].tolist() == [24, 10]
    assert study.counts_read["counts"] == 2
    assert len(study.narrow(sets="native").counts) == 1
    # Where the file does not say what was planned, all of it was asked.
    assert study.counts["wanted"].tolist() == [24, 12]
    assert study.counts["complete"].all()
    assert not any("incomplete" in notice.message for notice in study.notices)


def test_incomplete_parts_of_a_collection_are_told_of_with_their_folds(make_study):
    folder = make_study()
    columns = ["asked", "valid", "invalid", "refused", "truncated", "failed", "fold", "wanted"]
    trained = ["model-a", "instilled", "reports", "introspection-trained"]
    write_rows(
        folder / "collection_counts.csv",
        ["base_model", "set", "task", "condition", *columns],
        [
            ["model-a", "native", "choices", "", 20, 20, 0, 0, 0, 0, "", 24],
            [*trained, 10, 8, 0, 0, 0, 2, "first_1_of_2", 10],
            [*trained, 10, 8, 2, 0, 0, 0, "last_1_of_2", 10],
        ],
    )
    study = load_study(folder)
    assert study.counts["fold"].tolist() == ["", "first_1_of_2", "last_1_of_2"]
    assert study.counts["complete"].tolist() == [False, False, True]
    (notice,) = (notice for notice in study.notices if "incomplete" in notice.message)
    assert notice.kind == "warning"
    assert (
        "answers are missing in 2 parts of it (model-a, native, choices: 20 of 24 answered; "
        "model-a, instilled, introspection-trained, first_1_of_2, reports: 8 of 10 answered)"
    ) in notice.message
    assert notice.count == 4 + 2


def test_of_many_incomplete_parts_a_notice_names_the_first(make_study):
    folder = make_study()
    columns = ["asked", "valid", "invalid", "refused", "truncated", "failed", "wanted"]
    write_rows(
        folder / "collection_counts.csv",
        ["base_model", "set", "task", "condition", *columns],
        [[f"model-{i}", "native", "choices", "", 0, 0, 0, 0, 0, 0, 9] for i in range(12)],
    )
    (notice,) = (n for n in load_study(folder).notices if "incomplete" in n.message)
    assert "model-4, native, choices: 0 of 9 answered; and 7 more)" in notice.message
    assert "model-5" not in notice.message


def test_narrowing_to_what_is_not_there_lists_what_is(make_study):
    study = load_study(make_study(base_models=("a", "b")))
    with pytest.raises(
        InputError, match=r"no base model of this name \(found 'c'\)\. Allowed: a, b\."
    ):
        study.narrow("c")
    with pytest.raises(InputError, match=r"no set of this name .*Allowed: instilled, native\."):
        study.narrow(sets=["latent"])
    with pytest.raises(InputError, match="no base model"):
        study.sets_of("c")
    assert study.narrow() is study


def test_narrowing_to_nothing_lists_the_sets_of_each_base_model(make_study):
    folder = make_study(base_models=("a", "b"))
    (folder / "a_instilled_selections.csv").unlink()
    study = load_study(folder)
    with pytest.raises(
        InputError, match=r"nothing is left .*Allowed: a: native; b: instilled, nat"
    ):
        study.narrow("a", "instilled")


def test_a_relative_path_is_kept_as_it_was_given(make_study, monkeypatch):
    folder = make_study()
    monkeypatch.chdir(folder.parent)
    assert load_study("study").source == "study"
    assert load_study(os.path.join(".", "study")).source == os.path.join(".", "study")
    assert repr(load_study("study")).startswith("Study('study': 1 base models, 3 attributes")
