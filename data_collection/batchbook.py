"""Which batches were sent, in the journal: written down before a batch exists, and after."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass

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
    """The batches of a journal, each change on the disk at once.

    Parameters
    ----------
    journal : Journal
        Opened for writing.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def all(self) -> list[Sent]:
        """Every batch that was ever sent, in that order."""
        rows = self._journal.query(
            "SELECT name, cell, base_url, file_id, batch_id, merged FROM batch ORDER BY id"
        )
        return [
            Sent(name, cell, base_url, file_id, batch_id, bool(merged))
            for name, cell, base_url, file_id, batch_id, merged in rows
        ]

    def begin(self, sent: Sent, requests: Iterable[Request]) -> None:
        """Keep a batch that is about to be created."""
        with self._journal.transaction() as connection:
            connection.execute(
                "INSERT INTO batch (name, cell, base_url, file_id, batch_id, merged) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                astuple(sent),
            )
            connection.executemany(
                "INSERT INTO batch_row VALUES (?, ?, ?, ?, ?)",
                (
                    (
                        sent.name,
                        request.scenario,
                        request.index,
                        canonical(request.details),
                        request.prompt_sha256,
                    )
                    for request in requests
                ),
            )

    def save(self, sent: Sent) -> None:
        """Keep what has become known of it."""
        with self._journal.transaction() as connection:
            connection.execute(
                "UPDATE batch SET file_id = ?, batch_id = ?, merged = ? WHERE name = ?",
                (sent.file_id, sent.batch_id, sent.merged, sent.name),
            )

    def close(self, sent: Sent) -> None:
        """Keep that nothing more will come of it."""
        sent.merged = True
        with self._journal.transaction() as connection:
            connection.execute("UPDATE batch SET merged = 1 WHERE name = ?", (sent.name,))
            connection.execute("DELETE FROM batch_row WHERE batch = ?", (sent.name,))

    def requests(self, sent: Sent, cell: Cell) -> list[Request]:
        """Its requests, without their prompts."""
        rows = self._journal.query(
            "SELECT scenario, trial, details, prompt_sha256 FROM batch_row WHERE batch = ?",
            (sent.name,),
        )
        return [
            Request(cell, scenario, index, [], {}, json.loads(details), sha)
            for scenario, index, details, sha in rows
        ]
