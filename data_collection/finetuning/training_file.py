"""A training file, checked here before it costs an upload: what a service would refuse hours later.

The form is that of OpenAI's supervised fine-tuning: one JSON object per line, `messages` that end
with the assistant's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any, Final

from data_collection.errors import InputError

FEWEST_EXAMPLES: Final = 10
_ROLES: Final = ("system", "developer", "user", "assistant", "tool")
_REMEDY: Final = "`selfinterp finetune files` writes such files."


@dataclass(frozen=True)
class TrainingFile:
    """A file that can be trained on.

    Attributes
    ----------
    path : pathlib.Path
    sha256 : str
    bytes : int
    examples : int
    text : str
        Contents of all messages, for an estimate of tokens.
    """

    path: Path
    sha256: str
    bytes: int
    examples: int
    text: str


def read_training_file(path: str | PathLike[str]) -> TrainingFile:
    """Read a training or validation file and check every line.

    Raises
    ------
    InputError
        It cannot be read, a line is not what it should be, or there are too few.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the file cannot be read: {error.strerror}", file=path, remedy=_REMEDY
        ) from None
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(
            "the file is not UTF-8",
            file=path,
            row=content.count(b"\n", 0, error.start) + 1,
            remedy="Save it as UTF-8.",
        ) from None
    if lines[-1] == "":
        lines.pop()
    texts = [text for row, line in enumerate(lines, start=1) for text in _texts(path, row, line)]
    if len(lines) < FEWEST_EXAMPLES:
        raise InputError(
            "the file has too few examples",
            file=path,
            value=len(lines),
            allowed=f"{FEWEST_EXAMPLES} or more, one per line",
            remedy="Add examples; services refuse to train on fewer.",
        )
    return TrainingFile(
        path, sha256(content).hexdigest(), len(content), len(lines), "\n".join(texts)
    )


def _texts(path: Path, row: int, line: str) -> list[str]:
    """Contents of a line's messages."""
    try:
        example = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"the line is not JSON: {error}", file=path, row=row, remedy=_REMEDY
        ) from None
    messages = example.get("messages") if isinstance(example, dict) else None
    if not isinstance(messages, list) or not messages:
        raise InputError(
            "the line has no messages",
            file=path,
            row=row,
            value=_short(line),
            allowed='{"messages": [{"role": ..., "content": ...}, ...]}',
            remedy=_REMEDY,
        )
    for number, message in enumerate(messages):
        _check_message(path, row, number, message)
    if messages[-1]["role"] != "assistant":
        raise InputError(
            "the last message is not the assistant's",
            file=path,
            row=row,
            column=f"messages[{len(messages) - 1}].role",
            value=messages[-1]["role"],
            allowed="assistant",
            remedy="End every example with the answer to be learned.",
        )
    return [message["content"] for message in messages]


def _check_message(path: Path, row: int, number: int, message: Any) -> None:
    place = f"messages[{number}]"
    if not isinstance(message, dict):
        raise InputError(
            "a message is not an object", file=path, row=row, column=place, value=message
        )
    if message.get("role") not in _ROLES:
        raise InputError(
            "a message has no role that is known",
            file=path,
            row=row,
            column=f"{place}.role",
            value=message.get("role"),
            allowed=", ".join(_ROLES),
        )
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise InputError(
            "a message has no text",
            file=path,
            row=row,
            column=f"{place}.content",
            value=_short(str(content)),
            allowed="text that is not empty",
        )


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
