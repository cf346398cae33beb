"""Tidy files say the same as a study folder, by columns instead of file names."""

from __future__ import annotations

import csv
import re

import pytest
from studies import write_rows

from selfinterp_stats.errors import InputError
from selfinterp_stats.study import load_study, load_tidy, parse_mapping


@pytest.fixture
def folder(make_study):
    return make_study(base_models=("a_1", "b"), attributes=2)


@pytest.fixture
def study(folder):
    return load_study(folder)


def read(path):
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def choices_of(folder, path, names=("base_model", "set", "scenario", "selection")):
    """The folder's choices as one tidy file."""
    rows = []
    for base in ("a_1", "b"):
        for set_name, latent in (("instilled", ""), ("native", "_latent")):
            _, found = read(folder / f"{base}_instilled{latent}_selections.csv")
            rows += [[base, set_name, *row[1:]] for row in found]
    options = [f"{option}_attr{i}" for option in "AB" for i in (1, 2)]
    write_rows(path, [*names, *options], rows)
    return path


def reports_of(study, path):
    """The study's reports as one tidy file."""
    keys = ["base_model", "set", "condition", "fold", "explaining_model", "scenario"]
    rows = study.reports[[*keys, "attr1", "attr2"]].to_numpy().tolist()
    write_rows(path, [*keys, "report_attr1", "report_attr2"], rows)
    return path


@pytest.fixture
def choices(folder, tmp_path):
    return choices_of(folder, tmp_path / "choices.csv")


@pytest.fixture
def reports(study, tmp_path):
    return reports_of(study, tmp_path / "reports.csv")


def same_choices(one, other):
    columns = ["base_model", "set", "scenario", "trial", "selection", "chose_a", "d1", "d2"]
    return one.choices[columns].equals(other.choices[columns])


def with_columns(path, columns):
    """Add columns, each given by a function of a row as a dict."""
    header, rows = read(path)
    write_rows(
        path,
        [*header, *columns],
        [[*r, *(f(dict(zip(header, r, strict=True))) for f in columns.values())] for r in rows],
    )


def kinds_and_counts(study):
    return [(notice.kind, notice.count) for notice in study.notices]


def without(path, *columns):
    header, rows = read(path)
    kept = [i for i, name in enumerate(header) if name not in columns]
    write_rows(path, [header[i] for i in kept], [[row[i] for i in kept] for row in rows])


def test_tidy_files_make_the_same_study_as_the_folder(folder, study, choices, reports):
    tidy = load_tidy(
        choices, reports, folder / "scenarios.csv", targets=folder / "instilled_weights.csv"
    )
    assert same_choices(tidy, study)
    assert tidy.reports.equals(study.reports)
    assert tidy.scenarios.equals(study.scenarios)
    assert tidy.targets.equals(study.targets)
    assert tidy.base_models == ("a_1", "b")
    assert tidy.notices == ()
    assert tidy.released.empty
    assert len(tidy.hashes) == 4
    assert not tidy.is_paper


def test_the_order_of_rows_matters_only_within_a_scenario(folder, study, choices):
    header, rows = read(choices)
    write_rows(choices, header, sorted(rows, key=lambda row: (row[1], row[2], row[0])))
    tidy = load_tidy(choices, scenarios=folder / "scenarios.csv")
    keys = ["base_model", "set", "scenario", "trial"]
    left, right = (s.choices.sort_values(keys, ignore_index=True) for s in (tidy, study))
    assert left[[*keys, "d1", "d2", "chose_a"]].equals(right[[*keys, "d1", "d2", "chose_a"]])
    assert tidy.choices["base_model"].is_monotonic_increasing


def test_columns_may_have_any_names(folder, study, tmp_path, reports):
    path = choices_of(folder, tmp_path / "own.csv", ("who", "part", "item, short", "picked"))
    mapping = parse_mapping(
        'choices.base_model=who,choices.set=part,"scenario=item, short",selection = picked'
    )
    assert mapping["scenario"] == "item, short"
    tidy = load_tidy(path, reports, folder / "scenarios.csv", mapping=mapping)
    assert same_choices(tidy, study)
    assert tidy.reports.equals(study.reports)


def test_options_may_have_any_names(folder, study, choices):
    text = choices.read_text().replace("A_attr2", "second of A").replace("B_attr1", "scenario ")
    choices.write_text(text)
    mapping = {"A_attr2": "second of A", "B_attr1": "scenario "}
    assert same_choices(load_tidy(choices, None, folder / "scenarios.csv", mapping=mapping), study)


def test_messages_use_the_names_of_the_file(folder, choices):
    lines = choices.read_text().replace("A_attr2", "height").splitlines()
    cells = lines[4].split(",")
    lines[4] = ",".join([*cells[:5], "tall", *cells[6:]])
    choices.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"row 5, column 'height': text stands .*'tall'") as caught:
        load_tidy(choices, scenarios=folder / "scenarios.csv", mapping={"A_attr2": "height"})
    assert caught.value.file == str(choices)


def test_ranges_may_stand_in_the_choices(folder, study, choices):
    ranges = study.scenarios.set_index("scenario")
    ends = ("attr1_min", "attr1_max", "attr2_min", "attr2_max")
    with_columns(choices, {e: lambda row, e=e: ranges.loc[row["scenario"], e] for e in ends})
    tidy = load_tidy(choices)
    assert same_choices(tidy, study)
    assert len(tidy.scenarios) == 8
    assert set(tidy.scenarios["attr1"]) == {"attr1"}

    header, rows = read(choices)
    rows[3][header.index("attr2_max")] = "99"
    write_rows(choices, header, rows)
    with pytest.raises(InputError, match=r"row 5, column 'attr2_max': the range is not the same"):
        load_tidy(choices)
    for row in rows:
        row[header.index("attr2_max")] = "-1"
    write_rows(choices, header, rows)
    with pytest.raises(InputError, match=r"row 2, column 'attr2_max': the attribute's range is"):
        load_tidy(choices)


def test_differences_may_be_given_already_scaled(study, tmp_path):
    path = tmp_path / "differences.csv"
    keys = ["base_model", "set", "scenario", "selection", "d1", "d2"]
    write_rows(path, keys, study.choices[keys].to_numpy().tolist())
    tidy = load_tidy(path)
    assert same_choices(tidy, study)
    assert tidy.attributes == ("attr1", "attr2")
    assert kinds_and_counts(tidy) == [("info", 4)]  # no targets


def test_differences_far_beyond_one_are_told(study, tmp_path):
    path = tmp_path / "differences.csv"
    keys = ["base_model", "set", "scenario", "selection", "d1", "d2"]
    rows = study.choices[keys].to_numpy().tolist()
    rows[0][5] = 40
    write_rows(path, keys, rows)
    notice, _ = load_tidy(path).notices
    assert "row 2, column 'd2': 40" in notice.message


def test_options_without_any_range_are_refused(choices):
    with pytest.raises(InputError, match=r"'attr1_min'.*give a file of scenarios, or add these"):
        load_tidy(choices)


def test_what_is_the_same_for_all_rows_may_be_given_once(folder, study, choices, reports):
    for path in (choices, reports):
        header, rows = read(path)
        keep = [i for i, name in enumerate(header) if name not in ("base_model", "set")]
        mine = [row for row in rows if row[header.index("base_model")] == "b"]
        mine = [row for row in mine if row[header.index("set")] == "native"]
        write_rows(path, [header[i] for i in keep], [[row[i] for i in keep] for row in mine])
    tidy = load_tidy(choices, reports, folder / "scenarios.csv", base_model="b", set_name="native")
    assert same_choices(tidy, study.narrow("b", "native"))
    assert tidy.reports.equals(study.narrow("b", "native").reports)
    without(reports, "condition")
    one = load_tidy(
        choices, reports, folder / "scenarios.csv",
        base_model="b", set_name="native", condition="weight-trained",
    )  # fmt: skip
    assert set(one.reports["condition"]) == {"weight-trained"}


@pytest.mark.parametrize("name", ["base_model", "set"])
def test_what_is_neither_column_nor_given_is_asked_for(folder, choices, name):
    without(choices, name)
    match = rf"column '{name}': a needed column is missing.* or give one {name} for all rows\."
    with pytest.raises(InputError, match=match):
        load_tidy(choices, scenarios=folder / "scenarios.csv")


def test_what_is_column_and_given_is_refused(folder, choices):
    with pytest.raises(InputError, match=r"column 'set': the set is given for all rows, and the"):
        load_tidy(choices, scenarios=folder / "scenarios.csv", set_name="native")


def test_unknown_sets_and_conditions_are_refused(folder, choices, reports):
    scenarios = folder / "scenarios.csv"
    with pytest.raises(InputError, match=r"found 'latent'\)\. Allowed: instilled, native\."):
        load_tidy(choices, scenarios=scenarios, set_name="latent")
    header, rows = read(reports)
    condition = header.index("condition")
    rows[1][condition] = "trained"
    write_rows(reports, header, rows)
    with pytest.raises(InputError, match=r"row 3, column 'condition': this is no condition that"):
        load_tidy(choices, reports, scenarios)
    rows[1][condition], rows[1][header.index("set")] = "off-the-shelf", "native"
    write_rows(reports, header, rows)
    with pytest.raises(InputError, match=r"row 3, column 'condition': .*'native, off-the-shelf'"):
        load_tidy(choices, reports, scenarios)


def test_without_folds_each_explaining_model_is_one(folder, study, choices, reports):
    with_columns(
        reports,
        {"model": lambda row: f"{row['explaining_model']}:{row['fold']}"},
    )
    without(reports, "fold", "explaining_model")
    tidy = load_tidy(
        choices, reports, folder / "scenarios.csv", mapping={"explaining_model": "model"}
    )
    trained = tidy.reports.query("set == 'instilled' and condition == 'introspection-trained'")
    assert trained["fold"].nunique() == 4
    assert (trained["fold"] == trained["explaining_model"]).all()
    assert set(tidy.reports.query("set == 'native'")["fold"]) == {""}
    told = [n.message for n in tidy.notices if "fold of its own" in n.message]
    assert len(told) == 1


def test_an_empty_file_of_reports_is_left_out(folder, choices, tmp_path):
    (tmp_path / "none.csv").write_text("")
    study = load_tidy(choices, tmp_path / "none.csv", folder / "scenarios.csv")
    assert study.reports.empty
    assert kinds_and_counts(study) == [("left out", 0), ("info", 4)]


def test_a_missing_file_is_refused(folder, choices, tmp_path):
    with pytest.raises(InputError, match=r"other\.csv: the file cannot be read: No such file"):
        load_tidy(tmp_path / "other.csv")
    (tmp_path / "none.csv").write_text("")
    with pytest.raises(InputError, match=r"none\.csv: the file is empty"):
        load_tidy(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"none\.csv: the file is empty"):
        load_tidy(choices, scenarios=tmp_path / "none.csv")


@pytest.mark.paper
def test_the_papers_own_files_under_other_names_are_not_the_paper(paper_data, monkeypatch):
    monkeypatch.chdir(paper_data)
    study = load_tidy(
        "gpt-4o-2024-08-06_instilled_selections.csv",
        scenarios="scenarios.csv",
        base_model="another",
        set_name="native",
    )
    assert study.base_models == ("another",)
    assert not study.is_paper


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("scenario", r"cannot be read \(found 'scenario'\)\. Allowed: parts of the form"),
        ("scenario=", "cannot be read"),
        ("a,b", "cannot be read"),
        ("scenario=x,scenario=y", r"gives a standard name twice \(found 'scenario'\)"),
        ("scenarios=x", r"unknown standard name \(found 'scenarios'\)\. Allowed: choices: base_mo"),
        ("A_attr0=x", "unknown standard name"),
        ("A_attr=x", "unknown standard name"),
        ("targets.selection=x", "unknown standard name"),
    ],
)
def test_a_mapping_that_cannot_be_read_lists_what_is_allowed(text, problem):
    with pytest.raises(InputError, match=problem):
        parse_mapping(text)


def test_a_mapping_on_the_command_line_may_be_empty():
    assert parse_mapping("") == {}


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({"selection": "choice"}, "column 'choice': the column mapping names a column that"),
        (
            {"reports.scenario": "x"},
            "a file that was not given (found 'reports.scenario=x')",
        ),
        ({"model": "set"}, "column 'set': a needed column is missing"),
        ({"model": "set", "set": "set"}, "column 'set': the column mapping takes this column for"),
        ({"sett": "set"}, "unknown standard name (found 'sett')"),
    ],
)
def test_a_mapping_that_does_not_fit_the_files_is_refused(folder, choices, mapping, problem):
    with pytest.raises(InputError, match=re.escape(problem)):
        load_tidy(choices, scenarios=folder / "scenarios.csv", mapping=mapping)
