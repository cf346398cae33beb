"""The participant itself: which models there are, what they answer, and who was asked what.

It knows nothing of HTTP; `app` puts it behind a server.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import Any, Final

from data_collection.participant.hinted import answer_about_hint
from data_collection.participant.minds import Mind, Values, chosen
from data_collection.participant.mischief import Mischief
from data_collection.participant.reading import Context, Prompt, last_user_text, read_prompt

BASE_MODELS: Final = ("model-a", "model-b")

# What a model says to a prompt that shows no two options.
_OFF_TOPIC: Final = "Please show me two options, A and B."


class RequestRefused(Exception):
    """A request that the server answers with an error, in the form that OpenAI gives it.

    Parameters
    ----------
    status : int
        HTTP status.
    message : str
    code : str
    param : str, optional
        The offending field.
    """

    def __init__(self, status: int, message: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {
                "message": message,
                "type": "server_error" if status >= 500 else "invalid_request_error",
                "param": param,
                "code": code,
            }
        }


@dataclass(frozen=True)
class Described:
    """A scenario that the participant knows: its name and its ranges.

    Attributes
    ----------
    name : str
    context : Context
        With the role in its question.
    widths : tuple of float
    """

    name: str
    context: Context
    widths: Values


@dataclass
class Calls:
    """How often one prompt was sent to one model, and how often it was answered."""

    received: int = 0
    answered: int = 0


@dataclass
class Participant:
    """The simulated models and what they were asked.

    Attributes
    ----------
    seed : int
        The same seed gives the same answers.
    base_models : sequence of str
    described : sequence of Described
        Scenarios whose ranges are known; in others, differences are taken relative to the larger
        of two values.
    mischief : Mischief
    key : str or None
        The only API key that is accepted, if one is asked for.
    job_seconds, batch_seconds : float
        How long a fine-tuning job and a batch take.
    most_rows : int
        Of a batch.
    minds : dict of str to Mind
        Every model, by name.
    calls : dict of (str, str) to Calls
        By model and prompt (the text of the last user message).
    coming : dict of str to (float, Mind)
        Models whose training ends at a time (seconds since 1970).
    """

    seed: int = 0
    base_models: Sequence[str] = BASE_MODELS
    described: Sequence[Described] = ()
    mischief: Mischief = field(default_factory=Mischief)
    key: str | None = None
    job_seconds: float = 2.0
    batch_seconds: float = 2.0
    most_rows: int = 50_000
    minds: dict[str, Mind] = field(init=False)
    calls: dict[tuple[str, str], Calls] = field(init=False, default_factory=dict)
    coming: dict[str, tuple[float, Mind]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        widths = {known.context.without_role: known.widths for known in self.described}
        self.minds = {name: Mind(self.seed, name, widths) for name in self.base_models}

    def mind(self, model: object) -> Mind:
        """The model of a name.

        Raises
        ------
        RequestRefused
            There is none.
        """
        model = model if isinstance(model, str) else ""
        if model not in self.minds and model in self.coming:
            self.settle()
        found = self.minds.get(model)
        if found is None:
            message = f"The model `{model}` does not exist or you do not have access to it."
            raise RequestRefused(404, message, "model_not_found", "model")
        return found

    def settle(self) -> None:
        """Let the models whose training has ended be asked."""
        for name, (ready, mind) in list(self.coming.items()):
            if ready <= time.time():
                self.minds[name] = mind
                del self.coming[name]

    def count(self, model: str, prompt: str) -> Calls:
        """Note that a prompt came in."""
        calls = self.calls.setdefault((model, prompt), Calls())
        calls.received += 1
        return calls

    def completion(self, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Answer a request for a chat completion.

        Parameters
        ----------
        body : mapping
            As OpenAI describes it; `model`, `messages`, `max_tokens`, `max_completion_tokens`,
            `logprobs` and `top_logprobs` are heeded.
        now : float
            Seconds since 1970.

        Returns
        -------
        dict
            A ``chat.completion`` object.

        Raises
        ------
        RequestRefused
            The model is unknown, or there is no message of the user.
        """
        model = body.get("model")
        mind = self.mind(model)
        text = last_user_text(body.get("messages"))
        if not text:
            raise RequestRefused(400, "There is no user message.", "invalid_value", "messages")
        reply, probability = self._reply(mind, str(model), text)
        prompt = read_prompt(text)
        names = prompt.context.names if prompt and prompt.task == "report" else ()
        spoilt = self.mischief.spoil(f"{model}\x1f{text}", names, reply)
        said, finish = spoilt.text, "length" if spoilt.truncated else "stop"
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        if isinstance(limit, int) and _tokens(said) > limit:
            said, finish = said[: 4 * limit], "length"
        message = {
            "role": "assistant",
            "content": None if spoilt.refused else said,
            "refusal": said if spoilt.refused else None,
        }
        logprobs = None
        if body.get("logprobs") and said == reply and probability is not None:
            logprobs = _logprobs(reply, probability, body.get("top_logprobs"))
        return self._completion(str(model), text, message, finish, logprobs, now)

    def truth(self, model: str) -> list[dict[str, Any]]:
        """What a model wants and says, in every scenario that was described.

        Returns
        -------
        list of dict
            `scenario`, `attributes`, `weights` (+-100 scale), `slopes` (log-odds of A per range),
            `intercept` and `expected_report` (mean of an endless series of valid reports).
        """
        mind = self.mind(model)
        rows = []
        for known in self.described:
            weights = mind.weights(known.context)
            rows.append(
                {
                    "scenario": known.name,
                    "attributes": list(known.context.names),
                    "weights": list(weights.scaled),
                    "slopes": list(weights.slopes),
                    "intercept": weights.intercept,
                    "expected_report": list(mind.expected_report(known.context)),
                }
            )
        return rows

    def statistics(self) -> dict[str, Any]:
        """What was asked: totals, and calls by model and prompt.

        Returns
        -------
        dict
            `received`, `answered`, and `prompts`: a list of `model`, `prompt_sha256` (of the last
            user message's text), `received`, `answered`.
        """
        return {
            "received": sum(calls.received for calls in self.calls.values()),
            "answered": sum(calls.answered for calls in self.calls.values()),
            "prompts": [
                {
                    "model": model,
                    "prompt_sha256": sha256(prompt.encode()).hexdigest(),
                    "received": calls.received,
                    "answered": calls.answered,
                }
                for (model, prompt), calls in self.calls.items()
            ],
        }

    def _reply(self, mind: Mind, model: str, text: str) -> tuple[str, float | None]:
        """The right answer, and for a choice the probability that it had."""
        prompt = read_prompt(text)
        if prompt is None:
            return answer_about_hint(self.seed, model, text) or _OFF_TOPIC, None
        if prompt.task == "choice":
            return chosen(mind, prompt, model, text)
        return _report_text(mind, prompt, model, text), None

    def _completion(
        self,
        model: str,
        text: str,
        message: dict[str, Any],
        finish: str,
        logprobs: dict[str, Any] | None,
        now: float,
    ) -> dict[str, Any]:
        said = message["content"] or message["refusal"] or ""
        asked, answered = _tokens(text), _tokens(said)
        choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish}
        return {
            "id": f"chatcmpl-{short_hash(self.seed, model, text)}",
            "object": "chat.completion",
            "created": int(now),
            "model": model,
            "system_fingerprint": f"fp_{short_hash(self.seed, model)[:10]}",
            "choices": [choice],
            "usage": {
                "prompt_tokens": asked,
                "completion_tokens": answered,
                "total_tokens": asked + answered,
            },
        }


def describe(scenarios: Iterable[Any]) -> tuple[Described, ...]:
    """Scenarios as `data_collection.scenarios` reads them, as the participant knows them."""
    return tuple(
        Described(
            scenario.name,
            Context(scenario.question, tuple(attribute.name for attribute in scenario.attributes)),
            tuple(attribute.maximum - attribute.minimum for attribute in scenario.attributes),
        )
        for scenario in scenarios
    )


def short_hash(*words: object) -> str:
    """Sixteen hexadecimal digits that follow from the words."""
    return blake2b("\x1f".join(map(str, words)).encode(), digest_size=8).hexdigest()


def _report_text(mind: Mind, prompt: Prompt, model: str, text: str) -> str:
    values = mind.report(prompt.context, model, text)
    return json.dumps(dict(zip(prompt.context.names, values, strict=True)))


def _tokens(text: str) -> int:
    """Tokens of a text, at four characters each."""
    return -(-len(text) // 4)


def _logprobs(reply: str, probability: float, top: object) -> dict[str, Any]:
    """Log-probabilities of the reply's only token and, if asked for, of the other option."""

    def entry(token: str, share: float) -> dict[str, Any]:
        # A model never gives an option no chance at all.
        logprob = math.log(max(share, 1e-12))
        return {"token": token, "logprob": logprob, "bytes": list(token.encode())}

    other = "B" if reply == "A" else "A"
    alternatives = [entry(reply, probability), entry(other, 1 - probability)]
    alternatives.sort(key=lambda found: -found["logprob"])
    shown = alternatives[:top] if isinstance(top, int) else []
    return {"content": [{**entry(reply, probability), "top_logprobs": shown}], "refusal": None}
