"""The simulated participant, asked by the official client over real HTTP."""

from __future__ import annotations

import hashlib
import json
import math
import time

import openai
import pytest
from prompts import CHOICE, CONTEXT, NAMES, PHONES, REPORT, asked, grid
from server import KEY, running, running_process

from data_collection.participant.minds import Mind, Weights
from data_collection.participant.reading import read_prompt


def complete(client, messages, **options):
    made = client.chat.completions.create(
        **{"model": "model-a", "messages": messages, "temperature": 0, **options}
    )
    return made.choices[0]


def test_a_prompt_of_the_paper_is_understood():
    text = asked(CHOICE, (1, 2, 3), (4, 5, 6))[1]["content"]
    prompt = read_prompt(text)
    assert prompt.task == "choice"
    assert prompt.context == CONTEXT
    assert (prompt.a, prompt.b) == ((1, 2, 3), (4, 5, 6))
    assert prompt.context.without_role.question == "Which phone would you prefer?"
    assert read_prompt(REPORT + text).task == "report"
    assert read_prompt("Good morning") is None
    assert read_prompt(text.replace("B:\nprice", "B:\ncost")) is None


def test_models_choose_by_the_weights_that_the_server_tells():
    with running(described=[PHONES]) as server, server.client() as client:
        (truth,) = server.get("/truth?model=model-a")
        pairs = grid(150)
        chose_a = [complete(client, asked(CHOICE, a, b)).message.content == "A" for a, b in pairs]
    assert truth["scenario"] == "phone"
    assert max(map(abs, truth["weights"])) == pytest.approx(100)

    def probability(a, b):
        parts = zip(truth["slopes"], a, b, PHONES.widths, strict=True)
        odds = truth["intercept"] + sum(s * (x - y) / width for s, x, y, width in parts)
        return 1 / (1 + math.exp(-odds))

    shares = [probability(a, b) for a, b in pairs]
    # The number of choices of A that go as these probabilities say: within five standard
    # deviations of its expectation.
    surprise = sum(c - p for c, p in zip(chose_a, shares, strict=True))
    assert abs(surprise) < 5 * math.sqrt(sum(p * (1 - p) for p in shares))
    predicted = sum((p > 0.5) == c for c, p in zip(chose_a, shares, strict=True)) / len(pairs)
    assert predicted > 0.7


def test_reports_scatter_around_what_is_expected_of_them():
    with running(described=[PHONES]) as server, server.client() as client:
        (truth,) = server.get("/truth?model=model-b")
        reports = [
            json.loads(complete(client, asked(REPORT, a, b), model="model-b").message.content)
            for a, b in grid(100)
        ]
    assert all(tuple(report) == NAMES for report in reports)
    for name, expected in zip(NAMES, truth["expected_report"], strict=True):
        values = [report[name] for report in reports]
        assert all(isinstance(value, int) and -100 <= value <= 100 for value in values)
        # Untrained reports have a standard deviation of 15 points.
        assert sum(values) / len(values) == pytest.approx(expected, abs=5 * 15 / 10)


def test_answers_depend_on_seed_model_and_prompt_alone():
    prompts = [asked(CHOICE, a, b) for a, b in grid(40)]

    def answers(seed, model, order):
        with running(seed=seed) as server, server.client() as client:
            said = {i: complete(client, prompts[i], model=model).message.content for i in order}
        return [said[i] for i in range(len(prompts))]

    first = answers(1, "model-a", range(40))
    assert answers(1, "model-a", reversed(range(40))) == first
    assert answers(2, "model-a", range(40)) != first
    assert answers(1, "model-b", range(40)) != first


def test_log_probabilities_are_those_of_the_choice():
    messages = asked(CHOICE, (100, 5, 100), (300, 8, 150))
    with running(described=[PHONES]) as server, server.client() as client:
        choice = complete(client, messages, logprobs=True, top_logprobs=2)
        plain = complete(client, messages)
    (token,) = choice.logprobs.content
    assert token.token == choice.message.content
    shares = {top.token: math.exp(top.logprob) for top in token.top_logprobs}
    assert sum(shares.values()) == pytest.approx(1)
    assert plain.logprobs is None


def test_an_answer_is_cut_at_the_token_limit():
    messages = asked(REPORT, (1, 2, 3), (4, 5, 6))
    with running() as server, server.client() as client:
        whole = complete(client, messages)
        short = complete(client, messages, max_completion_tokens=5)
    assert whole.finish_reason == "stop"
    assert short.finish_reason == "length"
    assert whole.message.content.startswith(short.message.content)


def test_wrong_key_unknown_model_and_no_message_are_refused_as_openai_does():
    messages = asked(CHOICE, (1, 2, 3), (4, 5, 6))
    with running(key=KEY) as server, server.client() as client:
        assert [model.id for model in client.models.list()] == ["model-a", "model-b"]
        with pytest.raises(openai.NotFoundError, match="does not exist") as unknown:
            complete(client, messages, model="gpt-0")
        assert unknown.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError, match="no user message"):
            complete(client, messages[:1])
        with (
            server.client(api_key="sk-other") as stranger,
            pytest.raises(openai.AuthenticationError, match="Incorrect API key"),
        ):
            complete(stranger, messages)


@pytest.mark.parametrize(
    ("mischief", "raised"),
    [
        ({"too_many": 1, "retry_after": 0.5}, openai.RateLimitError),
        ({"error": 1}, openai.InternalServerError),
        ({"cut": 1}, openai.APIConnectionError),
    ],
)
def test_trouble_on_the_way_reaches_the_client_as_it_would(mischief, raised):
    with running(mischief=mischief) as server, server.client() as client:
        with pytest.raises(raised) as error:
            complete(client, asked(CHOICE, (1, 2, 3), (4, 5, 6)))
        stats = server.stats()
    assert (stats["received"], stats["answered"]) == (1, 0)
    if raised is openai.RateLimitError:
        assert error.value.response.headers["retry-after"] == "0.5"


def test_a_hanging_request_runs_into_the_clients_own_limit():
    with running(mischief={"hang": 1}) as server, server.client(timeout=0.2) as client:
        with pytest.raises(openai.APITimeoutError):
            complete(client, asked(CHOICE, (1, 2, 3), (4, 5, 6)))
        start = time.perf_counter()
    # Stopping waits for no hanging request (it would take a minute).
    assert time.perf_counter() - start < 20


def test_a_slow_answer_is_the_same_answer():
    messages = asked(CHOICE, (1, 2, 3), (4, 5, 6))
    with running() as server, server.client() as client:
        soon = complete(client, messages)
    with (
        running(mischief={"slow": 1, "slow_seconds": 0.3}) as server,
        server.client() as client,
    ):
        start = time.perf_counter()
        late = complete(client, messages)
        assert time.perf_counter() - start > 0.3
    assert late.message == soon.message


def test_trouble_passes_and_leaves_the_answers_as_they_were():
    prompts = [asked(CHOICE, a, b) for a, b in grid(60)]
    with running() as server, server.client() as client:
        calm = [complete(client, prompt).message.content for prompt in prompts]
    mischief = {"too_many": 0.15, "error": 0.15, "cut": 0.1, "retry_after": 0}
    with running(mischief=mischief) as server, server.client(max_retries=20) as client:
        # The client's own pauses would take half a second each.
        client._calculate_retry_timeout = lambda *_: 0.0
        rough = [complete(client, prompt).message.content for prompt in prompts]
        stats = server.stats()
    assert rough == calm
    assert stats["answered"] == 60
    # 40% of attempts fail, so 60 answers take 100 on average; 75 is 3.9 standard deviations off.
    assert stats["received"] > 75
    digest = hashlib.sha256(prompts[0][1]["content"].encode()).hexdigest()
    row = next(row for row in stats["prompts"] if row["prompt_sha256"] == digest)
    assert row["model"] == "model-a"
    assert row["received"] >= row["answered"] == 1


def test_spoilt_answers_are_the_same_in_every_run():
    prompts = [asked(REPORT, a, b) for a, b in grid(80)]
    mischief = {"garbage": 0.2, "wrong_name": 0.2, "refuse": 0.2, "truncate": 0.2}

    def said():
        with running(mischief=mischief) as server, server.client() as client:
            return [complete(client, prompt) for prompt in prompts]

    first, second = said(), said()
    assert [choice.message for choice in first] == [choice.message for choice in second]
    refusals = [c for c in first if c.message.refusal]
    cut = [c for c in first if c.finish_reason == "length"]
    renamed = []
    for choice in first:
        text = choice.message.content
        if text and text.startswith("{") and text.endswith("}") and "NaN" not in text:
            names = tuple(json.loads(text))
            if names != NAMES:
                renamed.append(names)
    assert refusals
    assert all(choice.message.content is None for choice in refusals)
    # A fifth of 80, within four standard deviations.
    assert 2 <= len(cut) <= 30
    assert 2 <= len(renamed) <= 30
    assert all(len(set(names) & set(NAMES)) == 2 for names in renamed)


def test_expected_reports_are_those_of_a_clipped_normal():
    learned = Weights((100.0, -100.0, 0.0), (9.0, -9.0, 0.0), 0.0)
    mind = Mind(0, "model-a", {}, learned={CONTEXT: learned})
    assert mind.weights(CONTEXT) is learned
    centre = mind.report_centre(CONTEXT)
    draws = [mind.report(CONTEXT, i) for i in range(4000)]
    for i, expected in enumerate(mind.expected_report(CONTEXT)):
        mean = sum(draw[i] for draw in draws) / len(draws)
        assert mean == pytest.approx(expected, abs=5 * 15 / math.sqrt(4000))
        assert expected == pytest.approx(centre[i], abs=1)


def test_the_command_serves_what_its_options_say():
    with running_process("--model", "mine", "--seed", 3, "--error", 1) as server:
        with server.client() as client:
            assert [model.id for model in client.models.list()] == ["mine"]
            with pytest.raises(openai.InternalServerError):
                complete(client, asked(CHOICE, (1, 2, 3), (4, 5, 6)), model="mine")
        assert server.stats()["received"] == 1
    assert server.process.returncode == 130
