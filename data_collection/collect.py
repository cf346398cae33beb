"""Asks what a plan lacks, and keeps every answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from data_collection.asking import Endpoint, ask_all
from data_collection.committing import Committer
from data_collection.journal import Journal
from data_collection.money import Budget
from data_collection.plan import Plan, Wanted
from data_collection.records import Answer, Recorded, Request
from data_collection.tally import Tally

# Seconds between two looks at how far a run is.
_LOOK: Final = 0.1


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    total : int
        Trials to ask in this run.
    statuses : mapping of str to int
        Of those that are done.
    calls : int
        To the service, repeated ones included.
    usd : float
        Spent in this run, as far as prices are known.
    seconds : float
    """

    total: int
    statuses: Mapping[str, int]
    calls: int
    usd: float
    seconds: float

    @property
    def done(self) -> int:
        """Trials that are committed."""
        return sum(self.statuses.values())


def collect(
    plan: Wanted,
    journal: Journal,
    endpoint: Endpoint,
    budget: Budget,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop_after: int = 20,
) -> Progress:
    """Ask what is missing, and commit each answer before it counts.

    Parameters
    ----------
    plan : Wanted
    journal : Journal
    endpoint : Endpoint
    budget : Budget
        When it is exhausted the run stops and comes back as if it were done.
    on_progress : callable
        Gets a `Progress`, at most ten times a second.
    stop_after : int
        Stop when that many answers are there and all are refusals, or all failed; 0 never stops.

    Returns
    -------
    Progress
        At the end.

    Raises
    ------
    AccessError, ServiceError
        See `ask_all`.
    JournalError
        The journal cannot be written.
    IncompleteError, ServiceError
        The first answers bring nothing: see `Tally`.
    """
    plan.begin()
    run = _Run(plan, journal, budget, on_progress, Tally(plan.cell.label, stop_after))
    try:
        asyncio.run(run.ask(endpoint))
    finally:
        on_progress(run.progress())
    return run.progress()


def read_again(plan: Plan, journal: Journal) -> int:
    """Read invalid answers of the journal as this task reads them, which may be less strictly.

    Returns
    -------
    int
        Answers that became valid.
    """
    read = plan.reader()
    saved = []
    for row in journal.rows(plan.cell):
        if row.status == "invalid":
            request = Request(
                row.cell, row.scenario, row.index, [], {}, row.details, row.prompt_sha256
            )
            reply = read(request, row.answer)
            if reply.status == "valid":
                saved.append(Recorded(request, row.answer, reply))
    journal.record(saved)
    return len(saved)


class _Run:
    """One run of `collect`."""

    def __init__(
        self,
        plan: Wanted,
        journal: Journal,
        budget: Budget,
        on_progress: Callable[[Progress], None],
        tally: Tally,
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._budget = budget
        # A budget may have paid for other runs before.
        self._calls_before, self._usd_before = budget.calls, budget.usd
        self._on_progress = on_progress
        self._tally = tally
        self._read = plan.reader()
        self._began = self._looked = time.monotonic()

    async def ask(self, endpoint: Endpoint) -> None:
        async with Committer(self._journal) as committer:

            async def keep(request: Request, answer: Answer) -> None:
                reply = self._read(request, answer)
                await committer.commit(Recorded(request, answer, reply))
                self._tally.add(reply.status, reply.why)
                self._look()
                self._tally.refuse_nothing()

            await ask_all(self._plan.requests(), endpoint, keep, self._budget)

    def progress(self) -> Progress:
        return Progress(
            self._plan.missing,
            dict(self._tally.statuses),
            self._budget.calls - self._calls_before,
            self._budget.usd - self._usd_before,
            time.monotonic() - self._began,
        )

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _LOOK:
            self._looked = now
            self._on_progress(self.progress())
