"""``selfinterp collect simulate-server``: a participant with known weights, over real HTTP."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import click

from selfinterp_stats.cli import show
from selfinterp_stats.cli.options import options, seed_option

_SHARE: Final = click.FloatRange(0, 1)
_SECONDS: Final = click.FloatRange(min=0)

# How a server is stopped, so not worth a message.
INTERRUPTED: Final = 130

# Share of what meets what, by option.
_SHARES: Final = {
    "too-many": "Requests answered with 429 and Retry-After",
    "error": "Requests answered with 500",
    "hang": "Requests that are never answered",
    "cut": "Requests whose answer is cut off in the middle",
    "slow": "Requests that are answered late",
    "garbage": "Answers that are text without sense",
    "wrong-name": "Reports with an attribute under a wrong name",
    "refuse": "Answers that are refusals",
    "truncate": "Answers that stop half-way, at the token limit",
    "fail-rows": "Rows of a batch that fail; as many again expire",
    "fail-jobs": "Fine-tuning jobs that fail",
    "lose-receipts": "Jobs and batches that are made though the answer is cut off",
}
_TIMES: Final = {
    "retry-after": (1.0, "what Retry-After asks for"),
    "hang-seconds": (60.0, "how long a request hangs before it is cut"),
    "slow-seconds": (1.0, "how late a late answer is"),
}


@click.command(
    "simulate-server",
    epilog="Example: selfinterp collect simulate-server --port 8000 --too-many 0.1 --retry-after 2",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    metavar="N",
    help="Port to listen at; 0 takes a free one.",
)
@click.option(
    "--scenarios",
    metavar="FILE",
    help="The scenarios that will be asked about: their ranges turn values into what a model "
    "weighs, and /truth?model=NAME tells the weights behind them.",
)
@click.option("--roles", metavar="FILE", help="Roles for --scenarios, as in `finetune files`.")
@click.option(
    "--model",
    "base_models",
    metavar="NAME",
    multiple=True,
    help="A base model's name; repeatable. Default: model-a and model-b.",
)
@click.option(
    "--job-seconds",
    type=_SECONDS,
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a fine-tuning job takes.",
)
@click.option(
    "--batch-seconds",
    type=_SECONDS,
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a batch takes.",
)
@click.option("--key", metavar="TEXT", help="Accept this API key alone. Default: any.")
@options(
    seed_option("answers"),
    *(
        click.option(f"--{name}", type=_SHARE, default=0.0, metavar="SHARE", help=f"{what}.")
        for name, what in _SHARES.items()
    ),
    *(
        click.option(
            f"--{name}",
            type=_SECONDS,
            default=default,
            show_default=True,
            metavar="SECONDS",
            help=f"{what[0].upper()}{what[1:]}.",
        )
        for name, (default, what) in _TIMES.items()
    ),
)
def simulate_server(
    port: int,
    scenarios: str | None,
    roles: str | None,
    base_models: tuple[str, ...],
    key: str | None,
    seed: int,
    job_seconds: float,
    batch_seconds: float,
    **mischief: Any,
) -> int:
    """A participant whose weights are known, behind an OpenAI-compatible server.

    It answers chat completions, files, fine-tuning jobs and batches, and can be told to misbehave.
    The first line on stdout is its base URL; it runs until interrupted. /stats tells how often
    each prompt was asked.
    """
    from data_collection.participant.mischief import Mischief
    from data_collection.participant.participant import (
        BASE_MODELS,
        Described,
        Participant,
        describe,
    )
    from data_collection.participant.serve import serve
    from selfinterp_stats.errors import InputError

    described: tuple[Described, ...] = ()
    if scenarios is not None:
        from data_collection.scenarios import load_scenarios

        described = describe(load_scenarios(scenarios, roles))
    known = {field.name for field in fields(Mischief)}
    participant = Participant(
        seed=seed,
        base_models=base_models or BASE_MODELS,
        described=described,
        mischief=Mischief(seed=seed, **{name: mischief[name] for name in known & set(mischief)}),
        key=key,
        job_seconds=job_seconds,
        batch_seconds=batch_seconds,
    )

    def started(url: str) -> None:
        click.echo(url)
        show.say(f"Models: {', '.join(participant.base_models)}. Stop with Ctrl-C.")

    try:
        serve(participant, port, say=started)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        raise InputError(
            f"the port cannot be used: {error.strerror}",
            value=port,
            remedy="Choose another with --port; 0 takes a free one.",
        ) from error
    return 0
