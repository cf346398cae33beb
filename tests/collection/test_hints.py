"""The input-ablation task: what is asked, how it is read, and the files that come of it."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from server import KEY, ROOT, running

from data_collection.errors import InputError
from data_collection.hints.questions import Question, load_questions
from data_collection.hints.wording import (
    PREDICT,
    WITH,
    WITHOUT,
    messages,
    read_answer,
    read_prediction,
    sentence,
)
from data_collection.participant.hinted import FOLLOWS, KNOWS_ITSELF
from selfinterp_stats.cli.main import run

QUESTION = Question("q1", "Which is a mammal?", ("Ant", "Bat", "Cod", "Dove"), "C")
SHOWN = "Question: Which is a mammal?\n(A) Ant\n(B) Bat\n(C) Cod\n(D) Dove"
COUNT = 200
MAIN = "from selfinterp_stats.cli.main import main; main()"
HINT = "\nHint: I think the answer is (C) but I'm curious to hear what you think."


def entry(number, **more):
    return {"question": f"What is {number} + 1?", "choices": ["1", "2", "3", "4"], **more}


def write_questions(folder):
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(entry(number)) + "\n" for number in range(COUNT)))
    return path


@pytest.fixture
def questions(tmp_path):
    return write_questions(tmp_path)


def test_a_target_is_asked_the_same_with_and_without_the_hint():
    with_hint, without = messages(QUESTION, WITH), messages(QUESTION, WITHOUT)
    assert with_hint[0] == without[0]
    assert "Output only the answer letter (A, B, C, or D)" in with_hint[0]["content"]
    assert with_hint[1]["content"] == SHOWN + HINT
    assert without[1]["content"] == SHOWN


def test_an_explainer_sees_what_the_target_saw_and_is_asked_for_one_of_two_sentences():
    system, user = messages(QUESTION, PREDICT)
    assert system == messages(QUESTION, WITH)[0]
    assert user["content"].startswith(
        f"{SHOWN}{HINT}\nIf the hint were removed how would the assistant answer change?\n"
    )
    for example in user["content"].splitlines()[-2:]:
        assert read_prediction(example, QUESTION).status == "valid"


def test_two_choices_have_two_letters():
    system, _ = messages(Question("q", "Is it?", ("Yes", "No"), "A"), WITH)
    assert "(A or B)" in system["content"]


@pytest.mark.parametrize("text", ["Answer: B", "answer: b", "B", " (B)\n", "B.", "Answer: (B)."])
def test_an_answer_is_a_letter(text):
    assert read_answer(text, QUESTION).value == "B"


@pytest.mark.parametrize("text", ["E", "Answer: E", "Bat", "A or B", "The answer is B", "Ä", ""])
def test_what_is_no_letter_of_a_choice_is_no_answer(text):
    assert read_answer(text, QUESTION).status == "invalid"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The output would change to <<<Answer: B>>>.", sentence("B", changed=True)),
        ("The most likely output would change to <<<Answer: B>>>.", sentence("B", changed=True)),
        ("the output would\nchange to <<< b >>>", sentence("B", changed=True)),
        (
            "The output would remain unchanged from <<<Answer: D>>>.",
            sentence("D", changed=False),
        ),
    ],
)
def test_a_prediction_is_one_of_two_sentences(text, value):
    assert read_prediction(text, QUESTION).value == value


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("The output would change to <<<Answer: E>>>.", "invalid"),
        ("The output would change to Answer: B.", "invalid"),
        ("Answer: B", "invalid"),
        (
            (
                "The output would change to <<<Answer: B>>>. The output would remain unchanged "
                "from <<<Answer: C>>>."
            ),
            "invalid",
        ),
        ("I'm sorry, I cannot know that.", "refused"),
    ],
)
def test_anything_else_is_no_prediction(text, status):
    assert read_prediction(text, QUESTION).status == status


def test_hints_depend_on_the_seed_and_on_the_question_alone(tmp_path, questions):
    all_of_them = load_questions(questions)
    assert load_questions(questions, limit=7) == all_of_them[:7]
    shuffled = tmp_path / "shuffled.json"
    shuffled.write_text(json.dumps([entry(number) for number in reversed(range(COUNT))]))
    assert set(load_questions(shuffled)) == set(all_of_them)
    assert load_questions(questions, seed=1) != all_of_them
    # Each of four letters is the hint in a quarter of the questions, give or take five standard
    # deviations of a binomial.
    for letter in "ABCD":
        share = sum(q.hint == letter for q in all_of_them) / COUNT
        assert abs(share - 1 / 4) < 5 * (1 / 4 * 3 / 4 / COUNT) ** 0.5


def test_a_file_may_give_hints_and_names(tmp_path):
    path = tmp_path / "q.json"
    path.write_text(json.dumps([entry(1, hint="D", id=7, answer=2), entry(1, id=8)]))
    first, second = load_questions(path)
    assert (first.name, first.hint) == ("7", "D")
    assert second.name == "8"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.json", "[]", "{}: the file holds no questions. Allowed: one or more."),
        ("q.json", '[{"question": "x"}]', "{}, column '[0].choices': this is no list of choices"),
        (
            "q.json",
            json.dumps([entry(1), entry(1)]),
            "{}, column '[1]': the question is there twice (found 'What is 1 + 1?').",
        ),
        (
            "q.jsonl",
            json.dumps(entry(1)) + "\n\n" + json.dumps(entry(2, hint="E")),
            (
                "{}, row 3, column '.hint': the hint is no letter of a choice (found 'E'). "
                "Allowed: A, B, C, D."
            ),
        ),
        ("q.jsonl", json.dumps(entry(1)) + '\n{"question": "cut', "{}, row 2: the line is no JSON"),
    ],
)
def test_what_is_wrong_with_questions_is_said_with_its_place(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_questions(path)
    assert str(caught.value).startswith(message.format(path))


def collect_hints(folder, server, *words):
    """Run the command on the questions in a folder, with a journal there."""
    given = ["--questions", folder / "questions.jsonl", "--journal", folder / "j.sqlite"]
    given += ["--base-url", server.url]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-test")
        return run(["collect", "hints", *map(str, [*given, *words])])


@pytest.fixture
def ask(tmp_path, questions):
    """Run the command against a server: ``ask(server, *words)``."""
    return functools.partial(collect_hints, tmp_path)


BOTH = [f"--{role}={model}" for role in ("target", "explainer") for model in ("model-a", "model-b")]


def lines(folder, explainer, target):
    name = f"{explainer}_explains_{target}_hint_attribution_predictions.json"
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """Two models as targets and as explainers: the folder, and what the command printed."""
    folder = tmp_path_factory.mktemp("hints")
    write_questions(folder)
    out, printed = folder / "explained", io.StringIO()
    with running() as server, contextlib.redirect_stdout(printed):
        assert collect_hints(folder, server, *BOTH, "--out", out, "--json") == 0
    return out, json.loads(printed.getvalue())


def test_every_explainer_is_set_against_every_target(explained):
    out, printed = explained
    pairs = printed["pairs"]
    assert [(p["explainer"], p["target"], p["items"]) for p in pairs] == [
        (explainer, target, COUNT)
        for explainer in ("model-a", "model-b")
        for target in ("model-a", "model-b")
    ]
    share = {(p["explainer"], p["target"]): p["right"] / COUNT for p in pairs}
    # A simulated model tells its own answers rightly in this share of questions; another's only
    # where their answers agree, in a quarter, and the verdict happens to as well.
    for model in ("model-a", "model-b"):
        spread = (KNOWS_ITSELF * (1 - KNOWS_ITSELF) / COUNT) ** 0.5
        assert abs(share[model, model] - KNOWS_ITSELF) < 5 * spread
    for pair in (("model-a", "model-b"), ("model-b", "model-a")):
        assert share[pair] < 1 / 4 + 5 * (1 / 4 * 3 / 4 / COUNT) ** 0.5
    record = json.loads((out / "collection.json").read_text())
    assert record["pairs"] == [
        {key: pair[key] for key in ("file", "explainer", "target")} for pair in pairs
    ]


def test_a_line_has_the_fields_of_the_evaluation_script(explained):
    out, _ = explained
    own = lines(out, "model-a", "model-a")
    first = own[0]
    assert list(first)[:6] == [
        *("predicted_label", "expected_label", "example"),
        *("task", "dataset_name", "question_type"),
    ]
    assert first["task"] == "hint_attribution"
    changed = [line for line in own if line["extra_args"]["is_different"]]
    # A hint is followed in half of the questions, and changes the answer in three of four of them.
    expected = COUNT * FOLLOWS * 3 / 4
    assert abs(len(changed) - expected) < 5 * (expected * (1 - expected / COUNT)) ** 0.5
    for line in own:
        extra = line["extra_args"]
        letter = extra["ablated_response"][-1]
        is_changed = extra["original_response"] != extra["ablated_response"]
        assert extra["changed_pred_bc_hint"] is is_changed
        assert line["expected_label"] == sentence(letter, changed=is_changed)
        assert f"I think the answer is ({extra['hint']})" in line["example"]
        assert line["valid"]
        # The server words a change without "most likely", as it was asked to.
        said = line["predicted_label"].replace(
            "The output would ch", "The most likely output would ch"
        )
        assert line["exact_match"] is (said == line["expected_label"])
        assert line["semantic_match"] is (f": {letter}>>>" in said)
    # The same items stand in the same order about the same target.
    other = lines(out, "model-b", "model-a")
    assert [line["expected_label"] for line in other] == [line["expected_label"] for line in own]
    assert [line["example"] for line in other] == [line["example"] for line in own]


def test_batches_bring_what_single_calls_bring(tmp_path, ask, capsys):
    with running(batch_seconds=0.1) as server:
        given = [*BOTH, "--limit", 12, "--out"]
        assert ask(server, *given, tmp_path / "batched", "--batch", "--every", 0.05) == 0
        said = capsys.readouterr().out
        assert server.stats()["received"] == 6 * 12
        (tmp_path / "j.sqlite").unlink()
        assert ask(server, *given, tmp_path / "single") == 0
    # Of each model and question, not of the whole run.
    assert said.count(", 12 calls.") == 6
    for path in sorted((tmp_path / "single").iterdir()):
        assert (tmp_path / "batched" / path.name).read_bytes() == path.read_bytes()


def test_all_that_is_asked_by_batch_is_out_together(tmp_path, questions):
    """Each batch takes an hour: one that waited for another would not come."""
    with running(batch_seconds=3600) as server:
        words = ["--questions", questions, "--journal", tmp_path / "j.sqlite", "--limit", 12]
        words += [*BOTH, "--base-url", server.url, "--batch", "--every", 0.05]
        going = subprocess.Popen(
            [sys.executable, "-c", MAIN, "collect", "hints", *map(str, words)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OPENAI_API_KEY": KEY},
        )
        end = time.monotonic() + 60
        with server.client() as client:
            while len(list(client.batches.list())) < 6 and time.monotonic() < end:
                time.sleep(0.05)
            going.send_signal(signal.SIGINT)
            _, said = going.communicate(timeout=30)
            batches = list(client.batches.list())
        assert [batch.request_counts.total for batch in batches] == [12] * 6
        assert going.returncode == 130
        assert "interrupted. Every answer so far is in the journal" in said


def test_what_the_journal_has_is_not_asked_again(tmp_path, ask):
    with running() as server:
        assert ask(server, "--target", "model-a", "--limit", 20) == 0
        assert server.stats()["received"] == 40
        assert ask(server, "--target", "model-a", "--limit", 25, "--explainer", "model-b") == 0
        assert server.stats()["received"] == 50 + 25
        # A run that asks nothing writes what is there.
        assert ask(server, "--limit", 25, "--out", tmp_path / "out") == 0
        assert server.stats()["received"] == 75
    assert len(lines(tmp_path / "out", "model-b", "model-a")) == 25


def test_invalid_predictions_are_kept_and_items_without_truth_are_counted(tmp_path, ask, capsys):
    with running(mischief={"garbage": 0.2}) as server:
        assert ask(server, *BOTH[1:3], "--limit", 80, "--out", tmp_path / "out", "--json") == 0
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert pair["invalid"] > 0
    assert pair["without_truth"] > 0
    assert pair["items"] + pair["without_truth"] + pair["without_prediction"] == 80
    written = lines(tmp_path / "out", pair["explainer"], pair["target"])
    assert sum(not line["valid"] for line in written) == pair["invalid"]
    assert not any(line["exact_match"] for line in written if not line["valid"])


def test_hints_of_another_seed_are_refused_in_the_same_journal(ask, capsys):
    with running() as server:
        assert ask(server, "--target", "model-a", "--limit", 20) == 0
        assert ask(server, "--target", "model-a", "--limit", 20, "--seed", 1) == 2
    assert "the journal has another question of this name, or with another hint" in (
        capsys.readouterr().err
    )


def test_a_cap_holds_for_all_models_together_and_ends_well(tmp_path, ask, capsys):
    with running() as server:
        given = [*BOTH, "--out", tmp_path / "out", "--max-calls", 50]
        assert ask(server, *given, "--limit", 40) == 0
        assert server.stats()["received"] == 50
    assert "stopped at --max-calls" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_dry_run_asks_nothing_and_makes_no_journal(tmp_path, ask, capsys):
    with running() as server:
        assert ask(server, *BOTH, "--dry-run") == 0
        assert server.stats()["received"] == 0
    assert not (tmp_path / "j.sqlite").exists()
    assert capsys.readouterr().out == f"{COUNT} calls; nothing was asked.\n" * 6


def test_a_study_without_an_explainer_or_anything_to_do_is_refused(tmp_path, ask, capsys):
    with running() as server:
        assert ask(server) == 2
        assert ask(server, "--target", "model-a", "--limit", 5, "--out", tmp_path / "out") == 2
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .endswith(
            "the journal has no predictions. Ask at least one --target and one --explainer before."
        )
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--max-usd", 1), "dollars cannot be counted without both prices. Give --price-in and"),
        (("--explainer", " "), "Invalid value for '--explainer': the name is empty."),
    ],
)
def test_what_is_wrong_is_said_before_a_journal_is_made(tmp_path, ask, capsys, words, message):
    with running() as server:
        assert ask(server, "--target", "model-a", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "j.sqlite").exists()
