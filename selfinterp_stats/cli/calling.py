"""Asking a model from the command line: the options that every question shares, and a run.

What is asked is a plan's concern (``ask``, ``hints``); how it goes is said by ``asked``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from selfinterp_stats.cli import asked, show
from selfinterp_stats.cli.batching import batch_options, collect_in_batches
from selfinterp_stats.cli.options import json_option

if TYPE_CHECKING:
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
        "--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True, metavar="T"
    ),
    click.option("--max-tokens", type=_COUNT, metavar="N", help="Where answers are cut off."),
    click.option("--max-calls", type=_COUNT, metavar="N", help="Stop before call N + 1."),
    click.option(
        "--max-usd",
        type=_PRICE,
        metavar="USD",
        help="Stop before this run costs more; needs --price-in and --price-out. A call that "
        "breaks off counts with the most that it may have cost.",
    ),
    click.option("--price-in", type=_PRICE, metavar="USD", help="Per million tokens sent."),
    click.option("--price-out", type=_PRICE, metavar="USD", help="Per million tokens received."),
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
        help="Stop when the first N answers are all refusals; 0: never.",
    ),
    *batch_options,
    click.option("--dry-run", is_flag=True, help="Say what would be asked, and stop."),
    json_option,
)


def ask(
    plan: Wanted,
    journal: Journal,
    given: dict[str, Any],
    budget: Budget,
    *,
    rescued: int = 0,
    say_result: bool = True,
) -> int:
    """Ask what a plan lacks, say how it goes and what it brought.

    Parameters
    ----------
    plan : Wanted
    journal : Journal
    given : dict
        Of `calling_options`, and `base_url`.
    budget : Budget
        Of this run, which may ask for several plans one after the other.
    rescued : int
        Answers of the journal that were read anew before.
    say_result : bool
        Whether to print what was brought.

    Returns
    -------
    int
        The exit status.
    """
    from data_collection.access import base_url_from, key_from_environment
    from data_collection.asking import Endpoint
    from data_collection.collect import collect
    from data_collection.errors import IncompleteError

    base_url = base_url_from(given["base_url"])
    try:
        if given["batch"]:
            done = collect_in_batches(plan, journal, budget, given)
        else:
            endpoint = Endpoint(
                base_url,
                key=key_from_environment(base_url),
                concurrency=given["concurrency"],
                timeout=given["timeout"],
                attempts=given["attempts"],
            )
            with asked.progress(plan) as on_progress:
                done = collect(
                    plan,
                    journal,
                    endpoint,
                    budget,
                    on_progress=on_progress,
                    stop_after=given["stop_after"],
                )
    except IncompleteError:
        asked.show_one(plan, journal)
        raise
    except KeyboardInterrupt:
        show.say(
            "selfinterp: interrupted. Every answer so far is in the journal; the same command "
            "goes on from there."
        )
        return _INTERRUPTED
    if say_result:
        asked.result(plan, done, budget, rescued, journal, as_json=given["as_json"])
    return 0


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
