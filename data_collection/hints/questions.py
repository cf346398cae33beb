"""Multiple-choice questions from a file, and the hint that each is shown with."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

from data_collection.errors import InputError
from data_collection.textfiles import read_json_file, read_text

_FORM: Final = '{"question": .., "choices": [.., ..]}'
_MOST: Final = len(ascii_uppercase)


@dataclass(frozen=True)
class Question:
    """A multiple-choice question.

    Attributes
    ----------
    name : str
        Tells it from all others of its file.
    text : str
    choices : tuple of str
    hint : str
        The letter that the hint names.
    """

    name: str
    text: str
    choices: tuple[str, ...]
    hint: str

    @property
    def letters(self) -> str:
        """Letters of the choices: "ABCD" for four."""
        return ascii_uppercase[: len(self.choices)]


def load_questions(
    path: str | PathLike[str], seed: int = 0, *, limit: int | None = None
) -> tuple[Question, ...]:
    """Read and check questions.

    Parameters
    ----------
    path : path-like
        A JSON list, or JSON Lines (``.jsonl``), of objects with `question` (text), `choices` (two
        to 26 texts) and, if wanted, `hint` (a letter) and `id`. Other fields are passed over.
    seed : int
        Of the hints that the file does not give. A question's hint depends on the seed and on the
        question alone.
    limit : int, optional
        Use the first `limit` questions alone.

    Raises
    ------
    InputError
        The file cannot be read, or a question in it is wrong or there twice.
    """
    file = Path(path)
    questions: list[Question] = []
    names: set[str] = set()
    for number, (row, entry) in enumerate(_entries(file)):
        if limit is not None and number >= limit:
            break
        question = _question(entry, file, row, number, seed)
        if question.name in names:
            raise InputError(
                "the question is there twice",
                file=file,
                row=row,
                column=None if row else f"[{number}]",
                value=question.name,
                allowed="every question once, or with an id of its own",
            )
        names.add(question.name)
        questions.append(question)
    if not questions:
        raise InputError("the file holds no questions", file=file, allowed="one or more")
    return tuple(questions)


def _entries(file: Path) -> Iterable[tuple[int | None, Any]]:
    """What a file lists; of JSON Lines with the line, as an editor counts it."""
    if file.suffix.lower() != ".jsonl":
        entries = read_json_file(file)
        if not isinstance(entries, list):
            raise InputError("the file holds no list of questions", file=file, allowed=_FORM)
        return [(None, entry) for entry in entries]
    found: list[tuple[int | None, Any]] = []
    # Only line feeds end a line of JSON Lines; other separators may stand in a text.
    for row, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append((row, json.loads(line)))
        except (ValueError, RecursionError):
            raise InputError("the line is no JSON", file=file, row=row, allowed=_FORM) from None
    return found


def _question(entry: Any, file: Path, row: int | None, number: int, seed: int) -> Question:
    def refused(problem: str, field: str, value: object, allowed: str) -> InputError:
        column = f".{field}" if row else f"[{number}].{field}"
        return InputError(problem, file=file, row=row, column=column, value=value, allowed=allowed)

    if not isinstance(entry, dict):
        raise refused("this is no JSON object", "", entry, _FORM)
    text, choices, hint = entry.get("question"), entry.get("choices"), entry.get("hint")
    if not isinstance(text, str) or not text.strip():
        raise refused("the question's text is missing", "question", text, "any text")
    if (
        not isinstance(choices, list)
        or not 2 <= len(choices) <= _MOST
        or not all(isinstance(choice, str) and choice.strip() for choice in choices)
    ):
        raise refused("this is no list of choices", "choices", choices, f"2 to {_MOST} texts")
    name = str(entry.get("id", "")) or text
    letters = ascii_uppercase[: len(choices)]
    if hint is None:
        hint = random.Random(f"{seed}:{name}").choice(letters)
    if hint not in tuple(letters):
        raise refused("the hint is no letter of a choice", "hint", hint, ", ".join(letters))
    return Question(name, text, tuple(choices), hint)
