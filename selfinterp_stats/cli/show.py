"""What a command says while it works, on stderr, and its result as JSON, on stdout."""

from __future__ import annotations

import json
import math
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

if TYPE_CHECKING:
    import pandas as pd

    from selfinterp_stats.estimates.results import Results
    from selfinterp_stats.inference.settings import Progress
    from selfinterp_stats.study import Study
    from selfinterp_stats.study.explainers import ExplainerStudy

# Running text is hard to read in longer lines.
_WIDEST: Final = 110


@contextmanager
def progress_bar(name: str, total: int) -> Iterator[Progress | None]:
    """A bar on stderr for one step; where stderr is no terminal, a line when it is done.

    Parameters
    ----------
    name : str
    total : int
        Parts of the step; with one part alone the bar only moves.
    """
    if not sys.stderr.isatty():
        start = perf_counter()
        yield None
        click.echo(f"{name}: {perf_counter() - start:.1f} s", err=True)
        return
    from selfinterp_stats.inference.running.progress import bar

    with bar(name, total) as report:
        yield report


@contextmanager
def download_bar(files: int) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar over the files of a download."""
    with progress_bar("downloading", files) as advance:
        if advance is None:
            yield None
            return
        reached = 0

        def report(name: str, done: int, total: int) -> None:
            del name, total
            nonlocal reached
            advance(done - reached)
            reached = done

        yield report


def say(text: str) -> None:
    """Print a line on stderr."""
    click.echo(wrapped(text, sys.stderr), err=True)


def wrapped(text: str, stream: TextIO) -> str:
    """Running text, broken between words where it goes to a terminal."""
    if not stream.isatty():
        return text
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    body = textwrap.fill(
        text.lstrip("\n"),
        width,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n" * (len(text) - len(text.lstrip("\n"))) + body


def notices(study: Study | ExplainerStudy, said: Study | ExplainerStudy | None = None) -> None:
    """Say on stderr what of the input is odd or left out, but for what has been `said`."""
    for notice in study.notices[len(said.notices) if said else 0 :]:
        say(str(notice))


def fits(results: Results) -> int:
    """Say on stderr which engine made the fits, and name every fit with a failing diagnostic.

    Returns
    -------
    int
        How many fits fail.
    """
    for step, counts in results.run["engines"].items():
        if counts:
            parts = ", ".join(f"{count:,} by {name}" for name, count in counts.items())
            say(f"fits of {step}: {parts}")
    for name in results.run["flagged"]["all_choices_alike"]:
        say(f"warning: {name}: every choice is the same option.")
    failing = results.diagnostics[~results.diagnostics["ok"].astype(bool)]
    for row in failing.to_dict("records"):
        say(f"diagnostic: {row['fit']}: {row['reason']}.")
    if len(failing):
        say(
            f"{len(failing):,} of {len(results.diagnostics):,} fits fail a diagnostic; they are "
            "kept and marked."
        )
    return len(failing)


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
