"""Options that several commands share, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
V = TypeVar("V", str, tuple[str, ...])

ENGINES = ("auto", "importance", "nuts", "bambi")
# A seed is stored with the draws, as a 64-bit integer.
LARGEST_SEED = 2**63 - 1
CONSTANTS = {"base_model": "base_model", "set": "set_name", "condition": "condition"}


def _seed(context: click.Context, option: click.Parameter, value: int) -> int:
    if not 0 <= value <= LARGEST_SEED:
        raise click.BadParameter(f"{value} is not in 0 to {LARGEST_SEED}.", context, option)
    return value


def seed_option(result: str) -> Callable[[F], F]:
    """``--seed N`` of a command whose result comes from random numbers."""
    return click.option(
        "--seed",
        type=int,
        callback=_seed,
        default=0,
        show_default=True,
        metavar="N",
        help=f"The same seed gives the same {result}.",
    )


def not_blank(context: click.Context, option: click.Parameter, value: V) -> V:
    """Refuse a name of nothing, as a variable of a shell leaves it that was never set."""
    names = value if isinstance(value, tuple) else (value,)
    if not all(name.strip() for name in names):
        raise click.BadParameter("the name is empty.", context, option)
    return value


strict_option = click.option(
    "--strict", is_flag=True, help="Exit with status 1 if a diagnostic of any fit fails."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON, and nothing else on stdout."
)
hdi_prob_option = click.option(
    "--hdi-prob",
    type=float,
    default=0.95,
    show_default=True,
    metavar="P",
    help="Probability of the HDIs and ETIs.",
)
rope_option = click.option(
    "--rope",
    type=float,
    nargs=2,
    default=(-0.1, 0.1),
    show_default=True,
    metavar="LOW HIGH",
    help="Region of practical equivalence: how much of each HDI lies in it is said.",
)
draws_option = click.option(
    "--draws",
    type=int,
    default=4000,
    show_default=True,
    metavar="N",
    help="Posterior draws per scenario, over all chains.",
)
engine_option = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="How fits are made. importance: draws around the Laplace approximation, weighted and "
    "checked by Pareto k; nuts: the No-U-Turn sampler, all scenarios at once; bambi: PyMC, one "
    "fit at a time and slow; auto: importance, and nuts where k is above 0.7.",
)
regression_draws_option = click.option(
    "--regression-draws",
    type=int,
    default=40_000,
    show_default=True,
    metavar="N",
    help="Posterior draws per regression of weights on reports, over all chains.",
)
parquet_option = click.option(
    "--parquet", is_flag=True, help="Write the draws as Parquet too (draws/*.parquet), for R."
)
running_options = (
    click.option(
        "--device",
        type=click.Choice(["cpu", "gpu"]),
        help="Where JAX computes. Default: a GPU if JAX finds one.",
    ),
    click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Fit scenarios on the workers of a Dask scheduler, for instance "
        "tcp://127.0.0.1:8786; 'local' starts one worker per core of this machine.",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Scenarios fitted together; fewer take less memory. Default: by what is free.",
    ),
    click.option(
        "--store",
        metavar="DIR",
        help="Keep finished fits of scenarios here, so that the same command goes on where it "
        "was stopped.",
    ),
)
settings_options = (
    seed_option("result"),
    engine_option,
    *running_options,
    draws_option,
    hdi_prob_option,
    rope_option,
    parquet_option,
    strict_option,
    json_option,
)

data_options = (
    click.option(
        "--data",
        metavar="DIR",
        help="A study folder. Default: $SELFINTERP_DATA, else the fetched copy of the paper's "
        "data.",
    ),
    click.option(
        "--choices",
        metavar="CSV",
        help="Instead of a folder: one tidy table of choices, with the columns base_model, set, "
        "scenario, selection, A_attr1.., B_attr1.. (or d1.. for scaled differences).",
    ),
    click.option(
        "--reports",
        metavar="CSV",
        help="With --choices: base_model, set, condition, scenario, report_attr1...",
    ),
    click.option(
        "--scenarios",
        metavar="CSV",
        help="With --choices: names and ranges of attributes, as in a folder's scenarios.csv.",
    ),
    click.option(
        "--targets", metavar="CSV", help="With --choices: target weights, scenario, attr1..."
    ),
    click.option(
        "--map",
        "mapping",
        metavar="STANDARD=YOURS,...",
        help="What your tables call a standard column: scenario=item,reports.scenario=context.",
    ),
    click.option(
        "--constant",
        "constants",
        metavar="COLUMN=VALUE",
        multiple=True,
        help="A column that your tables lack because it is the same in every row: base_model, "
        "set (instilled, native) or condition (off-the-shelf, weight-trained, "
        "introspection-trained). Repeatable.",
    ),
    click.option(
        "--base-model",
        "base_models",
        metavar="NAME",
        multiple=True,
        help="Use only this base model. Repeatable.",
    ),
    click.option(
        "--set",
        "sets",
        metavar="NAME",
        multiple=True,
        help="Use only this set: instilled or native.",
    ),
)


def out_option(default: str) -> Callable[[F], F]:
    """``--out DIR`` of a command that writes a result."""
    return click.option(
        "--out",
        metavar="DIR",
        default=default,
        show_default=True,
        help="Folder for the result. It appears whole or not at all; an existing folder is "
        "replaced only if it is empty or holds an earlier result.",
    )


def options(*declared: Callable[[F], F]) -> Callable[[F], F]:
    """Many options at once, listed by ``--help`` in this order."""

    def declare(command: F) -> F:
        for option in reversed(declared):
            command = option(command)
        return command

    return declare


def settings_from(given: dict[str, Any]) -> Any:
    """Take the settings of an analysis out of a command's options.

    Raises
    ------
    InputError
        A setting makes no sense.
    """
    from selfinterp_stats.estimates.results import Settings
    from selfinterp_stats.inference.settings import Running

    store = given.pop("store", None)
    running = Running(
        store=None if store is None else Path(store),
        **{name: given.pop(name, None) for name in ("batch_size", "device", "cluster")},
    )
    names = ("seed", "engine", "draws", "regression_draws", "hdi_prob", "rope")
    return Settings(running=running, **{name: given.pop(name) for name in names if name in given})


def study_from(given: dict[str, Any]) -> Any:
    """Read the study that a command's options name.

    Raises
    ------
    InputError
        The options contradict each other, or the study is wrong.
    """
    from selfinterp_stats.errors import InputError
    from selfinterp_stats.study import load_study, load_tidy
    from selfinterp_stats.study.mapping import parse_mapping

    tables = {name: given.pop(name) for name in ("choices", "reports", "scenarios", "targets")}
    folder, mapping = given.pop("data"), given.pop("mapping")
    constants = _constants(given.pop("constants"))
    narrow = {name: given.pop(name) or None for name in ("base_models", "sets")}
    tidy = {
        **{f"--{name}": value for name, value in tables.items() if value},
        **({"--map": mapping} if mapping else {}),
        **({"--constant": constants} if constants else {}),
    }
    if folder and tidy:
        raise InputError(
            f"a study folder and {', '.join(tidy)} are both given",
            value=folder,
            allowed="--data, or --choices and what goes with it",
            remedy="Leave out one of the two.",
        )
    if tidy and not tables["choices"]:
        raise InputError(
            f"{', '.join(tidy)} need a table of choices beside them",
            allowed="--choices CSV, with --reports, --scenarios, --targets, --map and --constant",
            remedy="Give the table with --choices, or a study folder with --data.",
        )
    if tidy:
        study = load_tidy(
            tables.pop("choices"),
            mapping=parse_mapping(mapping) if mapping else None,
            **tables,
            **constants,
        )
    else:
        study = load_study(folder or None)
    return study.narrow(**narrow)


def _constants(given: Iterable[str]) -> dict[str, str]:
    """``COLUMN=VALUE`` as arguments of `load_tidy`."""
    from selfinterp_stats.errors import InputError

    found: dict[str, str] = {}
    for text in given:
        column, equals, value = text.partition("=")
        name = CONSTANTS.get(column)
        if not (name and equals and value):
            raise InputError(
                "--constant cannot be read",
                value=text,
                allowed=f"COLUMN=VALUE, COLUMN one of {', '.join(CONSTANTS)}",
                remedy="For example: --constant set=instilled.",
            )
        if name in found:
            raise InputError(
                "--constant is given twice for one column",
                value=text,
                allowed=f"one {column} for all rows",
                remedy=f"Give one of them, or put a column {column} into the tables.",
            )
        found[name] = value
    return found
