"""Collection by batches: the same answers in the same journal, no row sent twice for nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from server import KEY, ROOT, running

from data_collection.asking import Endpoint
from data_collection.batch import collect_by_batch
from data_collection.batchbook import BatchBook
from data_collection.batchrows import custom_id, row_of
from data_collection.batchrun import BatchRules
from data_collection.collect import collect
from data_collection.errors import AccessError, CollectionError, IncompleteError
from data_collection.journal import Journal
from data_collection.money import Budget
from data_collection.participant.batches import Batches
from data_collection.participant.mischief import Mischief
from data_collection.participant.participant import describe
from data_collection.plan import Plan, Task
from data_collection.prompts import PAPER
from data_collection.scenarios import Attribute, Scenario
from data_collection.service import Service
from selfinterp_stats.cli.main import run

SCENARIOS = tuple(
    Scenario(
        f"thing_{i}",
        f"Imagine you are Macbeth. Which thing {i} would you prefer?",
        (
            Attribute("price", "euros", 10.0, 900.0),
            Attribute("battery_life", "hours", 1.0, 48.0),
            Attribute("weight", "grams", 90.0, 400.0),
        ),
    )
    for i in range(3)
)
CHOICES = Task(
    kind="choice",
    model="model-a",
    base_model="model-a",
    set="native",
    scenarios=SCENARIOS,
    per_scenario=20,
    seed=2,
    prompts=PAPER,
)
REPORTS = replace(CHOICES, kind="report", condition="weight-trained", per_scenario=10)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.sqlite"


def serving(**options):
    return running(described=describe(SCENARIOS), **{"batch_seconds": 0.1, **options})


def batched(path, server, task=CHOICES, budget=None, **options):
    """Collect by batch; the progress at the end. Options are rules, `on_batch` and `on_stop`."""
    (done,) = batched_together(path, server, [task], budget, **options)
    return done


def batched_together(path, server, tasks, budget=None, **options):
    heard = {name: options.pop(name) for name in ("on_batch", "on_stop") if name in options}
    with Journal.open(path) as journal:
        return collect_by_batch(
            [Plan(task, journal) for task in tasks],
            journal,
            Service(server.url, pause=0.01),
            budget or Budget(),
            BatchRules(**{"seconds": 0.02, **options}),
            **heard,
        )


def answers(path):
    """What a journal holds, but for times."""
    with Journal.open(path, write=False) as journal:
        return [
            replace(row, created="", answer=replace(row.answer, latency=None))
            for row in journal.rows()
        ]


def counts(path):
    with Journal.open(path, write=False) as journal:
        return journal.counts()


def batches_of(server):
    with server.client() as client:
        return list(client.batches.list())


def uploads_and_batches(server):
    with server.client() as client:
        uploads = sum(file.purpose == "batch" for file in client.files.list())
        return uploads + len(list(client.batches.list()))


def rows_sent(server):
    return sum(batch.request_counts.total for batch in batches_of(server))


@pytest.mark.parametrize("task", [CHOICES, REPORTS], ids=["choices", "reports"])
def test_batches_bring_what_single_calls_bring(task, path, tmp_path):
    mischief = {"garbage": 0.1, "refuse": 0.1, "wrong_name": 0.1, "truncate": 0.1}
    other = tmp_path / "single.sqlite"
    with serving(mischief=mischief) as server:
        done = batched(path, server, task, rows=25)
        with Journal.open(other) as journal:
            single = collect(Plan(task, journal), journal, Endpoint(server.url), Budget())
        sizes = sorted(batch.request_counts.total for batch in batches_of(server))
    assert answers(path) == answers(other)
    assert done.statuses == single.statuses
    assert len(done.statuses) >= 3
    total = 3 * task.per_scenario
    assert done.done == done.total == total
    assert sizes == ([10, 25, 25] if total == 60 else [5, 25])


def test_only_rows_that_failed_or_expired_are_sent_again(path):
    with serving(mischief={"fail_rows": 0.15}) as server:
        done = batched(path, server, rounds=20)
        stats = server.stats()
        sizes = [batch.request_counts.total for batch in batches_of(server)][::-1]
        failed = [batch.request_counts.failed for batch in batches_of(server)][::-1]
    assert done.statuses == {"valid": 60}
    assert stats["answered"] == 60
    # Each batch after the first holds the rows that the one before it did not answer.
    assert sizes == [60, *failed[:-1]]
    assert len(sizes) > 1
    (cell,) = counts(path)
    assert cell.complete


def test_rows_that_fail_in_every_round_are_failed_and_asked_by_the_next_run(path):
    with serving(mischief={"fail_rows": 0.5}) as server:
        done = batched(path, server, rounds=2)
        assert done.statuses == {"failed": 60}
        (cell,) = counts(path)
        assert (cell.failed, cell.complete) == (60, False)
        with Journal.open(path, write=False) as journal:
            whys = {row.why for row in journal.rows()}
        assert whys == {
            "500: The server had an error.",
            "This request could not be executed before the completion window.",
        }
        server.participant.mischief = Mischief()
        assert batched(path, server).statuses == {"valid": 60}
        assert rows_sent(server) == 180
    (cell,) = counts(path)
    assert cell.complete


def test_a_second_run_sends_nothing(path):
    with serving() as server:
        batched(path, server)
        done = batched(path, server)
        assert (done.total, done.done) == (0, 0)
        assert len(batches_of(server)) == 1


def test_what_single_calls_have_answered_is_not_sent(path):
    with serving() as server:
        with Journal.open(path) as journal:
            collect(Plan(CHOICES, journal), journal, Endpoint(server.url), Budget(max_calls=25))
        (cell,) = counts(path)
        assert cell.asked == 25
        done = batched(path, server)
        assert done.statuses == {"valid": 35}
        assert rows_sent(server) == 35


def test_a_batch_that_is_created_though_its_receipt_is_lost_is_followed(path):
    with serving(mischief={"lose_receipts": 1}) as server:
        assert batched(path, server).statuses == {"valid": 60}
        assert len(batches_of(server)) == 1


class Crash(Exception):
    """Ends a run as a power cut would: nothing after it is done."""


@pytest.mark.parametrize(("known", "batches"), [("file_id", 0), ("batch_id", 1)])
def test_a_crash_before_an_id_is_written_down_sends_no_row_twice(path, monkeypatch, known, batches):
    """After the upload, when there is no batch; and when there is one, which is then found."""
    save = BatchBook.save

    def crash(book, sent):
        if getattr(sent, known):
            raise Crash
        save(book, sent)

    with serving() as server:
        with monkeypatch.context() as patched:
            patched.setattr(BatchBook, "save", crash)
            with pytest.raises(Crash):
                batched(path, server)
        assert len(batches_of(server)) == batches
        assert batched(path, server).statuses == {"valid": 60}
        assert len(batches_of(server)) == 1
        assert server.stats()["received"] == 60


COLLECT = """
import sys
from pathlib import Path
sys.path[:0] = [str(Path("tests/collection").resolve())]
from test_batch import batched, CHOICES
from types import SimpleNamespace
batched(Path(sys.argv[1]), SimpleNamespace(url=sys.argv[2]), rows=20)
"""


@pytest.mark.parametrize("moment", range(1, 7))
def test_a_killed_collector_goes_on_with_its_batches(path, moment):
    """SIGKILL after each of three uploads, and after each of their batches is made."""
    # No batch ends before the collector is dead, and then all do.
    with serving(batch_seconds=3600) as server, made_batches() as made:
        command = [sys.executable, "-c", COLLECT, str(path), server.url]
        options = {"cwd": ROOT, "env": dict(os.environ), "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, **options) as process:
            # The moment is counted in what the server was given, not in time.
            end = time.monotonic() + 30
            while uploads_and_batches(server) < moment and time.monotonic() < end:
                time.sleep(0.002)
            assert uploads_and_batches(server) >= moment
            process.send_signal(signal.SIGKILL)
        server.participant.batch_seconds = 0
        for batch in made:
            batch.seconds = 0
        batched(path, server, rows=20)
        (cell,) = counts(path)
        assert (cell.valid, cell.complete) == (60, True)
        # No row was in two batches.
        assert rows_sent(server) == 60
        assert server.stats()["received"] == 60


def test_a_batch_of_another_cell_is_left_alone(path):
    with serving(batch_seconds=3600) as server:
        with pytest.raises(KeyboardInterrupt):
            batched(path, server, on_batch=interrupt)
        server.participant.batch_seconds = 0
        assert batched(path, server, REPORTS).statuses == {"valid": 30}
        assert rows_sent(server) == 90


def interrupt(_):
    raise KeyboardInterrupt


def test_a_cap_on_calls_is_kept(path):
    with serving() as server:
        budget = Budget(max_calls=7)
        assert batched(path, server, budget=budget).statuses == {"valid": 7}
        assert budget.exhausted == "max_calls"
        assert rows_sent(server) == 7


def test_a_batch_that_is_not_accepted_says_why_and_leaves_the_rows_missing(path):
    with serving(most_rows=50) as server:
        with pytest.raises(CollectionError) as error:
            batched(path, server)
        (batch,) = batches_of(server)
        assert str(error.value) == (
            "the service did not accept a batch: There are more than 50 rows. "
            f"(found '{batch.id}'). If it was too large, send fewer rows at once with --batch-rows."
        )
        assert counts(path) == ()
        assert batched(path, server, rows=30).statuses == {"valid": 60}
        assert server.stats()["received"] == 60


def test_an_unknown_model_that_only_the_rows_tell_of_stops_the_run(path):
    with serving() as server:
        with pytest.raises(AccessError, match="The model `model-x` does not exist"):
            batched(path, server, replace(CHOICES, model="model-x"))
        assert counts(path) == ()
        assert batched(path, server).statuses == {"valid": 60}


def test_a_cancelled_batch_stops_the_run_and_the_next_one_sends_the_rest(path):
    with serving(batch_seconds=3600) as server:

        def cancel(progress):
            with server.client() as client:
                client.batches.cancel(progress.batch_id)

        with pytest.raises(CollectionError, match="a batch was cancelled") as error:
            batched(path, server, on_batch=cancel)
        assert error.value.exit_code == 1
        server.participant.batch_seconds = 0
        assert batched(path, server).statuses == {"valid": 60}


def test_a_wrong_key_stops_before_anything_is_sent(path):
    with serving(key="sk-other") as server:
        with pytest.raises(AccessError, match="does not accept the key"):
            batched(path, server)
        server.participant.key = KEY
        assert batched(path, server).statuses == {"valid": 60}
        assert len(batches_of(server)) == 1


def test_no_batch_and_no_journal_holds_the_key(path):
    with serving() as server:
        batched(path, server)
        files = [file.read_bytes() for file in path.parent.iterdir()]
        with server.client() as client:
            files += [client.files.content(file.id).content for file in client.files.list()]
    assert len(files) >= 4
    assert not any(KEY.encode() in content for content in files)


def command(path, server, *more):
    """Run `collect choices --batch`; its exit status."""
    scenarios = path.with_name("scenarios.json")
    listed = [
        {
            "short_name": scenario.name,
            "question": scenario.question,
            "attributes": [
                {"name": a.name, "units": a.units, "range": [a.minimum, a.maximum]}
                for a in scenario.attributes
            ],
        }
        for scenario in SCENARIOS
    ]
    scenarios.write_text(json.dumps(listed))
    words = [
        "collect",
        "choices",
        "--scenarios",
        scenarios,
        "--model",
        "model-a",
        "--journal",
        path,
    ]
    words += ["--base-url", server.url, "--per-scenario", 20, "--batch", "--every", 0.05, *more]
    return run([str(word) for word in words])


def test_the_command_asks_by_batch_and_says_how_far_it_is(path, capsys):
    with serving() as server:
        status = command(path, server, "--batch-rows", 40)
        out, err = capsys.readouterr()
        sizes = [batch.request_counts.total for batch in batches_of(server)]
    assert status == 0, err
    assert "60 of 60 asked, complete: 60 valid." in out
    assert "completed, 40 of 40 rows" in err
    assert sorted(sizes) == [20, 40]


def test_the_command_ends_with_1_where_a_model_only_refuses(path, capsys):
    with serving(mischief={"refuse": 1}) as server, taking(first=0, later=3600):
        status = command(path, server, "--batch-rows", 40)
    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert "model-a, native, choice: the first 40 answers are all refusals" in err
    assert "For example, trial 0 of thing_0 is refused (" in err
    (cell,) = counts(path)
    assert (cell.refused, cell.wanted) == (40, 60)


def test_batches_of_several_plans_are_out_together(path):
    """Each takes an hour: one that waited for another would not be seen in twenty looks."""
    seen = []

    def look(progress):
        seen.append(progress.batch_id)
        if len(set(seen)) == 3 or len(seen) == 20:
            raise KeyboardInterrupt

    with serving(batch_seconds=3600) as server:
        with pytest.raises(KeyboardInterrupt):
            batched_together(path, server, [CHOICES, REPORTS], rows=40, on_batch=look)
        sizes = sorted(batch.request_counts.total for batch in batches_of(server))
    assert len(set(seen)) == 3
    assert sizes == [20, 30, 40]


@contextlib.contextmanager
def made_batches():
    """The batches that the server makes, as it keeps them."""
    made, create = [], Batches.create

    def noted(*given):
        made.append(create(*given))
        return made[-1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Batches, "create", noted)
        yield made


@contextlib.contextmanager
def taking(*, first, later):
    """The server takes so many seconds for its first batch, and for every later one."""
    create = Batches.create

    def timed(batches, body, now):
        batches.participant.batch_seconds = later if batches.made else first
        return create(batches, body, now)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Batches, "create", timed)
        yield


def test_a_model_that_only_refuses_is_given_up_after_the_first_batch(path):
    with serving(mischief={"refuse": 1}) as server:
        with taking(first=0, later=3600), pytest.raises(IncompleteError) as error:
            batched_together(path, server, [CHOICES, REPORTS], rows=25)
        assert str(error.value) == (
            "model-a, native, choice: the first 25 answers are all refusals, so no more is asked. "
            "They are in the journal; --stop-after 0 asks on regardless."
        )
        assert sorted(batch.status for batch in batches_of(server)) == [
            *("cancelled", "cancelled", "completed")
        ]
        (cell,) = counts(path)
        assert (cell.refused, cell.failed, cell.wanted) == (25, 0, 60)
        server.participant.batch_seconds = 0
        assert batched(path, server, stop_after=0).statuses == {"refused": 35}


def test_a_plan_that_is_given_up_leaves_the_others_batches_to_end(path):
    told = []
    with (
        serving(mischief={"refuse": 1}) as server,
        taking(first=0.5, later=0),
        pytest.raises(IncompleteError) as error,
    ):
        batched_together(path, server, [REPORTS, CHOICES], on_stop=told.append)
    assert told == [error.value]
    assert [cell.refused for cell in counts(path)] == [60, 30]


def test_some_valid_answers_among_refusals_are_enough_to_go_on(path):
    with serving(mischief={"refuse": 0.9}) as server:
        done = batched(path, server, rows=30)
    assert done.done == 60
    assert done.statuses["valid"] > 0


def test_a_journal_of_version_1_goes_on_with_the_batch_that_it_left(path):
    """It was written before batches had tables of their own, and the batch's id was not known."""
    task = replace(CHOICES, scenarios=SCENARIOS[:1], per_scenario=6)
    written = (Path(__file__).parent / "data" / "journal_v1.sql").read_text(encoding="utf-8")
    with serving() as server:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript(written.replace("http://127.0.0.1:8000/v1", server.url))
        # Its five rows, as version 1 sent them: all of the plan but the one that was answered.
        rows = [
            row_of(custom_id(request), request)
            for request in Plan(task, None).requests()
            if request.index != 3
        ]
        with server.client() as client:
            file = client.files.create(file=("rows", "\n".join(rows).encode()), purpose="batch")
            client.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={"selfinterp_batch": "276ff173e4904aafa571872e31cb500e"},
            )
        assert batched(path, server, task).statuses == {"valid": 5}
        assert len(batches_of(server)) == 1
    (cell,) = counts(path)
    assert (cell.valid, cell.complete) == (6, True)
