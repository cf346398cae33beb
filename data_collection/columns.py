"""How answers and scenarios become rows of the journal's tables, and rows become answers again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from data_collection.records import Answer, Cell, Recorded, Row, canonical

if TYPE_CHECKING:
    from data_collection.scenarios import Scenario

CELL: Final = "task, base_model, set_name, condition, fold, examples, model, parameters"
ANSWER: Final = (
    "text, refusal, finish_reason, model, system_fingerprint, prompt_tokens, completion_tokens, "
    "latency, logprobs, attempts, error"
)
REPLY: Final = (
    f"cell, scenario, trial, details, prompt_sha256, status, value, rescued, why, {ANSWER}, created"
)
INSERT_REPLY: Final = f"INSERT INTO reply ({REPLY}) VALUES ({', '.join('?' * 21)})"


class UnreadableRow(ValueError):
    """A column holds what this program never wrote there."""


def reply_row(cell: int, recorded: Recorded, now: str) -> tuple[Any, ...]:
    """Values of `INSERT_REPLY`."""
    request, answer, reply = recorded
    return (
        cell,
        request.scenario,
        request.index,
        canonical(request.details),
        request.prompt_sha256,
        reply.status,
        None if reply.value is None else canonical(reply.value),
        int(reply.rescued),
        _storable(reply.why),
        _storable(answer.text),
        int(answer.refusal),
        _storable(answer.finish_reason),
        _storable(answer.model),
        _storable(answer.system_fingerprint),
        answer.prompt_tokens,
        answer.completion_tokens,
        answer.latency,
        None if answer.logprobs is None else canonical(answer.logprobs),
        answer.attempts,
        _storable(answer.error),
        now,
    )


def _storable(text: str) -> str:
    """Text as SQLite can keep it: a model may send half a surrogate pair, which is no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def row_from(cell: Cell, row: tuple[Any, ...]) -> Row:
    """A `Row` from what `Journal.rows` selects.

    Raises
    ------
    UnreadableRow
        A column that should hold JSON does not.
    """
    scenario, index, details, sha, status, value, rescued, why, created, *rest = row
    text, refusal, finish, model, fingerprint, asked, said, latency, logprobs, *last = rest
    answer = Answer(
        text,
        bool(refusal),
        finish,
        model,
        fingerprint,
        asked,
        said,
        latency,
        None if logprobs is None else _object(logprobs, "log-probabilities"),
        *last,
    )
    return Row(
        cell,
        scenario,
        index,
        _object(details, f"the details of trial {index} of {scenario}"),
        sha,
        status,
        None if value is None else _json(value, f"the value of trial {index} of {scenario}"),
        bool(rescued),
        why,
        answer,
        created,
    )


def scenario_text(scenario: Scenario) -> str:
    """A scenario as the journal keeps it."""
    return canonical(
        {
            "name": scenario.name,
            "question": scenario.question,
            "attributes": [
                [attribute.name, attribute.units, attribute.minimum, attribute.maximum]
                for attribute in scenario.attributes
            ],
        }
    )


def scenario_from(definition: str) -> Scenario:
    """The scenario of a `scenario_text`.

    Raises
    ------
    UnreadableRow
        The text is something else.
    """
    from data_collection.scenarios import Attribute, Scenario

    found = _object(definition, "the definition of a scenario")
    try:
        attributes = tuple(Attribute(*fields) for fields in found["attributes"])
        return Scenario(found["name"], found["question"], attributes)
    except (KeyError, TypeError):
        raise UnreadableRow("the definition of a scenario is incomplete") from None


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableRow(f"{what} is no JSON") from None


def _object(text: str, what: str) -> dict[str, Any]:
    found = _json(text, what)
    if not isinstance(found, dict):
        raise UnreadableRow(f"{what} is no JSON object")
    return found
