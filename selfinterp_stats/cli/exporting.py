"""``selfinterp collect export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from selfinterp_stats.cli import asked, show
from selfinterp_stats.cli.options import json_option, options

if TYPE_CHECKING:
    from data_collection.export import Exported


@click.command(epilog="Example: selfinterp collect export --journal mine.sqlite --out my_study")
@options(
    click.option("--journal", metavar="FILE", required=True, help="What the collection wrote."),
    click.option(
        "--out",
        metavar="DIR",
        required=True,
        help="Folder for the study. It appears whole or not at all; an existing folder is "
        "replaced only if it is empty or holds an earlier export.",
    ),
    click.option(
        "--targets", metavar="CSV", help="Target weights of the instilled scenarios, if any."
    ),
    click.option(
        "--models",
        metavar="FILE",
        help="What `finetune submit` wrote (models.json): the study keeps how its models were "
        "made.",
    ),
    json_option,
)
def export(journal: str, out: str, targets: str | None, models: str | None, as_json: bool) -> None:
    """Write what was collected as a study folder, which `reproduce` reads.

    Prints how many trials of each kind were asked and what came of them. Exit status 1 if any are
    missing; the folder is written all the same, and its counts say which.
    """
    from data_collection.export import export_study
    from data_collection.journal import Journal

    with Journal.open(journal, write=False) as opened:
        exported = export_study(opened, out, targets=targets, models=models)
    for notice in exported.notices:
        click.echo(notice, err=True)
    if as_json:
        show.as_json({"out": out, "files": exported.files, "cells": _cells(exported)})
    else:
        _print_counts(exported)
        click.echo(str(Path(out)))
    exported.refuse_incomplete()


def _cells(exported: Exported) -> list[dict[str, object]]:
    return [
        {
            "cell": count.cell.label,
            **{name: getattr(count, name) for name in asked.COUNTED},
            "wanted": count.wanted,
            "rescued": count.rescued,
            "complete": count.complete,
        }
        for count in exported.counts
    ]


def _print_counts(exported: Exported) -> None:
    width = max(len(count.cell.label) for count in exported.counts)
    click.echo(" " * width + "".join(f"{name:>11}" for name in (*asked.COUNTED, "complete")))
    for count in exported.counts:
        numbers = "".join(f"{getattr(count, name):>11,}" for name in asked.COUNTED)
        complete = "yes" if count.complete else "no"
        click.echo(f"{count.cell.label:<{width}}{numbers}{complete:>11}")
