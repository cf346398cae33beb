"""An answer that is cut off in its middle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


async def cut(send: Send) -> None:
    """Promise more than is sent; the server then closes the connection."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"id": "', "more_body": True})


class Cut(Response):
    """A response that never arrives whole."""

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send its beginning."""
        await cut(send)
