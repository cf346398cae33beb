"""Files that were uploaded to the participant, or that it wrote."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from data_collection.participant.participant import RequestRefused, short_hash

_PURPOSES: Final = ("fine-tune", "batch")
_MOST_PER_PAGE: Final = 10_000


@dataclass(frozen=True)
class Stored:
    """One file."""

    id: str
    name: str
    purpose: str
    content: bytes = field(repr=False)
    created: int

    def as_json(self) -> dict[str, Any]:
        """The file as OpenAI describes it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


@dataclass
class Files:
    """All files, by id."""

    stored: dict[str, Stored] = field(default_factory=dict)

    def add(self, name: str, purpose: str, content: bytes) -> Stored:
        """Keep a file."""
        file_id = f"file-{short_hash(len(self.stored), name, purpose)}"
        file = Stored(file_id, name, purpose, content, int(time.time()))
        self.stored[file_id] = file
        return file

    def get(self, file_id: object) -> Stored:
        """The file of an id.

        Raises
        ------
        RequestRefused
            There is none.
        """
        found = self.stored.get(file_id) if isinstance(file_id, str) else None
        if found is None:
            raise RequestRefused(404, f"No such File object: {file_id}", "not_found", "id")
        return found

    def routes(self) -> list[Route]:
        """Addresses below ``/v1/files``."""

        async def create(request: Request) -> Response:
            async with request.form() as form:
                file, purpose = form.get("file"), form.get("purpose")
                if not isinstance(file, UploadFile):
                    raise RequestRefused(400, "'file' is missing.", "missing", "file")
                if purpose not in _PURPOSES:
                    raise RequestRefused(400, f"Unknown purpose {purpose}.", "invalid", "purpose")
                content = await file.read()
                stored = self.add(file.filename or "file", str(purpose), content)
            return JSONResponse(stored.as_json())

        async def listed(request: Request) -> Response:
            found = [file.as_json() for file in self.stored.values()]
            return page(found, request, _MOST_PER_PAGE)

        async def described(request: Request) -> Response:
            return JSONResponse(self.get(request.path_params["id"]).as_json())

        async def content(request: Request) -> Response:
            return Response(self.get(request.path_params["id"]).content)

        return [
            Route("/v1/files", create, methods=["POST"]),
            Route("/v1/files", listed),
            Route("/v1/files/{id}", described),
            Route("/v1/files/{id}/content", content),
        ]


def page(objects: list[dict[str, Any]], request: Request, usual: int = 20) -> Response:
    """The part of a list that `after` and `limit` of a request ask for, newest objects first.

    Parameters
    ----------
    objects : list of dict
        Oldest first.
    request : starlette.requests.Request
    usual : int
        Objects on a page unless the request says otherwise.
    """
    newest = objects[::-1]
    after = request.query_params.get("after")
    if after is not None:
        places = [place for place, found in enumerate(newest) if found["id"] == after]
        newest = newest[places[0] + 1 :] if places else []
    limit = int(request.query_params.get("limit", usual))
    shown = newest[:limit]
    return JSONResponse(
        {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": len(newest) > limit,
        }
    )
