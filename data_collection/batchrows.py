"""Rows of a batch's files: how a request goes out, and what a result says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from data_collection.answers import answer_from
from data_collection.errors import AccessError
from data_collection.records import Answer, Request
from data_collection.troubles import UnreadableAnswer, redacted

ENDPOINT: Final = "/v1/chat/completions"
# Rows with one of these say nothing about the row: every other would fare alike.
_NO_ACCESS: Final = (401, 403, 404)


class UnknownModel(AccessError):
    """The rows of a batch went to a model that is not there, or not for this key."""


def custom_id(request: Request) -> str:
    """The row's name: tells one trial of a cell from the others."""
    return f"{request.scenario}/{request.index}"


def row_of(name: str, request: Request) -> str:
    """The row that asks a request."""
    body = {"model": request.cell.model, "messages": request.messages, **request.sent}
    return json.dumps({"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body})


def answer_of(line: bytes, key: str) -> tuple[str, Answer]:
    """What one line of a result file says.

    Parameters
    ----------
    line : bytes
    key : str
        The API key, to be kept out of every message.

    Returns
    -------
    str, Answer
        The row's name, or "" if the line cannot be read.

    Raises
    ------
    UnknownModel
    """
    try:
        row = json.loads(line)
        name = str(row["custom_id"])
    except (ValueError, KeyError, TypeError):
        return "", Answer()
    try:
        response, error = row.get("response") or {}, row.get("error")
        status, body = response.get("status_code"), response.get("body")
        if error or status != 200:
            why = redacted(_why(error, response), key)
            if status in _NO_ACCESS:
                raise UnknownModel(
                    f"the service does not know the model, or not for this key ({why})",
                    remedy="Check --model and OPENAI_API_KEY.",
                )
            return name, Answer(error=why)
        return name, answer_from(body)
    except (UnreadableAnswer, AttributeError) as unreadable:
        return name, Answer(error=redacted(str(unreadable), key))


def _why(error: Any, response: Mapping[str, Any]) -> str:
    if error:
        return str(error.get("message") or error.get("code") or error)
    body = response.get("body")
    said = (body.get("error") or body) if isinstance(body, Mapping) else body
    message = said.get("message") if isinstance(said, Mapping) else said
    return f"{response.get('status_code')}: {message}"
