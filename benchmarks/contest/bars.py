"""The numbers to reach: for each the bar, what was measured, and whether that is enough."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Results = dict[str, Any]
# Where cost per dataset has to be constant: datasets from here on.
MANY = 1_000


@dataclass(frozen=True)
class Bar:
    """One number to reach.

    Attributes
    ----------
    what : str
    bar : float
    unit : str
    measured : callable
        Reads it from the parts' results; KeyError where they were not measured.
    at_least : bool
        Whether more is better.
    """

    what: str
    bar: float
    unit: str
    measured: Callable[[Results], float]
    at_least: bool = False


def fresh(results: Results, part: str, name: str) -> float:
    """Seconds of a process with empty caches; of all scenarios, where some stand for all."""
    return statistics.median(run["seconds"] for run in results[part][name]["empty_caches"])


def warm(results: Results, part: str, name: str) -> float:
    """Seconds of a fit in a process that has fitted before."""
    runs = results[part][name]["full_caches"]
    return statistics.median(seconds for run in runs for seconds in run["warm_seconds"])


def beyond_imports(results: Results, name: str) -> float:
    """Seconds of a process with full caches, without what imports cost as it starts and ends."""
    return statistics.median(map(worked, results["package"][name]["full_caches"]))


def worked(run: Results) -> float:
    """Seconds from reading to the first result of a process."""
    return float(sum(run[f"{what}_seconds"] for what in ("read", "ready", "first")))


def ess(results: Results, name: str) -> float:
    """Bulk ESS, mean over the slopes of all datasets."""
    return statistics.median(r["ess_mean"] for r in results["package"][name]["empty_caches"])


def each(results: Results) -> dict[int, float]:
    """Seconds per dataset, by the number of datasets."""
    points = results["growth"]["datasets"]
    return {
        n: statistics.median(p["fit_seconds"] / n for p in points if p["datasets"] == n)
        for n in sorted({p["datasets"] for p in points})
    }


def unevenness(results: Results) -> float:
    """Largest over smallest cost per dataset from 1,000 datasets on, less one, in per cent."""
    costs = [cost for n, cost in each(results).items() if n >= MANY]
    if len(costs) < 2:
        raise KeyError("too few points")
    return 100 * (max(costs) / min(costs) - 1)


def at_100_000(results: Results, key: str) -> float:
    """Of the whole process that simulated and fitted 100,000 datasets."""
    found = [p[key] for p in results["growth"]["datasets"] if p["datasets"] == 100_000]
    if not found:
        raise KeyError("not measured")
    return statistics.median(found)


def speed_up(results: Results, engine: str) -> float:
    """Two workers against one."""
    one, two = (statistics.median(run["seconds"]) for run in results["workers"][engine]["runs"])
    return one / two


BARS = (
    Bar("importance, warm", 1, "s", lambda r: warm(r, "package", "importance")),
    Bar("importance, fresh process", 10, "s", lambda r: fresh(r, "package", "importance")),
    Bar(
        "importance, beyond imports, full caches", 3, "s", lambda r: beyond_imports(r, "importance")
    ),
    Bar("nuts, warm", 12, "s", lambda r: warm(r, "package", "nuts")),
    Bar("nuts, fresh process", 25, "s", lambda r: fresh(r, "package", "nuts")),
    Bar("importance, mean bulk ESS", 4000, "", lambda r: ess(r, "importance"), at_least=True),
    Bar("nuts, mean bulk ESS", 4000, "", lambda r: ess(r, "nuts"), at_least=True),
    Bar(
        "brms' script / importance, warm",
        100,
        "times",
        lambda r: fresh(r, "brms", "brms") / warm(r, "package", "importance"),
        at_least=True,
    ),
    Bar(
        "brms' script / nuts, fresh process",
        6,
        "times",
        lambda r: fresh(r, "brms", "brms") / fresh(r, "package", "nuts"),
        at_least=True,
    ),
    *(
        Bar(
            f"nutpie with_data / {name}, both warm",
            1,
            "times",
            lambda r, name=name: warm(r, "peers", "nutpie") / warm(r, "package", name),  # type: ignore[misc]
            at_least=True,
        )
        for name in ("importance", "nuts")
    ),
    Bar("cost per dataset from 1,000 to 100,000: range", 20, "%", unevenness),
    Bar("100,000 datasets of 50 trials", 300, "s", lambda r: at_100_000(r, "seconds")),
    Bar("100,000 datasets of 50 trials", 4096, "MiB", lambda r: at_100_000(r, "peak_mib")),
    Bar(
        "one Dask worker / two, importance",
        1.6,
        "times",
        lambda r: speed_up(r, "importance"),
        at_least=True,
    ),
    Bar("one Dask worker / two, nuts", 1.6, "times", lambda r: speed_up(r, "nuts"), at_least=True),
    Bar(
        "GPU: 100,000 datasets, importance",
        10,
        "s",
        lambda r: r["gpu"]["importance"]["fit_seconds"],
    ),
    Bar(
        "GPU: 400 scenarios, nuts",
        3,
        "s",
        lambda r: statistics.median(r["gpu"]["nuts"]["warm_seconds"]),
    ),
)


def judged(bar: Bar, results: Results) -> tuple[float | None, str]:
    """What was measured for a bar, and ``reached``, ``not reached`` or ``not measured``."""
    try:
        value = bar.measured(results)
    except KeyError:
        return None, "not measured"
    reached = value >= bar.bar if bar.at_least else value <= bar.bar
    return value, "reached" if reached else "**not reached**"
