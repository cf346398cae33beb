"""Asking a model from the command line: the options that every question shares, and a run.

What is asked is a plan's concern (``ask``, ``hints``); how it goes is said by ``asked``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from selfinterp_stats.cli import asked, show
from selfinterp_stats.cli.batching import batch_options, collect_in_batches
from selfinterp_stats.cli.options import json_option

if TYPE_CHECKING:
    from data_collection.collect import Progress
    from data_collection.journal import Journal
    from data_collection.money import Budget, Prices
    from data_collection.plan import Wanted

_INTERRUPTED: Final = 130
_COUNT: Final = click.IntRange(min=1)
_SECONDS: Final = click.FloatRange(min=0, min_open=True)
_PRICE: Final = click.FloatRange(min=0)
_STATUSES: Final = ("valid", "invalid", "refused", "truncated")

calling_options = (
    click.option(
        "--concurrency",
        type=_COUNT,
        default=64,
        show_default=True,
        metavar="N",
        help="Requests out at once, at most; fewer where the service asks for it.",
    ),
    click.option(
        "--temperature",
        type=click.FloatRange(0, 2),
        default=0.0,
        show_default=True,
        metavar="T",
        help="How much chance there is in answers; the default is the paper's.",
    ),
    click.option("--max-tokens", type=_COUNT, metavar="N", help="Where answers are cut off."),
    click.option("--max-calls", type=_COUNT, metavar="N", help="Stop after N calls."),
    click.option(
        "--max-usd",
        type=_PRICE,
        metavar="USD",
        help="Stop before this run costs more; needs both prices. A call that breaks off counts "
        "with the most that it may have cost.",
    ),
    click.option("--price-in", type=_PRICE, metavar="USD", help="Of a million tokens sent."),
    click.option("--price-out", type=_PRICE, metavar="USD", help="Of a million tokens received."),
    click.option(
        "--timeout",
        type=_SECONDS,
        default=120.0,
        show_default=True,
        metavar="SECONDS",
        help="When an attempt counts as lost.",
    ),
    click.option(
        "--attempts",
        type=_COUNT,
        default=8,
        show_default=True,
        metavar="N",
        help="At one trial, until it counts as failed.",
    ),
    click.option(
        "--ask-again",
        type=click.Choice(_STATUSES),
        multiple=True,
        help="Ask again what came out so; repeatable. Failed trials always are asked again.",
    ),
    click.option(
        "--stop-after",
        type=click.IntRange(min=0),
        default=20,
        show_default=True,
        metavar="N",
        help="Stop when the first N answers are all refusals, with --batch all of the first batch; "
        "0: never.",
    ),
    *batch_options,
    click.option("--dry-run", is_flag=True, help="Say what would be asked, and stop."),
    json_option,
)


def open_journal(given: dict[str, Any]) -> AbstractContextManager[Journal | None]:
    """The journal to ask for: to be written, in a dry run only read, or None where there is none.

    Raises
    ------
    InputError, AccessError
        The service's address or its key cannot be one: said before a journal is made.
    JournalError
        See `Journal.open`.
    """
    from data_collection.access import base_url_from, key_from_environment
    from data_collection.journal import Journal

    base_url = base_url_from(given["base_url"])
    path, dry_run = Path(given["journal"]), given["dry_run"]
    if dry_run:
        return Journal.open(path, write=False) if path.exists() else nullcontext(None)
    key_from_environment(base_url)
    return Journal.open(path)


def ask(
    plans: Sequence[Wanted],
    journal: Journal,
    given: dict[str, Any],
    budget: Budget,
    *,
    rescued: int = 0,
    say_result: bool = True,
) -> int:
    """Ask what plans lack, say how it goes and what it brought.

    Parameters
    ----------
    plans : sequence of Wanted
        Asked one after the other, or with ``--batch`` together.
    journal : Journal
    given : dict
        Of `calling_options`, and `base_url`.
    budget : Budget
        Of this run.
    rescued : int
        Answers of the journal that were read anew before.
    say_result : bool
        Whether to print what was brought.

    Returns
    -------
    int
        The exit status: 0 where the budget ended the run as well, which is what it is for.
    """
    from data_collection.errors import IncompleteError

    def tell(plan: Wanted, brought: Progress) -> None:
        if say_result:
            asked.result(plan, brought, budget, journal, as_json=given["as_json"])

    underway = plans
    try:
        if given["batch"]:
            for plan, brought in zip(
                plans, collect_in_batches(plans, journal, budget, given), strict=True
            ):
                tell(plan, brought)
        else:
            for plan in plans:
                underway = [plan]
                tell(plan, _collect(plan, journal, budget, given))
                if budget.exhausted:
                    break
    except IncompleteError:
        for plan in underway:
            asked.show_one(plan, journal)
        raise
    except KeyboardInterrupt:
        show.say(
            "selfinterp: interrupted. Every answer so far is in the journal; the same command "
            "goes on from there."
        )
        return _INTERRUPTED
    asked.notices(budget, rescued)
    return 0


def _collect(plan: Wanted, journal: Journal, budget: Budget, given: dict[str, Any]) -> Progress:
    """Ask call by call, with a bar."""
    from data_collection.access import base_url_from, key_from_environment
    from data_collection.asking import Endpoint
    from data_collection.collect import collect

    base_url = base_url_from(given["base_url"])
    endpoint = Endpoint(
        base_url,
        key=key_from_environment(base_url),
        concurrency=given["concurrency"],
        timeout=given["timeout"],
        attempts=given["attempts"],
    )
    with asked.progress(plan) as on_progress:
        return collect(
            plan,
            journal,
            endpoint,
            budget,
            on_progress=on_progress,
            stop_after=given["stop_after"],
        )


def budget_from(given: dict[str, Any], prices: Prices | None, *plans: Wanted) -> Budget:
    """What a run that asks for `plans` may cost."""
    from data_collection.money import Budget

    plan_of = {plan.cell: plan for plan in plans}
    return Budget(
        given["max_calls"],
        given["max_usd"],
        prices,
        lambda request: plan_of[request.cell].most_tokens(request),
    )


def prices_from(given: dict[str, Any]) -> Prices | None:
    """The prices that were given, or None.

    Raises
    ------
    InputError
        One is missing, or both are and dollars are to be counted.
    """
    from data_collection.errors import InputError
    from data_collection.money import Prices

    sent, received = given["price_in"], given["price_out"]
    if (sent is None) != (received is None) or (sent is None and given["max_usd"] is not None):
        raise InputError(
            "dollars cannot be counted without both prices",
            remedy="Give --price-in and --price-out, in dollars per million tokens, from the "
            "service's price list; --max-calls needs no price.",
        )
    return None if sent is None else Prices(sent, received)
