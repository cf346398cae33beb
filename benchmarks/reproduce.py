"""How long the refit takes and how much memory it needs: medians of several fresh processes.

    python benchmarks/reproduce.py --data DIR [--runs 3] [--engine NAME ...] [--with-r]

A cold start is a new process: imports, compilation, fits, figures and the page. Warm stage 1 is
the same call made again in one process, after a first that compiled. Peak memory is the largest
resident set that the system saw of the process or of a child of it. With ``--with-r`` the brms
scripts beside this file run on the same folder, where R and brms are installed.

Prints a table, and writes it with the machine's description to ``reports/benchmarks/``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = (
    "selfinterp-stats",
    "pymc",
    "pytensor",
    "bambi",
    "arviz",
    "arviz-stats",
    "jax",
    "numpyro",
    "numpy",
    "pandas",
    "xarray",
)
ENGINES = ("auto", "importance", "nuts")


@dataclass(frozen=True)
class Run:
    """One finished process: seconds on the clock, seconds of CPU, peak memory in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    stdout: str


@dataclass(frozen=True)
class Row:
    """One line of the table: a median, its extremes and the bar that it should stay under."""

    what: str
    runs: int
    median_seconds: float
    fastest: float
    slowest: float
    peak_mib: float | None = None
    bar: str = ""


class CommandFailedError(RuntimeError):
    """A measured command ended with an error; its own message is part of this one."""


def fresh_process(command: Sequence[str], *, env: dict[str, str] | None = None) -> Run:
    """Run a command as a process of its own and measure it, children included.

    Raises
    ------
    CommandFailedError
        When its exit status is not 0.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=ROOT
        )
        # wait4 gives this child's own usage; getrusage(RUSAGE_CHILDREN) would keep the largest
        # peak of every child so far.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            tail = "\n".join(err.read().splitlines()[-20:])
            raise CommandFailedError(f"{command[0]} ended with {process.returncode}:\n{tail}")
        unit = 1024**2 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
        return Run(
            seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, stdout=out.read()
        )


def describe_machine(libraries: Sequence[str] = LIBRARIES) -> dict[str, object]:
    """CPU model, cores this process may use, memory in GiB, system, Python and libraries."""
    versions = {}
    for name in libraries:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": versions,
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        asked = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            check=False,
        )
        return asked.stdout.strip()
    return platform.processor() or "unknown"


def summarise(what: str, runs: Sequence[Run], *, bar: str = "") -> Row:
    """The row of several runs of one command."""
    seconds = [run.seconds for run in runs]
    return Row(
        what,
        len(runs),
        statistics.median(seconds),
        min(seconds),
        max(seconds),
        statistics.median(run.peak_mib for run in runs),
        bar,
    )


def selfinterp() -> str:
    """The command that belongs to this interpreter, else the one on the path."""
    beside = Path(sys.executable).with_name("selfinterp")
    found = str(beside) if beside.exists() else shutil.which("selfinterp")
    if found is None:
        raise CommandFailedError("selfinterp is not installed here; run: make install")
    return found


def time_help(runs: int) -> Row:
    """``selfinterp --help``: how long the command line takes to answer."""
    return summarise(
        "selfinterp --help",
        [fresh_process([selfinterp(), "--help"]) for _ in range(runs)],
        bar="0.5 s",
    )


def time_reproduce(data: Path, engine: str, runs: int) -> Row:
    """Cold start to finished page, into a folder that is thrown away."""
    bars = {"auto": "20 s, 2048 MiB", "importance": "20 s, 2048 MiB"}
    measured = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as scratch:
            measured.append(
                fresh_process(
                    [
                        selfinterp(),
                        "reproduce",
                        "--data",
                        str(data),
                        "--out",
                        str(Path(scratch) / "out"),
                        "--engine",
                        engine,
                    ]
                )
            )
    return summarise(f"reproduce, {engine}, cold", measured, bar=bars.get(engine, ""))


def time_stage_one(data: Path, engine: str, runs: int) -> list[Row]:
    """Stage 1 alone in one process: cold (imports and compilation) and then warm."""
    code = f"""
import json, sys, time
start = time.perf_counter()
sys.path.insert(0, {str(ROOT / "benchmarks")!r})
from reproduce import stage_one_call
call = stage_one_call({str(data)!r}, {engine!r})
seconds = []
for _ in range({runs} + 1):
    call()
    now = time.perf_counter()
    seconds.append(now - start)
    start = now
print(json.dumps(seconds))
"""
    run = fresh_process([sys.executable, "-c", code])
    cold, *warm = json.loads(run.stdout.splitlines()[-1])
    bars = {"importance": ("", "1.5 s"), "nuts": ("45 s", "")}
    cold_bar, warm_bar = bars.get(engine, ("", ""))
    return [
        Row(f"stage 1, {engine}, cold", 1, cold, cold, cold, run.peak_mib, cold_bar),
        Row(
            f"stage 1, {engine}, warm",
            len(warm),
            statistics.median(warm),
            min(warm),
            max(warm),
            bar=warm_bar,
        ),
    ]


def stage_one_call(data: str, engine: str) -> Callable[[], object]:
    """Read the study once; what comes back fits all its scenarios, as a user's call would."""
    package = importlib.import_module("selfinterp_stats")
    study = package.load_study(data)
    return lambda: package.fit_weights(study, engine=engine)


def time_brms(data: Path, workers: int) -> list[Row]:
    """The same analysis by brms, once: both R scripts, or no rows where R or brms is missing."""
    rscript = shutil.which("Rscript")
    if rscript is None or not _has_brms(rscript):
        print("brms is not installed here: no rows for R", file=sys.stderr)
        return []
    environment = {**os.environ, "TZ": "UTC"}
    scripts = ROOT / "benchmarks" / "brms"
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        weights = str(Path(scratch) / "weights.csv")
        common = ["--data", str(data.resolve()), "--workers", str(workers)]
        for name, own in (("weights", ["--out"]), ("regressions", ["--weights"])):
            command = [rscript, str(scripts / f"{name}.R"), *common, *own, weights]
            run = fresh_process(command, env=environment)
            rows.append(summarise(f"brms, {name}.R, {workers} workers", [run]))
    total = sum(row.median_seconds for row in rows)
    rows.append(Row("brms, both scripts", 1, total, total, total))
    return rows


def _has_brms(rscript: str) -> bool:
    probe = 'quit(status = !requireNamespace("brms", quietly = TRUE))'
    return subprocess.run([rscript, "-e", probe], capture_output=True, check=False).returncode == 0


def as_markdown(rows: Sequence[Row], machine: dict[str, object]) -> str:
    """The table that people read, with the machine that it was measured on."""
    where = (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}, Python {machine['python']}; "
        f"load when it began {machine['load_at_start']}."
    )
    lines = [
        where,
        "",
        "| what | runs | median, s | fastest, s | slowest, s | peak, MiB | to stay under |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        peak = "" if row.peak_mib is None else f"{row.peak_mib:.0f}"
        lines.append(
            f"| {row.what} | {row.runs} | {row.median_seconds:.2f} | {row.fastest:.2f} "
            f"| {row.slowest:.2f} | {peak} | {row.bar} |"
        )
    return "\n".join(lines) + "\n"


def write_results(rows: Sequence[Row], machine: dict[str, object], folder: Path) -> Path:
    """``reproduce.md`` and ``reproduce.json`` in ``folder``; returns the former's path."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": machine,
        "rows": [asdict(row) for row in rows],
    }
    (folder / "reproduce.json").write_text(json.dumps(record, indent=2) + "\n")
    table = folder / "reproduce.md"
    table.write_text("# Time and memory of the refit\n\n" + as_markdown(rows, machine))
    return table


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line of this script."""
    parser = argparse.ArgumentParser(description="Time and memory of selfinterp reproduce")
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("SELFINTERP_DATA"), help="a study folder"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs per row (default 3)")
    parser.add_argument("--engine", nargs="+", default=list(ENGINES))
    parser.add_argument("--with-r", action="store_true", help="run the brms scripts too")
    parser.add_argument("--workers", type=int, default=2, help="processes that brms may use")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "benchmarks")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("name the study folder: --data DIR or SELFINTERP_DATA")
    if options.runs < 1:
        parser.error("--runs must be 1 or more")
    options.data = Path(options.data)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when a measured command failed."""
    options = read_options(arguments)
    machine = describe_machine()
    rows: list[Row] = []

    def measured(name: str, new: Sequence[Row]) -> None:
        rows.extend(new)
        print(f"{name}: {', '.join(f'{row.median_seconds:.2f} s' for row in new)}", file=sys.stderr)

    try:
        measured("--help", [time_help(max(options.runs, 5))])
        for engine in options.engine:
            measured(f"reproduce, {engine}", [time_reproduce(options.data, engine, options.runs)])
            if engine != "auto":
                measured(f"stage 1, {engine}", time_stage_one(options.data, engine, options.runs))
        if options.with_r:
            measured("brms", time_brms(options.data, options.workers))
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return 1
    print(as_markdown(rows, machine))
    print(f"written to {write_results(rows, machine, options.out)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
