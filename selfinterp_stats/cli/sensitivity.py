"""``selfinterp sensitivity``: the conclusions under every choice of analysis."""

from __future__ import annotations

from typing import Any

import click

from selfinterp_stats.cli import show, terminal
from selfinterp_stats.cli.options import (
    data_options,
    draws_option,
    engine_option,
    hdi_prob_option,
    json_option,
    options,
    out_option,
    running_options,
    seed_option,
    settings_from,
    strict_option,
    study_from,
)


@click.command(epilog="Example: selfinterp sensitivity --data my_study --out sensitivity")
@options(
    *data_options,
    out_option("sensitivity"),
    click.option(
        "--min-reports",
        type=int,
        multiple=True,
        metavar="N",
        help="Also leave out scenarios with fewer valid reports than this. Repeatable. Default: "
        "half of the most that any scenario has, and that most.",
    ),
    seed_option("result"),
    engine_option,
    *running_options,
    draws_option,
    hdi_prob_option,
    strict_option,
    json_option,
)
def sensitivity(
    out: str, min_reports: tuple[int, ...], strict: bool, as_json: bool, **given: Any
) -> int:
    """The paper's conclusions under every other reasonable choice of analysis.

    Weights of +-100 excluded or not, reports standardised per fold or pooled, their mean or
    median, a minimum number of valid reports, rounded or unrounded weights, with or without the
    intercept, complete scenarios only, an extreme scenario left out: every combination, with its
    HDI. Writes OUT/index.html, OUT/tables/sensitivity.csv, a specification curve per conclusion,
    its methods and run.json.
    """
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.reporting.output import check_output_folder
    from selfinterp_stats.reporting.sensitivity.run import write_sensitivity

    settings = settings_from(given)
    check_output_folder(out)
    steps = Steps(show.progress_bar)
    with steps.step("reading", 1):
        study = study_from(given)
    show.notices(study)
    found = write_sensitivity(
        study, out, settings=settings, min_reports=min_reports or None, steps=steps
    )
    failing = show.fits(found.weights)
    if as_json:
        show.as_json({"out": out, "ranges": show.records(found.ranges), "run": found.run})
    else:
        for row in found.ranges.to_dict("records"):
            click.echo(f"{row['id']}: {row['verdict']}")
        terminal.files(out)
    return int(strict and failing > 0)
