"""How many tokens a run may take, as a range: no tokenizer is at hand for every model.

English prose has about four characters per token and names joined by underscores about three; the
range is from five characters per token down to two and a half, which holds the paper's prompts
under the tokenizers in use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

_MOST_CHARACTERS: Final = 5.0
_FEWEST_CHARACTERS: Final = 2.5
# What chat formats add for each message: its role and its ends.
_PER_MESSAGE: Final = (3, 8)


class TokenRange(NamedTuple):
    """From at least `low` to at most `high` tokens, by estimate."""

    low: int
    high: int

    def plus(self, other: TokenRange) -> Self:
        """The range of both together."""
        return type(self)(self.low + other.low, self.high + other.high)

    def times(self, count: int) -> Self:
        """The range of `count` such things."""
        return type(self)(self.low * count, self.high * count)


def prompt_tokens(messages: Sequence[Mapping[str, str]]) -> TokenRange:
    """Tokens of a prompt."""
    text = text_tokens("".join(message["content"] for message in messages))
    low, high = _PER_MESSAGE
    return TokenRange(text.low + low * len(messages), text.high + high * len(messages))


def choice_tokens() -> TokenRange:
    """Tokens of the reply to a choice."""
    return TokenRange(1, 3)


def report_tokens(names: Sequence[str]) -> TokenRange:
    """Tokens of the reply to a request for a report about attributes of these names."""
    shortest = text_tokens("{" + ", ".join(f'"{name}": 0' for name in names) + "}")
    # A fence, line breaks and signs: never more than as much again.
    longest = text_tokens("```json\n{\n" + "\n".join(f'  "{n}": -100,' for n in names) + "\n}\n```")
    return TokenRange(shortest.low, longest.high)


def text_tokens(text: str) -> TokenRange:
    """Tokens of a text."""
    # Scripts other than Latin take up to one token per byte or so; ASCII text does not change.
    size = len(text.encode("utf-8", "replace"))
    return TokenRange(
        math.floor(len(text) / _MOST_CHARACTERS), math.ceil(size / _FEWEST_CHARACTERS)
    )
