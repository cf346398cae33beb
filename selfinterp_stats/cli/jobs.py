"""``selfinterp finetune submit`` and ``status``: fine-tuning jobs, started once and followed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from selfinterp_stats.cli import show
from selfinterp_stats.cli.options import json_option, not_blank, options

if TYPE_CHECKING:
    from data_collection.finetuning.cost import Estimate
    from data_collection.finetuning.jobs import Order, Progress
    from data_collection.finetuning.ledger import Entry

_INTERRUPTED: Final = 130

_models_option = click.option(
    "--models",
    metavar="FILE",
    default="models.json",
    show_default=True,
    help="Where jobs and the models that they made are written down. Keep one per study.",
)
_every_option = click.option(
    "--every",
    type=click.FloatRange(min=0.05),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two looks at a job.",
)


@click.command(
    epilog="Example: selfinterp finetune submit --file instill_100_prefs.jsonl "
    "--model gpt-4o-mini-2024-07-18 --suffix instilled --dry-run"
)
@options(
    click.option("--file", "training", metavar="JSONL", required=True, help="To be trained on."),
    click.option("--validation", metavar="JSONL", help="Examples to measure the loss on."),
    click.option(
        "--model",
        callback=not_blank,
        metavar="NAME",
        required=True,
        help="The model to train further.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**31 - 1),
        default=4,
        show_default=True,
        metavar="N",
        help="Of the job; the default is the paper's.",
    ),
    click.option("--suffix", metavar="TEXT", default="", help="Part of the new model's name."),
    click.option(
        "--epochs", type=click.IntRange(min=1), metavar="N", help="Default: the service's choice."
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Default: the service's choice.",
    ),
    click.option(
        "--learning-rate-multiplier",
        type=click.FloatRange(min=0, min_open=True),
        metavar="X",
        help="Default: the service's choice.",
    ),
    click.option(
        "--base-url", metavar="URL", help="Of the service. Default: $OPENAI_BASE_URL, else OpenAI."
    ),
    _models_option,
    _every_option,
    click.option(
        "--usd-per-million",
        type=click.FloatRange(min=0),
        metavar="USD",
        help="Price of a million trained tokens; that of the paper's base models is known.",
    ),
    click.option("--dry-run", is_flag=True, help="Check, say what would be done, and stop."),
    click.option("--no-wait", is_flag=True, help="Start the job and do not follow it."),
    click.option("--again", is_flag=True, help="Start anew a job that failed or was cancelled."),
    json_option,
)
def submit(
    models: str,
    base_url: str | None,
    every: float,
    dry_run: bool,
    no_wait: bool,
    again: bool,
    as_json: bool,
    usd_per_million: float | None,
    **given: Any,
) -> int:
    """Train a model on a file: upload, start the job, follow it, note the model's name.

    The file is checked here first. A job is started once: the same file, model, seed, suffix and
    settings again go on following it. The key comes from OPENAI_API_KEY. Prints the new model's
    name.
    """
    from data_collection.finetuning import jobs, ledger
    from data_collection.finetuning.cost import estimate
    from data_collection.service import Service

    order = _order(given)
    expected = estimate(
        order.training, order.model, epochs=given["epochs"], usd_per_million=usd_per_million
    )
    _announce(order, expected)
    if dry_run:
        known = [entry for entry in ledger.read_ledger(models).entries if entry.key == order.key]
        _dry_run(order, expected, known, as_json)
        return 0
    with _interruptible():
        service = Service(base_url)
        with ledger.writing(models) as record:
            entry = jobs.submit(order, record, service, again=again)
        show.say(f"Job {entry.job_id}: {entry.status}; written down in {models}.")
        if not no_wait:
            with _following() as on_progress:
                jobs.follow(
                    entry,
                    service,
                    seconds=every,
                    on_progress=on_progress,
                    on_change=lambda changed: ledger.store(models, changed),
                )
    _result(entry, as_json)
    return 0


@click.command(epilog="Example: selfinterp finetune status --follow")
@options(
    _models_option,
    click.option("--follow", is_flag=True, help="Wait until all jobs have ended."),
    _every_option,
    json_option,
)
def status(models: str, follow: bool, every: float, as_json: bool) -> int:
    """How far the jobs are that were started, asked anew of their service.

    The key comes from OPENAI_API_KEY.
    """
    from data_collection.errors import InputError
    from data_collection.finetuning import jobs, ledger
    from data_collection.service import Service

    record = ledger.read_ledger(models)
    if not record.entries:
        raise InputError(
            "no job has been started",
            file=models,
            remedy="`selfinterp finetune submit` starts one; --models names another list.",
        )
    with _interruptible():
        for entry in record.entries:
            if entry.ended or not entry.job_id:
                continue
            service = Service(entry.base_url)
            if follow:
                show.say(f"Job {entry.job_id}")
                with _following() as on_progress:
                    jobs.follow(
                        entry,
                        service,
                        seconds=every,
                        on_progress=on_progress,
                        on_change=lambda changed: ledger.store(models, changed),
                    )
            else:
                before = entry.status
                jobs.refresh(entry, service)
                if entry.status != before:
                    ledger.store(models, entry)
    if as_json:
        show.as_json([asdict(entry) for entry in record.entries])
        return 0
    for entry in record.entries:
        words = (entry.job_id or "not created", entry.status, entry.training_file, entry.model)
        click.echo("  ".join((*words, entry.fine_tuned_model or entry.error)).rstrip())
    return 0


def _order(given: dict[str, Any]) -> Order:
    from data_collection.finetuning.jobs import Order
    from data_collection.finetuning.training_file import read_training_file

    names = {
        "n_epochs": "epochs",
        "batch_size": "batch_size",
        "learning_rate_multiplier": "learning_rate_multiplier",
    }
    return Order(
        training=read_training_file(given["training"]),
        model=given["model"],
        validation=read_training_file(given["validation"]) if given["validation"] else None,
        seed=given["seed"],
        suffix=given["suffix"],
        hyperparameters={
            name: given[option] for name, option in names.items() if given[option] is not None
        },
    )


def _announce(order: Order, expected: Estimate) -> None:
    from data_collection.money import dollars

    low, high = expected.tokens
    cost = ""
    if expected.usd is not None:
        cost = f", {dollars(expected.usd[0])} to {dollars(expected.usd[1])}"
    show.say(
        f"{order.training.path.name}: {order.training.examples:,} examples for {order.model}, "
        f"seed {order.seed}; {low:,} to {high:,} trained tokens in about {expected.epochs} "
        f"epochs{cost}."
    )


def _dry_run(order: Order, expected: Estimate, known: list[Entry], as_json: bool) -> None:
    there = known[-1] if known else None
    if as_json:
        show.as_json(
            {
                "examples": order.training.examples,
                "training_sha256": order.training.sha256,
                "model": order.model,
                "seed": order.seed,
                "suffix": order.suffix,
                "epochs": expected.epochs,
                "tokens": list(expected.tokens),
                "usd": None if expected.usd is None else list(expected.usd),
                "job_id": there.job_id if there else None,
                "status": there.status if there else None,
            }
        )
    elif there and there.job_id:
        click.echo(f"This job was started before: {there.job_id}, {there.status}. Nothing is done.")
    else:
        files = "two files" if order.validation else "the file"
        click.echo(f"Would upload {files} and start one job. Nothing is done.")


def _result(entry: Entry, as_json: bool) -> None:
    if as_json:
        show.as_json(asdict(entry))
    elif entry.fine_tuned_model:
        click.echo(entry.fine_tuned_model)
    else:
        click.echo(entry.job_id)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Say what an interruption leaves."""
    try:
        yield
    except KeyboardInterrupt:
        show.say(
            "selfinterp: interrupted. A job that was started goes on; the same command, or "
            "`selfinterp finetune status`, follows it again."
        )
        raise click.exceptions.Exit(_INTERRUPTED) from None


@contextmanager
def _following() -> Iterator[Callable[[Progress], None]]:
    """A bar over a job's steps; where stderr is no terminal, a line for each new status."""
    if not sys.stderr.isatty():
        seen: list[str] = []

        def say(progress: Progress) -> None:
            if progress.status not in seen:
                seen.append(progress.status)
                show.say(progress.status)

        yield say
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import (
        Progress as Bar,
    )

    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        TimeElapsedColumn(),
        MofNCompleteColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("waiting", total=None)
        yield lambda progress: bar.update(
            task,
            description=progress.status,
            completed=progress.step,
            total=progress.steps or None,
        )
