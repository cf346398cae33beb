"""``selfinterp propagate``: the correlations with measurement uncertainty carried through."""

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


@click.command(epilog="Example: selfinterp propagate --data my_study --out propagated")
@options(
    *data_options,
    out_option("propagated"),
    seed_option("result"),
    engine_option,
    *running_options,
    draws_option,
    hdi_prob_option,
    strict_option,
    json_option,
)
def propagate(out: str, strict: bool, as_json: bool, **given: Any) -> int:
    """The correlations with the uncertainty of weights and reports carried through.

    Every correlation three ways: the paper's plug-in, stage-1 draws carried into stage 2, and the
    latent one of true weights with expected reports; with the reliability of both, and what a
    correlation does not say (signs, the most important attribute, the reports' scale, scenarios
    that differ, weights pooled in part). Writes OUT/index.html, OUT/tables/propagated.csv and
    more, a figure, its methods and run.json.
    """
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.reporting.output import check_output_folder
    from selfinterp_stats.reporting.propagation.run import write_propagation

    settings = settings_from(given)
    check_output_folder(out)
    steps = Steps(show.progress_bar)
    with steps.step("reading", 1):
        study = study_from(given)
    show.notices(study)
    found = write_propagation(study, out, settings=settings, steps=steps)
    untrusted = found.untrusted
    failing = show.fits(found.weights) + len(untrusted)
    for table, rows in untrusted.groupby("table", sort=False):
        worst = rows.loc[rows["rhat"].idxmax()]
        show.say(
            f"diagnostic: {table}.csv: {len(rows):,} of its quantities are not settled; the worst "
            f"is {worst['row']}: R-hat {worst['rhat']:.3f}, bulk ESS {worst['ess_bulk']:.0f}."
        )
    if as_json:
        show.as_json({"out": out, "propagated": show.records(found.table), "run": found.run})
    else:
        terminal.propagated(found.table, settings.hdi_prob)
        terminal.files(out)
    return int(strict and failing > 0)
