"""What ``selfinterp collect`` says: before a run, while it goes, and at its end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from selfinterp_stats.cli import show

if TYPE_CHECKING:
    from data_collection.collect import Progress
    from data_collection.journal import Journal
    from data_collection.money import Budget, Prices
    from data_collection.plan import Wanted
    from data_collection.records import Counts

STATUSES: Final = ("valid", "invalid", "refused", "truncated", "failed")
COUNTED: Final = ("asked", *STATUSES)
# Characters of an answer that are shown.
_SHOWN: Final = 120
_CAPS: Final = {"max_calls": "--max-calls", "max_usd": "--max-usd"}


def announce(plan: Wanted, prices: Prices | None) -> None:
    """Say how many calls a run needs, and from how many to how many tokens."""
    from data_collection.money import dollars

    sent, received = plan.tokens()
    kept = plan.total - plan.missing
    text = f"{plan.cell.label}: {plan.missing:,} to ask of {plan.cell.model}"
    if kept:
        text += f", {kept:,} of {plan.total:,} are in the journal"
    if plan.missing:
        text += (
            f"; about {sent.low:,} to {sent.high:,} tokens sent and {received.low:,} to "
            f"{received.high:,} received"
        )
        if prices:
            low, high = prices.cost(sent.low, received.low), prices.cost(sent.high, received.high)
            text += f", {dollars(low)} to {dollars(high)}"
    show.say(f"{text}.")


def dry_run(plan: Wanted, prices: Prices | None, *, as_json: bool) -> None:
    """The same as a result."""
    sent, received = plan.tokens()
    if as_json:
        found: dict[str, Any] = {
            "calls": plan.missing,
            "in_journal": plan.total - plan.missing,
            "tokens_sent": list(sent),
            "tokens_received": list(received),
        }
        if prices:
            found["usd"] = [
                prices.cost(sent.low, received.low),
                prices.cost(sent.high, received.high),
            ]
        show.as_json(found)
    else:
        click.echo(f"{plan.missing} calls; nothing was asked.")


@contextmanager
def progress(plan: Wanted) -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr with rate, valid share, spending and time left; none without a terminal."""
    if not (sys.stderr.isatty() and plan.missing):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[says]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(plan.cell.task, total=plan.missing, says="")

        def update(now: Any) -> None:
            bar.update(task, completed=now.done, says=status_line(now))

        yield update


def status_line(now: Progress) -> str:
    """Rate, valid share, spending and time left of a run, in a few words."""
    from data_collection.money import dollars

    if not now.done:
        return ""
    rate = now.done / max(now.seconds, 1e-9)
    parts = [f"{rate:.1f}/s", f"{now.statuses.get('valid', 0) / now.done:.1%} valid"]
    if now.usd:
        parts.append(dollars(now.usd))
    if now.done < now.total:
        left = round((now.total - now.done) / rate)
        hours, minutes = divmod(left // 60, 60)
        parts.append(f"{hours}:{minutes:02}:{left % 60:02} left")
    return "  ".join(parts)


def notices(budget: Budget, rescued: int) -> None:
    """What is worth telling of a run as a whole."""
    if rescued:
        show.say(f"{rescued:,} answers of the journal became valid through --rescue.")
    if budget.exhausted:
        show.say(
            f"notice: stopped at {_CAPS[budget.exhausted]}; the same command goes on from here."
        )
    if budget.counts_usd and budget.guessed:
        show.say(
            f"notice: {budget.guessed:,} calls broke off, or came without a count of tokens; each "
            "is counted with the most that it may have cost."
        )


def result(
    plan: Wanted, done: Progress, budget: Budget, journal: Journal, *, as_json: bool
) -> None:
    """What a run brought of one plan, and what its cell now holds."""
    from data_collection.money import dollars

    counts = next(found for found in journal.counts() if found.cell == plan.cell)
    if counts.failed:
        show.say(f"notice: {counts.failed:,} trials failed; the same command asks them again.")
    if counts.valid < counts.asked - counts.failed:
        show_one(plan, journal)
    if as_json:
        show.as_json(_record(plan, done, budget, counts))
        return
    spent = f", {dollars(done.usd)}" if done.usd else ""
    click.echo(f"{done.done:,} asked in {done.seconds:.1f} s, {done.calls:,} calls{spent}.")
    parts = [f"{getattr(counts, name):,} {name}" for name in STATUSES if getattr(counts, name)]
    whole = "complete" if counts.complete else "not complete"
    click.echo(
        f"{plan.cell.label}: {counts.asked:,} of {counts.wanted:,} asked, {whole}: "
        f"{', '.join(parts) or 'nothing yet'}."
    )


def show_one(plan: Wanted, journal: Journal) -> None:
    """One answer that is of no use, so that it can be seen what a model says instead."""
    for row in journal.rows(plan.cell):
        if row.status not in ("valid", "failed"):
            text = row.answer.text
            shown = repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
            why = repr(row.why)[1:-1]  # it may quote the answer
            show.say(
                f"notice: not every answer is valid. For example, trial {row.index} of "
                f"{row.scenario} is {row.status} ({why}): {shown}"
            )
            return


def _record(plan: Wanted, done: Progress, budget: Budget, counts: Counts) -> dict[str, Any]:
    return {
        "cell": asdict(plan.cell),
        "run": {
            "asked": done.done,
            **{name: done.statuses.get(name, 0) for name in STATUSES},
            "calls": done.calls,
            "tokens_sent": budget.prompt_tokens,
            "tokens_received": budget.completion_tokens,
            "usd": done.usd,
            "seconds": done.seconds,
            "stopped_at": budget.exhausted,
        },
        "journal": {
            "wanted": counts.wanted,
            "asked": counts.asked,
            **{name: getattr(counts, name) for name in STATUSES},
            "rescued": counts.rescued,
            "complete": counts.complete,
        },
    }
