"""Collection by batches: the same answers in the same journal, no row sent twice for nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from server import KEY, ROOT, running

from data_collection.asking import Endpoint
from data_collection.batch import collect_by_batch
from data_collection.collect import collect
from data_collection.errors import AccessError, CollectionError
from data_collection.journal import Journal
from data_collection.money import Budget
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
    """Collect by batch; the progress at the end."""
    with Journal.open(path) as journal:
        return collect_by_batch(
            Plan(task, journal),
            journal,
            Service(server.url, pause=0.01),
            budget or Budget(),
            **{"seconds": 0.02, **options},
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
        kept = 60 - Plan(CHOICES, None).missing + sum(cell.asked for cell in counts(path))
        done = batched(path, server)
        assert kept == 25
        assert done.statuses == {"valid": 35}
        assert rows_sent(server) == 35


def test_a_batch_that_is_created_though_its_receipt_is_lost_is_followed(path):
    with serving(mischief={"lose_receipts": 1}) as server:
        assert batched(path, server).statuses == {"valid": 60}
        assert len(batches_of(server)) == 1


def test_a_crash_before_the_batchs_id_is_known_finds_it_by_its_mark(path, monkeypatch):
    with serving() as server:

        class Crash(Exception):
            pass

        def crash(*_):
            raise Crash

        with monkeypatch.context() as patched:
            # The process ends between the creation and the note of its id.
            patched.setattr("data_collection.batch._Run.follow", lambda _: None)
            patched.setattr("data_collection.batchbook.BatchBook.save", crash)
            with pytest.raises(Crash):
                batched(path, server)
        assert batches_of(server) == []
        # The upload alone was made, so the rows go out anew.
        assert batched(path, server).statuses == {"valid": 60}
        assert len(batches_of(server)) == 1


COLLECT = """
import sys
from pathlib import Path
sys.path[:0] = [str(Path("tests/collection").resolve())]
from test_batch import batched, CHOICES
from types import SimpleNamespace
batched(Path(sys.argv[1]), SimpleNamespace(url=sys.argv[2]), rows=20)
"""


@pytest.mark.parametrize("moment", range(6))
def test_a_killed_collector_goes_on_with_its_batches(path, moment):
    """SIGKILL at different moments: before, while and after the batches are created."""
    with serving(batch_seconds=1.5) as server:
        command = [sys.executable, "-c", COLLECT, str(path), server.url]
        options = {"cwd": ROOT, "env": dict(os.environ), "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, **options) as process:
            # The moment is counted in requests to the server, not in time.
            end = time.monotonic() + 30
            while len(batches_of(server)) < moment // 2 and time.monotonic() < end:
                time.sleep(0.002)
            if moment % 2:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
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
            f"(found '{batch.id}'). If it was too large, send fewer rows at once."
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


def test_the_command_asks_by_batch_and_says_how_far_it_is(tmp_path, path, capsys):
    scenarios = tmp_path / "scenarios.json"
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
    with serving() as server:
        command = ["collect", "choices", "--scenarios", scenarios, "--model", "model-a"]
        command += ["--base-url", server.url, "--journal", path, "--per-scenario", 20]
        command += ["--batch", "--batch-rows", 40, "--every", 0.05]
        status = run([str(part) for part in command])
        out, err = capsys.readouterr()
        sizes = [batch.request_counts.total for batch in batches_of(server)]
    assert status == 0, err
    assert "60 of 60 asked, complete: 60 valid." in out
    assert "completed, 40 of 40 rows" in err
    assert sorted(sizes) == [20, 40]
