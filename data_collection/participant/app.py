"""The participant's addresses: an ASGI application in the form of OpenAI's interface."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from data_collection.participant.chat import Chat, check_key
from data_collection.participant.participant import Participant, RequestRefused


def application(participant: Participant) -> Starlette:
    """The ASGI application of a participant.

    Beside OpenAI's addresses there are ``/stats`` (`Participant.statistics`) and
    ``/truth?model=NAME`` (`Participant.truth`).

    Parameters
    ----------
    participant : Participant
    """

    async def models(request: Request) -> Response:
        check_key(participant, request.scope)
        known = [
            {"id": name, "object": "model", "created": 0, "owned_by": "participant"}
            for name in participant.minds
        ]
        return JSONResponse({"object": "list", "data": known})

    async def model(request: Request) -> Response:
        check_key(participant, request.scope)
        name = request.path_params["name"]
        participant.mind(name)
        return JSONResponse(
            {"id": name, "object": "model", "created": 0, "owned_by": "participant"}
        )

    async def stats(_: Request) -> Response:
        return JSONResponse(participant.statistics())

    async def truth(request: Request) -> Response:
        return JSONResponse(participant.truth(request.query_params.get("model", "")))

    routes = [
        Route("/v1/chat/completions", Chat(participant), methods=["POST"]),
        Route("/v1/models", models),
        Route("/v1/models/{name:path}", model),
        Route("/stats", stats),
        Route("/truth", truth),
    ]
    handlers: Any = {RequestRefused: _refusal}
    return Starlette(routes=routes, exception_handlers=handlers)


async def _refusal(_: Request, error: RequestRefused) -> Response:
    return JSONResponse(error.body, error.status)
