"""Collects through a service's Batch API: cheaper, within a day, and into the same journal.

What is missing goes out in files, of several plans at once; rows that failed or expired are the
only ones that go out a second time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from data_collection.batchbook import BatchBook
from data_collection.batchcalls import BatchCalls
from data_collection.batchrun import BatchProgress, BatchRules, BatchRun
from data_collection.collect import Progress
from data_collection.errors import CollectionError
from data_collection.journal import Journal
from data_collection.money import Budget
from data_collection.plan import Wanted
from data_collection.service import Service

_USUAL: Final = BatchRules()


def collect_by_batch(
    plans: Sequence[Wanted],
    journal: Journal,
    service: Service,
    budget: Budget,
    rules: BatchRules = _USUAL,
    *,
    on_batch: Callable[[BatchProgress], None] = lambda _: None,
    on_stop: Callable[[CollectionError], None] = lambda _: None,
) -> list[Progress]:
    """Send what is missing in batches, follow them, and commit their answers.

    The plans' batches are out at the same time; each holds rows of one plan, since a service takes
    one model per batch. Interrupted or killed, it may be called again with the same plans: batches
    that are out are followed, and only what is in none of them is sent.

    Parameters
    ----------
    plans : sequence of Wanted
    journal : Journal
        Opened for writing.
    service : Service
    budget : Budget
        No row is sent beyond its caps.
    rules : BatchRules
    on_batch : callable
        Called after each look at a batch.
    on_stop : callable
        Called when nothing more will be sent, but batches are still out; gets what is raised when
        they have ended.

    Returns
    -------
    list of Progress
        At the end, one per plan. Rows that failed in every round are in the journal as failed.

    Raises
    ------
    IncompleteError
        A model refuses everything.
    CollectionError
        The service did not accept a batch, or one was cancelled. Like the one before, this is
        raised when no batch is out any more; nothing is sent meanwhile.
    AccessError, CallRefused, ServiceError
        See `Service.call`.
    JournalError
        The journal cannot be written.
    """
    calls = BatchCalls(service, BatchBook(journal))
    runs = [BatchRun(plan, journal, calls, budget, rules, on_batch) for plan in plans]
    stopped_by: CollectionError | None = None
    told = False
    while True:
        for run in runs:
            run.advance(send=stopped_by is None)
            stopped_by = stopped_by or run.stopped_by
        if not any(run.waiting for run in runs):
            break
        if stopped_by and not told:
            on_stop(stopped_by)
            told = True
        time.sleep(rules.seconds)
    if stopped_by:
        raise stopped_by
    return [run.progress() for run in runs]
