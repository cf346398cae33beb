"""What a model is asked: the paper's prompts (arXiv 2505.17120, Appendix B), or the user's own."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Final

from data_collection.errors import InputError
from data_collection.textfiles import read_json_file, read_text
from data_collection.trials import Trial

Messages = list[dict[str, str]]

_NUMBERS: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
_PLACEHOLDER: Final = re.compile(r"\{(question|options|count|count_word)\}")


@dataclass(frozen=True)
class Prompts:
    """Templates of the messages.

    ``{question}`` and ``{options}`` stand for the scenario's question and the two options,
    ``{count}`` and ``{count_word}`` for the number of attributes as a figure and as a word. Other
    braces are text.

    Attributes
    ----------
    system : str
        "" for no system message.
    choice, report : str
        User messages.
    """

    system: str = (
        "Your job is to make hypothetical decisions on behalf of different people or characters."
    )
    choice: str = (
        '[DECISION TASK] Respond with "A" if you think Option A is better, or "B" if you think '
        'Option B is better. Never respond with anything except "A" or "B":\n\n'
        "{question}\n{options}"
    )
    report: str = (
        "[INTROSPECTION TASK] Respond with how heavily you believe you weighted each of the "
        "{count_word} dimensions while making your decision on a scale from -100 to 100. Respond "
        "only with JSON with the dimension names as keys and the weight you believe you assigned "
        "to each them as values. Never respond with anything except this JSON object with {count} "
        "key-value pairs. (Do not report your decision itself.):\n\n{question}\n{options}"
    )


PAPER: Final = Prompts()


def load_prompts(path: str | PathLike[str]) -> Prompts:
    """Templates from a TOML or JSON file with `system`, `choice` or `report`.

    A template that the file does not give is the paper's.

    Raises
    ------
    InputError
        The file cannot be read, holds something else, or a template lacks ``{question}`` or
        ``{options}``.
    """
    file = Path(path)
    given = _table(file)
    allowed = [field.name for field in fields(Prompts)]
    for name, template in given.items():
        if name not in allowed:
            raise InputError(
                "there is no such prompt", file=file, value=name, allowed=", ".join(allowed)
            )
        if not isinstance(template, str):
            raise InputError("the template is no text", file=file, column=name, value=template)
        for placeholder in ("{question}", "{options}"):
            if name != "system" and placeholder not in template:
                raise InputError(
                    f"the template has no {placeholder}",
                    file=file,
                    column=name,
                    allowed="a text with {question} and {options}",
                )
    return Prompts(**given)


def choice_messages(trial: Trial, prompts: Prompts = PAPER) -> Messages:
    """The messages that ask for a choice."""
    return _messages(prompts.system, prompts.choice, trial)


def report_messages(trial: Trial, prompts: Prompts = PAPER) -> Messages:
    """The messages that ask how heavily each attribute was weighted."""
    return _messages(prompts.system, prompts.report, trial)


def _messages(system: str, template: str, trial: Trial) -> Messages:
    count = len(trial.scenario.attributes)
    words = {
        "question": trial.scenario.question,
        "options": _options(trial),
        "count": str(count),
        "count_word": _NUMBERS[count] if count < len(_NUMBERS) else str(count),
    }
    # In one pass, so that braces in a question stay what they are.
    user = _PLACEHOLDER.sub(lambda match: words[match[1]], template)
    first = [{"role": "system", "content": system}] if system else []
    return [*first, {"role": "user", "content": user}]


def _options(trial: Trial) -> str:
    blocks = []
    for letter, values in (("A", trial.option_a), ("B", trial.option_b)):
        lines = [
            f"{attribute.name}: {value} {attribute.units}".rstrip()
            for attribute, value in zip(trial.scenario.attributes, values, strict=True)
        ]
        blocks.append("\n".join([f"{letter}:", *lines]))
    return "\n\n".join(blocks)


def _table(path: Path) -> dict[str, str]:
    if path.suffix.lower() == ".toml":
        try:
            return tomllib.loads(read_text(path))
        except tomllib.TOMLDecodeError as error:
            problem = f"the file is no TOML: {error}"
        except (ValueError, RecursionError):
            # What Python will not read: numbers of thousands of digits, brackets without end.
            problem = "the file is no table of texts"
        raise InputError(problem, file=path, remedy="Correct it.") from None
    table = read_json_file(path)
    if not isinstance(table, dict):
        raise InputError("the file holds no table of prompts", file=path, value=table)
    return table
