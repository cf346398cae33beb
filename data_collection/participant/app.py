"""The participant's addresses: an ASGI application in the form of OpenAI's interface."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from data_collection.participant.batches import Batches
from data_collection.participant.chat import Chat
from data_collection.participant.files import Files
from data_collection.participant.jobs import Jobs
from data_collection.participant.participant import Participant, RequestRefused


def application(participant: Participant) -> Starlette:
    """The ASGI application of a participant.

    Beside OpenAI's addresses there are ``/stats`` (`Participant.statistics`) and
    ``/truth?model=NAME`` (`Participant.truth`).

    Parameters
    ----------
    participant : Participant
    """
    files = Files()
    routes = [
        Route("/v1/chat/completions", Chat(participant), methods=["POST"]),
        *files.routes(),
        *Jobs(participant, files).routes("/v1/fine_tuning/jobs"),
        *Batches(participant, files).routes("/v1/batches"),
        *_about(participant),
    ]
    handlers: Any = {RequestRefused: _refusal}
    return Starlette(
        routes=routes,
        exception_handlers=handlers,
        middleware=[Middleware(_Locked, participant=participant)],
    )


def _about(participant: Participant) -> list[Route]:
    """Addresses that tell which models there are, what they want and what they were asked."""

    async def models(_: Request) -> Response:
        participant.settle()
        return JSONResponse(
            {"object": "list", "data": [_model(name) for name in participant.minds]}
        )

    async def model(request: Request) -> Response:
        name = request.path_params["name"]
        participant.mind(name)
        return JSONResponse(_model(name))

    async def stats(_: Request) -> Response:
        return JSONResponse(participant.statistics())

    async def truth(request: Request) -> Response:
        return JSONResponse(participant.truth(request.query_params.get("model", "")))

    return [
        Route("/v1/models", models),
        Route("/v1/models/{name:path}", model),
        Route("/stats", stats),
        Route("/truth", truth),
    ]


class _Locked:
    """Lets nobody below ``/v1`` without the participant's key."""

    def __init__(self, app: ASGIApp, participant: Participant) -> None:
        self.app = app
        self.participant = participant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = self.participant.key
        if key is not None and scope["path"].startswith("/v1/"):
            given = dict(scope["headers"]).get(b"authorization", b"")
            if given != f"Bearer {key}".encode():
                refusal = RequestRefused(401, "Incorrect API key provided.", "invalid_api_key")
                await JSONResponse(refusal.body, refusal.status)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "participant"}


async def _refusal(_: Request, error: RequestRefused) -> Response:
    return JSONResponse(error.body, error.status)
