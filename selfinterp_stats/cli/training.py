"""``selfinterp finetune files``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from selfinterp_stats.cli import show
from selfinterp_stats.cli.options import json_option, options

_NUMBER = click.IntRange(min=0)
# The paper's numbers and seeds, by the names of `Design`'s fields.
_DESIGN = {
    "instilled": (100, "Scenarios with instilled weights: the first N."),
    "examples": (50, "Training choices per instilled scenario."),
    "validation": (10, "Validation choices per instilled scenario."),
    "roles_seed": (0, "Seed of the order of the roles."),
    "weights_seed": (1, "Seed of the target weights."),
    "trials_seed": (2, "Seed of the options in choices."),
    "introspection_seed": (6, "Seed of the options in introspection examples."),
}
_design_options = [
    click.option(
        f"--{name.replace('_', '-')}",
        type=_NUMBER,
        default=default,
        show_default=True,
        metavar="N",
        help=text,
    )
    for name, (default, text) in _DESIGN.items()
]


@click.command(
    short_help="Write training files of choices, and of reports of their weights.",
    epilog="Example: selfinterp finetune files --scenarios candidate_scenarios.json "
    "--roles roles.csv --out training",
)
@options(
    click.option(
        "--scenarios",
        metavar="FILE",
        required=True,
        help="JSON as the paper's candidate_scenarios.json, or CSV as its scenarios.csv.",
    ),
    click.option(
        "--roles",
        metavar="FILE",
        help="Names, one per line: each question then begins with 'Imagine you are NAME.'",
    ),
    click.option("--out", metavar="DIR", required=True, help="Folder for the files."),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=1100,
        show_default=True,
        metavar="N",
        help="Use the first N scenarios.",
    ),
    *_design_options,
    click.option(
        "--first-fold",
        type=_NUMBER,
        metavar="N",
        help="Scenarios in the first introspection-training fold; 0 for no folds. Default: half.",
    ),
    click.option(
        "--targets",
        metavar="CSV",
        help="Target weights of your own (scenario, attr1..) instead of random ones.",
    ),
    click.option(
        "--answers",
        metavar="CSV",
        help="Answer introspection examples with these fitted weights instead of the targets: a "
        "tables/weights.csv, or a released *_regression_results.csv.",
    ),
    click.option(
        "--base-model", metavar="NAME", help="With --answers: whose weights, of a table of several."
    ),
    click.option("--prompts", metavar="FILE", help="TOML or JSON with system, choice, report."),
    json_option,
)
def files(
    scenarios: str,
    roles: str | None,
    out: str,
    limit: int,
    targets: str | None,
    answers: str | None,
    base_model: str | None,
    prompts: str | None,
    as_json: bool,
    **design: Any,
) -> None:
    """Write training files: choices that follow target weights, and reports of those weights.

    With the paper's scenarios and roles, and without further options, these are the nine files
    that its authors released, byte for byte. Beside them: scenarios.json, to collect with (it has
    the units that scenarios.csv lacks), and collection.json, which says how all was made.
    """
    from data_collection.finetuning.files import Design, write_training_files
    from data_collection.prompts import PAPER, load_prompts
    from data_collection.scenarios import load_scenarios, unitless_notice
    from data_collection.weightfiles import load_weights

    plan = Design(**design)
    listed = load_scenarios(scenarios, roles, limit=limit, roles_seed=plan.roles_seed)
    notice = unitless_notice(listed)
    if notice:
        show.say(f"notice: {notice}")
    if len(listed) == limit and (found := len(load_scenarios(scenarios))) > limit:
        show.say(f"notice: of {found:,} scenarios the first {limit:,} are used (--limit).")
    names = write_training_files(
        listed,
        out,
        plan,
        targets=load_weights(targets, listed) if targets else None,
        learned=(
            load_weights(answers, listed[: plan.instilled], base_model=base_model)
            if answers
            else None
        ),
        prompts=load_prompts(prompts) if prompts else PAPER,
    )
    if as_json:
        show.as_json({"out": out, "files": names, "scenarios": len(listed)})
        return
    click.echo(f"{len(listed):,} scenarios, {min(plan.instilled, len(listed)):,} of them trained.")
    for name in names:
        click.echo(str(Path(out) / name))
