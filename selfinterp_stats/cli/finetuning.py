"""``selfinterp finetune``: training files, and the jobs that train on them."""

from __future__ import annotations

import click

from selfinterp_stats.cli.jobs import status, submit
from selfinterp_stats.cli.training import files


@click.group()
def finetune() -> None:
    """Write training files, and train models on them."""


for command in (files, submit, status):
    finetune.add_command(command)
