"""What training on a file makes of a simulated model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from data_collection.participant.minds import (
    TRAINED_ON_CHOICES,
    TRAINED_ON_REPORTS,
    Mind,
    Values,
)
from data_collection.participant.reading import Context, Prompt, last_user_text, read_prompt

# OpenAI's own limit.
FEWEST_EXAMPLES: Final = 10


class UnusableFile(Exception):
    """A training file that cannot be trained on."""


@dataclass(frozen=True)
class Example:
    """One line of a training file.

    Attributes
    ----------
    prompt : Prompt
    answer : str or tuple of float
        "A" or "B", or the weights reported.
    """

    prompt: Prompt
    answer: str | Values


def read_examples(content: bytes) -> list[Example]:
    """The examples of a training file; lines about anything else teach nothing.

    Parameters
    ----------
    content : bytes
        JSON lines, each with `messages` that end with the assistant's.

    Raises
    ------
    UnusableFile
        A line is no such object, or there are too few.
    """
    lines = content.decode("utf-8", errors="replace").splitlines()
    examples = []
    for number, line in enumerate(lines, start=1):
        try:
            messages = json.loads(line)["messages"]
            last = messages[-1]
            if last["role"] != "assistant":
                raise ValueError
            said = str(last["content"])
        except (ValueError, KeyError, TypeError, IndexError):
            raise UnusableFile(
                f"Invalid file format. Line {number} is no conversation that ends with a message "
                "of the assistant."
            ) from None
        example = _example(read_prompt(last_user_text(messages)), said)
        if example is not None:
            examples.append(example)
    if len(lines) < FEWEST_EXAMPLES:
        raise UnusableFile(
            f"Training file has {len(lines)} example(s), but must have at least "
            f"{FEWEST_EXAMPLES} examples."
        )
    return examples


def trained(parent: Mind, examples: Iterable[Example], seed: int) -> Mind:
    """The model that training makes of another.

    Examples of choices put a logistic regression's weights (as far as they can be learned) into
    their contexts; examples of reports make all reports follow the weights more closely, and are
    remembered in their own contexts.

    Parameters
    ----------
    parent : Mind
    examples : iterable of Example
    seed : int
        Of the job.
    """
    choices: dict[Context, list[Example]] = {}
    told = dict(parent.told)
    for example in examples:
        if isinstance(example.answer, str):
            choices.setdefault(example.prompt.context, []).append(example)
        else:
            told[example.prompt.context] = example.answer
    learned = dict(parent.learned)
    widths = dict(parent.widths)
    for context, made in choices.items():
        a = np.array([example.prompt.a for example in made])
        b = np.array([example.prompt.b for example in made])
        seen = widths.setdefault(context.without_role, _spans(a, b))
        chose_a = np.array([example.answer == "A" for example in made], float)
        direction = _regression((a - b) / np.array(seen), chose_a)
        learned[context] = parent.learn(context, tuple(direction.tolist()), seed)
    insight = parent.insight
    if choices:
        insight = TRAINED_ON_CHOICES
    if len(told) > len(parent.told):
        insight = TRAINED_ON_REPORTS
    return replace(parent, widths=widths, learned=learned, told=told, insight=insight, known={})


def _example(prompt: Prompt | None, said: str) -> Example | None:
    if prompt is None:
        return None
    if prompt.task == "choice":
        return Example(prompt, said.strip()) if said.strip() in ("A", "B") else None
    try:
        report = json.loads(said)
        values = tuple(float(report[name]) for name in prompt.context.names)
    except (ValueError, KeyError, TypeError):
        return None
    return Example(prompt, values)


def _spans(a: NDArray[np.float64], b: NDArray[np.float64]) -> Values:
    """Ranges as far as the options of a training file show them."""
    shown = np.concatenate([a, b])
    spans = np.ptp(shown, axis=0)
    return tuple(np.where(spans > 0, spans, 1.0).tolist())


def _regression(d: NDArray[np.float64], chose_a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slopes of a logistic regression with standard normal priors, shape (attribute,).

    Parameters
    ----------
    d : numpy.ndarray, shape (trial, attribute)
    chose_a : numpy.ndarray of 0 and 1, shape (trial,)
    """
    design = np.column_stack([np.ones(len(d)), d])
    precision = np.diag([0.2] + [1.0] * d.shape[1])
    beta = np.zeros(design.shape[1])
    # The priors keep the problem well conditioned: ten Newton steps leave nothing to gain.
    for _ in range(10):
        probability = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (chose_a - probability) - precision @ beta
        curvature = (design.T * (probability * (1 - probability))) @ design + precision
        beta = beta + np.linalg.solve(curvature, gradient)
    return beta[1:]
