"""Fine-tuning jobs and batches of the simulated participant, through the official client."""

from __future__ import annotations

import json
import time

import openai
import pytest
from prompts import CHOICE, CONTEXT, NAMES, PHONES, REPORT, asked, chooser, examples, grid
from server import running

from data_collection.participant.participant import Described
from data_collection.participant.reading import Context

CHAT = "/v1/chat/completions"
TARGET = (100.0, -60.0, 30.0)


def upload(client, content, purpose="fine-tune"):
    return client.files.create(file=("file.jsonl", content), purpose=purpose)


def followed(retrieve, last, seconds=20):
    """Poll until one of the last states is reached; also every state seen."""
    seen = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = retrieve()
        if not seen or seen[-1] != found.status:
            seen.append(found.status)
        if found.status in last:
            return found, seen
        time.sleep(0.02)
    raise AssertionError(f"stuck at {seen}")


def trained(client, content, model="model-a", **options):
    """The job of a file, once it has ended."""
    file = upload(client, content)
    job = client.fine_tuning.jobs.create(training_file=file.id, model=model, **options)
    ended, _ = followed(
        lambda: client.fine_tuning.jobs.retrieve(job.id), ("succeeded", "failed", "cancelled")
    )
    return ended


def correlation(a, b):
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    cross = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    spread = [sum((x - m) ** 2 for x in v) for v, m in ((a, mean_a), (b, mean_b))]
    return cross / (spread[0] * spread[1]) ** 0.5


def test_a_file_comes_back_as_it_went():
    content = examples(CHOICE, chooser(TARGET), 12)
    with running() as server, server.client() as client:
        file = upload(client, content)
        assert client.files.content(file.id).content == content
        assert client.files.retrieve(file.id).bytes == len(content)
        assert [found.id for found in client.files.list()] == [file.id]
        with pytest.raises(openai.NotFoundError):
            client.files.content("file-none")
        with pytest.raises(openai.BadRequestError, match="purpose"):
            upload(client, content, purpose="vision")


def test_a_job_goes_through_its_stages_and_leaves_a_model():
    with running(job_seconds=0.6) as server, server.client() as client:
        file = upload(client, examples(CHOICE, chooser(TARGET), 20))
        job = client.fine_tuning.jobs.create(
            training_file=file.id, model="model-a", seed=4, suffix="phones"
        )
        (coming,) = server.participant.coming
        question = {"model": coming, "messages": asked(CHOICE, *grid(1)[0])}
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(**question)
        job, seen = followed(lambda: client.fine_tuning.jobs.retrieve(job.id), ("succeeded",))
        name = job.fine_tuned_model
        assert name == coming
        assert name.startswith("ft:model-a:participant:phones:")
        said = client.chat.completions.create(**question).choices[0].message.content
        assert said in ("A", "B")
        assert (job.seed, job.training_file) == (4, file.id)
        assert seen[-2:] == ["running", "succeeded"]
        events = list(client.fine_tuning.jobs.list_events(job.id, limit=5))
        assert events[0].message == f"New fine-tuned model created: {name}"
        assert events[1].data == {"step": 20, "total_steps": 20, "train_loss": 0.05}
        assert len(events) == 24
        assert name in [model.id for model in client.models.list()]


def test_training_on_choices_puts_their_weights_into_the_context_and_no_other():
    elsewhere = Context("Imagine you are Macbeth. Which kettle would you prefer?", NAMES)
    kettles = Described("kettle", elsewhere, PHONES.widths)
    with (
        running(job_seconds=0, described=[PHONES, kettles]) as server,
        server.client() as client,
    ):
        job = trained(client, examples(CHOICE, chooser(TARGET), 60))
        before = server.get("/truth?model=model-a")
        after = server.get(f"/truth?model={job.fine_tuned_model}")
        chosen = [
            client.chat.completions.create(model=job.fine_tuned_model, messages=asked(CHOICE, a, b))
            .choices[0]
            .message.content
            for a, b in grid(60)
        ]
    assert after[0]["weights"] != before[0]["weights"]
    assert correlation(after[0]["weights"], TARGET) > 0.7
    assert after[1]["weights"] == before[1]["weights"]
    told = [chooser(TARGET)(a, b) for a, b in grid(60)]
    assert sum(x == y for x, y in zip(chosen, told, strict=True)) / 60 > 0.7


def test_training_on_reports_makes_all_reports_follow_the_weights_more_closely():
    contexts = [
        Context(f"Imagine you are Hamlet. Which thing {i} would you prefer?", NAMES)
        for i in range(60)
    ]
    described = [Described(f"thing_{i}", c, (1, 1, 1)) for i, c in enumerate(contexts)]
    told = '{"price": 10, "battery_life": -100, "weight": 60}'
    with (
        running(job_seconds=0, described=[PHONES, *described]) as server,
        server.client() as client,
    ):
        job = trained(client, examples(REPORT, told, 10))
        before = server.get("/truth?model=model-a")
        after = server.get(f"/truth?model={job.fine_tuned_model}")
        remembered = client.chat.completions.create(
            model=job.fine_tuned_model, messages=asked(REPORT, *grid(1)[0])
        )

    def follow(rows):
        weights = [w for row in rows[1:] for w in row["weights"]]
        reports = [w for row in rows[1:] for w in row["expected_report"]]
        return correlation(weights, reports)

    assert [row["weights"] for row in after] == [row["weights"] for row in before]
    # 180 pairs: standard errors of .06 and .03 around .43 and .75.
    assert 0.2 < follow(before) < 0.65
    assert 0.63 < follow(after) < 0.87
    report = json.loads(remembered.choices[0].message.content)
    for name, value in json.loads(told).items():
        # The noise has a standard deviation of 35 and is cut at the scale's ends.
        assert abs(report[name] - value) < 4 * 35


def test_a_model_may_be_trained_again():
    with running(job_seconds=0) as server, server.client() as client:
        first = trained(client, examples(CHOICE, chooser(TARGET), 30), suffix="one")
        told = '{"price": 1, "battery_life": 2, "weight": 3}'
        second = trained(client, examples(REPORT, told, 10), first.fine_tuned_model, suffix="two")
        assert second.fine_tuned_model.startswith("ft:model-a:participant:two:")
        once, twice = (server.participant.mind(job.fine_tuned_model) for job in (first, second))
        assert twice.learned == once.learned
        assert CONTEXT in twice.told


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"messages": []}\n' * 12, "Line 1 is no conversation"),
        (b"not json", "Line 1 is no conversation"),
        (examples(CHOICE, chooser(TARGET), 9), "has 9 example(s), but must have at least 10"),
    ],
)
def test_a_file_that_cannot_be_trained_on_fails_the_job(content, message):
    with running(job_seconds=0) as server, server.client() as client:
        job = trained(client, content)
        assert job.status == "failed"
        assert job.fine_tuned_model is None
        assert message in job.error.message


def test_a_cancelled_job_leaves_no_model():
    with running(job_seconds=0.4) as server, server.client() as client:
        file = upload(client, examples(CHOICE, chooser(TARGET), 20))
        job = client.fine_tuning.jobs.create(training_file=file.id, model="model-a")
        assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
        time.sleep(0.5)
        assert client.fine_tuning.jobs.retrieve(job.id).status == "cancelled"
        assert len(list(client.models.list())) == 2


def test_jobs_are_listed_newest_first_over_several_pages():
    with running() as server, server.client() as client:
        file = upload(client, examples(CHOICE, chooser(TARGET), 20))
        made = [
            client.fine_tuning.jobs.create(
                training_file=file.id, model="model-b", metadata={"number": str(i)}
            ).id
            for i in range(5)
        ]
        listed = list(client.fine_tuning.jobs.list(limit=2))
    assert [job.id for job in listed] == made[::-1]
    assert listed[0].metadata == {"number": "4"}


def batch_file(prompts, model="model-a"):
    return "\n".join(
        json.dumps(
            {
                "custom_id": str(i),
                "method": "POST",
                "url": CHAT,
                "body": {"model": model, "messages": messages, "temperature": 0},
            }
        )
        for i, messages in enumerate(prompts)
    ).encode()


def batched(client, content):
    file = upload(client, content, purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
    ended, _ = followed(
        lambda: client.batches.retrieve(batch.id), ("completed", "expired", "failed")
    )
    return ended


def lines(client, file_id):
    if file_id is None:
        return []
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


def test_a_batch_answers_as_single_requests_do():
    prompts = [asked(CHOICE, a, b) for a, b in grid(30)]
    with running(batch_seconds=0.3) as server, server.client() as client:
        single = [
            client.chat.completions.create(model="model-a", messages=messages, temperature=0)
            .choices[0]
            .message.content
            for messages in prompts
        ]
        batch = batched(client, batch_file(prompts))
        rows = lines(client, batch.output_file_id)
    assert batch.status == "completed"
    assert batch.error_file_id is None
    assert (batch.request_counts.total, batch.request_counts.completed) == (30, 30)
    answers = {
        row["custom_id"]: row["response"]["body"]["choices"][0]["message"]["content"]
        for row in rows
    }
    assert [answers[str(i)] for i in range(30)] == single
    assert list(answers) != sorted(answers, key=int)


def test_rows_of_a_batch_fail_or_expire_and_another_try_may_succeed():
    prompts = [asked(CHOICE, a, b) for a, b in grid(60)]
    with (
        running(batch_seconds=0, mischief={"fail_rows": 0.2}) as server,
        server.client() as client,
    ):
        batch = batched(client, batch_file(prompts))
        answered = lines(client, batch.output_file_id)
        failed = lines(client, batch.error_file_id)
        again = batched(client, batch_file(prompts))
        others = {row["custom_id"] for row in lines(client, again.error_file_id)}
    assert batch.status == "expired"
    assert sorted(int(row["custom_id"]) for row in answered + failed) == list(range(60))
    expired = [row for row in failed if row["error"]]
    broken = [row for row in failed if row["response"]]
    assert {row["error"]["code"] for row in expired} == {"batch_expired"}
    assert {row["response"]["status_code"] for row in broken} == {500}
    assert others
    assert others != {row["custom_id"] for row in failed}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not json", "invalid_json_line"),
        (b"", "empty_file"),
        (batch_file([[]]) + b"\n" + batch_file([[]]), "duplicate"),
        (
            batch_file([[]]).replace(b'"0"', b'"x"') + b"\n" + batch_file([[]], "model-b"),
            "mismatched_model",
        ),
    ],
)
def test_a_file_that_is_no_batch_fails_it(content, code):
    with running(batch_seconds=0) as server, server.client() as client:
        batch = batched(client, content)
    assert batch.status == "failed"
    assert batch.errors.data[0].code.startswith(code)
