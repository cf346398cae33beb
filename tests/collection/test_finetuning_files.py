"""Training files: the paper's, byte for byte, and those of a design of one's own."""

from __future__ import annotations

import csv
import json
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from scenarios import entry, scenario, write_json

from data_collection.errors import InputError
from data_collection.finetuning.files import (
    Design,
    draw_targets,
    instilled_choice,
    write_training_files,
)
from data_collection.folders import whole_folder
from data_collection.scenarios import load_scenarios
from data_collection.trials import Trial
from data_collection.weightfiles import load_weights
from selfinterp_stats.cli.main import run

DERIVED = (
    "scenarios.csv",
    "instilled_weights.csv",
    "instill_100_prefs.jsonl",
    "instill_100_prefs_val.jsonl",
    "instilled_weights_100_training.jsonl",
    "instilled_weights_50_training_test_last.jsonl",
    "instilled_weights_50_test_test_last.jsonl",
    "instilled_weights_50_training.jsonl",
    "instilled_weights_50_test.jsonl",
)
SMALL = Design(instilled=4, examples=3, validation=2)


@pytest.fixture
def small():
    return [scenario(name) for name in ("tea", "cup", "pan", "pen", "hat", "key")]


def lines(path):
    text = path.read_text()
    assert not text.endswith("\n")
    return [json.loads(line)["messages"] for line in text.split("\n")]


def answers(path):
    return [messages[-1]["content"] for messages in lines(path)]


@pytest.mark.paper
def test_the_papers_nine_files_come_out_byte_for_byte(paper_data, tmp_path, capsys):
    out = tmp_path / "training"
    status = run(
        [
            *("finetune", "files", "--out", str(out)),
            *("--scenarios", str(paper_data / "candidate_scenarios.json")),
            *("--roles", str(paper_data / "roles.csv")),
        ]
    )
    assert status == 0
    released = dict(
        reversed(line.split()) for line in (paper_data / "SHA256SUMS").read_text().splitlines()
    )
    made = {name: sha256((out / name).read_bytes()).hexdigest() for name in DERIVED}
    assert made == {name: released[name] for name in DERIVED}
    printed = capsys.readouterr().out
    assert all(str(out / name) in printed for name in DERIVED)


def test_names_and_lengths_follow_the_design(small, tmp_path):
    names = write_training_files(
        small, tmp_path / "out", Design(instilled=5, examples=3, validation=2, first_fold=2)
    )
    length = {
        name: len((tmp_path / "out" / name).read_text().splitlines())
        for name in names
        if name.endswith("jsonl")
    }
    assert length == {
        "instill_5_prefs.jsonl": 15,
        "instill_5_prefs_val.jsonl": 10,
        "instilled_weights_5_training.jsonl": 5,
        "instilled_weights_2_training_test_last.jsonl": 2,
        "instilled_weights_3_test_test_last.jsonl": 3,
        "instilled_weights_3_training.jsonl": 3,
        "instilled_weights_2_test.jsonl": 2,
    }
    with (tmp_path / "out" / "instilled_weights.csv").open(newline="") as file:
        assert [row["scenario"] for row in csv.DictReader(file)] == [s.name for s in small]


def test_without_validation_or_folds_there_are_no_such_files(small, tmp_path):
    names = write_training_files(
        small, tmp_path / "out", Design(instilled=2, examples=1, validation=0, first_fold=0)
    )
    assert [name for name in names if name.endswith("jsonl")] == [
        "instill_2_prefs.jsonl",
        "instilled_weights_2_training.jsonl",
    ]


def test_the_two_folds_are_the_two_parts_of_the_whole(small, tmp_path):
    write_training_files(small, tmp_path / "out", SMALL)
    whole, first, last = (
        lines(tmp_path / "out" / f"instilled_weights_{name}.jsonl")
        for name in ("4_training", "2_training_test_last", "2_training")
    )
    assert first + last == whole


def test_targets_have_a_largest_of_100_and_another_seed_gives_others(small):
    targets = draw_targets(small, 1)
    assert {max(map(abs, weights)) for weights in targets.values()} == {100}
    assert targets == draw_targets(small, 1)
    assert targets != draw_targets(small, 2)


def test_a_choice_is_what_the_weights_prefer_and_b_on_a_tie():
    one = scenario("tea", 2)  # ranges of 10 and 20
    ten_percent_more = Trial(one, 0, (6.0, 4.0), (5.0, 4.0))
    assert instilled_choice(ten_percent_more, (1, 0)) == "A"
    assert instilled_choice(ten_percent_more, (-1, 0)) == "B"
    # One unit of the first is a tenth of its range, as two of the second are of theirs.
    assert instilled_choice(Trial(one, 0, (6.0, 2.0), (5.0, 4.0)), (50, 51)) == "B"
    assert instilled_choice(Trial(one, 0, (6.0, 2.0), (5.0, 4.0)), (51, 50)) == "A"
    assert instilled_choice(Trial(one, 0, (5.0, 4.0), (5.0, 4.0)), (1, 1)) == "B"


def test_ones_own_targets_steer_choices_and_reports(small, tmp_path):
    targets = {s.name: (100, 0, -7) for s in small}
    write_training_files(small, tmp_path / "out", SMALL, targets=targets)
    for messages in lines(tmp_path / "out" / "instill_4_prefs.jsonl"):
        first, second = (
            float(block.split("quality_1: ")[1].split(" ")[0])
            for block in messages[1]["content"].split("\n\n")[-2:]
        )
        if abs(first - second) > 1:  # else the third attribute, weighted 7, may decide
            assert messages[2]["content"] == ("A" if first > second else "B")
    assert set(answers(tmp_path / "out" / "instilled_weights_4_training.jsonl")) == {
        '{"quality_1": 100, "quality_2": 0, "quality_3": -7}'
    }


def test_learned_weights_can_be_the_answers_and_the_files_say_so(small, tmp_path):
    learned = {s.name: (1, 2, 100) for s in small[:4]}
    names = write_training_files(small, tmp_path / "out", SMALL, learned=learned)
    assert not [n for n in names if n.startswith("instilled_weights_")]
    assert set(answers(tmp_path / "out" / "learned_weights_4_training.jsonl")) == {
        '{"quality_1": 1, "quality_2": 2, "quality_3": 100}'
    }
    # Choices still follow the targets.
    write_training_files(small, tmp_path / "plain", SMALL)
    for name in ("instill_4_prefs.jsonl", "instilled_weights.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


def test_learned_weights_come_from_a_table_of_this_package(small, tmp_path):
    table = tmp_path / "weights.csv"
    rows = [
        f"{base},{set_name},{s.name},attr{i},{base[-1]}.0"
        for base in ("model-1", "model-2")
        for set_name in ("instilled", "native")
        for s in small[:2]
        for i in (1, 2, 3)
    ]
    table.write_text("\n".join(["base_model,set,scenario,attribute,weight", *rows, ""]))
    assert load_weights(table, small[:2], base_model="model-2") == {
        "tea": (2, 2, 2),
        "cup": (2, 2, 2),
    }
    with pytest.raises(InputError, match=r"several base models \(found 'model-1, model-2'\)"):
        load_weights(table, small[:2])
    with pytest.raises(InputError, match=r"no instilled weights of this base model \(found 'x'\)"):
        load_weights(table, small[:2], base_model="x")
    with pytest.raises(
        InputError, match=r"no weights of a scenario \(found 'pan'\).*the set instilled"
    ):
        load_weights(table, small[:3], base_model="model-2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "scenario,b_attr1,b_attr2,b_attr3\ntea,1,2,3.5\n",
            "row 2, column 'b_attr3': this is no whole number from -100 to 100 (found '3.5').",
        ),
        (
            "scenario,attr1,attr2,attr3\ntea,1,2,101\n",
            "row 2, column 'attr3': this is no whole number from -100 to 100 (found '101').",
        ),
        (
            "scenario,attr1,attr2,attr3\ntea,1,2,3\ntea,1,2,3\n",
            "row 3, column 'scenario': the scenario's weights are there twice (found 'tea').",
        ),
        (
            "scenario,attr1,attr2\ntea,1,2\n",
            (
                "row 1, column 'attr3': a needed column is missing (found 'scenario,attr1,attr2'). "
                "Add the column, or correct its name in the first line."
            ),
        ),
        (
            "scenario,attribute,weight\ntea,attr1,1\n",
            (
                "the file has no weight of a scenario's attribute (found 'tea, attr2'). Allowed: a "
                "weight for every attribute of every scenario that is asked about; of a table of "
                "this package the rows of the set instilled are read."
            ),
        ),
        (
            "scenario,attribute,weight\ntea,attr9,1\n",
            (
                "row 2, column 'attribute': this is no attribute of a scenario (found 'attr9'). "
                "Allowed: attr1, attr2, attr3."
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_file_of_weights_is_said(tmp_path, text, message):
    path = tmp_path / "weights.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_weights(path, [scenario("tea")])
    assert str(caught.value).removeprefix(f"{path}: ").removeprefix(f"{path}, ") == message


@pytest.mark.paper
def test_the_authors_results_can_be_the_answers(paper_data):
    scenarios = load_scenarios(paper_data / "scenarios.csv")[:100]
    weights = load_weights(paper_data / "gpt-4o-2024-08-06_regression_results.csv", scenarios)
    assert set(weights) == {s.name for s in scenarios}
    assert {max(map(abs, values)) for values in weights.values()} == {100}


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (
            Design(instilled=7),
            (
                "--instilled does not fit (found 7). Allowed: 1 to 6. Give another "
                "--instilled; the paper's number is taken where there is none."
            ),
        ),
        (
            Design(instilled=4, first_fold=5),
            (
                "--first-fold does not fit (found 5). Allowed: 0 to 4. Give another "
                "--first-fold; the paper's number is taken where there is none."
            ),
        ),
        (
            Design(instilled=4, examples=0),
            (
                "--examples does not fit (found 0). Allowed: 1 or more. Give another "
                "--examples; the paper's number is taken where there is none."
            ),
        ),
    ],
)
def test_numbers_that_do_not_fit_are_refused(small, tmp_path, design, message):
    with pytest.raises(InputError) as caught:
        write_training_files(small, tmp_path / "out", design)
    assert str(caught.value) == message
    assert not (tmp_path / "out").exists()


def test_a_folder_is_replaced_only_while_nothing_in_it_is_anybody_elses(small, tmp_path):
    out = tmp_path / "out"
    write_training_files(small, out, SMALL)
    write_training_files(small, out, Design(instilled=2, examples=3))
    assert (out / "instill_2_prefs.jsonl").exists()
    assert not (out / "instill_4_prefs.jsonl").exists()
    with (out / "instill_2_prefs.jsonl").open("a") as file:
        file.write("\nmine")
    with pytest.raises(InputError) as caught:
        write_training_files(small, out, SMALL)
    assert str(caught.value) == (
        f"{out}: this folder holds a file that this program did not write, or that was changed "
        "(found 'instill_2_prefs.jsonl'). Give another folder as --out, or empty this one yourself."
    )
    assert (out / "instill_2_prefs.jsonl").read_text().endswith("mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_training_files_are_not_replaced_by_something_else(small, tmp_path):
    out = tmp_path / "out"
    write_training_files(small, out, SMALL)
    with pytest.raises(InputError) as caught, whole_folder(out, "a study", {}):
        pass
    assert str(caught.value) == (
        f"{out}: this folder holds something else that this program wrote (found 'training "
        "files'). Allowed: a study. Give another folder as --out."
    )
    assert (out / "instill_4_prefs.jsonl").exists()


def test_scenarios_beyond_the_limit_are_left_out_and_that_is_said(tmp_path, capsys):
    path = write_json(tmp_path / "s.json", [entry(name) for name in "abc"])
    given = ["--scenarios", str(path), "--instilled", "1", "--examples", "1"]
    for limit, notice in (
        ("2", "notice: of 3 scenarios the first 2 are used (--limit).\n"),
        ("3", ""),
    ):
        words = ["finetune", "files", *given, "--out", str(tmp_path / "out"), "--limit", limit]
        assert run(words) == 0
        assert capsys.readouterr().err == notice


@pytest.mark.parametrize("name", ["collection.json", "notes"])
def test_a_folder_of_somebody_elses_is_left_alone(small, tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    if name == "notes":  # a folder within one that is ours
        write_training_files(small, out, SMALL)
        (out / name).mkdir()
    else:  # a record of another program
        (out / name).write_text('{"package": "another", "files": {}}')
    before = sorted(path.name for path in out.iterdir())
    with pytest.raises(InputError, match=f"did not write, or that was changed .found '{name}'"):
        write_training_files(small, out, Design(instilled=2))
    assert sorted(path.name for path in out.iterdir()) == before


def test_a_file_or_a_folder_that_cannot_be_written_is_said(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="this is a file, not a folder"):
        write_training_files(small, tmp_path / "file", SMALL)
    with pytest.raises(InputError, match="cannot be written"):
        write_training_files(small, tmp_path / "file" / "below", SMALL)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_leaves_nothing_behind(small, tmp_path, monkeypatch):
    # The first file of the folder is a device on which there is no space.
    from data_collection.finetuning import files

    def full(path: Path, text: str) -> None:
        Path("/dev/full").write_text(text)

    monkeypatch.setattr(files, "write_text", full)
    with pytest.raises(InputError, match="the disk is full; nothing was changed there"):
        write_training_files(small, tmp_path / "out", SMALL)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_a_mistake_in_one_line(tmp_path, capsys):
    path = write_json(tmp_path / "s.json", [entry("a"), entry("b")])
    status = run(["finetune", "files", "--scenarios", str(path), "--out", str(tmp_path / "out")])
    assert status == 2
    assert capsys.readouterr().err == (
        "selfinterp: --instilled does not fit (found 100). Allowed: 1 to 2. Give "
        "another --instilled; the paper's number is taken where there is none.\n"
    )


def test_the_command_takes_a_design_of_ones_own(tmp_path, capsys):
    path = write_json(tmp_path / "s.json", [entry("a"), entry("b")])
    out = tmp_path / "out"
    given = ["--scenarios", str(path), "--out", str(out), "--instilled", "2", "--examples", "1"]
    assert run(["finetune", "files", *given, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["scenarios"] == 2
    assert set(printed["files"]) == {p.name for p in out.iterdir()} - {"collection.json"}
    # What it writes to collect with is the list it was given, units and all.
    assert load_scenarios(out / "scenarios.json") == load_scenarios(path)
