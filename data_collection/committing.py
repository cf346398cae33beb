"""Commits answers in groups: each waits a few milliseconds for others, then all share one commit.

A commit that reaches the disk costs as much for one answer as for a hundred.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self

from data_collection.journal import Journal
from data_collection.records import Recorded

# Seconds; much less than a model takes to answer.
_GATHER: Final = 0.02


class Committer:
    """Writes into a journal from a thread of its own. Use ``async with``.

    Leaving the block, however it is left, commits what is still waiting.

    Parameters
    ----------
    journal : Journal
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[Recorded] = []
        self._some = asyncio.Event()
        self._closing = False

    async def commit(self, recorded: Recorded) -> None:
        """Come back when the answer is on the disk.

        Raises
        ------
        JournalError
            It could not be written.
        """
        self._waiting.append(recorded)
        self._some.set()
        # Shielded: one caller that is cancelled must not cancel the group that others wait for.
        await asyncio.shield(self._group)

    async def __aenter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._group: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._some.set()
        await self._writer
        self._thread.shutdown()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while not (self._closing and not self._waiting):
            await self._some.wait()
            if not self._closing:
                await asyncio.sleep(_GATHER)
            self._some.clear()
            batch, self._waiting = self._waiting, []
            group, self._group = self._group, loop.create_future()
            if not batch:
                continue
            try:
                await loop.run_in_executor(self._thread, self._journal.record, batch)
            except Exception as error:  # noqa: BLE001 - belongs to whoever waits for the commit
                group.set_exception(error)
                # Nobody may be waiting any more, when the run was interrupted.
                group.exception()
            else:
                group.set_result(None)
