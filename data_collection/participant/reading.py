"""What a simulated participant reads in a prompt: a context, two options and what is asked.

It reads the options as the paper writes them (``A:``, then one line ``name: value units`` per
attribute, a blank line, ``B:`` and so on) below one line with the question. The instructions above
may have any wording; a request for a report is told by its mention of JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

Task = Literal["choice", "report"]

_FIRST: Final = "\nA:\n"
_SECOND: Final = "\nB:\n"


class Context(NamedTuple):
    """A choice context: the question with its role, and the names of the attributes."""

    question: str
    names: tuple[str, ...]

    @property
    def without_role(self) -> Context:
        """The same with the question alone, which has one range per attribute whoever is asked."""
        return Context(self.question.rpartition(". ")[2], self.names)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What was asked.

    Attributes
    ----------
    task : "choice" or "report"
    context : Context
    a, b : tuple of float
        The options, in the attributes' own units.
    """

    task: Task
    context: Context
    a: tuple[float, ...]
    b: tuple[float, ...]


def last_user_text(messages: Any) -> str:
    """Text of the last message of the user; empty if there is none."""
    if not isinstance(messages, list):
        return ""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                parts = (part.get("text", "") for part in content if isinstance(part, dict))
                return "".join(map(str, parts))
            return str(content)
    return ""


def read_prompt(text: str) -> Prompt | None:
    """Take a prompt apart; None if it shows no two options with the same attributes.

    Parameters
    ----------
    text : str
        The user's message.
    """
    start = text.rfind(_FIRST)
    end = text.find(_SECOND, start)
    if start < 0 or end < 0:
        return None
    names, a = _option(text[start + len(_FIRST) : end])
    names_of_b, b = _option(text[end + len(_SECOND) :])
    if not names or names != names_of_b:
        return None
    line = text.rfind("\n", 0, start) + 1
    task: Task = "report" if "JSON" in text[:line] else "choice"
    return Prompt(task, Context(text[line:start].strip(), names), a, b)


def _option(text: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Names and values of an option's lines; none if a line is no attribute."""
    names, values = [], []
    for line in text.strip().split("\n"):
        name, colon, rest = line.partition(": ")
        try:
            values.append(float(rest.split(" ", 1)[0]))
        except ValueError:
            return (), ()
        if not colon:
            return (), ()
        names.append(name)
    return tuple(names), tuple(values)
