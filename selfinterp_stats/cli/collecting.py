"""``selfinterp collect``: ask a model, keep every reply, write a study folder."""

from __future__ import annotations

import click

from selfinterp_stats.cli.ask import choices, reports
from selfinterp_stats.cli.exporting import export
from selfinterp_stats.cli.hints import hints
from selfinterp_stats.cli.serving import simulate_server


@click.group()
def collect() -> None:
    """Ask a model for choices and reports, and write what it said as a study folder."""


for command in (choices, reports, export, hints, simulate_server):
    collect.add_command(command)
