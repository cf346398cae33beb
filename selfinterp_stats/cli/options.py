"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

ENGINES = ("auto", "importance", "nuts", "bambi")


def out_option(default: str | None) -> Callable[[F], F]:
    """``--out DIR``."""
    return click.option(
        "--out",
        metavar="DIR",
        default=default,
        required=default is None,
        show_default=default is not None,
        help="Folder for the result. It appears whole or not at all; an existing folder is "
        "replaced only if it holds an earlier result.",
    )


def data_options(command: F) -> F:
    """Where a study is: a folder, or tidy tables."""
    for option in reversed(
        [
            click.option(
                "--data",
                metavar="DIR",
                help="A study folder. Default: $SELFINTERP_DATA, else the fetched paper's data.",
            ),
            click.option(
                "--choices", metavar="CSV", help="Instead of a folder: a tidy table of choices."
            ),
            click.option("--reports", metavar="CSV", help="A tidy table of reports."),
            click.option("--scenarios", metavar="CSV", help="Attribute names and ranges."),
            click.option("--targets", metavar="CSV", help="Target weights."),
            click.option(
                "--map",
                "mapping",
                metavar="STANDARD=YOURS,...",
                help="Names of your columns, where they differ from the standard ones.",
            ),
            click.option(
                "--base-model",
                "base_models",
                metavar="NAME",
                multiple=True,
                help="Only this base model (repeat for more).",
            ),
            click.option(
                "--set",
                "sets",
                metavar="NAME",
                multiple=True,
                help="Only this set, instilled or native.",
            ),
        ]
    ):
        command = option(command)
    return command


def analysis_options(command: F) -> F:
    """How an analysis is done."""
    for option in reversed(
        [
            click.option("--seed", type=int, default=0, show_default=True, metavar="N"),
            click.option(
                "--engine",
                type=click.Choice(ENGINES),
                default="auto",
                show_default=True,
                help="auto: importance sampling, and NUTS where its Pareto k exceeds 0.7.",
            ),
            click.option(
                "--draws",
                type=int,
                default=4000,
                show_default=True,
                metavar="N",
                help="Posterior draws per scenario.",
            ),
            click.option(
                "--regression-draws",
                type=int,
                default=40_000,
                show_default=True,
                metavar="N",
                help="Posterior draws per regression.",
            ),
            click.option(
                "--hdi-prob",
                type=float,
                default=0.95,
                show_default=True,
                metavar="P",
                help="Probability of the intervals.",
            ),
            click.option(
                "--rope",
                type=float,
                nargs=2,
                default=(-0.1, 0.1),
                show_default=True,
                metavar="LOW HIGH",
                help="Region of practical equivalence.",
            ),
            click.option("--parquet", is_flag=True, help="Write the draws as Parquet too, for R."),
            click.option("--strict", is_flag=True, help="Exit with 1 if any diagnostic fails."),
            click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        ]
    ):
        command = option(command)
    return command


def settings_from(options: dict[str, Any]) -> Any:
    """Take the analysis settings out of a command's options."""
    from selfinterp_stats.estimates.results import Settings

    names = ("seed", "engine", "draws", "regression_draws", "hdi_prob", "rope")
    return Settings(**{name: options.pop(name) for name in names})


def study_from(options: dict[str, Any]) -> Any:
    """Read the study that a command's options name."""
    from selfinterp_stats.errors import InputError
    from selfinterp_stats.study import load_study, load_tidy, paper_data_folder
    from selfinterp_stats.study.mapping import parse_mapping

    tidy = {name: options.pop(name) for name in ("choices", "reports", "scenarios", "targets")}
    folder, mapping = options.pop("data"), options.pop("mapping")
    narrow = {name: options.pop(name) or None for name in ("base_models", "sets")}
    if folder and any(tidy.values()):
        raise InputError(
            "a study folder and tidy tables are both given",
            value=folder,
            allowed="--data, or --choices and what goes with it",
        )
    if tidy["choices"]:
        choices = tidy.pop("choices")
        study = load_tidy(choices, mapping=parse_mapping(mapping) if mapping else None, **tidy)
    elif any(tidy.values()) or mapping:
        raise InputError(
            "tidy tables need a table of choices", allowed="--choices CSV beside the others"
        )
    else:
        study = load_study(folder or paper_data_folder())
    return study.narrow(**narrow)
