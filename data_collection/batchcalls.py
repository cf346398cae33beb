"""What a service is asked about batches: make one, find it again, look, stop it, read its results.

A batch is written down before it is made and when its id is known, so that after a crash it is
found again instead of sent again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from data_collection.batchbook import BatchBook, Sent
from data_collection.batchrows import ENDPOINT, custom_id, row_of
from data_collection.errors import AccessError, CollectionError
from data_collection.records import Request
from data_collection.service import CallLost, CallRefused, Service

if TYPE_CHECKING:
    from openai.types import Batch

ENDED: Final = ("completed", "expired", "failed", "cancelled")
# Name of the batch's own name in the service's metadata.
_MARK: Final = "selfinterp_batch"


class BatchCalls:
    """A service's batches.

    Parameters
    ----------
    service : Service
    book : BatchBook
        Where those are written down that are made.
    """

    def __init__(self, service: Service, book: BatchBook) -> None:
        self._service = service
        self.book = book

    @property
    def base_url(self) -> str:
        """Of the service."""
        return self._service.base_url

    @property
    def key(self) -> str:
        """The API key, to be kept out of every message."""
        return self._service.key

    def create(self, cell: str, model: str, requests: Sequence[Request]) -> Sent:
        """Upload a file of requests and make its batch.

        Raises
        ------
        AccessError, CallRefused, ServiceError
            See `Service.call`.
        """
        sent = Sent(uuid.uuid4().hex, cell, self.base_url)
        self.book.begin(sent, requests)
        rows = "\n".join(row_of(custom_id(request), request) for request in requests)
        file = self._service.call(
            lambda client: client.files.create(
                file=(f"{sent.name}.jsonl", rows.encode()), purpose="batch"
            ),
            about=model,
        )
        sent.file_id = file.id
        self.book.save(sent)
        try:
            batch = self._service.call(
                lambda client: client.batches.create(
                    input_file_id=file.id,
                    endpoint=ENDPOINT,
                    completion_window="24h",
                    metadata={_MARK: sent.name},
                ),
                about=model,
                repeat=False,
            )
            sent.batch_id = batch.id
        except CallLost:
            if not self.find(sent):
                self.book.close(sent)
                raise
        self.book.save(sent)
        return sent

    def find(self, sent: Sent) -> bool:
        """Look for a batch on the service's list, and note its id; False if it was never made."""
        try:
            listed = self._service.call(lambda client: list(client.batches.list(limit=100)))
        except (AccessError, CallRefused):
            return False
        for batch in listed:
            if (batch.metadata or {}).get(_MARK) == sent.name:
                sent.batch_id = batch.id
                self.book.save(sent)
                return True
        return False

    def look(self, sent: Sent) -> Batch:
        """How far a batch is."""
        return self._service.call(
            lambda client: client.batches.retrieve(sent.batch_id), about=sent.batch_id
        )

    def cancel(self, sent: Sent) -> None:
        """Ask for a batch to be stopped; one that has just ended cannot be."""
        with suppress(AccessError, CallRefused):
            self._service.call(
                lambda client: client.batches.cancel(sent.batch_id), about=sent.batch_id
            )

    def lines(self, batch: Batch) -> Iterator[bytes]:
        """Lines of a batch's files of results."""
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id:
                content = self._service.call(
                    lambda client, file_id=file_id: client.files.content(file_id).content,  # type: ignore[misc]
                    about=file_id,
                )
                yield from content.split(b"\n")


def refused(batch: Batch) -> CollectionError:
    """Why a batch that was not accepted, or that somebody cancelled, stops a run."""
    if batch.status == "cancelled":
        return CollectionError(
            "a batch was cancelled; what it had answered is kept",
            value=batch.id,
            remedy="Run the same command again to send the rest.",
        )
    faults = (batch.errors.data if batch.errors else None) or []
    said = "; ".join(str(fault.message) for fault in faults[:3]) or "no reason was given"
    return CollectionError(
        f"the service did not accept a batch: {said}",
        value=batch.id,
        remedy="If it was too large, send fewer rows at once with --batch-rows.",
    )
