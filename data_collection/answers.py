"""What the service sent, as an `Answer`, and what an answer says, as a `Reply`.

The same for single calls and for rows of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from data_collection.parsing import Reply, parse_choice, parse_report
from data_collection.records import Answer, Request
from data_collection.troubles import UnreadableAnswer

if TYPE_CHECKING:
    from data_collection.scenarios import Scenario

Reader = Callable[[Request, Answer], Reply]


def answer_from(body: object, *, latency: float | None = None, attempts: int = 1) -> Answer:
    """Take a ``chat.completion`` object apart.

    Parameters
    ----------
    body : object
        As it came, decoded from JSON.
    latency : float, optional
        Seconds.
    attempts : int

    Raises
    ------
    UnreadableAnswer
        It is no completion.
    """
    try:
        return _answer(body, latency, attempts)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise UnreadableAnswer("the service sent something that is no chat completion") from None


def reader(scenarios: Iterable[Scenario], *, rescue: bool = False) -> Reader:
    """What reads the answers to choices and reports about `scenarios`.

    Parameters
    ----------
    scenarios : iterable of Scenario
    rescue : bool
        Accept slightly wrong attribute names (see `parse_report`).
    """
    names = {scenario.name: scenario.names for scenario in scenarios}

    def read(request: Request, answer: Answer) -> Reply:
        if answer.error:
            return Reply("failed", None, False, answer.error)
        if answer.refusal:
            return Reply("refused", None, False, "the service marked it as a refusal")
        if request.cell.task == "choice":
            reply = parse_choice(answer.text)
        else:
            reply = parse_report(answer.text, names[request.scenario], rescue=rescue)
        if reply.status == "invalid" and answer.finish_reason == "length":
            return Reply("truncated", None, False, "it stopped at the token limit")
        return reply

    return read


def _answer(body: Any, latency: float | None, attempts: int) -> Answer:
    choice = body["choices"][0]
    message = choice["message"]
    refusal = message.get("refusal")
    finish_reason = str(choice.get("finish_reason") or "")
    usage = body.get("usage") or {}
    return Answer(
        text=_text(refusal or message.get("content")),
        refusal=bool(refusal) or finish_reason == "content_filter",
        finish_reason=finish_reason,
        model=str(body.get("model") or ""),
        system_fingerprint=str(body.get("system_fingerprint") or ""),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        latency=latency,
        logprobs=_first_token(choice.get("logprobs")),
        attempts=attempts,
    )


def _text(content: Any) -> str:
    """A message's text; some servers send it in parts."""
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return str(content)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**53 else None


def _first_token(logprobs: Any) -> dict[str, float] | None:
    """Log-probabilities at the first token, which for a choice is A or B.

    They are an extra: where a server sends them in another form, the answer still counts.
    """
    try:
        first = logprobs["content"][0]
        tokens = [first, *(first.get("top_logprobs") or ())]
        return {str(token["token"]): float(token["logprob"]) for token in reversed(tokens)}
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        return None
