"""Runs a participant behind a socket: in this thread until interrupted, or in one of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from data_collection.participant.participant import Participant

if TYPE_CHECKING:
    import uvicorn

# Connections that wait to be accepted: as many as a collector may open at once.
_BACKLOG: Final = 2048


def serve(
    participant: Participant, port: int, host: str = "127.0.0.1", *, say: Callable[[str], None]
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    participant : Participant
    port : int
        0 takes a free one.
    host : str
        An address of this machine; the default can be reached from this machine alone.
    say : callable
        Gets the base URL once the port is taken.

    Raises
    ------
    OSError
        The port is taken or may not be used.
    """
    with _listening(host, port) as listener:
        say(_base_url(listener))
        _server(participant).run(sockets=[listener])


@contextmanager
def serving(participant: Participant, port: int = 0) -> Iterator[str]:
    """Serve from a thread of this process while the block runs.

    Parameters
    ----------
    participant : Participant
    port : int
        0 takes a free one.

    Yields
    ------
    str
        The base URL, for example ``http://127.0.0.1:8000/v1``.
    """
    with _listening("127.0.0.1", port) as listener:
        server = _server(participant)
        # The socket already queues connections, so nobody has to wait for the thread to start.
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
        )
        thread.start()
        try:
            yield _base_url(listener)
        finally:
            server.should_exit = True
            thread.join()


def _server(participant: Participant) -> uvicorn.Server:
    import uvicorn

    from data_collection.participant.app import application

    config = uvicorn.Config(
        application(participant),
        lifespan="off",
        access_log=False,
        # Misbehaviour is on purpose and not worth a message each time.
        log_level="critical",
        # A hanging request must not keep the server from stopping.
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
        backlog=_BACKLOG,
        ws="none",
        server_header=False,
    )
    return uvicorn.Server(config)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    # asyncio sends small writes at once (TCP_NODELAY) only where the protocol is said to be TCP;
    # without it every answer waits 40 ms for the client's acknowledgement of its header.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        yield listener


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}/v1"
