"""The results as Markdown: who is how fast, which numbers are reached, how cost grows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from contest.bars import BARS, judged, worked
from contest.entrants import ENTRANTS

ALL = 400  # scenarios of the paper
LABELS = {name: entrant.what for name, entrant in ENTRANTS.items()} | {"brms": "brms, update()"}
OPENING = """# Engines beside their peers, and how their cost grows

Fits of the paper's logistic regression: five slopes with normal(0, 1) priors. Made by
`python benchmarks/engines.py --data DIR`; all figures are in `engines.json`.
"""
CONTEST = """## The paper's scenarios

*Fresh process*: from its start to its end, nothing compiled beforehand; *imports* are a part of
it. *Full caches*: reading and the first fit with what an earlier process compiled, without what
imports cost, which is a second more as the interpreter ends. *Warm*: a further fit of all
scenarios in that process. Effective draws are bulk ESS of the slopes, on
average and of the worst slope, for each dataset; *per second* are those of all datasets in the
warm time. Each entrant makes its draws and what it always makes beside them: this package its
summaries and a DataTree, brms R-hat and ESS. Medians.
"""
GROWTH = """## Growth

Simulated datasets, 4,000 draws of each; only summaries are kept. The seconds per dataset are those
of a warm fit; the process's own are its start, imports, simulation and compilation as well.
"""
WORKERS = """## Dask workers

Workers of one thread each on this machine, started and compiled before the clock runs. *Busy*:
cores' worth of CPU time that the workers used.
"""


def markdown(record: dict[str, Any]) -> str:
    """The whole report of what has been measured so far."""
    parts = record["parts"]
    results = {name: part["results"] for name, part in parts.items()}
    sections = [OPENING, _when(parts)]
    if record["quick"]:
        sections.append("**A trial with small numbers: no figure here is a result.**\n")
    else:
        sections += ["## Numbers to reach\n", _bars(results)]
    contest = {**results.get("package", {}), **results.get("peers", {}), **results.get("brms", {})}
    if contest:
        sections += [CONTEST, _contest(contest)]
    if "growth" in results:
        sections += [GROWTH, "![Growth of cost](engines.svg)\n", _growth(results["growth"])]
    if "workers" in results:
        sections += [WORKERS, _workers(results["workers"])]
    if "gpu" in results:
        sections += ["## GPU\n", _gpu(results["gpu"])]
    return "\n".join(sections)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: text in the first column, figures in the others."""
    lines = [
        f"| {' | '.join(header)} |",
        f"|---|{'---:|' * (len(header) - 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def _when(parts: dict[str, Any]) -> str:
    """On which machine and when; one line where all parts agree."""
    lines: dict[str, list[str]] = {}
    for name, part in parts.items():
        machine = part["machine"]
        libraries = ", ".join(f"{k} {v}" for k, v in machine["libraries"].items())
        about = (
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{machine['system']}, Python {machine['python']}; {libraries}."
        )
        when = f"{name} on {part['measured']} (load when it began {machine['load_at_start']})"
        lines.setdefault(about, []).append(when)
    return "\n".join(f"{about} Measured: {', '.join(when)}.\n" for about, when in lines.items())


def _bars(results: dict[str, Any]) -> str:
    rows = []
    for bar in BARS:
        value, verdict = judged(bar, results)
        sign = "at least" if bar.at_least else "at most"
        measured = "" if value is None else f"{_short(value)} {bar.unit}"
        rows.append(
            (bar.what, f"{sign} {bar.bar:,g} {bar.unit}".strip(), measured.strip(), verdict)
        )
    return table(("what", "bar", "measured", ""), rows)


def _contest(results: dict[str, Any]) -> str:
    header = (
        "who",
        "datasets",
        "draws",
        "fresh process, s",
        "imports, s",
        "full caches, s",
        "warm, s",
        "warm, ms per dataset",
        "ESS, mean",
        "ESS, smallest",
        "ESS per s, mean",
        "ESS per s, smallest",
        "peak, MiB",
        "processes, warm fits",
    )
    rows = [_entrant(name, runs) for name, runs in results.items() if "skipped" not in runs]
    text = table(header, rows)
    if any(row[1].endswith("*") for row in rows):
        text += f"\n\\* Of so many scenarios; seconds are extrapolated to {ALL} (≈).\n"
    if "skipped" not in results.get("brms", {"skipped": ""}):
        text += _about_brms(results["brms"]["full_caches"][0])
    skipped = [
        f"- {LABELS[name]}: {runs['skipped']}"
        for name, runs in results.items()
        if "skipped" in runs
    ]
    return text + ("\nNot measured:\n\n" + "\n".join(skipped) + "\n" if skipped else "")


def _about_brms(run: dict[str, Any]) -> str:
    """Versions of R's side, and how it was run."""
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    return (
        f"\nbrms: {versions}; {run['workers']} processes share the fits; of its fresh process "
        f"{_short(run['compile_seconds'])} s go to the one compilation.\n"
    )


def _entrant(name: str, runs: dict[str, list[dict[str, Any]]]) -> tuple[str, ...]:
    """One row; where a sample stands for all scenarios, seconds are extrapolated."""
    empty, full = runs["empty_caches"], runs["full_caches"]
    first = full[0]
    n = first["datasets"]
    fits = [seconds for run in full for seconds in run["warm_seconds"]]
    warm = statistics.median(fits)
    sample = name == "bambi" and n < ALL
    total, about = (ALL, "≈ ") if sample else (n, "")
    fresh = _median(empty, "seconds") + (warm / n) * (total - n)
    own = full != empty  # peers keep no compiled code, or are not asked to
    beyond = statistics.median(map(worked, full)) if own else 0.0
    mean, smallest = _median(full, "ess_mean"), min(run["ess_smallest"] for run in full)
    return (
        LABELS[name],
        f"{n}{'*' if sample else ''}",
        f"{first['draws']:,}",
        f"{about}{_short(fresh)}",
        _short(_median(empty, "import_seconds")),
        _short(beyond) if own else "",
        f"{about}{_short(warm / n * total)}",
        _short(1000 * warm / n),
        f"{mean:,.0f}",
        f"{smallest:,.0f}",
        f"{mean * n / warm:,.0f}",
        f"{smallest * n / warm:,.0f}",
        f"{max(run['peak_mib'] for run in [*empty, *full]):,.0f}",
        f"{len(empty)}, {len(fits)}",
    )


def _growth(curves: dict[str, list[dict[str, Any]]]) -> str:
    header = (
        "curve, engine",
        "datasets",
        "rows",
        "predictors",
        "runs",
        "ms per dataset",
        "process, s",
        "peak, MiB",
        "ESS, mean",
    )
    rows = []
    for over, points in curves.items():
        for same in _alike(points):
            one = same[0]
            each = statistics.median(p["fit_seconds"] / p["datasets"] for p in same)
            rows.append(
                (
                    f"{over}, {one['engine']}",
                    f"{one['datasets']:,}",
                    f"{one['rows']:,}",
                    str(one["predictors"]),
                    str(len(same)),
                    _short(1000 * each),
                    _short(_median(same, "seconds")),
                    f"{_median(same, 'peak_mib'):,.0f}",
                    f"{_median(same, 'ess_mean'):,.0f}",
                )
            )
    return table(header, rows)


def _alike(points: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Repeated measurements of one point, together."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for point in points:
        key = tuple(point[name] for name in ("engine", "datasets", "rows", "predictors"))
        groups.setdefault(key, []).append(point)
    return list(groups.values())


def _workers(results: dict[str, Any]) -> str:
    if "skipped" in results:
        return f"Not measured: {results['skipped']}.\n"
    rows = []
    for engine, result in results.items():
        one, two = result["runs"]
        seconds = [statistics.median(run["seconds"]) for run in (one, two)]
        rows.append(
            (
                engine,
                f"{result['datasets']:,}",
                _short(seconds[0]),
                _short(seconds[1]),
                f"{seconds[0] / seconds[1]:.2f}",
                f"{one['busy']:.2f}, {two['busy']:.2f}",
                str(len(one["seconds"])),
            )
        )
    header = ("engine", "datasets", "one worker, s", "two, s", "times as fast", "busy", "runs")
    return table(header, rows)


def _gpu(results: dict[str, Any]) -> str:
    many, nuts = results["importance"], results["nuts"]
    rows = [
        (
            f"importance, {many['datasets']:,} simulated datasets of {many['rows']} trials",
            _short(many["fit_seconds"]),
            _short(many["seconds"]),
            f"{many['ess_mean']:,.0f}",
        ),
        (
            f"nuts, {nuts['datasets']} scenarios ({nuts['scenarios']})",
            _short(statistics.median(nuts["warm_seconds"])),
            _short(nuts["seconds"] - nuts["after_seconds"]),
            f"{nuts['ess_mean']:,.0f}",
        ),
    ]
    return f"{many['device']}.\n\n" + table(("what", "warm, s", "process, s", "ESS, mean"), rows)


def _median(records: Sequence[dict[str, Any]], key: str) -> float:
    return statistics.median(record[key] for record in records)


def _short(value: float) -> str:
    """Three digits, or all before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
