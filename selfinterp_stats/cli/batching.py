"""``--batch`` of the commands that ask a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from selfinterp_stats.cli import show

if TYPE_CHECKING:
    from data_collection.batchrun import BatchProgress
    from data_collection.collect import Progress
    from data_collection.errors import CollectionError
    from data_collection.journal import Journal
    from data_collection.money import Budget
    from data_collection.plan import Wanted

batch_options = (
    click.option(
        "--batch",
        is_flag=True,
        help="Ask through the service's Batch API: cheaper, and done within a day. Interrupted, "
        "the same command goes on with the batches that are out.",
    ),
    click.option(
        "--batch-rows",
        type=click.IntRange(1, 50_000),
        default=20_000,
        show_default=True,
        metavar="N",
        help="Trials in one batch, at most.",
    ),
    click.option(
        "--every",
        type=click.FloatRange(min=0.05),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="Time between two looks at a batch.",
    ),
)


def collect_in_batches(
    plans: Sequence[Wanted], journal: Journal, budget: Budget, given: dict[str, Any]
) -> list[Progress]:
    """Collect through batches, saying on stderr whenever one is further.

    Raises
    ------
    CollectionError
        See `collect_by_batch`.
    """
    from data_collection.batch import collect_by_batch
    from data_collection.batchrun import BatchRules
    from data_collection.service import Service

    said: dict[str, tuple[str, int]] = {}

    def say(now: BatchProgress) -> None:
        tenth = 10 * now.done // max(now.rows, 1)
        if said.get(now.batch_id) != (now.status, tenth):
            said[now.batch_id] = (now.status, tenth)
            show.say(f"{now.batch_id}: {now.status}, {now.done:,} of {now.rows:,} rows")

    def stopping(error: CollectionError) -> None:
        show.say(f"notice: {error.problem}. Batches that are out are waited for.")

    return collect_by_batch(
        plans,
        journal,
        Service(given["base_url"]),
        budget,
        BatchRules(given["every"], given["batch_rows"], stop_after=given["stop_after"]),
        on_batch=say,
        on_stop=stopping,
    )
