"""The command ``selfinterp`` with all that is below it."""

from __future__ import annotations

import click

from selfinterp_stats import __version__
from selfinterp_stats.cli.calibrate import calibrate
from selfinterp_stats.cli.collecting import collect
from selfinterp_stats.cli.commands import (
    compare,
    demo,
    fetch,
    reproduce,
    simulate,
    tables,
    weights,
)
from selfinterp_stats.cli.doctor import doctor
from selfinterp_stats.cli.explainers import explainers
from selfinterp_stats.cli.finetuning import finetune
from selfinterp_stats.cli.plan import plan
from selfinterp_stats.cli.priors import priors
from selfinterp_stats.cli.propagate import propagate
from selfinterp_stats.cli.sensitivity import sensitivity


class _InOrder(click.Group):
    """Lists commands as a newcomer would use them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        return list(self.commands)


@click.group(
    cls=_InOrder,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="selfinterp")
@click.pass_context
def selfinterp(context: click.Context) -> None:
    """Estimate how well language models report the weights behind their own choices.

    Start with `selfinterp demo`, which needs no data; then `selfinterp fetch` gets the paper's
    data and `selfinterp reproduce` refits the paper. `selfinterp COMMAND --help` says more.

    Results go to stdout, progress and notices to stderr. Exit status: 0 done; 1 done, but
    something is missing or a check failed (a diagnostic under --strict, a trial in `collect
    export`, a line of `doctor`); 2 the input or the call is wrong; 3 a service could not be
    reached; 130 interrupted.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (
    demo,
    fetch,
    reproduce,
    weights,
    priors,
    sensitivity,
    propagate,
    calibrate,
    plan,
    explainers,
    tables,
    compare,
    simulate,
    finetune,
    collect,
    doctor,
):
    selfinterp.add_command(command)
