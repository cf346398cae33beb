"""Fine-tuning jobs: checked here, started once whatever happens, followed to their model."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from prompts import CHOICE, asked, chooser, examples, grid
from server import KEY, ROOT, running

from data_collection.errors import CollectionError, InputError, JournalError
from data_collection.finetuning.cost import estimate
from data_collection.finetuning.ledger import record_of_models, writing
from data_collection.finetuning.training_file import read_training_file
from data_collection.participant.mischief import Mischief
from data_collection.service import Service
from selfinterp_stats.cli.main import run

TARGET = (100.0, -60.0, 30.0)
MAIN = [sys.executable, "-c", "from selfinterp_stats.cli.main import main; main()"]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture
def training(tmp_path):
    path = tmp_path / "prefs.jsonl"
    path.write_bytes(examples(CHOICE, chooser(TARGET), 30))
    return path


@pytest.fixture
def finetune(tmp_path, capsys):
    """Run a command of `selfinterp finetune`; status, stdout and stderr."""

    def command(name, *options):
        if name == "submit":
            options = ("--every", 0.05, *options)
        status = run(
            ["finetune", name, "--models", str(tmp_path / "models.json"), *map(str, options)]
        )
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


def jobs_of(server):
    with server.client() as client:
        return list(client.fine_tuning.jobs.list())


def ledger(tmp_path):
    return json.loads((tmp_path / "models.json").read_text())["fine_tuning_jobs"]


def message(*roles, content="text"):
    return json.dumps({"messages": [{"role": role, "content": content} for role in roles]})


GOOD = message("user", "assistant")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            [GOOD] * 9,
            (
                "the file has too few examples (found 9). Allowed: 10 or more, one per line. "
                "Add examples; services refuse to train on fewer."
            ),
        ),
        (
            [GOOD] * 10 + ["{"],
            (
                "row 11: the line is not JSON: Expecting property name enclosed in double quotes: "
                "line 1 column 2 (char 1). `selfinterp finetune files` writes such files."
            ),
        ),
        (
            [GOOD, "", GOOD],
            (
                "row 2: the line is not JSON: Expecting value: line 1 column 1 (char 0). "
                "`selfinterp finetune files` writes such files."
            ),
        ),
        (
            ['{"prompt": "x", "completion": "y"}'],
            (
                'row 1: the line has no messages (found \'{"prompt": "x", "completion": "y"}\'). '
                'Allowed: {"messages": [{"role": ..., "content": ...}, ...]}. '
                "`selfinterp finetune files` writes such files."
            ),
        ),
        (
            [message("user", "user")],
            (
                "row 1, column 'messages[1].role': the last message is not the assistant's "
                "(found 'user'). Allowed: assistant. End every example with the answer to be "
                "learned."
            ),
        ),
        (
            [message("human", "assistant")],
            (
                "row 1, column 'messages[0].role': a message has no role that is known "
                "(found 'human'). Allowed: system, developer, user, assistant, tool."
            ),
        ),
        (
            [message("user", "assistant", content=" ")],
            (
                "row 1, column 'messages[0].content': a message has no text (found ' '). "
                "Allowed: text that is not empty."
            ),
        ),
    ],
)
def test_a_bad_training_file_is_found_before_anything_is_sent(tmp_path, lines, expected):
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as error:
        read_training_file(path)
    assert str(error.value) in (f"{path}, {expected}", f"{path}: {expected}")


def test_a_file_that_is_not_there_or_not_utf8_is_named(tmp_path):
    path = tmp_path / "file.jsonl"
    with pytest.raises(InputError, match="the file cannot be read: No such file or directory"):
        read_training_file(path)
    path.write_bytes(b"{}\n\xff\xfe\n")
    with pytest.raises(InputError, match="row 2: the file is not UTF-8"):
        read_training_file(path)


def test_a_line_may_hold_separators_that_are_no_line_breaks(tmp_path):
    path = tmp_path / "file.jsonl"
    said = {"messages": [{"role": "assistant", "content": "a\u2028b\x85c"}]}
    path.write_text("\n".join([json.dumps(said, ensure_ascii=False)] * 10), encoding="utf-8")
    assert read_training_file(path).examples == 10


def test_the_cost_is_a_range_around_what_a_token_may_be(training):
    file = read_training_file(training)
    expected = estimate(file, "gpt-4o-mini-2024-07-18", epochs=2)
    # English has about four characters per token.
    usual = 2 * len(file.text) / 4
    assert expected.tokens[0] < usual < expected.tokens[1]
    assert expected.usd == tuple(tokens * 3.0 / 1e6 for tokens in expected.tokens)
    trained = estimate(file, "ft:gpt-4o-mini-2024-07-18:org:name:x", epochs=2)
    assert trained == expected
    assert estimate(file, "llama").usd is None
    assert estimate(file, "llama", epochs=1, usd_per_million=0.0).usd == (0.0, 0.0)


def test_a_dry_run_says_what_would_be_done_and_asks_nobody(training, tmp_path, finetune):
    # Port 9 is that of the discard service, which nobody runs.
    options = ("--file", training, "--model", "gpt-4o-mini-2024-07-18", "--dry-run")
    status, out, err = finetune("submit", *options, "--base-url", "http://127.0.0.1:9/v1")
    assert status == 0
    assert out == "Would upload the file and start one job. Nothing is done.\n"
    assert re.fullmatch(
        r"prefs\.jsonl: 30 examples for gpt-4o-mini-2024-07-18, seed 4; "
        r"[\d,]+ to [\d,]+ trained tokens in about 3 epochs, 0\.0\d\d USD to 0\.0\d\d USD\.\n",
        err,
    )
    assert list(tmp_path.iterdir()) == [training]
    status, out, _ = finetune("submit", *options, "--json")
    assert status == 0
    assert json.loads(out)["examples"] == 30


def test_a_job_leads_to_a_model_that_is_written_down_and_can_be_asked(training, tmp_path, finetune):
    with running(job_seconds=0.4) as server:
        options = ("--file", training, "--validation", training, "--model", "model-a")
        status, out, err = finetune(
            "submit", *options, "--suffix", "x", "--epochs", 2, "--base-url", server.url
        )
        assert status == 0, err
        model = out.strip()
        (job,) = jobs_of(server)
        with server.client() as client:
            answer = client.chat.completions.create(
                model=model, messages=asked(CHOICE, *grid(1)[0])
            )
    assert answer.choices[0].message.content in ("A", "B")
    assert model == job.fine_tuned_model
    assert re.match("ft:model-a:participant:x:[0-9a-f]{8}$", model)
    assert (job.seed, job.validation_file is None) == (4, False)
    assert job.method.supervised.hyperparameters.n_epochs == 2
    (entry,) = ledger(tmp_path)
    assert entry["fine_tuned_model"] == model
    assert entry["status"] == "succeeded"
    assert entry["training_sha256"] == read_training_file(training).sha256
    assert "succeeded" in err
    assert KEY not in (tmp_path / "models.json").read_text() + out + err


def test_the_same_order_is_never_a_second_job(training, tmp_path, finetune):
    with running(job_seconds=0.2) as server:
        options = ("--file", training, "--model", "model-a", "--base-url", server.url)
        first = finetune("submit", *options)
        assert finetune("submit", *options)[:2] == first[:2]
        # Without its list, by the service's own.
        (tmp_path / "models.json").unlink()
        assert finetune("submit", *options)[:2] == first[:2]
        assert len(jobs_of(server)) == 1
        other = finetune("submit", *options, "--seed", 5)
        assert other[1] != first[1]
        renamed = tmp_path / "renamed.jsonl"
        training.rename(renamed)
        assert finetune("submit", "--file", renamed, *options[2:])[1] == first[1]
        assert len(jobs_of(server)) == 2
    assert [entry["seed"] for entry in ledger(tmp_path)] == [4, 5]


def test_a_crash_between_creation_and_note_starts_no_second_job(training, tmp_path, finetune):
    with running(job_seconds=0) as server:
        options = ("--file", training, "--model", "model-a", "--base-url", server.url)
        first = finetune("submit", *options)
        path = tmp_path / "models.json"
        content = json.loads(path.read_text())
        # What is on the disk just before the job is created.
        content["fine_tuning_jobs"][0] |= {"job_id": "", "status": "new", "fine_tuned_model": ""}
        path.write_text(json.dumps(content))
        assert finetune("submit", *options)[:2] == first[:2]
        assert len(jobs_of(server)) == 1
    assert len(ledger(tmp_path)) == 1


def test_a_creation_whose_answer_is_lost_is_found_and_not_repeated(training, finetune):
    with running(job_seconds=0, mischief={"lose_receipts": 1}) as server:
        options = ("--file", training, "--model", "model-a", "--base-url", server.url)
        status, out, err = finetune("submit", *options)
        assert status == 0, err
        assert [job.fine_tuned_model for job in jobs_of(server)] == [out.strip()]


def test_a_job_that_was_interrupted_is_followed_again(training, tmp_path):
    with running(job_seconds=2.0) as server:
        command = [*MAIN, "finetune", "submit", "--models", tmp_path / "models.json"]
        command += ["--file", training, "--model", "model-a", "--base-url", server.url]
        command = [str(part) for part in [*command, "--every", 0.05]]
        options = {"cwd": ROOT, "text": True, "env": dict(os.environ), "stderr": subprocess.PIPE}
        with subprocess.Popen(command, stdout=subprocess.PIPE, **options) as first:
            lines = iter(first.stderr.readline, "running\n")
            assert any("written down in" in line for line in lines)
            first.send_signal(signal.SIGINT)
            out, err = first.communicate(timeout=20)
        assert first.returncode == 130
        assert out == ""
        assert "A job that was started goes on" in err
        again = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=60, **options)
        assert again.returncode == 0, again.stderr
        (job,) = jobs_of(server)
        assert again.stdout.strip() == job.fine_tuned_model


def test_a_job_that_fails_says_why_and_is_started_again_only_when_told(training, finetune):
    with running(job_seconds=0.1, mischief={"fail_jobs": 1}) as server:
        options = ("--file", training, "--model", "model-a", "--base-url", server.url)
        for _ in range(2):
            status, out, err = finetune("submit", *options)
            assert (status, out) == (1, "")
            (doomed,) = jobs_of(server)
            assert err.endswith(
                "selfinterp: the fine-tuning job failed: The job stopped after an internal error. "
                f"(found '{doomed.id}'). Mend what it complains of, then start it once more with "
                "--again.\n"
            )
        server.participant.mischief = Mischief()
        status, out, err = finetune("submit", *options, "--again")
        assert status == 0, err
        assert out.startswith("ft:model-a:")
        assert finetune("submit", *options)[1] == out
        assert [job.status for job in jobs_of(server)] == ["succeeded", "failed"]


def test_status_asks_anew_and_can_wait(training, tmp_path, finetune):
    with running(job_seconds=0.5) as server:
        options = ("--file", training, "--model", "model-a", "--base-url", server.url)
        status, out, err = finetune("submit", *options, "--no-wait")
        assert status == 0, err
        job_id = out.strip()
        assert job_id.startswith("ftjob-")
        status, out, _ = finetune("status")
        assert status == 0
        assert out.split()[0] == job_id
        assert out.split()[2:] == ["prefs.jsonl", "model-a"]
        status, out, _ = finetune("status", "--follow", "--every", 0.05, "--json")
        (entry,) = json.loads(out)
        assert entry["fine_tuned_model"].startswith("ft:model-a:")
    # What has ended is not asked about again: the server is gone.
    assert finetune("status", "--json")[1] == out
    assert ledger(tmp_path) == [entry]


def test_status_without_jobs_says_how_to_start_one(finetune, tmp_path):
    status, _, err = finetune("status")
    assert status == 2
    assert err == (
        f"selfinterp: {tmp_path / 'models.json'}: no job has been started. `selfinterp finetune "
        "submit` starts one; --models names another list.\n"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[", "the list of models cannot be read: Expecting value"),
        ("[]", "the list of models cannot be read: it holds something else. Restore it"),
        (
            '{"fine_tuning_jobs": [{"key": "x"}]}',
            "the list of models cannot be read: a job in it lacks what every job has.",
        ),
        (
            '{"version": 2}',
            (
                "the list of models is of another version, which a newer program may have written "
                "(found 2). Allowed: 1. Update selfinterp-stats."
            ),
        ),
    ],
)
def test_a_list_of_models_that_cannot_be_read_stays_as_it_is(
    content, expected, tmp_path, training, finetune
):
    path = tmp_path / "models.json"
    path.write_text(content)
    status, _, err = finetune(
        "submit", "--file", training, "--model", "m", "--base-url", "http://127.0.0.1:9/v1"
    )
    assert status == 2
    assert f"{path}: {expected}" in err
    assert path.read_text() == content
    assert not path.with_name("models.json.lock").exists()


def test_what_else_the_list_holds_is_kept(tmp_path, training, finetune):
    path = tmp_path / "models.json"
    path.write_text('{"models": [{"role": "weight-trained"}]}')
    with running(job_seconds=0) as server:
        status, _, err = finetune(
            "submit", "--file", training, "--model", "model-a", "--base-url", server.url
        )
    assert status == 0, err
    assert json.loads(path.read_text())["models"] == [{"role": "weight-trained"}]


def test_a_wrong_key_an_unknown_model_and_no_key_exit_with_2(training, finetune, monkeypatch):
    with running(key="sk-other") as server:
        options = ("--file", training, "--model", "model-a", "--base-url", server.url)
        status, _, err = finetune("submit", *options)
        assert status == 2
        assert "the service does not accept the key" in err
        assert KEY not in err
        server.participant.key = KEY
        status, _, err = finetune("submit", *options[:3], "gpt-0", *options[4:])
        assert status == 2
        assert "The model `gpt-0` does not exist" in err
    monkeypatch.delenv("OPENAI_API_KEY")
    status, _, err = finetune("submit", *options[:4])
    assert status == 2
    assert "selfinterp: there is no API key. " in err


def test_no_server_exits_with_3_after_a_few_seconds():
    service = Service("http://127.0.0.1:9/v1", pause=0.2)
    start = time.monotonic()
    with pytest.raises(CollectionError, match="the service does not answer") as error:
        service.call(lambda client: client.models.list())
    assert error.value.exit_code == 3
    # Two pauses; a service that was there before is waited for with eight, 51 seconds in all.
    assert 0.6 <= time.monotonic() - start < 20


def test_a_short_outage_is_waited_for(training):
    with running(mischief={"error": 0.5}) as server:
        service = Service(server.url, pause=0.0)
        start = time.monotonic()
        for a, b in grid(10):
            service.call(
                lambda client, a=a, b=b: client.chat.completions.create(
                    model="model-a", messages=asked(CHOICE, a, b)
                )
            )
        stats = server.stats()
    assert stats["answered"] == 10
    assert stats["received"] > 10
    assert time.monotonic() - start < 10


def test_a_study_keeps_how_its_models_were_made_and_nothing_of_the_service(
    training, tmp_path, finetune
):
    with running(job_seconds=0) as server:
        options = ("--file", training, "--model", "model-a", "--base-url", server.url)
        _, out, _ = finetune("submit", *options, "--suffix", "x")
        server.participant.mischief = Mischief(fail_jobs=1)
        finetune("submit", *options, "--seed", 5)
    text = record_of_models(tmp_path / "models.json")
    (kept,) = json.loads(text)["fine_tuning_jobs"]
    assert kept["fine_tuned_model"] == out.strip()
    assert kept["training_sha256"] == read_training_file(training).sha256
    assert server.url not in text
    assert "file-" not in text
    with pytest.raises(InputError, match="there is no list of models"):
        record_of_models(tmp_path / "other.json")


def test_a_list_of_models_that_another_program_keeps_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("data_collection.finetuning.ledger._PATIENCE", 0.1)
    path = tmp_path / "models.json"
    with (
        writing(path),
        pytest.raises(JournalError, match="another program is writing into the list of models"),
        writing(path),
    ):
        pass


def test_two_submissions_at_once_are_one_job(training, tmp_path):
    with running(job_seconds=0.5) as server:
        command = [*MAIN, "finetune", "submit", "--models", tmp_path / "models.json"]
        command += ["--file", training, "--model", "model-a", "--base-url", server.url]
        command = [str(part) for part in [*command, "--every", 0.05]]
        options = {"cwd": ROOT, "text": True, "env": dict(os.environ), "stdout": subprocess.PIPE}
        with (
            subprocess.Popen(command, stderr=subprocess.DEVNULL, **options) as first,
            subprocess.Popen(command, stderr=subprocess.DEVNULL, **options) as second,
        ):
            names = {process.communicate(timeout=60)[0] for process in (first, second)}
        (job,) = jobs_of(server)
    assert names == {f"{job.fine_tuned_model}\n"}
    assert len(ledger(tmp_path)) == 1


def test_what_the_service_will_not_do_exits_with_2_and_its_reason():
    with running() as server, pytest.raises(CollectionError) as error:
        Service(server.url).call(
            lambda client: client.files.create(file=("f", b"x"), purpose="vision"), about="f"
        )
    assert str(error.value) == (
        "the service does not do this: 400: Unknown purpose vision. (found 'f')."
    )
    assert error.value.exit_code == 2
