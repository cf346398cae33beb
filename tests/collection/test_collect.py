"""Collecting over real HTTP, from a server that behaves and from one that does not."""

from __future__ import annotations

import email.utils
import json
import socket
import threading
import time

import pytest
from scenarios import scenario
from scripted import Scripted, completion
from server import KEY, running

from data_collection.asking import Endpoint
from data_collection.collect import collect, read_again
from data_collection.errors import AccessError, IncompleteError, InputError, ServiceError
from data_collection.journal import Journal
from data_collection.money import Budget, Prices
from data_collection.plan import Plan, Task
from data_collection.prompts import PAPER

SCENARIOS = tuple(scenario(name) for name in ("tea", "cup", "pan"))


def task(kind="choice", **changes):
    given = {
        "model": "model-a",
        "base_model": "model-a",
        "set": "native",
        "scenarios": SCENARIOS,
        "per_scenario": 20,
        "seed": 2,
        "prompts": PAPER,
        "condition": "" if kind == "choice" else "weight-trained",
    }
    return Task(kind=kind, **{**given, **changes})


def gather(journal, url, what=None, *, budget=None, ask_again=(), stop_after=20, **endpoint):
    """One run of a collection; its progress at the end."""
    settings = {"key": KEY, "timeout": 10.0, "pause": 0.02, **endpoint}
    plan = Plan(what or task(), journal, ask_again)
    return collect(
        plan, journal, Endpoint(url, **settings), budget or Budget(), stop_after=stop_after
    )


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "journal.sqlite") as opened:
        yield opened


def test_every_trial_is_asked_once_and_its_answer_kept_with_what_belongs_to_it(journal):
    with running() as server:
        done = gather(journal, server.url)
        again = gather(journal, server.url)
        stats = server.stats()
    assert (done.done, done.calls, again.done, again.calls) == (60, 60, 0, 0)
    assert stats["received"] == len(stats["prompts"]) == 60
    rows = list(journal.rows())
    assert [(row.scenario, row.index) for row in rows] == [
        (name, index) for name in ("tea", "cup", "pan") for index in range(20)
    ]
    for row in rows:
        assert row.status == "valid"
        assert row.value == row.answer.text
        assert len(row.details["option_a"]) == len(row.details["option_b"]) == 3
        assert row.answer.model == "model-a"
        assert row.answer.system_fingerprint.startswith("fp_")
        assert row.answer.prompt_tokens > 50
        assert 0 < row.answer.latency < 10
        assert row.answer.finish_reason == "stop"
    assert json.loads(rows[0].cell.parameters)["temperature"] == 0


def test_reports_are_collected_beside_choices(journal):
    with running() as server:
        gather(journal, server.url)
        gather(journal, server.url, task("report", per_scenario=4))
    choices, reports = journal.counts()
    assert (choices.cell.task, choices.valid) == ("choice", 60)
    assert (reports.cell.task, reports.valid, reports.wanted) == ("report", 12, 12)
    for row in journal.rows(reports.cell):
        assert set(row.value) == {"quality_1", "quality_2", "quality_3"}


def test_log_probabilities_of_both_options_are_kept_when_asked_for(journal):
    with running() as server:
        gather(journal, server.url, task(logprobs=True, per_scenario=2))
    for row in journal.rows():
        assert set(row.answer.logprobs) == {"A", "B"}
        assert row.answer.logprobs[row.value] <= 0


def test_a_server_that_misbehaves_delays_the_answers_and_changes_none(journal, tmp_path):
    # The answers' own faults are the same for the same prompt; those on the way are not.
    faults = {"garbage": 0.1, "refuse": 0.1, "truncate": 0.1}
    on_the_way = {"too_many": 0.1, "retry_after": 0.02, "error": 0.1, "cut": 0.1}
    with running(mischief=faults) as server:
        gather(journal, server.url)
    with running(mischief=faults | on_the_way) as server:
        path = tmp_path / "disturbed.sqlite"
        with Journal.open(path) as disturbed:
            done = gather(disturbed, server.url, concurrency=20)
            assert done.calls == server.stats()["received"] > 60
            pairs = list(zip(journal.rows(), disturbed.rows(), strict=True))
    for calm, stormy in pairs:
        assert (calm.answer.text, calm.status, calm.value) == (
            stormy.answer.text,
            stormy.status,
            stormy.value,
        )
    statuses = {calm.status for calm, _ in pairs}
    assert {"valid", "refused"} < statuses
    assert max(stormy.answer.attempts for _, stormy in pairs) > 1


def test_nothing_is_sent_while_the_server_asks_to_wait(journal):
    with running(mischief={"too_many": 0.2, "retry_after": 0.5}) as server:
        before = time.monotonic()
        gather(journal, server.url, task(per_scenario=3), concurrency=1)
        seconds = time.monotonic() - before
        held_back = server.stats()["received"] - 9
    # One at a time, so each 429 is waited out alone.
    assert held_back > 0
    assert seconds >= 0.5 * held_back


def test_a_trial_that_fails_for_good_is_kept_as_failed_and_asked_again_by_the_next_run(journal):
    # Three errors before any answer would look like a service that is not there: few errors, then.
    with running(mischief={"error": 0.12}) as server:
        done = gather(journal, server.url, concurrency=20, attempts=1)
        assert done.statuses["failed"] == 60 - done.statuses["valid"] > 0
        failed = [row for row in journal.rows() if row.status == "failed"]
        assert {row.answer.error for row in failed} == {"500: The server had an error."}
        before = server.stats()["received"]
        again = gather(journal, server.url, concurrency=20, attempts=8)
        assert again.done == len(failed)
        # Nothing else was asked: the rest is attempts at those.
        assert server.stats()["received"] - before == again.calls
    assert journal.counts()[0].complete


def test_bad_answers_are_asked_again_only_on_request(journal):
    with running(mischief={"garbage": 0.3}) as server:
        gather(journal, server.url)
        bad = journal.counts()[0].invalid + journal.counts()[0].refused
        assert bad > 0
        assert gather(journal, server.url).calls == 0
        again = gather(journal, server.url, ask_again=("invalid", "refused"))
    assert again.calls == bad
    assert journal.counts()[0].asked == 60


def test_a_hanging_call_is_given_up_and_made_again(journal):
    with running(mischief={"hang": 0.2}) as server:
        done = gather(journal, server.url, task(per_scenario=5), timeout=1.0)
    assert done.statuses == {"valid": 15}
    assert done.calls > 15


def test_a_cap_on_calls_is_never_passed_and_the_rest_is_asked_later(journal):
    with running(mischief={"error": 0.2}) as server:
        budget = Budget(max_calls=25)
        gather(journal, server.url, budget=budget, concurrency=20)
        assert budget.exhausted == "max_calls"
        assert server.stats()["received"] == 25
        kept = journal.counts()[0].asked
        assert 0 < kept <= 25
        gather(journal, server.url)
    assert journal.counts()[0].complete


def test_a_cap_in_dollars_is_never_passed_by_calls_that_are_out_together(journal):
    with running() as server:
        plan = Plan(task(), journal)
        budget = Budget(None, 0.001, Prices(1.0, 2.0), plan.most_tokens)
        collect(plan, journal, Endpoint(server.url, KEY, concurrency=30), budget)
    assert budget.exhausted == "max_usd"
    spent = sum(
        (row.answer.prompt_tokens + 2 * row.answer.completion_tokens) / 1e6
        for row in journal.rows()
    )
    assert budget.usd == pytest.approx(spent)
    # Estimates are on the safe side, by a factor of two or so.
    assert 0.0002 < spent <= 0.001


def test_a_call_that_broke_off_counts_with_the_most_that_it_may_have_cost(journal):
    with running(mischief={"cut": 0.3}) as server:
        plan = Plan(task(), journal)
        budget = Budget(None, None, Prices(1.0, 2.0), plan.most_tokens)
        done = collect(plan, journal, Endpoint(server.url, KEY, pause=0.01), budget)
    most = Prices(1.0, 2.0).cost(*plan.most_tokens(next(Plan(task(), None).requests())))
    answered = sum(
        (row.answer.prompt_tokens + 2 * row.answer.completion_tokens) / 1e6
        for row in journal.rows()
    )
    assert done.statuses == {"valid": 60}
    assert budget.guessed == done.calls - 60 > 0
    # Scenarios differ by a few words.
    assert budget.usd - answered == pytest.approx(budget.guessed * most, rel=0.1)


def test_a_call_that_the_service_did_not_take_costs_nothing(journal):
    with running(mischief={"error": 0.3}) as server:
        plan = Plan(task(), journal)
        budget = Budget(None, None, Prices(1.0, 2.0), plan.most_tokens)
        done = collect(plan, journal, Endpoint(server.url, KEY, pause=0.01), budget)
    assert done.calls > 60
    assert budget.guessed == 0


def test_a_model_that_refuses_everything_is_asked_little(journal):
    with running(mischief={"refuse": 1.0}) as server:
        with pytest.raises(IncompleteError, match="first 20 answers are all refusals"):
            gather(journal, server.url, task(per_scenario=200), concurrency=10)
        # Those that were out when the twentieth came back are kept too.
        assert 20 <= server.stats()["received"] <= 40
        assert journal.counts()[0].refused == server.stats()["answered"]
        kept = journal.counts()[0].refused
        rest = gather(journal, server.url, task(per_scenario=200), stop_after=0)
    assert rest.statuses == {"refused": 600 - kept}


def test_other_trials_under_the_same_numbers_are_refused_before_anything_is_asked(journal):
    with running() as server:
        gather(journal, server.url)
        for changes in ({"seed": 3}, {"scenarios": SCENARIOS[1:]}):
            with pytest.raises(InputError, match=r"another question as trial .* --seed as before"):
                Plan(task(**changes), journal)
        assert server.stats()["received"] == 60


def options(journal):
    return {
        (row.scenario, row.index): (row.details["option_a"], row.details["option_b"])
        for row in journal.rows()
    }


def test_a_collection_can_be_enlarged_and_a_part_of_it_be_asked(journal):
    with running() as server:
        gather(journal, server.url, task(per_scenario=8), budget=Budget(max_calls=20))
        part = gather(journal, server.url, task(per_scenario=5))
        assert not journal.counts()[0].complete
        rest = gather(journal, server.url, task(per_scenario=8))
        first = options(journal)
        more = gather(journal, server.url, task(per_scenario=12))
        less = gather(journal, server.url, task(per_scenario=8))
        stats = server.stats()
    assert part.calls + rest.calls == 24 - 20
    assert (more.calls, less.calls) == (12, 0)
    assert journal.counts()[0].complete
    assert journal.counts()[0].valid == 36
    # The first ones stay as they were, the others are new questions, and none was asked twice.
    drawn = options(journal)
    assert drawn == {**drawn, **first}
    assert len({str(shown) for shown in drawn.values()}) == 36
    assert {prompt["received"] for prompt in stats["prompts"]} == {1}


def test_a_number_of_trials_that_brought_no_answer_binds_nobody(journal, tmp_path):
    with pytest.raises(ServiceError):
        gather(journal, "http://127.0.0.1:9/v1", task(per_scenario=9))
    with running() as server, Journal.open(tmp_path / "other.sqlite") as other:
        gather(journal, server.url, task(per_scenario=4))
        gather(other, server.url, task(per_scenario=4))
        assert options(journal) == options(other)


def test_rescue_reads_again_what_the_journal_has(journal):
    strict = task("report", per_scenario=30)
    with running(mischief={"wrong_name": 0.5}) as server:
        gather(journal, server.url, strict)
    before = journal.counts()[0]
    assert before.invalid > 0
    saved = read_again(Plan(task("report", per_scenario=30, rescue=True), journal), journal)
    after = journal.counts()[0]
    assert after.rescued == saved == after.valid - before.valid > 0
    assert after.asked == before.asked


def test_a_wrong_key_and_an_unknown_model_stop_at_once(journal):
    with running(key="sk-right") as server:
        with pytest.raises(AccessError, match=r"does not accept the key \(401: ") as wrong:
            gather(journal, server.url, key="sk-wrong-key")
        assert "sk-wrong" not in str(wrong.value)
        with pytest.raises(AccessError, match=r"does not know the model.*\(found 'model-z'\)"):
            gather(journal, server.url, task(model="model-z"), key="sk-right")
        assert server.stats()["received"] == 0
    assert journal.counts()[-1].asked == 0


def test_no_server_and_no_tls_are_said_soon(journal):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        began = time.monotonic()
        with pytest.raises(ServiceError, match=r"does not answer: .*Connect call failed"):
            gather(journal, nobody)
        assert time.monotonic() - began < 10
    with running() as server, pytest.raises(ServiceError, match=r"no safe \(TLS\) connection"):
        gather(journal, server.url.replace("http:", "https:"))


def test_an_end_does_not_wait_for_what_the_service_said_to_wait(journal):
    def answer(number):
        if number == 0:
            return 429, {"error": "later"}, {"Retry-After": 60}
        time.sleep(0.3)  # until the pause has begun
        return 401, {"error": {"message": "Who are you?"}}, {}

    with Scripted(answer) as server:
        began = time.monotonic()
        with pytest.raises(AccessError, match="Who are you"):
            gather(journal, server.url, concurrency=2)
        assert time.monotonic() - began < 20


def test_a_server_that_dies_ends_the_run_and_loses_no_answer(journal):
    def answer(number):
        time.sleep(0.02)
        return (200, completion(), {}) if number < 40 else (500, {"error": "gone"}, {})

    with Scripted(answer) as server:
        with pytest.raises(ServiceError, match="does not answer: 500: gone"):
            gather(journal, server.url, task(per_scenario=100), concurrency=4, attempts=2)
        assert journal.counts()[0].valid == 40


def test_the_number_of_calls_at_once_settles_at_what_the_service_bears(journal):
    out, most = threading.Semaphore(8), task(per_scenario=100)

    def answer(_):
        # Eight at a time, each a while: who comes on top is sent away.
        if not out.acquire(blocking=False):
            return 429, {"error": {"message": "too many"}}, {}
        time.sleep(0.02)
        out.release()
        return 200, completion(), {}

    with Scripted(answer) as server:
        done = gather(journal, server.url, most, concurrency=64)
    assert done.statuses == {"valid": 300}
    # 64 at once would have more than seven of eight calls sent away.
    assert server.received < 2 * 300


@pytest.mark.parametrize(
    ("status", "body", "headers", "error", "message"),
    [
        (
            429,
            {"error": {"message": "You exceeded your quota.", "code": "insufficient_quota"}},
            {},
            AccessError,
            r"no credit left \(429: You exceeded your quota\.\)",
        ),
        (429, {"error": "later"}, {"Retry-After": 86400}, ServiceError, "wait for 86,400 seconds"),
        (403, {"error": {"message": "Not in your country."}}, {}, AccessError, "Not in your"),
        (404, {"detail": "Not Found"}, {}, AccessError, r"no such address \(404: Not Found\)"),
        (
            400,
            {"error": "no temperature"},
            {},
            ServiceError,
            r"first 20 requests all failed, .*: 400: no temp",
        ),
        (200, "<html>Log in first</html>", {}, ServiceError, "something that is no JSON"),
        (200, {"object": "list"}, {}, ServiceError, "something that is no chat completion"),
    ],
)
def test_what_a_service_says_ends_the_run_in_its_words(
    journal, status, body, headers, error, message
):
    with Scripted(lambda _: (status, body, headers)) as server:
        with pytest.raises(error, match=message):
            gather(journal, server.url, concurrency=4, attempts=2)
        assert server.received <= 24
    assert journal.counts()[0].valid == 0


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"Retry-After": "0.3"}, 0.3),
        ({"retry-after-ms": "300", "Retry-After": "60"}, 0.3),
        ({"Retry-After": email.utils.formatdate(time.time() - 5)}, 0),
        ({"Retry-After": "soon"}, 0),
    ],
)
def test_a_wait_is_understood_however_it_is_said(journal, headers, least):
    def answer(number):
        return (200, completion(), {}) if number else (429, {"error": "later"}, headers)

    with Scripted(answer) as server:
        began = time.monotonic()
        done = gather(journal, server.url, task(per_scenario=1), concurrency=1)
    assert done.statuses == {"valid": 3}
    assert least <= time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (completion([{"type": "text", "text": "A"}]), "valid", "A"),
        (completion(None), "invalid", ""),
        (completion("", finish_reason="content_filter"), "refused", ""),
        (completion("A or maybe", finish_reason="length"), "truncated", "A or maybe"),
        (completion("A", finish_reason="length"), "valid", "A"),
        (completion("I'm sorry, but I can't help."), "refused", "I'm sorry, but I can't help."),
        ({**completion(), "usage": {"prompt_tokens": "many"}}, "valid", "A"),
        (completion("A", logprobs={"content": [{"token": "A"}]}), "valid", "A"),
    ],
)
def test_answers_of_other_servers_are_read_as_they_are(journal, body, status, text):
    with Scripted(lambda _: (200, body, {})) as server:
        gather(journal, server.url, task(per_scenario=1), attempts=1)
    for row in journal.rows():
        assert (row.status, row.answer.text) == (status, text)
        assert row.answer.prompt_tokens is None
