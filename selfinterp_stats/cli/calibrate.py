"""``selfinterp calibrate``: proof that fits recover what data were simulated from."""

from __future__ import annotations

from typing import Any

import click

from selfinterp_stats.cli import show, terminal
from selfinterp_stats.cli.options import (
    draws_option,
    engine_option,
    json_option,
    options,
    out_option,
    running_options,
    seed_option,
    settings_from,
    strict_option,
)


@click.command(epilog="Example: selfinterp calibrate --simulations 200 --out calibration")
@options(
    out_option("calibration"),
    click.option(
        "--simulations",
        type=int,
        default=1000,
        show_default=True,
        metavar="N",
        help="Datasets to simulate of each model.",
    ),
    click.option(
        "--level",
        type=float,
        default=0.01,
        show_default=True,
        metavar="P",
        help="Chance that any test of a family raises a false alarm.",
    ),
    seed_option("result"),
    engine_option,
    *running_options,
    draws_option,
    strict_option,
    json_option,
)
def calibrate(
    out: str, simulations: int, level: float, strict: bool, as_json: bool, **given: Any
) -> int:
    """Proof that fits recover what data were simulated from.

    Simulation-based calibration of every model (ranks tested for uniformity, a deliberately
    broken model beside them) and coverage of 50, 80 and 95% intervals. Writes OUT/index.html,
    OUT/tables/calibration.csv, the ranks as a figure, and run.json.
    """
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.reporting.calibration.run import headline, write_calibration
    from selfinterp_stats.reporting.output import check_output_folder

    settings = settings_from(given)
    check_output_folder(out)
    found = write_calibration(
        out, simulations=simulations, level=level, settings=settings, steps=Steps(show.progress_bar)
    )
    if as_json:
        show.as_json({"out": out, "checks": show.records(found.table), "run": found.run})
    else:
        for sentence in headline(found):
            click.echo(sentence)
        terminal.files(out)
    for row in found.failing.to_dict("records"):
        show.say(f"fails: {row['check']}, {row['model']}, {row['quantity']}: {row['statistic']}")
    return int(strict and len(found.failing) > 0)
