"""Download one file over HTTP, going on where an earlier attempt was cut off.

It knows nothing of what is downloaded and checks no hash: that is its caller's part.
"""

from __future__ import annotations

import os
import re
import time
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

_CHUNK: Final = 1 << 13  # what a cut can lose, since a piece that is not full is not handed on
_WAITS: Final = (0.0, 0.5, 2.0)  # seconds before each attempt that brings no new byte
_TIMEOUT: Final = (10.0, 30.0)  # seconds to connect, and between two pieces


class Interrupted(Exception):
    """A download that did not come to its end; the message says why."""


class ResumingDownloader:
    """A downloader for pooch that keeps what it got in a ``.part`` file beside the target.

    An attempt that brought something is followed by another at once; after three in a row that
    brought nothing it gives up. Used as a context, it keeps one connection for several files.

    Attributes
    ----------
    resumed : bool
        Whether the last file was finished from a part that an earlier call had left.
    """

    def __init__(self) -> None:
        self.resumed = False
        self._session: Any = None

    def __enter__(self) -> Self:
        import requests

        self._session = requests.Session()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:  # noqa: ARG002
        """Download `url` into `output_file`.

        Raises
        ------
        Interrupted
            The server refused, could not be reached, or stopped sending. What came is kept.
        """
        part = Path(output_file).parent / f"{url.rpartition('/')[2]}.part"
        self.resumed = _size(part) > 0
        fruitless = 0
        most = _size(part)
        while True:
            time.sleep(_WAITS[fruitless])
            problem = self._attempt(url, part)
            if problem is None:
                break
            # Against the most ever had, not the last: a server that ignores ranges and breaks off
            # at random would otherwise be asked for ever.
            fruitless = 0 if _size(part) > most else fruitless + 1
            most = max(most, _size(part))
            if fruitless == len(_WAITS):
                raise Interrupted(problem)
        os.replace(part, output_file)

    def _attempt(self, url: str, part: Path) -> str | None:
        """Fetch what is missing of `part`; what went wrong, or None when it is whole."""
        import requests

        start = _size(part)
        # A compressed answer could not be continued at a byte of the plain file.
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            with self._session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
                return _store(response, part, start)
        except requests.exceptions.RequestException as error:
            return _plain(error)


def _store(response: Any, part: Path, start: int) -> str | None:
    status = response.status_code
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
        return _after_the_end(response, part, start)
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and (
            status not in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
        ):
            # Asking again would bring the same refusal.
            raise Interrupted(f"the server answered {status} {response.reason}")
        return f"the server answered {status} {response.reason}"
    sent_from = 0
    if status == HTTPStatus.PARTIAL_CONTENT:
        match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        sent_from = int(match[1]) if match else -1
        if sent_from not in (0, start):
            part.unlink(missing_ok=True)
            return "the server sent another part of the file than was asked for"
    # A server that ignores the range sends the file from its first byte: begin anew.
    with part.open("ab" if sent_from else "wb") as file:
        for piece in response.iter_content(_CHUNK):
            file.write(piece)
    return None


def _after_the_end(response: Any, part: Path, start: int) -> str | None:
    """The part is as long as the file, or longer and wrong."""
    if response.headers.get("Content-Range", "") == f"bytes */{start}":
        return None
    part.unlink()
    return "the part kept from an earlier download is longer than the file"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _plain(error: Exception) -> str:
    """The innermost reason of a failed request, without the library's wrapping."""
    import requests

    if isinstance(error, requests.exceptions.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.exceptions.ConnectionError):
        # requests wraps urllib3's reason, which begins with the connection's repr and a colon.
        reason = str(getattr(error.args[0], "reason", "") if error.args else "")
        detail = reason.partition("): ")[2] or reason
        return f"the server could not be reached{f' ({detail})' if detail else ''}"
    return str(error)
