"""``selfinterp calibrate``: proof that fits recover what data were simulated from."""

from __future__ import annotations

from typing import Any

import click

from selfinterp_stats.cli import show, terminal
from selfinterp_stats.cli.options import (
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
        help="Datasets to simulate of each model (whole studies: at most 100).",
    ),
    click.option(
        "--level",
        type=float,
        default=0.01,
        show_default=True,
        metavar="P",
        help="Chance that any test of a family raises a false alarm.",
    ),
    click.option(
        "--model",
        "models",
        multiple=True,
        metavar="NAME",
        help="Only this model, for instance 'weights, 50 choices' or correlation. Repeatable.",
    ),
    click.option(
        "--studies",
        type=int,
        default=50,
        show_default=True,
        metavar="N",
        help="Studies to simulate with each pair of known correlations; 0 for none.",
    ),
    click.option(
        "--data",
        metavar="DIR",
        help="A study folder for predictive checks. Default: $SELFINTERP_DATA, else the fetched "
        "copy of the paper's data; without either these checks are left out.",
    ),
    seed_option("result"),
    engine_option,
    *running_options,
    click.option(
        "--draws",
        type=int,
        default=2000,
        show_default=True,
        metavar="N",
        help="Draws of each posterior, over all chains.",
    ),
    strict_option,
    json_option,
)
def calibrate(
    out: str,
    simulations: int,
    level: float,
    models: tuple[str, ...],
    studies: int,
    data: str | None,
    strict: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Proof that fits recover what data were simulated from.

    Simulation-based calibration of every model: the paper's regressions, the weights under every
    named set of priors, the latent joint model and what is built on it (ranks tested for
    uniformity, a deliberately broken model beside them); coverage of 50, 80 and 95% intervals;
    recovery of known correlations by the plug-in, the carried-through and the latent estimator;
    and predictive checks of a study's data. Writes OUT/index.html, OUT/tables/calibration.csv, the
    ranks as a figure, its methods and run.json.
    """
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.estimates.calibration.models import models_named
    from selfinterp_stats.reporting.calibration.run import headline, write_calibration
    from selfinterp_stats.reporting.output import check_output_folder

    settings, chosen = settings_from(given), models_named(models)
    check_output_folder(out)
    steps = Steps(show.progress_bar)
    found = write_calibration(
        out,
        simulations=simulations,
        level=level,
        models=chosen,
        studies=studies,
        study=_study(data, steps),
        settings=settings,
        steps=steps,
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


def _study(data: str | None, steps: Any) -> Any:
    """The study that is named, or the one at hand; None where there is none."""
    from selfinterp_stats.errors import InputError
    from selfinterp_stats.study import load_study, paper_data_folder

    if data is None:
        try:
            data = str(paper_data_folder())
        except InputError:
            show.say("no study at hand (--data DIR): the predictive checks are left out.")
            return None
    with steps.step("reading", 1):
        study = load_study(data)
    show.notices(study)
    return study
