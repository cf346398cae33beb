"""The address that answers chat completions, misbehaving as it was told.

It is asked thousands of times while everything else is asked a few times, so it speaks ASGI
itself and leaves out what a framework would do for every request.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, Final

from data_collection.participant.cutting import cut
from data_collection.participant.participant import Participant, RequestRefused
from data_collection.participant.reading import last_user_text

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_JSON: Final = (b"content-type", b"application/json")


class Chat:
    """ASGI application of ``/v1/chat/completions``.

    Parameters
    ----------
    participant : Participant
    """

    def __init__(self, participant: Participant) -> None:
        self.participant = participant

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            body = json.loads(await _body(receive))
            model, prompt = body.get("model"), last_user_text(body.get("messages"))
            self.participant.mind(model)
        except (ValueError, AttributeError):
            refusal = RequestRefused(400, "The body is not a JSON object.", "invalid_json")
            await _send_json(send, refusal.status, refusal.body)
            return
        except RequestRefused as refusal:
            await _send_json(send, refusal.status, refusal.body)
            return
        calls = self.participant.count(model, prompt)
        mischief = self.participant.mischief
        if mischief.troubles:
            name = f"{model}\x1f{prompt}"
            delay = mischief.delay(name, calls.received)
            if delay:
                await asyncio.sleep(delay)
            trouble = mischief.trouble(name, calls.received)
            if trouble is not None:
                await self._misbehave(trouble, receive, send)
                return
        try:
            answer = self.participant.completion(body, time.time())
        except RequestRefused as refusal:
            await _send_json(send, refusal.status, refusal.body)
            return
        # Counted before it is sent: who has an answer is never counted as without one.
        calls.answered += 1
        await _send_json(send, 200, answer)

    async def _misbehave(self, trouble: str, receive: Receive, send: Send) -> None:
        mischief = self.participant.mischief
        if trouble == "429":
            refusal = RequestRefused(429, "Rate limit reached.", "rate_limit_exceeded")
            header = (b"retry-after", f"{mischief.retry_after:g}".encode())
            await _send_json(send, 429, refusal.body, header)
        elif trouble == "500":
            refusal = RequestRefused(500, "The server had an error.", "server_error")
            await _send_json(send, 500, refusal.body)
        else:
            if trouble == "hang":
                await _gone(receive, mischief.hang_seconds)
            await cut(send)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _send_json(send: Send, status: int, value: Any, *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps(value).encode()
    length = (b"content-length", str(len(body)).encode())
    start = {"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def _gone(receive: Receive, seconds: float) -> None:
    """Wait until the client has gone, or so many seconds."""

    async def disconnected() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(disconnected(), seconds)
