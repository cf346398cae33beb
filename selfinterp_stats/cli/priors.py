"""``selfinterp priors``: the conclusions under other priors of the weights."""

from __future__ import annotations

from typing import Any

import click

from selfinterp_stats.cli import show, terminal
from selfinterp_stats.cli.options import (
    data_options,
    draws_option,
    hdi_prob_option,
    json_option,
    options,
    out_option,
    seed_option,
    settings_from,
    strict_option,
    study_from,
)


@click.command(epilog="Example: selfinterp priors --data my_study --out priors --priors mine.toml")
@options(
    *data_options,
    out_option("priors"),
    click.option(
        "--priors",
        "file",
        metavar="FILE.toml",
        help="Sets of your own, in Bambi's terms, beside those of this package: a table per set, "
        'in it for instance common = {name = "Normal", mu = 0, sigma = 2}, also Intercept, d1, '
        "d2, ...",
    ),
    click.option(
        "--only",
        metavar="NAME",
        multiple=True,
        help="Use only this set of priors, beside the paper's. Repeatable.",
    ),
    seed_option("result"),
    click.option(
        "--engine",
        type=click.Choice(["auto", "importance", "nuts"]),
        default="auto",
        show_default=True,
        help="How fits are made, as for `reproduce`.",
    ),
    click.option(
        "--device",
        type=click.Choice(["cpu", "gpu"]),
        help="Where JAX computes. Default: a GPU if JAX finds one.",
    ),
    draws_option,
    hdi_prob_option,
    strict_option,
    json_option,
)
def priors(
    out: str,
    file: str | None,
    only: tuple[str, ...],
    strict: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """The paper's conclusions under other priors of the weights.

    The paper's priors; normal slopes of other widths, Student-t, logistic and flat ones; a
    regularised horseshoe; one width learned from all scenarios; Bambi's defaults; and your own. For
    each the weights, every correlation and contrast, what it says of choices before seeing any,
    PSIS-LOO, and power-scaling sensitivity. Writes OUT/index.html, OUT/tables/priors.csv, a
    forest plot per conclusion, its methods and run.json.
    """
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.estimates.priors.compare import sets_of
    from selfinterp_stats.models.prior_files import read_priors
    from selfinterp_stats.reporting.output import check_output_folder
    from selfinterp_stats.reporting.priors.run import write_priors

    settings = settings_from(given)
    check_output_folder(out)
    # What is wrong with priors is told before anything of the study is, and but for terms that its
    # model does not have before the study is read.
    own = None if file is None else read_priors(file)
    sets_of(own, only, file=file)
    steps = Steps(show.progress_bar)
    with steps.step("reading", 1):
        study = study_from(given)
        sets_of(own, only, study, file=file)
    show.notices(study)
    found = write_priors(study, out, own, only=only or None, settings=settings, steps=steps)
    for row in found.sets.to_dict("records"):
        if row["improper"]:
            show.say(
                f"left out: {row['prior']}: {row['improper']:,} of {row['scenarios']:,} scenarios "
                "have no proper posterior; they are named in tables/prior_scenarios.csv."
            )
        if row["failing"]:
            show.say(
                f"diagnostic: {row['prior']}: {row['failing']:,} of {row['scenarios']:,} fits fail "
                "a diagnostic; they are kept and marked in tables/prior_scenarios.csv."
            )
    if as_json:
        show.as_json(
            {
                "out": out,
                "priors": show.records(found.table),
                "sets": show.records(found.sets),
                "verdicts": show.records(found.conclusions),
                "run": found.run,
            }
        )
    else:
        for row in found.conclusions.to_dict("records"):
            click.echo(f"{row['id']}: {row['verdict']}")
        terminal.files(out)
    return int(strict and found.failing > 0)
