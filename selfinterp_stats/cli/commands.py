"""The commands: each parses, calls one function of the package and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from selfinterp_stats.cli import show
from selfinterp_stats.cli.options import (
    analysis_options,
    data_options,
    out_option,
    settings_from,
    study_from,
)


@click.command()
@data_options
@out_option("results")
@analysis_options
@click.option("--no-posterior", is_flag=True, help="Do not write the draws.")
def reproduce(
    out: str, parquet: bool, strict: bool, as_json: bool, no_posterior: bool, **options: Any
) -> int:
    """Refit everything that a study holds: weights, correlations, the paper's numbers."""
    from selfinterp_stats.reporting.output import check_output_folder
    from selfinterp_stats.reporting.reproduce import reproduce as refit

    settings = settings_from(options)
    check_output_folder(out)
    study = study_from(options)
    show.notices(study)
    results = refit(
        study,
        out,
        settings=settings,
        posterior=not no_posterior,
        parquet=parquet,
        show=show.progress_bar,
    )
    show.engines(results)
    failing = show.failing_fits(results)
    if as_json:
        show.as_json(
            {
                "out": out,
                "paper_numbers": show.records(results.paper_numbers),
                "released": show.records(results.released_comparison),
                "run": results.run,
            }
        )
    else:
        show.paper_numbers(results.paper_numbers, settings.hdi_prob)
        show.released(results.released_comparison)
        click.echo(f"\nThe report: {Path(out) / 'index.html'}")
    return int(strict and failing > 0)


@click.command()
@data_options
@out_option(None)
@analysis_options
def weights(out: str, parquet: bool, strict: bool, as_json: bool, **options: Any) -> int:
    """Stage 1 alone: the weights behind the choices, scenario by scenario."""
    from selfinterp_stats.reporting.output import check_output_folder
    from selfinterp_stats.reporting.weights import refit_weights

    settings = settings_from(options)
    check_output_folder(out)
    study = study_from(options)
    show.notices(study)
    results = refit_weights(study, out, settings=settings, parquet=parquet, show=show.progress_bar)
    show.engines(results)
    failing = show.failing_fits(results)
    if as_json:
        show.as_json({"out": out, "weights": show.records(results.weights), "run": results.run})
    else:
        show.released(results.released_comparison)
        scenarios = len(results.diagnostics)
        click.echo(f"Weights of {scenarios:,} scenarios: {Path(out) / 'tables' / 'weights.csv'}")
    return int(strict and failing > 0)


@click.command()
@out_option("demo")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N")
@click.option("--strict", is_flag=True, help="Exit with 1 if any diagnostic fails.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def demo(out: str, seed: int, strict: bool, as_json: bool) -> int:
    """The whole way offline: a simulated experiment of the paper's design, refitted, reported."""
    from selfinterp_stats.reporting.demo import run_demo

    click.echo(
        "Simulating an experiment of the paper's design: two base models, 60 trained and 60 "
        "native scenarios each, with known truth.",
        err=True,
    )
    results, beside = run_demo(out, seed=seed, show=show.progress_bar)
    failing = show.failing_fits(results)
    if as_json:
        show.as_json({"out": out, "estimates": show.records(beside), "run": results.run})
    else:
        show.beside_truth(beside, results.settings.hdi_prob)
        click.echo(f"\nThe report: {Path(out) / 'index.html'}")
        click.echo(f"The simulated study: {Path(out) / 'study'}")
    return int(strict and failing > 0)


@click.command()
@click.option("--dest", metavar="DIR", help="Where to. Default: the user's cache folder.")
@click.option("--base-url", metavar="URL", help="A mirror of the data folder.")
def fetch(dest: str | None, base_url: str | None) -> None:
    """Get the paper's data at the pinned commit; hashes checked, downloads resumed."""
    from selfinterp_stats.study import fetch_paper_data

    with show.download_bar() as progress:
        folder = fetch_paper_data(dest, base_url=base_url, progress=progress)
    click.echo(str(folder))


@click.command()
@out_option(None)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N")
@click.option(
    "--base-model",
    "base_models",
    metavar="NAME",
    multiple=True,
    default=("model-a", "model-b"),
    show_default=True,
)
@click.option("--trained", type=int, default=60, show_default=True, help="Trained scenarios.")
@click.option("--native", type=int, default=60, show_default=True, help="Native scenarios.")
@click.option("--trials-trained", type=int, default=50, show_default=True)
@click.option("--trials-native", type=int, default=100, show_default=True)
@click.option("--reports", type=int, default=10, show_default=True, help="Reports per scenario.")
@click.option("--attributes", type=int, default=5, show_default=True)
def simulate(out: str, base_models: tuple[str, ...], attributes: int, **design: Any) -> None:
    """Write a study folder with known truth."""
    from selfinterp_stats.study import simulate_study

    truth = simulate_study(out, base_models=base_models, attributes=attributes, **design)
    click.echo(str(truth.folder))


@click.command()
@click.option(
    "--posterior",
    "posteriors",
    metavar="FILE",
    multiple=True,
    required=True,
    help="A saved posterior (.nc); repeat for more.",
)
@click.option("--var", "var_names", metavar="NAME", multiple=True, help="Only this variable.")
@click.option("--hdi-prob", type=float, default=0.95, show_default=True, metavar="P")
@click.option(
    "--rope", type=float, nargs=2, default=(-0.1, 0.1), show_default=True, metavar="LOW HIGH"
)
@click.option(
    "--format",
    "layout",
    type=click.Choice(["md", "csv", "tex", "json"]),
    default="md",
    show_default=True,
)
def tables(
    posteriors: tuple[str, ...],
    var_names: tuple[str, ...],
    hdi_prob: float,
    rope: tuple[float, float],
    layout: str,
) -> None:
    """HDI tables from saved draws, nothing being refitted."""
    from selfinterp_stats.reporting.saved import saved_tables

    for text in saved_tables(
        posteriors, var_names=var_names or None, hdi_prob=hdi_prob, rope=rope, layout=layout
    ):
        click.echo(text)


@click.command()
@click.argument("run_a", metavar="RUN")
@click.argument("run_b", metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def compare(run_a: str, run_b: str, as_json: bool) -> None:
    """Two runs side by side, differences also in Monte Carlo standard errors."""
    from selfinterp_stats.reporting import compare_runs

    both = compare_runs(run_a, run_b)
    if as_json:
        show.as_json(show.records(both))
    else:
        show.compared(both)
