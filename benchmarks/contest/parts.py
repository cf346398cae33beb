"""The parts of the benchmark: which processes each of them starts, and what it keeps of them.

This process loads no large library: a child's peak memory is at least the size of the process
that started it.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reproduce import ROOT, CommandFailedError, fresh_process

from contest.entrants import ENTRANTS, OWN

Record = dict[str, Any]


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes
    ----------
    scenarios : int
        Of the paper's 400, for whoever fits all.
    in_a_loop : int
        Of those, for Bambi, whose figures are extrapolated.
    brms_limit : int
        Scenarios of each base model and set; 0 for all.
    runs : int
        Fresh processes for each of this package's engines and each kind of cache; for peers one.
    warm : int
        Further fits in each process of this package's.
    warm_peer : int
        The same for peers.
    numbers, rows, predictors : tuple of int
        Where the growth curves are measured.
    datasets : int
        Simulated datasets at each point of the curves over rows and predictors.
    datasets_nuts : int
        The same for nuts.
    for_workers, for_workers_nuts : int
        Datasets that Dask workers share.
    on_gpu : int
        Simulated datasets that a GPU fits by importance.
    """

    scenarios: int = 400
    in_a_loop: int = 6
    brms_limit: int = 0
    runs: int = 3
    warm: int = 2
    warm_peer: int = 1
    numbers: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    rows: tuple[int, ...] = (10, 30, 100, 300, 1_000)
    predictors: tuple[int, ...] = (1, 2, 5, 10, 20)
    datasets: int = 400
    datasets_nuts: int = 32
    for_workers: int = 1_000
    for_workers_nuts: int = 512
    on_gpu: int = 100_000


QUICK = Scale(
    scenarios=20,
    in_a_loop=2,
    brms_limit=2,
    runs=1,
    warm=1,
    warm_peer=1,
    numbers=(100, 1_000),
    rows=(10, 100),
    predictors=(1, 5),
    datasets=50,
    datasets_nuts=16,
    for_workers=200,
    for_workers_nuts=32,
    on_gpu=1_000,
)


@dataclass(frozen=True)
class Bench:
    """What all parts share.

    Attributes
    ----------
    data : Path or None
        Folder of the paper's data; simulated scenarios stand in on a machine without it.
    scale : Scale
    scratch : Path
        For caches; thrown away afterwards.
    """

    data: Path | None
    scale: Scale
    scratch: Path

    def process(self, module: str, *arguments: object, cache: str = "shared") -> Record:
        """Run one of the modules beside this one, and measure its process.

        Parameters
        ----------
        module : str
        *arguments
        cache : str
            Name of the folder for what is compiled; a new name begins with nothing.

        Returns
        -------
        dict
            What it printed, with the ``seconds`` and ``peak_mib`` of its process.
        """
        command = [sys.executable, "-m", f"contest.{module}", *map(str, arguments)]
        run = fresh_process(command, env=self._environment(cache))
        record = json.loads(run.stdout.splitlines()[-1])
        return {**record, "seconds": run.seconds, "peak_mib": run.peak_mib}

    def _environment(self, cache: str) -> dict[str, str]:
        """Caches of compiled code in a folder; that of Matplotlib's fonts is everyone's."""
        folder = self.scratch / cache
        flags = [os.environ.get("PYTENSOR_FLAGS", ""), f"base_compiledir={folder / 'pytensor'}"]
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT / "benchmarks"),
            "XDG_CACHE_HOME": str(folder),
            "MPLCONFIGDIR": str(self.scratch / "matplotlib"),
            "NUMBA_CACHE_DIR": str(folder / "numba"),
            "PYTENSOR_FLAGS": ",".join(flag for flag in flags if flag),
        }

    def entrant(self, name: str, datasets: int, warm: int, cache: str) -> Record:
        """One process of an entrant.

        ``seconds`` are those of its whole process, less what came after the first result.
        """
        folder = ["--data", self.data] if self.data else []
        record = self.process(
            "once", name, *folder, "--datasets", datasets, "--warm", warm, cache=cache
        )
        record["seconds"] -= record["after_seconds"]
        return record


def package(bench: Bench) -> Record:
    """Engines of this package: fresh with empty caches, fresh with full ones, and warm."""
    scale, results = bench.scale, {}
    bench.entrant("nuts", 4, 0, cache="shared")  # fills the caches that are not in question
    for name in OWN:
        empty = [
            bench.entrant(name, scale.scenarios, 0, cache=f"{name} {run}")
            for run in range(scale.runs)
        ]
        full = [
            bench.entrant(name, scale.scenarios, scale.warm, cache=f"{name} 0")
            for _ in range(scale.runs)
        ]
        results[name] = {"empty_caches": empty, "full_caches": full}
        _say(f"{name}: {_median(empty, 'seconds'):.1f} s fresh, {_warm(full):.2f} s warm")
    return results


def peers(bench: Bench) -> Record:
    """Other libraries, one process each."""
    results: Record = {}
    for name in ("nutpie", "numpyro", "bambi"):
        missing = ENTRANTS[name].lacks()
        if missing:
            results[name] = {"skipped": f"{missing} is not installed"}
            continue
        # The first loop fills PyTensor's cache of C code; the second costs what a long one would.
        datasets = bench.scale.in_a_loop if name == "bambi" else bench.scale.scenarios
        try:
            record = bench.entrant(name, datasets, bench.scale.warm_peer, cache=name)
        except CommandFailedError as error:
            results[name] = {"skipped": f"it failed: {str(error).splitlines()[-1]}"}
            continue
        results[name] = {"empty_caches": [record], "full_caches": [record]}
        _say(f"{name}: {record['seconds']:.1f} s fresh, {_warm([record]):.2f} s warm")
    return results


def brms(bench: Bench) -> Record:
    """The authors' settings: one compilation, update() for each scenario, 4 x 2,000 iterations."""
    rscript = shutil.which("Rscript")
    if bench.data is None:
        return {"brms": {"skipped": "it needs the paper's data: --data DIR"}}
    if rscript is None or not _has_brms(rscript):
        return {"brms": {"skipped": "R or brms is not installed"}}
    weights = bench.scratch / "weights.csv"
    command = [rscript, str(ROOT / "benchmarks" / "brms" / "weights.R")]
    for name, value in {
        "data": bench.data.resolve(),
        "out": weights,
        "limit": bench.scale.brms_limit,
    }.items():
        command += [f"--{name}", str(value)]
    run = fresh_process(command, env={**os.environ, "TZ": "UTC"})
    printed = json.loads(run.stdout)
    with weights.open() as file:
        ess = [float(row["ess_bulk"]) for row in csv.DictReader(file) if row["term"] != "Intercept"]
    record = {
        "datasets": printed["fits"],
        "draws": printed["chains"] * printed["iterations"] // 2,
        "workers": printed["workers"],
        "versions": printed["versions"],
        "compile_seconds": printed["compile_seconds"],
        "seconds": run.seconds,
        "warm_seconds": [printed["fit_seconds"]],
        "import_seconds": run.seconds - printed["seconds"],
        "peak_mib": run.peak_mib,
        "ess_mean": statistics.mean(ess),
        "ess_smallest": min(ess),
    }
    _say(f"brms: {run.seconds:.1f} s, of which fits {printed['fit_seconds']:.1f} s")
    return {"brms": {"empty_caches": [record], "full_caches": [record]}}


def _has_brms(rscript: str) -> bool:
    probe = 'quit(status = !requireNamespace("brms", quietly = TRUE))'
    return subprocess.run([rscript, "-e", probe], capture_output=True, check=False).returncode == 0


def growth(bench: Bench) -> Record:
    """Seconds and memory over datasets, rows and predictors."""
    scale = bench.scale
    points: list[tuple[str, str, Record]] = []
    for n in scale.numbers:
        # A short one is over before the machine's own unrest has averaged out.
        repeats = scale.runs if n == 1_000 else 1
        points += [("datasets", "importance", {"datasets": n})] * repeats
    for engine, n in (("importance", scale.datasets), ("nuts", scale.datasets_nuts)):
        points += [("rows", engine, {"datasets": n, "rows": rows}) for rows in scale.rows]
        points += [
            ("predictors", engine, {"datasets": n, "predictors": k}) for k in scale.predictors
        ]
    curves: Record = {"datasets": [], "rows": [], "predictors": []}
    for over, engine, what in points:
        arguments = [text for name, value in what.items() for text in (f"--{name}", value)]
        record = bench.process("growth", "--engine", engine, *arguments)
        curves[over].append(record)
        each = 1000 * record["fit_seconds"] / record["datasets"]
        _say(f"{engine}, {what}: {each:.2f} ms per dataset, {record['peak_mib']:.0f} MiB")
    return curves


def workers(bench: Bench) -> Record:
    """One Dask worker and two, one thread each."""
    if subprocess.run(
        [sys.executable, "-c", "import distributed"], capture_output=True, check=False
    ).returncode:
        return {"skipped": "dask.distributed is not installed"}
    results = {}
    for engine, n in (
        ("importance", bench.scale.for_workers),
        ("nuts", bench.scale.for_workers_nuts),
    ):
        arguments = ("--engine", engine, "--datasets", n, "--runs", bench.scale.runs)
        results[engine] = bench.process("workers", *arguments)
        medians = [statistics.median(run["seconds"]) for run in results[engine]["runs"]]
        _say(f"{engine}: {medians[0]:.1f} s with one worker, {medians[1]:.1f} s with two")
    return results


def gpu(bench: Bench) -> Record:
    """Many datasets by importance and the scenarios by NUTS, on a GPU."""
    on_gpu = ("--device", "gpu")
    many = bench.process("growth", "--datasets", bench.scale.on_gpu, *on_gpu)
    _say(f"importance, {many['datasets']:,} datasets: {many['fit_seconds']:.2f} s")
    folder = ["--data", bench.data] if bench.data else []
    few = ("--datasets", bench.scale.scenarios, "--warm", bench.scale.runs)
    nuts = bench.process("once", "nuts", *folder, *few, *on_gpu)
    nuts["scenarios"] = "the paper's" if bench.data else "simulated"
    _say(f"nuts, {nuts['datasets']} scenarios: {_warm([nuts]):.2f} s")
    return {"importance": many, "nuts": nuts}


PARTS = {
    "package": package,
    "peers": peers,
    "brms": brms,
    "growth": growth,
    "workers": workers,
    "gpu": gpu,
}


def _median(records: Sequence[Record], key: str) -> float:
    return statistics.median(record[key] for record in records)


def _warm(records: Sequence[Record]) -> float:
    return statistics.median(s for record in records for s in record["warm_seconds"])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
