"""The command ``selfinterp`` and how its failures become exit statuses.

0 done; 1 done, but a diagnostic failed under ``--strict``; 2 the input or the call is wrong;
3 a service could not be reached; 130 interrupted. A user's mistake prints one message.
"""

from __future__ import annotations

import os
import sys

import click

from data_collection.errors import CollectionError
from selfinterp_stats import __version__
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
from selfinterp_stats.cli.explainers import explainers
from selfinterp_stats.cli.finetuning import finetune
from selfinterp_stats.cli.sensitivity import sensitivity
from selfinterp_stats.errors import SelfInterpError

INTERRUPTED = 130
NOT_INSTALLED = 2
# What the extra `collect` brings, by the names that are imported.
COLLECT_EXTRA = ("openai", "python_multipart", "rapidfuzz", "starlette", "uvicorn")

# PyTensor looks for a BLAS to link C code with and complains where it finds none; the models
# here are too small to gain from one. A user's own flags stand.
os.environ.setdefault("PYTENSOR_FLAGS", "blas__ldflags=")


class _InOrder(click.Group):
    """Lists commands as a newcomer would use them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
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

    Results go to stdout, progress and notices to stderr. Exit status: 0 done; 1 done, but a
    diagnostic failed under --strict; 2 the input or the call is wrong; 3 a service could not be
    reached; 130 interrupted.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (
    demo,
    fetch,
    reproduce,
    weights,
    sensitivity,
    explainers,
    tables,
    compare,
    simulate,
    finetune,
    collect,
):
    selfinterp.add_command(command)


def main() -> None:
    """Run the command line and exit with its status."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is shown with question marks.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str
        Without the program's name.

    Returns
    -------
    int
        The exit status.
    """
    try:
        status = selfinterp.main(arguments, prog_name="selfinterp", standalone_mode=False)
    except (SelfInterpError, CollectionError) as error:
        click.echo(f"selfinterp: {error}", err=True)
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name not in COLLECT_EXTRA:
            raise
        click.echo(
            f"selfinterp: {error.name} is not installed. Asking models needs more libraries than "
            "the statistics: pip install 'selfinterp-stats[collect]'.",
            err=True,
        )
        return NOT_INSTALLED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("selfinterp: interrupted; nothing was written.", err=True)
        return INTERRUPTED
    return status if isinstance(status, int) else 0
