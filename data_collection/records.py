"""What is asked and what comes back, as the journal keeps it and every way of asking passes it on.

A `Request` goes out, over one connection or in a batch; an `Answer` is what the service sent for
it; a `Reply` (see `parsing`) is what the answer says. The journal stores all of it in a `Row`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from data_collection.parsing import Reply


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes a trial this trial: with the same key it is never asked twice.

    `parameters` is canonical JSON (see `canonical`) of everything that is sent beside the prompt.
    """

    study: str
    model: str
    task: str
    scenario: str
    index: int
    parameters: str


@dataclass(frozen=True)
class Cell:
    """One table of a study: what is asked of one model, and where the answers belong.

    Attributes
    ----------
    task : str
        "choice", "report", or "hint_..." for the input-ablation task.
    base_model : str
    set : str
        "instilled" or "native".
    condition : str
        Of reports: "off-the-shelf", "weight-trained" or "introspection-trained"; else "".
    fold : str
        Of introspection-trained reports, the scenarios trained on: "first_50_of_100", "all_100".
    examples : int
        Introspection examples per training run, as file names say it; 0 where there are none.
    model : str
        The model that is asked, as the service calls it.
    parameters : str
        Canonical JSON: temperature and whatever else is sent beside the prompt, and the hash of
        the prompts' templates.
    """

    task: str
    base_model: str
    set: str
    condition: str
    fold: str
    examples: int
    model: str
    parameters: str

    @property
    def label(self) -> str:
        """The cell in words, for messages."""
        parts = (self.base_model, self.set, self.condition, self.fold, self.task)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes
    ----------
    cell : Cell
    scenario : str
    index : int
        Of the trial within its scenario, from 0.
    messages : list of dict
        `role` and `content` of each message.
    sent : mapping
        What goes with the messages: `temperature`, `max_tokens`, `logprobs` and so on.
    details : mapping
        What an export needs beside the answer; for a choice or a report `option_a` and
        `option_b`, lists of values in the order of the scenario's attributes.
    prompt_sha256 : str
        Of the messages.
    """

    cell: Cell
    scenario: str
    index: int
    messages: list[dict[str, str]]
    sent: Mapping[str, Any]
    details: Mapping[str, Any]
    prompt_sha256: str

    def key(self, study: str) -> RequestKey:
        """The trial's identity in a study (`Journal.study`)."""
        cell = self.cell
        return RequestKey(study, cell.model, cell.task, self.scenario, self.index, cell.parameters)


@dataclass(frozen=True)
class Answer:
    """What the service sent for one request; or, with `error`, that it sent nothing.

    Attributes
    ----------
    text : str
        As it came; "" where nothing did.
    refusal : bool
        The service marked the text as a refusal.
    finish_reason : str
    model, system_fingerprint : str
        As the service names them; "" where it does not.
    prompt_tokens, completion_tokens : int or None
        As the service counted them.
    latency : float or None
        Seconds from sending the attempt that succeeded to the end of its answer.
    logprobs : mapping of str to float, or None
        Natural logarithm of the probabilities of the first token, those asked for.
    attempts : int
    error : str
        Why there is no answer, or "".
    """

    text: str = ""
    refusal: bool = False
    finish_reason: str = ""
    model: str = ""
    system_fingerprint: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency: float | None = None
    logprobs: Mapping[str, float] | None = None
    attempts: int = 1
    error: str = ""


@dataclass(frozen=True)
class Row:
    """One trial in the journal with the answer that counts.

    Attributes
    ----------
    cell : Cell
    scenario : str
    index : int
    details : dict
        As in `Request`.
    prompt_sha256 : str
    status : str
        "valid", "invalid", "refused", "truncated" or "failed".
    value : str, dict or None
        What was parsed from a valid answer.
    rescued : bool
        Valid only through ``--rescue``.
    why : str
        What is wrong with an answer that is not valid.
    answer : Answer
    created : str
        When it was written into the journal, UTC, ISO 8601.
    """

    cell: Cell
    scenario: str
    index: int
    details: dict[str, Any]
    prompt_sha256: str
    status: str
    value: str | dict[str, float] | None
    rescued: bool
    why: str
    answer: Answer = field(repr=False)
    created: str


class Recorded(NamedTuple):
    """One answer on its way into the journal, with what it says."""

    request: Request
    answer: Answer
    reply: Reply


class Asked(NamedTuple):
    """What the journal has of one trial."""

    status: str
    prompt_sha256: str


@dataclass(frozen=True)
class Counts:
    """How far one cell is.

    Attributes
    ----------
    cell : Cell
    wanted : int
        Trials that were planned.
    valid, invalid, refused, truncated, failed : int
        Trials by what came of them.
    rescued : int
        Of the valid ones, those that only ``--rescue`` could read.
    """

    cell: Cell
    wanted: int
    valid: int
    invalid: int
    refused: int
    truncated: int
    failed: int
    rescued: int

    @property
    def asked(self) -> int:
        """Trials in the journal, with an answer or failed."""
        return self.valid + self.invalid + self.refused + self.truncated + self.failed

    @property
    def complete(self) -> bool:
        """Whether the model has answered every planned trial, well or badly."""
        return self.asked >= self.wanted and self.failed == 0

    @property
    def gap(self) -> str:
        """What is missing of an incomplete cell, in words."""
        failed = f", {self.failed:,} failed" if self.failed else ""
        answered = self.asked - self.failed
        return f"{self.cell.label}: {answered:,} of {self.wanted:,} answered{failed}"


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces, so that equal values are equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def hash_of(messages: Sequence[Mapping[str, str]]) -> str:
    """SHA-256 of a prompt's messages."""
    return sha256(canonical(messages).encode()).hexdigest()
