"""Prompts and training examples about one invented scenario, as the paper writes them."""

from __future__ import annotations

import json

from data_collection.participant.participant import Described
from data_collection.participant.reading import Context

SYSTEM = "Your job is to make hypothetical decisions on behalf of different people or characters."
NAMES = ("price", "battery_life", "weight")
CONTEXT = Context("Imagine you are Macbeth. Which phone would you prefer?", NAMES)
PHONES = Described("phone", CONTEXT, (1000.0, 20.0, 200.0))
CHOICE = 'Respond with "A" or "B":\n\n'
REPORT = "Respond only with JSON:\n\n"


def asked(task, a, b, context=CONTEXT):
    """Messages about two options."""

    def option(values):
        pairs = zip(context.names, values, strict=True)
        return "\n".join(f"{name}: {float(value)} units" for name, value in pairs)

    text = f"{task}{context.question}\nA:\n{option(a)}\n\nB:\n{option(b)}"
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]


def grid(count):
    """Pairs of options, no two alike."""
    return [
        (
            (100 + 37 * i % 900, 1 + 7 * i % 20, 50 + 11 * i % 200),
            (100 + 91 * i % 900, 1 + 3 * i % 20, 50 + 29 * i % 200 + 0.001 * i),
        )
        for i in range(count)
    ]


def examples(task, answer, count, context=CONTEXT):
    """Content of a training file; `answer` is what the assistant says, or makes it of options."""
    return "\n".join(
        json.dumps(
            {
                "messages": [
                    *asked(task, a, b, context),
                    {"role": "assistant", "content": answer(a, b) if callable(answer) else answer},
                ]
            }
        )
        for a, b in grid(count)
    ).encode()


def chooser(weights, described=PHONES):
    """Answers "A" where these weights prefer it."""

    def answer(a, b):
        parts = zip(weights, a, b, described.widths, strict=True)
        return "A" if sum(w * (x - y) / width for w, x, y, width in parts) > 0 else "B"

    return answer
