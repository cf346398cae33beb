"""A journal becomes a study folder that the statistics read, or says what it lacks."""

from __future__ import annotations

import csv
import json

import pytest
from scenarios import scenario
from server import running

from data_collection.errors import IncompleteError, InputError
from data_collection.export import export_study
from data_collection.finetuning.files import SCENARIOS_JSON, Design, write_training_files
from data_collection.journal import Journal
from data_collection.parsing import Reply
from data_collection.records import Answer, Cell, Recorded, Request
from selfinterp_stats.cli.main import run
from selfinterp_stats.estimates.asked import asked_reports
from selfinterp_stats.study import load_study

NAMES = ("tea", "cup", "pan")
SCENARIOS = tuple(scenario(name, 2) for name in NAMES)
PARAMETERS = '{"temperature":0.0}'


def cell(task="choice", set_name="native", condition="", fold="", examples=0, **changes):
    model = "-".join(filter(None, ("ft", set_name, condition, fold)))
    given = {"base_model": "org/base", "model": model, "parameters": PARAMETERS, **changes}
    return Cell(task=task, set=set_name, condition=condition, fold=fold, examples=examples, **given)


REPORTS = cell("report", condition="weight-trained")


def recorded(where, name, index, reply, **answer):
    options = {"option_a": [1.0 + index, 12.0], "option_b": [7.0, 3.0]}
    return Recorded(
        Request(where, name, index, [], {}, options, "0" * 64), Answer("text", **answer), reply
    )


def choice(index):
    return Reply("valid", "AB"[index % 2])


def report(index):
    return Reply("valid", {"quality_1": 100.0 - index, "quality_2": -20.5})


def fill(journal, where, replies, wanted=4, **answer):
    """Answer `wanted` trials of each scenario, in an order that is not the scenarios'."""
    journal.begin(where, dict.fromkeys(NAMES, wanted))
    for index in reversed(range(wanted)):
        for name in reversed(NAMES):
            reply = replies(index) if callable(replies) else replies
            if reply is not None:
                journal.record([recorded(where, name, index, reply, **answer)])


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "journal.sqlite") as opened:
        opened.add_scenarios(SCENARIOS)
        yield opened


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_has_the_name_and_columns_of_the_papers(journal, tmp_path):
    fill(journal, cell(), choice)
    fill(journal, cell(set_name="instilled"), choice)
    conditions = [
        ("instilled", "off-the-shelf", "", 0),
        ("instilled", "weight-trained", "", 0),
        ("instilled", "introspection-trained", "first_2_of_3", 50),
        ("instilled", "introspection-trained", "last_1_of_3", 50),
        ("native", "weight-trained", "", 0),
        ("native", "introspection-trained", "all_3", 50),
    ]
    for given in conditions:
        fill(journal, cell("report", *given), report)
    out = tmp_path / "study"
    exported = export_study(journal, out)
    exported.refuse_incomplete()
    assert sorted(path.name for path in out.iterdir()) == [
        "collection.json",
        "collection_counts.csv",
        "org-base_instilled_latent_selections.csv",
        "org-base_instilled_latent_weight_reports.csv",
        "org-base_instilled_selections.csv",
        "org-base_instilled_weight_reports.csv",
        "org-base_itrained_all_3_50ex_latent_weight_reports.csv",
        "org-base_itrained_first_2_of_3_50ex_weight_reports.csv",
        "org-base_itrained_last_1_of_3_50ex_weight_reports.csv",
        "org-base_weight_reports.csv",
        "scenarios.csv",
    ]
    choices = (out / "org-base_instilled_latent_selections.csv").read_text().splitlines()
    assert choices[:2] == [
        "model,scenario,selection,A_attribute_1,A_attribute_2,B_attribute_1,B_attribute_2",
        "ft-native,tea,A,1.0,12.0,7.0,3.0",
    ]
    reports = (out / "org-base_weight_reports.csv").read_text().splitlines()
    assert reports[:2] == [
        (
            "explaining_model,version,scenario,report_attr1,report_attr2,A_attribute_1,A_attribute_2,"
            "B_attribute_1,B_attribute_2,rescued"
        ),
        "ft-instilled-off-the-shelf,instilled,tea,100,-20.5,1.0,12.0,7.0,3.0,no",
    ]
    study = load_study(out)
    assert study.base_models == ("org-base",)
    assert len(study.choices) == 2 * 3 * 4
    assert len(study.reports) == 6 * 3 * 4
    assert set(study.counts["base_model"]) == {"org-base"}
    assert not [notice for notice in study.notices if "no role" in notice.message]


def test_the_order_of_answers_and_of_cells_leaves_no_trace(tmp_path):
    exports = []
    for number, cells in enumerate([(cell(), REPORTS), (REPORTS, cell())]):
        with Journal.open(tmp_path / f"{number}.sqlite") as journal:
            journal.add_scenarios(SCENARIOS)
            for where in cells:
                fill(
                    journal,
                    where,
                    choice if where.task == "choice" else report,
                    model="served",
                    latency=number / 7,
                    attempts=number + 1,
                )
            export_study(journal, tmp_path / f"out{number}")
        exports.append(
            {path.name: path.read_bytes() for path in (tmp_path / f"out{number}").iterdir()}
        )
    assert exports[0] == exports[1]


def test_counts_say_what_came_of_every_trial(journal, tmp_path):
    replies = [
        Reply("valid", {"quality_1": 1.0, "quality_2": 2.0}, rescued=True),
        Reply("invalid", why="the reply is no JSON"),
        Reply("refused"),
        Reply("truncated"),
    ]
    fill(journal, cell(), choice)
    fill(journal, REPORTS, lambda index: replies[index])
    exported = export_study(journal, tmp_path / "study")
    exported.refuse_incomplete()  # an invalid answer is an answer
    choices, reports = table(tmp_path / "study" / "collection_counts.csv")
    assert choices["task"] == "choices"
    assert reports == {
        "base_model": "org-base",
        "set": "native",
        "task": "reports",
        "condition": "weight-trained",
        "asked": "12",
        "valid": "3",
        "invalid": "3",
        "refused": "3",
        "truncated": "3",
        "failed": "0",
        "fold": "",
        "wanted": "12",
        "rescued": "3",
        "complete": "yes",
    }
    study = load_study(tmp_path / "study")
    (row,) = asked_reports(study).to_dict("records")
    assert (row["asked"], row["invalid"]) == (12, 9)
    rows = table(tmp_path / "study" / "org-base_instilled_latent_weight_reports.csv")
    assert {row["rescued"] for row in rows} == {"yes"}


@pytest.mark.parametrize(
    ("reply_of_last", "gap"),
    [
        (None, "9 of 12 answered"),
        (Reply("failed", why="no answer"), "9 of 12 answered, 3 failed"),
    ],
)
def test_what_is_incomplete_is_written_and_not_called_complete(
    journal, tmp_path, reply_of_last, gap
):
    fill(journal, cell(), choice)
    fill(journal, REPORTS, lambda index: report(index) if index < 3 else reply_of_last)
    exported = export_study(journal, tmp_path / "study")
    with pytest.raises(IncompleteError) as caught:
        exported.refuse_incomplete()
    assert caught.value.exit_code == 1
    assert str(caught.value) == (
        "the study was written, but 1 of 2 cells is incomplete: org/base, native, weight-trained, "
        f"report: {gap}. Run the same `selfinterp collect` command again, which asks only what is "
        "missing, and export again."
    )
    rows = table(tmp_path / "study" / "collection_counts.csv")
    assert [row["complete"] for row in rows] == ["yes", "no"]
    study = load_study(tmp_path / "study")
    assert len(study.reports) == 9
    assert study.counts["complete"].tolist() == [True, False]
    (notice,) = (notice for notice in study.notices if notice.kind == "warning")
    assert notice.message == (
        "The collection is incomplete: answers are missing in 1 part of it (org-base, native, "
        "weight-trained, reports: 9 of 12 answered). The estimates rest on what is there; the "
        "same `selfinterp collect` again asks what is missing."
    )
    assert (notice.file, notice.count) == ("collection_counts.csv", 3)


def test_targets_of_instilled_scenarios_come_from_the_journal_or_a_file(journal, tmp_path):
    fill(journal, cell(set_name="instilled"), choice)
    export_study(journal, tmp_path / "none")
    assert not (tmp_path / "none" / "instilled_weights.csv").exists()
    journal.put("targets", json.dumps({name: [100, -3] for name in NAMES}))
    export_study(journal, tmp_path / "kept")
    assert (tmp_path / "kept" / "instilled_weights.csv").read_text() == (
        "scenario,attr1,attr2\ntea,100,-3\ncup,100,-3\npan,100,-3\n"
    )
    given = tmp_path / "targets.csv"
    given.write_text("scenario,attr1,attr2\npan,1,100\ncup,2,100\ntea,3,100\nother,9,9\n")
    export_study(journal, tmp_path / "given", targets=given)
    assert (tmp_path / "given" / "instilled_weights.csv").read_text() == (
        "scenario,attr1,attr2\ntea,3,100\ncup,2,100\npan,1,100\n"
    )
    given.write_text("scenario,attr1,attr2\npan,1,100\n")
    with pytest.raises(InputError, match=r"no weights of a scenario \(found 'tea'\)"):
        export_study(journal, tmp_path / "short", targets=given)
    assert not (tmp_path / "short").exists()


def test_log_probabilities_have_columns_where_they_were_asked_for(journal, tmp_path):
    where = cell(parameters='{"logprobs":true,"temperature":0.0}')
    fill(journal, where, choice, logprobs={"A": -0.25})
    export_study(journal, tmp_path / "study")
    rows = table(tmp_path / "study" / "org-base_instilled_latent_selections.csv")
    assert {(row["logprob_A"], row["logprob_B"]) for row in rows} == {("-0.25", "")}


def test_a_cell_without_a_valid_choice_has_no_file_and_is_told(journal, tmp_path):
    fill(journal, cell(), choice)
    fill(journal, cell(set_name="instilled"), Reply("refused"))
    exported = export_study(journal, tmp_path / "study")
    assert exported.notices == [
        "org/base, instilled, choice: not one valid answer, so no file was written."
    ]
    assert load_study(tmp_path / "study").sets_of("org-base") == ("native",)


def test_a_report_cell_without_a_valid_report_is_an_empty_file(journal, tmp_path):
    fill(journal, cell(), choice)
    fill(journal, REPORTS, Reply("invalid"))
    export_study(journal, tmp_path / "study")
    assert load_study(tmp_path / "study").reports.empty


def test_the_record_says_which_model_made_which_file(journal, tmp_path):
    fill(journal, cell(), choice, model="base-2026", system_fingerprint="fp_1")
    export_study(journal, tmp_path / "study")
    record = json.loads((tmp_path / "study" / "collection.json").read_text())
    assert record["cells"] == [
        {
            "file": "org-base_instilled_latent_selections.csv",
            "base_model": "org/base",
            "model": "ft-native",
            "served_as": ["base-2026"],
            "system_fingerprints": ["fp_1"],
            "parameters": {"temperature": 0.0},
        }
    ]


def test_a_journal_without_answers_or_with_two_of_a_name_is_refused(journal, tmp_path):
    with pytest.raises(InputError, match="the journal holds no choices and no reports"):
        export_study(journal, tmp_path / "study")
    fill(journal, cell(), choice)
    fill(journal, cell(base_model="org:base", model="other"), choice)
    with pytest.raises(InputError, match="two cells would be the same file of the study"):
        export_study(journal, tmp_path / "study")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (cell("report", condition="off-the-shelf"), "a study folder has no file for these answers"),
        (
            cell("report", "instilled", "introspection-trained", "half", 50),
            "the fold is not named as the layout of a study does",
        ),
    ],
)
def test_a_cell_without_a_place_in_a_study_is_refused(journal, tmp_path, where, message):
    fill(journal, where, report)
    with pytest.raises(InputError, match=message):
        export_study(journal, tmp_path / "study")


def test_from_scenarios_to_a_refit(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    write_training_files(
        [scenario(name) for name in ("tea", "cup", "pan", "pen")],
        tmp_path / "training",
        Design(instilled=2, examples=2, validation=0),
    )
    journal, out = tmp_path / "journal.sqlite", tmp_path / "study"
    with running() as server:
        given = [
            *("--scenarios", tmp_path / "training" / SCENARIOS_JSON, "--model", "model-a"),
            *("--base-url", server.url, "--journal", journal),
        ]
        for task, number in (("choices", 30), ("reports", 3)):
            command = ["collect", task, *given, "--per-scenario", number]
            assert run([str(word) for word in command]) == 0
    capsys.readouterr()
    assert run(["collect", "export", "--journal", str(journal), "--out", str(out), "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert [(one["asked"], one["valid"], one["complete"]) for one in cells] == [
        (120, 120, True),
        (12, 12, True),
    ]
    results = tmp_path / "results"
    few = ["--draws", "400", "--regression-draws", "400", "--no-posterior"]
    assert run(["reproduce", "--data", str(out), "--out", str(results), *few]) == 0
    weights = table(results / "tables" / "weights.csv")
    assert {row["scenario"] for row in weights} == {"tea", "cup", "pan", "pen"}


def test_the_command_prints_counts_and_fails_where_cells_are_incomplete(journal, tmp_path, capsys):
    fill(journal, cell(), lambda index: choice(index) if index < 3 else None)
    journal.close()
    command = ["collect", "export", "--journal", str(tmp_path / "journal.sqlite")]
    assert run([*command, "--out", str(tmp_path / "study")]) == 1
    printed = capsys.readouterr()
    head, row, folder = printed.out.splitlines()
    assert head.split() == [
        *("asked", "valid", "invalid", "refused", "truncated", "failed", "complete")
    ]
    assert row.split()[-7:] == ["9", "9", "0", "0", "0", "0", "no"]
    assert folder == str(tmp_path / "study")
    assert printed.err.startswith(
        "selfinterp: the study was written, but 1 of 1 cells is incomplete: org/base, native, "
        "choice: 9 of 12 answered."
    )
