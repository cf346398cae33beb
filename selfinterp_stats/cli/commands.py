"""The commands: each parses, calls one function of the package and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from selfinterp_stats.cli import show, terminal
from selfinterp_stats.cli.explainers import explainer_design_options
from selfinterp_stats.cli.options import (
    data_options,
    hdi_prob_option,
    json_option,
    options,
    out_option,
    regression_draws_option,
    rope_option,
    seed_option,
    settings_from,
    settings_options,
    strict_option,
    study_from,
)

_COUNT = click.IntRange(min=0)


@click.command(epilog="Example: selfinterp reproduce --data my_study --out results --hdi-prob 0.89")
@options(*data_options, out_option("results"), regression_draws_option, *settings_options)
@click.option("--no-posterior", is_flag=True, help="Do not write the draws (posterior/*.nc).")
def reproduce(
    out: str, parquet: bool, strict: bool, as_json: bool, no_posterior: bool, **given: Any
) -> int:
    """Refit everything that a study holds and write it up.

    The weights behind the choices, the correlations of reported with fitted weights, what
    introspection training changes, and the paper's numbers beside them: OUT/index.html, tables,
    figures, draws, methods and run.json.
    """
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.reporting.output import check_output_folder
    from selfinterp_stats.reporting.reproduce import reproduce as refit

    settings = settings_from(given)
    check_output_folder(out)
    steps = Steps(show.progress_bar)
    with steps.step("reading", 1):
        study = study_from(given)
    show.notices(study)
    results = refit(
        study, out, settings=settings, posterior=not no_posterior, parquet=parquet, steps=steps
    )
    show.notices(results.study, said=study)
    failing = show.fits(results)
    if as_json:
        show.as_json(
            {
                "out": out,
                "paper_numbers": show.records(results.paper_numbers),
                "correlations": show.records(results.correlations),
                "released": show.records(results.released_comparison),
                "run": results.run,
            }
        )
    else:
        terminal.paper_numbers(results.paper_numbers, settings.hdi_prob)
        terminal.released(results.released_comparison)
        terminal.files(out)
    return int(strict and failing > 0)


@click.command(epilog="Example: selfinterp weights --data my_study --out weights --set native")
@options(*data_options, out_option("weights"), *settings_options)
def weights(out: str, parquet: bool, strict: bool, as_json: bool, **given: Any) -> int:
    """Stage 1 alone: the weights behind the choices, scenario by scenario.

    Writes OUT/tables/weights.csv (also .md and .tex), the draws and run.json.
    """
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.reporting.output import check_output_folder
    from selfinterp_stats.reporting.weights import refit_weights

    settings = settings_from(given)
    check_output_folder(out)
    steps = Steps(show.progress_bar)
    with steps.step("reading", 1):
        study = study_from(given)
    show.notices(study)
    results = refit_weights(study, out, settings=settings, parquet=parquet, steps=steps)
    failing = show.fits(results)
    if as_json:
        show.as_json(
            {
                "out": out,
                "weights": show.records(results.weights),
                "released": show.records(results.released_comparison),
                "run": results.run,
            }
        )
    else:
        scenarios = len(results.diagnostics)
        click.echo(f"Weights of {scenarios:,} scenarios: {Path(out) / 'tables' / 'weights.csv'}")
        terminal.released(results.released_comparison)
        terminal.files(out)
    return int(strict and failing > 0)


@click.command()
@options(out_option("demo"), seed_option("result"), strict_option, json_option)
def demo(out: str, seed: int, strict: bool, as_json: bool) -> int:
    """The whole way, offline: an experiment collected over HTTP, refitted and reported.

    A simulated participant on this machine stands in for the service. Two base models are trained
    on choices and on reports, asked, and their weights and reports set beside the truth: 20
    trained and 20 native scenarios each, in the design of the paper. Takes about half a minute;
    what was collected is kept in OUT/collection and OUT/study.
    """
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.reporting.demo import run_demo
    from selfinterp_stats.reporting.output import check_output_folder

    check_output_folder(out)
    click.echo(
        "Collecting an experiment of the paper's design from a simulated participant on this "
        "machine: two base models, 20 trained and 20 native scenarios each, with known truth.",
        err=True,
    )

    def collect(folder: Path, steps: Steps) -> None:
        from data_collection.participant.experiment import run_experiment
        from selfinterp_stats.study.simulation.contexts import contexts_file

        with contexts_file() as scenarios:
            run_experiment(scenarios, folder, step=steps.step, seed=seed)

    results, beside = run_demo(out, collect, seed=seed, steps=Steps(show.progress_bar))
    failing = show.fits(results)
    if as_json:
        show.as_json({"out": out, "estimates": show.records(beside), "run": results.run})
    else:
        terminal.beside_truth(beside, results.settings.hdi_prob)
        terminal.files(out)
    return int(strict and failing > 0)


@click.command()
@click.option(
    "--dest",
    metavar="DIR",
    help="Folder for the files. Default: the user's cache folder, where `reproduce` looks.",
)
@click.option(
    "--base-url", metavar="URL", help="Where to get the files, instead of the authors' repository."
)
def fetch(dest: str | None, base_url: str | None) -> None:
    """Get the paper's data at the pinned commit, each file checked by its hash.

    What is there already is not fetched again, and a download that was cut off goes on where it
    stopped. Prints the folder.
    """
    from selfinterp_stats.study import fetch_paper_data
    from selfinterp_stats.study.paper import paper_hashes

    with show.download_bar(len(paper_hashes())) as progress:
        folder = fetch_paper_data(dest, base_url=base_url, progress=progress)
    click.echo(str(folder))


@click.command()
@click.option(
    "--out", metavar="DIR", required=True, help="Folder for the study; new, or an empty one."
)
@seed_option("study")
@click.option(
    "--kind",
    type=click.Choice(["choices", "explainers"]),
    default="choices",
    show_default=True,
    help="A study of choices and reports, or one of who explains whom.",
)
@click.option(
    "--base-model",
    "base_models",
    metavar="NAME",
    multiple=True,
    default=("model-a", "model-b"),
    show_default=True,
    help="Name of a base model. Repeatable.",
)
@click.option(
    "--trained",
    type=_COUNT,
    default=60,
    show_default=True,
    metavar="N",
    help="Scenarios with instilled weights; 0 for none.",
)
@click.option(
    "--native",
    type=_COUNT,
    default=60,
    show_default=True,
    metavar="N",
    help="Scenarios with native weights; 0 for none.",
)
@click.option(
    "--trials-trained",
    type=_COUNT,
    default=50,
    show_default=True,
    metavar="N",
    help="Choices per trained scenario.",
)
@click.option(
    "--trials-native",
    type=_COUNT,
    default=100,
    show_default=True,
    metavar="N",
    help="Choices per native scenario.",
)
@click.option(
    "--reports",
    type=_COUNT,
    default=10,
    show_default=True,
    metavar="N",
    help="Reports asked for per scenario and condition.",
)
@click.option(
    "--attributes",
    type=click.IntRange(1, 5),
    default=5,
    show_default=True,
    metavar="N",
    help="Attributes per scenario.",
)
@explainer_design_options
def simulate(
    out: str,
    kind: str,
    seed: int,
    base_models: tuple[str, ...],
    attributes: int,
    explainer_design: dict[str, Any],
    **design: Any,
) -> None:
    """Write a study with known truth: of the paper's design, or of who explains whom.

    The truth is in OUT/simulation_truth.csv and OUT/simulation.json. Prints the folder.
    """
    from selfinterp_stats.study import simulate_study
    from selfinterp_stats.study.explainers.simulate import ExplainerDesign, simulate_explainers

    if kind == "explainers":
        folder = simulate_explainers(out, ExplainerDesign(seed=seed, **explainer_design)).folder
    else:
        design |= {"base_models": base_models, "attributes": attributes}
        folder = simulate_study(out, seed=seed, **design).folder
    click.echo(str(folder))


@click.command(
    epilog="Example: selfinterp tables --posterior results/posterior/training_effect_native.nc"
)
@click.option(
    "--posterior",
    "posteriors",
    metavar="FILE",
    multiple=True,
    required=True,
    help="Draws that reproduce or weights saved (posterior/*.nc). Repeatable.",
)
@click.option(
    "--var", "var_names", metavar="NAME", multiple=True, help="Only this variable. Repeatable."
)
@options(hdi_prob_option, rope_option)
@click.option(
    "--format",
    "layout",
    type=click.Choice(["md", "csv", "tex", "json"]),
    help="md and tex are rounded by the Monte Carlo error, csv and json are not. Default: md.",
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
def tables(
    posteriors: tuple[str, ...],
    var_names: tuple[str, ...],
    hdi_prob: float,
    rope: tuple[float, float],
    layout: str | None,
    as_json: bool,
) -> None:
    """HDI tables of saved draws; nothing is refitted.

    Median, HDI, ETI, probability of direction, share in the ROPE and diagnostics of everything
    that was drawn.
    """
    from selfinterp_stats.errors import InputError
    from selfinterp_stats.reporting.saved import saved_tables

    if as_json and layout not in (None, "json"):
        raise InputError(
            "--format and --json ask for two formats",
            value=layout,
            remedy="Leave out one of the two.",
        )
    click.echo(
        saved_tables(
            posteriors,
            var_names=var_names or None,
            hdi_prob=hdi_prob,
            rope=rope,
            layout="json" if as_json else layout or "md",
        )
    )


@click.command()
@click.argument("run_a", metavar="RUN")
@click.argument("run_b", metavar="RUN")
@json_option
def compare(run_a: str, run_b: str, as_json: bool) -> None:
    """Two runs side by side, differences also in Monte Carlo standard errors.

    RUN is a folder that `reproduce` wrote.
    """
    from selfinterp_stats.reporting import compare_runs

    both = compare_runs(run_a, run_b)
    if as_json:
        show.as_json(show.records(both))
    else:
        terminal.compared(both, run_a, run_b)
