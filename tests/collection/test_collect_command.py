"""``selfinterp collect choices|reports`` at a terminal: what it says, and how it ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from disks import small_disk
from scenarios import entry, write_json
from scripted import Scripted, completion
from server import KEY, running

from data_collection.journal import Journal
from selfinterp_stats.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
MAIN = "from selfinterp_stats.cli.main import main; main()"
# Files may not grow beyond this many bytes: what a full disk does, without filling one.
SMALL_DISK = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000,) * 2); {MAIN}"


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def given(tmp_path):
    """Arguments that every call needs; the journal's path is the last."""
    file = write_json(tmp_path / "scenarios.json", [entry("tea"), entry("cup")])
    return ["--scenarios", file, "--model", "model-a", "--journal", tmp_path / "j.sqlite"]


def collect(task, given, url, *more):
    out, err = io.StringIO(), io.StringIO()
    words = ["collect", task, *given, "--base-url", url, *more]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run([str(word) for word in words])
    return Ran(status, out.getvalue(), err.getvalue())


def process(task, given, url, *more, code=MAIN, env=()):
    words = ["collect", task, *given, "--base-url", url, *more]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **dict(env)},
    )


def test_a_run_says_what_it_will_ask_and_what_came_of_it(given):
    with running() as server:
        ran = collect("choices", given, server.url, "--per-scenario", 10)
        again = collect("choices", given, server.url, "--per-scenario", 10)
    assert ran.status == again.status == 0
    assert "model-a, native, choice: 20 to ask of model-a; about " in ran.err
    assert " tokens sent and 20 to 60 received." in ran.err
    assert "20 asked in " in ran.out
    assert "model-a, native, choice: 20 of 20 asked, complete: 20 valid." in ran.out
    assert "0 to ask of model-a, 20 of 20 are in the journal." in again.err
    assert "0 asked in " in again.out


def test_json_is_alone_on_stdout(given):
    with running() as server:
        ran = collect("reports", given, server.url, "--json", "--price-in", 1, "--price-out", 1)
    record = json.loads(ran.out)
    assert record["run"]["asked"] == record["journal"]["wanted"] == 20
    assert record["cell"]["condition"] == "weight-trained"
    assert record["journal"]["complete"] is True
    tokens = record["run"]["tokens_sent"] + record["run"]["tokens_received"]
    assert record["run"]["usd"] == pytest.approx(tokens / 1e6)


def test_a_dry_run_asks_nothing_and_makes_no_journal(given):
    with running() as server:
        ran = collect("choices", given, server.url, "--dry-run", "--json")
        assert server.stats()["received"] == 0
    record = json.loads(ran.out)
    assert ran.status == 0
    assert record["calls"] == 200
    assert record["tokens_sent"][0] < record["tokens_sent"][1]
    assert not given[-1].exists()


def test_the_number_of_trials_is_the_papers_unless_given(given):
    def planned(task, *more):
        ran = collect(task, given, "http://127.0.0.1:9/v1", "--dry-run", "--json", *more)
        return json.loads(ran.out)["calls"] / 2

    assert planned("choices") == 100
    assert planned("choices", "--set", "instilled") == 50
    assert planned("reports") == 10


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        (["--model", "model-z"], 2, "the service does not know the model"),
        (["--base-url", "http://127.0.0.1:9/v1"], 3, "the service does not answer"),
        (["--base-url", "localhost:9"], 2, "the address of the service cannot be read"),
        (["--base-url", "http://me:secret@host/v1"], 2, "holds a user name or a password"),
        (["--max-usd", "1"], 2, "dollars cannot be counted without both prices"),
        (["--price-in", "1"], 2, "dollars cannot be counted without both prices"),
        (["--skip", "2"], 2, "no scenario is left"),
        (["--model", ""], 2, "Invalid value for '--model': the name is empty."),
        (["--targets", "none.csv"], 2, "none.csv: the file cannot be read"),
        (["--scenarios", "none.json"], 2, "none.json: the file cannot be read"),
        (["--journal", "none/j.sqlite"], 2, "none: there is no such folder for the journal"),
    ],
)
def test_mistakes_are_one_message_and_an_exit_status(given, changes, status, message):
    with running() as server:
        ran = collect("choices", given, server.url, "--per-scenario", 1, *changes)
    assert ran.status == status
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert "secret" not in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--condition", "off-the-shelf"], "no off-the-shelf reports of native weights"),
        (["--fold", "all_100"], "--fold and --examples belong to introspection-trained reports"),
        (["--condition", "introspection-trained"], "need --fold (found ''). Allowed: all_M."),
        (
            ["--condition", "introspection-trained", "--fold", "all_100"],
            "introspection-trained reports need --examples.",
        ),
        (
            ["--condition", "introspection-trained", "--fold", "all_9", "--set", "instilled"],
            "(found 'all_9'). Allowed: first_N_of_M or last_N_of_M.",
        ),
    ],
)
def test_a_cell_that_no_study_folder_can_hold_is_refused(given, options, message):
    ran = collect("reports", given, "http://127.0.0.1:9/v1", *options)
    assert ran.status == 2
    assert message in ran.err


def test_a_wrong_key_ends_with_2(given):
    with running(key="sk-right") as server:
        ran = collect("choices", given, server.url, "--per-scenario", 1)
    assert ran.status == 2
    assert "the service does not accept the key" in ran.err


def test_openai_itself_is_not_asked_without_a_key(given, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    ran = collect("choices", given, "https://api.openai.com/v1", "--per-scenario", 1)
    assert ran.status == 2
    assert "there is no API key" in ran.err
    assert not given[-1].exists()


def test_a_cap_is_a_notice_and_the_next_run_goes_on(given):
    with running() as server:
        ran = collect("choices", given, server.url, "--per-scenario", 10, "--max-calls", 5)
        rest = collect("choices", given, server.url, "--per-scenario", 10)
    assert (ran.status, rest.status) == (0, 0)
    assert "notice: stopped at --max-calls; the same command goes on from here." in ran.err
    assert "5 of 20 asked, not complete: 5 valid." in ran.out
    assert "15 to ask of model-a, 5 of 20 are in the journal" in rest.err


@pytest.mark.parametrize(
    ("cap", "stopped_at"),
    [
        (["--max-calls", 5], "max_calls"),
        (["--max-usd", 0.002, "--price-in", 1, "--price-out", 1], "max_usd"),
        (["--attempts", 1], ""),
    ],
)
def test_a_run_that_lacks_answers_ends_with_0_and_its_export_with_1(
    given, tmp_path, cap, stopped_at
):
    """A cap was asked for, failed trials can be asked again: the export tells a script."""

    def answer(number):
        return (500, "", {}) if number == 7 else (200, completion("A"), {})

    with Scripted(answer) as server:
        ran = collect("choices", given, server.url, "--per-scenario", 10, "--json", *cap)
    record = json.loads(ran.out)
    assert ran.status == 0
    assert record["run"]["stopped_at"] == stopped_at
    assert record["journal"]["complete"] is False
    assert 0 < record["journal"]["valid"] < 20
    said = f"stopped at --{stopped_at.replace('_', '-')}" if stopped_at else "trials failed"
    assert f"{said}; the same command " in ran.err
    exported = io.StringIO()
    with contextlib.redirect_stdout(exported), contextlib.redirect_stderr(io.StringIO()):
        words = ["collect", "export", "--journal", given[-1], "--out", tmp_path / "study", "--json"]
        status = run([str(word) for word in words])
    assert status == 1
    assert [cell["complete"] for cell in json.loads(exported.getvalue())["cells"]] == [False]


@pytest.mark.parametrize("command", ["choices", "reports", "hints"])
def test_the_help_says_how_a_run_that_a_cap_stopped_ends(command):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(["collect", command, "--help"]) == 0
    told = " ".join(out.getvalue().split())
    assert "Exit status 0 also where --max-calls or --max-usd stopped the run" in told


def test_a_model_that_only_refuses_ends_with_1(given):
    with running(mischief={"refuse": 1}) as server:
        ran = collect("choices", given, server.url)
    assert ran.status == 1
    assert "the first 20 answers are all refusals" in ran.err
    assert "notice: not every answer is valid. For example, trial 0 of tea is refused (" in ran.err


def test_an_answer_that_is_of_no_use_is_shown_without_what_steers_a_terminal(given):
    said = "\x1b[2J" + "Option A, I think. " * 20
    with Scripted(lambda _: (200, completion(said), {})) as server:
        ran = collect("choices", given, server.url, "--per-scenario", 1)
    assert ran.status == 0
    assert "\x1b" not in ran.err
    assert (
        "notice: not every answer is valid. For example, trial 0 of tea is invalid (the reply "
        "is not A or B): '\\x1b[2JOption A, I think. Option A"
    ) in ran.err
    assert "think. Op...'\n" in ran.err


def test_what_broke_off_is_said_where_dollars_are_counted(given):
    def answer(number):
        return 200, "no JSON" if number == 0 else completion("A"), {}

    with Scripted(answer) as server:
        ran = collect(
            "choices", given, server.url, "--per-scenario", 1, "--price-in", 1, "--price-out", 1
        )
    assert (
        "notice: 3 calls broke off, or came without a count of tokens; each is counted with the "
        "most that it may have cost."
    ) in ran.err
    assert ", 3 calls, 0.000" in ran.out


def test_libraries_that_are_not_installed_are_named_with_how_to_get_them(given):
    code = f"import sys; sys.modules['openai'] = None; {MAIN}"
    going = process("choices", given, "http://127.0.0.1:9/v1", code=code)
    _, err = going.communicate(timeout=60)
    assert going.returncode == 2
    assert "openai is not installed" in err
    assert "pip install 'selfinterp-stats[collect]'" in err
    assert "Traceback" not in err


def test_a_second_collector_stops_at_once_with_2(given):
    with running() as server, Journal.open(given[-1]):
        ran = collect("choices", given, server.url)
        assert server.stats()["received"] == 0
    assert ran.status == 2
    assert f"another program is writing into the journal (process {os.getpid()} on" in ran.err


def test_of_two_collectors_started_together_only_one_asks(given):
    with running(mischief={"slow": 1, "slow_seconds": 0.05}) as server:
        words = ("choices", given, server.url, "--concurrency", 2, "--per-scenario", 40)
        both = [process(*words), process(*words)]
        said = [going.communicate(timeout=60)[1] for going in both]
        prompts = server.stats()["prompts"]
    assert [asked["received"] for asked in prompts] == [1] * 80
    # On a busy machine one may begin when the other has ended; then it finds nothing to do.
    status, text = max((going.returncode, text) for going, text in zip(both, said, strict=True))
    assert min(going.returncode for going in both) == 0
    assert (status, "another program is writing" in text) in ((2, True), (0, False))


def test_units_missing_from_a_csv_are_a_notice(given, tmp_path):
    file = tmp_path / "scenarios.csv"
    header = "scenario,question,attr1,attr2,attr1_min,attr2_min,attr1_max,attr2_max"
    file.write_text(f"{header}\ntea,Which tea?,price,size,0,0,9,9\n")
    given[1] = file
    ran = collect("choices", given, "http://127.0.0.1:9/v1", "--dry-run")
    assert "notice: 2 of 2 attributes have no units" in ran.err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_keeps_its_answers_and_asks_none_of_them_again(given, stop):
    with running(mischief={"slow": 1, "slow_seconds": 0.05}) as server:
        going = process("choices", given, server.url, "--concurrency", 5)
        while server.stats()["received"] < 40:
            time.sleep(0.02)
        going.send_signal(stop)
        _, said = going.communicate(timeout=30)
        with Journal.open(given[-1], write=False) as journal:
            kept = journal.counts()[0].asked
        rest = collect("choices", given, server.url)
        received = server.stats()["received"]
    assert 30 <= kept < 200
    # What was out when it ended is asked once more, at most five.
    assert 200 <= received <= 205
    assert rest.status == 0
    if stop is signal.SIGINT:
        assert going.returncode == 130
        assert "interrupted. Every answer so far is in the journal" in said
        assert "Traceback" not in said


def test_a_full_disk_ends_with_2_and_what_was_committed_is_kept(given):
    with running() as server:
        full = process("choices", given, server.url, code=SMALL_DISK)
        _, said = full.communicate(timeout=60)
        with Journal.open(given[-1], write=False) as journal:
            kept = journal.counts()[0].asked
        rest = collect("choices", given, server.url)
    assert full.returncode == 2
    assert "the journal cannot be written" in said
    assert "Make room and run the same command again" in said
    assert "Traceback" not in said
    assert 0 < kept < 200
    assert "200 of 200 asked, complete" in rest.out


def test_a_full_disk_keeps_what_was_committed_and_the_same_command_goes_on(given, tmp_path):
    with running() as server, small_disk(tmp_path / "disk", 200) as disk:
        given[-1] = disk / "j.sqlite"
        full = collect("choices", given, server.url)
        with Journal.open(given[-1], write=False) as journal:
            kept = journal.counts()[0].asked
        # What SQLite could not yet put into the file lies beside it, and moves with it.
        moved = shutil.copytree(disk, tmp_path / "moved") / "j.sqlite"
        rest = collect("choices", [*given[:-1], moved], server.url)
    assert full.status == 2
    assert full.out == ""
    message = full.err.splitlines()[-1]
    assert message.startswith(f"selfinterp: {given[-1]}: the journal cannot be written (")
    assert message.endswith(
        "); the disk may be full. Make room and run the same command again: what was committed is "
        "kept."
    )
    assert "Traceback" not in full.err
    assert 0 < kept < 200
    assert "200 of 200 asked, complete" in rest.out


# What a service may say about a key, and how a run may meet it.
SECRET = "sk-proj-S3cretS3cretS3cret"


@pytest.mark.parametrize("where", ["answered", "refused", "nobody", "no-tls"])
def test_the_key_is_in_no_message_log_or_journal(given, where):
    with running(key=SECRET if where == "answered" else "sk-other") as server:
        url = {
            "answered": server.url,
            "refused": server.url,
            "nobody": "http://127.0.0.1:9/v1",
            "no-tls": server.url.replace("http:", "https:"),
        }[where]
        # The library's own log is on, at its most talkative.
        env = {"OPENAI_API_KEY": SECRET, "OPENAI_LOG": "debug"}
        going = process("choices", given, url, "--per-scenario", 3, env=env)
        out, err = going.communicate(timeout=60)
    assert going.returncode == {"answered": 0, "refused": 2}.get(where, 3)
    assert "HTTP" in err or "Request options" in err
    files = [path.read_bytes() for path in given[-1].parent.iterdir() if path.is_file()]
    for text in (out.encode(), err.encode(), *files):
        assert b"S3cret" not in text


@pytest.mark.parametrize("how", ["traceback", "crash dump"])
def test_the_key_is_in_no_traceback_or_crash_dump(given, how):
    breaks = "from data_collection.journal import Journal; Journal.record = lambda *_: 1 / 0"
    aborts = "import os, data_collection.journal as j; j.Journal.record = lambda *_: os.abort()"
    code = f"{breaks if how == 'traceback' else aborts}\n{MAIN}"
    env = {"OPENAI_API_KEY": SECRET, "PYTHONFAULTHANDLER": "1"}
    with running() as server:
        _, err = process("choices", given, server.url, code=code, env=env).communicate(timeout=60)
    sign = "ZeroDivisionError" if how == "traceback" else "Fatal Python error: Aborted"
    assert sign in err
    assert "S3cret" not in err


@pytest.mark.parametrize("key", [f"{SECRET}\nx", f"{SECRET} x", f"{SECRET}é"])
def test_a_key_that_cannot_be_one_is_not_shown_either(given, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with running() as server:
        ran = collect("choices", given, server.url, "--per-scenario", 1)
    assert ran.status == 2
    assert "the API key holds a character that no key has" in ran.err
    assert "S3cret" not in ran.err


def test_replies_are_stored_as_text_and_never_run(given):
    with running(mischief={"garbage": 1}) as server:
        ran = collect("choices", given, server.url)
    assert ran.status == 0
    connection = sqlite3.connect(given[-1])
    texts = {text for (text,) in connection.execute("SELECT text FROM reply")}
    statuses = {status for (status,) in connection.execute("SELECT status FROM reply")}
    connection.close()
    assert "__import__('os').abort()" in texts
    assert "$(shutdown now)" in texts
    assert statuses == {"invalid"}
