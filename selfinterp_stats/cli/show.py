"""What a command says while it works (on stderr) and in the end (on stdout)."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

    from selfinterp_stats.estimates.results import Results
    from selfinterp_stats.study import Study

# Where stdout is no terminal, a table gets the width that its longest row needs.
UNBOUNDED = 200


@contextmanager
def progress_bar(name: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr for one step; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description:<13}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total)
        yield lambda done: bar.advance(task, done)
        bar.update(task, completed=total)


def notices(study: Study) -> None:
    """Say on stderr what of the input is odd or left out."""
    for notice in study.notices:
        click.echo(str(notice), err=True)


def failing_fits(results: Results) -> int:
    """Name every fit with a failing diagnostic on stderr.

    Returns
    -------
    int
        How many there are.
    """
    failing = results.diagnostics[~results.diagnostics["ok"]]
    for row in failing.to_dict("records"):
        click.echo(f"diagnostic: {row['fit']}: {row['reason']}", err=True)
    alike = results.run["flagged"]["all_choices_alike"]
    for name in alike:
        click.echo(f"warning: {name}: every choice is the same option", err=True)
    return len(failing)


def engines(results: Results) -> None:
    """Say on stderr which engine made the fits."""
    for step, counts in results.run["engines"].items():
        parts = ", ".join(f"{count} by {name}" for name, count in counts.items())
        click.echo(f"{step}: {parts}", err=True)


def table(title: str, columns: Mapping[str, str], rows: list[list[str]]) -> None:
    """Print a table on stdout.

    Parameters
    ----------
    title : str
    columns : mapping of str to {"left", "right"}
        Headers and how they are aligned.
    rows : list of list of str
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in columns.items():
        drawn.add_column(name, justify="right" if justify == "right" else "left")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else UNBOUNDED).print(drawn)


def paper_numbers(numbers: pd.DataFrame, hdi_prob: float) -> None:
    """Print the paper's numbers beside the refit."""
    published = numbers["published"].notna() | numbers["published_hdi_low"].notna()
    beside = bool(published.any())
    interval = f"{hdi_prob:.0%} HDI" if hdi_prob * 100 % 1 == 0 else f"{hdi_prob:.1%} HDI"
    columns = {"quantity": "left", "base model": "left", "refit": "right", interval: "right"}
    if beside:
        columns |= {"paper": "right", "95% HDI (paper)": "right", "agrees": "left"}
    rows = []
    for row in numbers.to_dict("records"):
        cells = [
            row["quantity"] if row["id"][:7] != "exclude" else row["note"],
            row["base_model"],
            _number(row["estimate"], row["decimals"]),
            _interval(row["hdi_low"], row["hdi_high"], row["decimals"]),
        ]
        if beside:
            cells += [
                _number(row["published"], row["decimals"]),
                _interval(row["published_hdi_low"], row["published_hdi_high"], row["decimals"]),
                row["agrees"],
            ]
        rows.append(cells)
    table("The paper's numbers" if beside else "The paper's quantities", columns, rows)
    for row in numbers.to_dict("records"):
        if row["agrees"] == "no":
            click.echo(f"{row['id']}: {row['note'] or 'differs from the paper'}")


def released(comparison: pd.DataFrame) -> None:
    """Say how the refit compares with the authors' rounded weights."""
    for row in comparison.to_dict("records"):
        click.echo(
            f"Against the authors' own weights, {row['base_model']} {row['set']}: largest "
            f"difference {row['max_abs_difference']:.0f} of 100 points "
            f"({row['scenario']}, {row['attribute']}), {row['share_within_1']:.1%} within 1, "
            f"correlation {row['correlation']:.5f}"
        )


def as_json(value: object) -> None:
    """Print a value as JSON on stdout; a figure that is missing is null."""
    click.echo(json.dumps(_plain(value), indent=2))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame as plain dictionaries."""
    return [_plain(row) for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _number(value: float, decimals: int) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{int(decimals)}f}"


def _interval(low: float, high: float, decimals: int) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{low:.{int(decimals)}f}, {high:.{int(decimals)}f}]"


def beside_truth(beside: pd.DataFrame, hdi_prob: float) -> None:
    """Print estimates of a simulated study beside its truth."""
    columns = {
        "quantity": "left",
        "base model": "left",
        "estimate": "right",
        f"{hdi_prob:.0%} HDI": "right",
        "expected": "right",
        "truth": "right",
        "expected in HDI": "left",
    }
    rows = [
        [
            row["quantity"],
            row["base_model"],
            _number(row["estimate"], 3),
            _interval(row["hdi_low"], row["hdi_high"], 3),
            _number(row["expected_estimate"], 3),
            _number(row["truth"], 3),
            row["covered"],
        ]
        for row in beside.to_dict("records")
    ]
    table("Estimates of the simulated experiment beside its truth", columns, rows)
    inside, judged = (beside["covered"] == "yes").sum(), (beside["covered"] != "").sum()
    click.echo(
        f"{inside} of {judged} HDIs hold what a refit should find on average (expected). The "
        "truth itself, that of the true weights, lies further from zero: weights estimated from "
        "finitely many choices are blurred."
    )


def compared(both: pd.DataFrame) -> None:
    """Print two runs side by side."""
    columns = {
        "number": "left",
        "first": "right",
        "second": "right",
        "difference": "right",
        "in MC errors": "right",
    }
    rows = [
        [
            row["id"],
            _number(row["a"], 4),
            _number(row["b"], 4),
            _number(row["difference"], 4),
            _number(row["in_mcse"], 1),
        ]
        for row in both.to_dict("records")
    ]
    table("Two runs", columns, rows)


@contextmanager
def download_bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar over the files of a download; nothing where stderr is no terminal."""
    with progress_bar("downloading", 100) as advance:
        if advance is None:
            yield None
            return
        reached = 0

        def report(name: str, done: int, total: int) -> None:
            del name
            nonlocal reached
            now = round(100 * done / total) if total else 100
            advance(now - reached)
            reached = now

        yield report
