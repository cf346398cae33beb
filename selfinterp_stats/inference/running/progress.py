"""A bar on stderr: datasets done, effective draws so far, time left."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from selfinterp_stats.inference.settings import Progress


@contextmanager
def bar(name: str, total: int) -> Iterator[Progress]:
    """Show a bar for as long as the context lasts.

    Parameters
    ----------
    name : str
    total : int
        Number of datasets, or parts of a step; with one alone the bar only moves.

    Yields
    ------
    callable
        To be told of the datasets that were just finished and their effective draws.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    counted = (MofNCompleteColumn(),) if total > 1 else ()
    left = (TextColumn("left"), TimeRemainingColumn()) if total > 1 else ()
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        TimeElapsedColumn(),
        *counted,
        *left,
        TextColumn("{task.fields[effective]}"),
    )
    so_far = 0.0
    with Bar(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(name, total=total if total > 1 else None, effective="")

        def report(datasets: int, effective: float = math.nan, /) -> None:
            nonlocal so_far
            if math.isfinite(effective):
                so_far += effective
            text = f"ESS {so_far:,.0f}" if so_far else ""
            shown.update(task, advance=datasets, effective=text)

        yield report
        shown.update(task, total=total, completed=total)
