"""Which batches were sent, in the journal: written down before a batch exists, and after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from data_collection.journal import Journal
from data_collection.records import Cell, Request, canonical


@dataclass
class Sent:
    """A batch, as the journal keeps it.

    Attributes
    ----------
    name : str
        Our own, drawn before the batch exists.
    cell : str
        Canonical JSON of the `Cell`.
    base_url : str
    file_id, batch_id : str
        As the service calls them; "" as long as they are not known.
    merged : bool
        Its answers are in the journal, or there will be none.
    """

    name: str
    cell: str
    base_url: str
    file_id: str = ""
    batch_id: str = ""
    merged: bool = False


class BatchBook:
    """The batches of a journal.

    Parameters
    ----------
    journal : Journal
        Opened for writing.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        text = journal.get("batches")
        self._sent = [Sent(**found) for found in json.loads(text)] if text else []

    def all(self) -> list[Sent]:
        """Every batch that was ever sent."""
        return list(self._sent)

    def begin(self, sent: Sent, requests: Mapping[str, Request]) -> None:
        """Keep a batch that is about to be created."""
        rows = {
            name: [request.scenario, request.index, request.details, request.prompt_sha256]
            for name, request in requests.items()
        }
        self._journal.put(_rows_key(sent), canonical(rows))
        self._sent.append(sent)
        self._write()

    def save(self, sent: Sent) -> None:
        """Keep what has become known of it."""
        if sent not in self._sent:
            self._sent.append(sent)
        self._write()

    def close(self, sent: Sent) -> None:
        """Keep that nothing more will come of it."""
        sent.merged = True
        self._write()
        self._journal.put(_rows_key(sent), "{}")

    def requests(self, sent: Sent, cell: Cell) -> dict[str, Request]:
        """Its requests by `custom_id`, without their prompts."""
        rows = json.loads(self._journal.get(_rows_key(sent)) or "{}")
        return {
            name: Request(cell, scenario, index, [], {}, details, sha)
            for name, (scenario, index, details, sha) in rows.items()
        }

    def _write(self) -> None:
        self._journal.put("batches", canonical([asdict(sent) for sent in self._sent]))


def _rows_key(sent: Sent) -> str:
    return f"batch rows {sent.name}"
