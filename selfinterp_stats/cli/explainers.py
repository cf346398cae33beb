"""The command for explainer studies: parse, call, print."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from selfinterp_stats.cli import show, terminal
from selfinterp_stats.cli.options import (
    hdi_prob_option,
    json_option,
    options,
    out_option,
    seed_option,
    settings_from,
    strict_option,
)

F = TypeVar("F", bound=Callable[..., Any])

_NAMES = ("explainer", "target", "condition", "run", "training_items")


@click.command(
    epilog="Example: selfinterp explainers --data predictions/ --manifest cells.csv --out results"
)
@click.option(
    "--data",
    "files",
    metavar="FILE",
    multiple=True,
    required=True,
    help="JSON Lines of the evaluation script, a folder of them, a tidy CSV (explainer, target, "
    "task, item, outcome) or published cells (explainer, target, task, value, se). Repeatable.",
)
@click.option("--manifest", metavar="FILE", help="Which file is about which explainer and target.")
@click.option("--explainer", metavar="NAME", help="The explainer of all JSON Lines files.")
@click.option("--target", metavar="NAME", help="The target of all JSON Lines files.")
@click.option("--condition", metavar="NAME", help="The condition of all JSON Lines files.")
@click.option("--run", metavar="NAME", help="The run of all JSON Lines files.")
@click.option("--training-items", metavar="N", help="The training size of all JSON Lines files.")
@click.option(
    "--run-sd",
    type=float,
    default=5.0,
    show_default=True,
    metavar="POINTS",
    help="Prior median of the run-to-run sd of a cell, used where there is one run per cell.",
)
@click.option(
    "--run-sd-spread",
    type=float,
    default=0.25,
    show_default=True,
    metavar="X",
    help="Sd of the logarithm of that sd; 0 takes it for known.",
)
@click.option(
    "--draws", type=int, default=4000, show_default=True, metavar="N", help="Draws per model."
)
@options(
    out_option("explainers"), seed_option("result"), hdi_prob_option, strict_option, json_option
)
def explainers(
    files: tuple[str, ...],
    manifest: str | None,
    run_sd: float,
    run_sd_spread: float,
    out: str,
    strict: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Who explains whom, and whether a model explains itself better than others do.

    Gaps between self and cross explanations, the self effect with skill and difficulty removed,
    and what other runs could change: OUT/tables/explainers.csv, figures, page, draws,
    methods and run.json.
    """
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.estimates.explainers.analysis import analyse_explainers
    from selfinterp_stats.models.explainers.runs import RunPrior
    from selfinterp_stats.reporting.explainers import write_explainers
    from selfinterp_stats.reporting.output import check_output_folder
    from selfinterp_stats.study.explainers import load_explainers

    settings = settings_from(given)
    runs = RunPrior(run_sd, run_sd_spread)
    check_output_folder(out)
    names = {name: value for name in _NAMES if (value := given[name]) is not None}
    steps = Steps(show.progress_bar)
    with steps.step("reading", 1):
        study = load_explainers(files, names=names, manifest=manifest)
    show.notices(study)
    results = analyse_explainers(
        study,
        draws=settings.draws,
        seed=settings.seed,
        runs=runs,
        hdi_prob=settings.hdi_prob,
        steps=steps,
    )
    show.notices(results.study, said=study)
    write_explainers(results, out, steps=steps)
    failing = results.failing
    for row in failing.to_dict("records"):
        show.say(
            f"diagnostic: {row['task']}, {row['quantity']} {row['target']} ({row['scale']}): "
            f"R-hat {row['rhat']:.3f}, bulk ESS {row['ess_bulk']:.0f}."
        )
    if as_json:
        show.as_json({"out": out, "explainers": show.records(results.table), "run": results.run})
    else:
        terminal.explainers(results.table, results.hdi_prob)
        terminal.files(out)
    return int(strict and len(failing) > 0)


def explainer_design_options(command: F) -> F:
    """Options of `simulate --kind explainers`, handed on together as ``explainer_design``."""
    listed = {
        "models": ("--models", int, 3, "N", "Models that explain each other."),
        "items": ("--items", int, 500, "N", "Items of each target."),
        "runs": ("--runs", int, 1, "N", "Runs of each explainer and target."),
        "self_effect": ("--self-effect", float, 0.5, "X", "True self effect, in logits."),
    }

    @wraps(command)
    def gathered(**given: Any) -> Any:
        design = {name: given.pop(name) for name in listed}
        return command(**given, explainer_design=design)

    decorated: Any = gathered
    for name, (flag, kind, default, metavar, text) in reversed(listed.items()):
        decorated = click.option(
            flag,
            name,
            type=kind,
            default=default,
            show_default=True,
            metavar=metavar,
            help=f"With --kind explainers: {text[0].lower()}{text[1:]}",
        )(decorated)
    return decorated
