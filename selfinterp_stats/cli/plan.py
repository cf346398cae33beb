"""``selfinterp plan``: which experiment to make next."""

from __future__ import annotations

from typing import Any

import click

from selfinterp_stats.cli import show, terminal
from selfinterp_stats.cli.options import (
    hdi_prob_option,
    json_option,
    options,
    out_option,
    seed_option,
    settings_from,
)

# What a grid has where nothing is given: 108 designs.
_SIZES = {
    "scenarios": (20, 50, 100, 200),
    "attributes": (5,),
    "trials": (25, 50, 100),
    "reports": (1, 5, 10),
}
_ASSUMED = {
    "correlation": (0.2, 0.5, 0.8),
    "choice_noise": (0.1,),
    "report_noise": (35.0,),
    "report_spread": (60.0,),
}


def _listed(name: str, kind: type, text: str) -> Any:
    values = {**_SIZES, **_ASSUMED}[name]
    shown = ", ".join(f"{value:g}" for value in values)
    return click.option(
        f"--{name.replace('_', '-')}",
        f"of_{name}",
        type=kind,
        multiple=True,
        metavar="N" if kind is int else "X",
        help=f"{text} Repeatable. Default: {shown}.",
    )


@click.command(epilog="Example: selfinterp plan --width 0.1 --correlation 0.5 --out plan")
@options(
    out_option("plan"),
    _listed("scenarios", int, "Scenarios."),
    _listed("attributes", int, "Attributes per scenario."),
    _listed("trials", int, "Choices per scenario."),
    _listed("reports", int, "Valid reports per scenario."),
    _listed("correlation", float, "Latent correlation of true weights with expected reports."),
    _listed(
        "choice_noise",
        float,
        "Noise of choices, where the largest weight is 1; 1 over the largest slope.",
    ),
    _listed("report_noise", float, "Standard deviation of a report, in points of 100."),
    _listed("report_spread", float, "Standard deviation of expected reports, likewise."),
    click.option(
        "--pilot",
        metavar="DIR",
        help="A study folder: its own noise and latent correlations take the place of assumed "
        "ones, and its own design is predicted beside what its data give.",
    ),
    click.option(
        "--width",
        type=float,
        default=0.15,
        show_default=True,
        metavar="W",
        help="Width of the HDI that is wanted.",
    ),
    click.option(
        "--probability",
        type=float,
        default=0.0,
        show_default=True,
        metavar="P",
        help="Probability wanted that the HDI excludes the ROPE.",
    ),
    click.option(
        "--retained",
        type=float,
        default=0.0,
        show_default=True,
        metavar="P",
        help="Share wanted of the latent correlation that studies find: noise costs the rest.",
    ),
    click.option(
        "--rope",
        type=float,
        nargs=2,
        default=(0.0, 0.0),
        show_default=True,
        metavar="LOW HIGH",
        help="Region that the HDI is to exclude; zero alone unless given.",
    ),
    click.option(
        "--cost-per-choice",
        type=float,
        default=1.0,
        show_default=True,
        metavar="C",
        help="What a call for a choice costs.",
    ),
    click.option(
        "--cost-per-report",
        type=float,
        default=1.0,
        show_default=True,
        metavar="C",
        help="What a call for a report costs.",
    ),
    seed_option("result"),
    hdi_prob_option,
    json_option,
)
def plan(out: str, pilot: str | None, as_json: bool, **given: Any) -> None:
    """The next experiment: how narrow an HDI a design gives, and what it costs.

    Predicts, for every combination of sizes, the correlation that studies find, the width of its
    HDI and how probably it excludes zero (or a ROPE). Writes OUT/index.html, OUT/tables/plan.csv,
    the cheapest design that reaches the width, curves, its methods and run.json.
    """
    from selfinterp_stats.errors import InputError
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.estimates.planning import Wanted, grid
    from selfinterp_stats.reporting.output import check_output_folder
    from selfinterp_stats.reporting.planning.run import headline, write_plan
    from selfinterp_stats.study import load_study

    values = {name: given.pop(f"of_{name}") for name in (*_SIZES, *_ASSUMED)}
    from_pilot = [name for name in _ASSUMED if values[name]]
    if pilot and from_pilot:
        raise InputError(
            "a pilot study and what it is asked for are both given",
            value=f"--{from_pilot[0].replace('_', '-')}",
            remedy="Leave out one of the two.",
        )
    # With a pilot what is assumed comes from it: one value each stands for all.
    default = {name: tuple(v)[: 1 if pilot else None] for name, v in _ASSUMED.items()}
    designs = grid(**{name: values[name] or {**_SIZES, **default}[name] for name in values})
    names = ("width", "probability", "retained", "rope", "cost_per_choice", "cost_per_report")
    wanted = Wanted(**{name: given.pop(name) for name in names})
    settings = settings_from(given)
    check_output_folder(out)
    steps = Steps(show.progress_bar)
    study = None
    if pilot:
        with steps.step("reading", 1):
            study = load_study(pilot)
        show.notices(study)
    found = write_plan(out, designs, wanted, study=study, settings=settings, steps=steps)
    if as_json:
        show.as_json(
            {
                "out": out,
                "cheapest": show.records(found.cheapest),
                "designs": show.records(found.table),
                "own": show.records(found.own),
                "run": found.run,
            }
        )
        return
    for sentence in headline(found):
        click.echo(sentence)
    terminal.files(out)
