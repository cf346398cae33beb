"""What the participant makes slowly: jobs and batches, asked for, listed, looked at and cancelled.

Where one stands follows from its age alone, so nothing has to run in the background.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from data_collection.participant.cutting import Cut
from data_collection.participant.files import Files, page
from data_collection.participant.participant import Participant


@dataclass(kw_only=True)
class Slow(ABC):
    """Something that takes its time.

    Attributes
    ----------
    id : str
    body : dict
        The request that made it.
    started : float
        Seconds since 1970.
    seconds : float
        How long it takes.
    cancelled : float or None
        When it was.
    """

    id: str
    body: dict[str, Any]
    started: float
    seconds: float
    cancelled: float | None = None

    def share(self, now: float) -> float:
        """Of its time that has passed; beyond 1 it has ended."""
        return (now - self.started) / self.seconds if self.seconds > 0 else 1.0

    @abstractmethod
    def as_json(self, now: float) -> dict[str, Any]:
        """As OpenAI describes it."""


T = TypeVar("T", bound=Slow)


@dataclass
class SlowOnes(ABC, Generic[T]):
    """All of a kind, oldest first."""

    participant: Participant
    files: Files
    made: dict[str, T] = field(default_factory=dict)

    @abstractmethod
    def create(self, body: dict[str, Any], now: float) -> T:
        """Start one.

        Raises
        ------
        RequestRefused
            What it needs does not exist.
        """

    @abstractmethod
    def get(self, made_id: str, now: float) -> T:
        """The one of an id.

        Raises
        ------
        RequestRefused
            There is none.
        """

    @abstractmethod
    def cancel(self, made: T, now: float) -> None:
        """Stop one, unless it has ended."""

    def routes(self, where: str) -> list[Route]:
        """Addresses at and below `where`."""

        def described(made: T, now: float) -> Response:
            return JSONResponse(made.as_json(now))

        async def create(request: Request) -> Response:
            now = time.time()
            made = self.create(await request.json(), now)
            if self.participant.mischief.receipt_lost(made.id):
                return Cut()
            return described(made, now)

        async def listed(request: Request) -> Response:
            now = time.time()
            return page([self.get(known, now).as_json(now) for known in self.made], request)

        async def one(request: Request) -> Response:
            now = time.time()
            return described(self.get(request.path_params["id"], now), now)

        async def cancel(request: Request) -> Response:
            now = time.time()
            made = self.get(request.path_params["id"], now)
            self.cancel(made, now)
            return described(made, now)

        return [
            Route(where, create, methods=["POST"]),
            Route(where, listed),
            Route(f"{where}/{{id}}", one),
            Route(f"{where}/{{id}}/cancel", cancel, methods=["POST"]),
        ]
