"""One entrant in a process of its own: imports, a first fit, further fits; JSON on stdout.

    python -m contest.once ENTRANT --data DIR [--datasets N] [--warm 2] [--device gpu]

Without a folder the datasets are simulated. ``after_seconds`` is what came after the first
result: the caller takes it off the process's time.
"""

from __future__ import annotations

import time

STARTED = time.perf_counter()  # before NumPy and pandas, which are imports as well

# ruff: noqa: E402 - what is imported here is timed
import argparse
import contextlib
import importlib
import json
import sys
from pathlib import Path

from contest.data import paper_scenarios, simulated_scenarios
from contest.entrants import ENTRANTS, Fit


def timed(fit: Fit, seed: int) -> tuple[object, float, float]:
    """What a fit gave, its seconds on the clock and its seconds of CPU."""
    start, cpu = time.perf_counter(), time.process_time()
    result = fit(seed)
    return result, time.perf_counter() - start, time.process_time() - cpu


def measure(given: argparse.Namespace) -> dict[str, object]:
    """Import, read, fit once and then warm, and judge the draws."""
    entrant = ENTRANTS[given.entrant]
    for name in entrant.imports:
        importlib.import_module(name)
    imported = time.perf_counter()
    datasets = paper_scenarios(given.data) if given.data else simulated_scenarios(given.datasets)
    datasets = datasets.spread(given.datasets)
    read = time.perf_counter()
    fit = entrant.ready(datasets, given.draws or entrant.draws, given.device)
    ready = time.perf_counter()
    result, first, _ = timed(fit, 0)
    done = time.perf_counter()
    warm = []
    for seed in range(1, given.warm + 1):
        result, *seconds = timed(fit, seed)
        warm.append(seconds)
    slopes = entrant.slopes(result, datasets)
    ess = effective(slopes)
    return {
        "datasets": len(slopes),
        "draws": int(slopes.shape[2] * slopes.shape[3]),
        "import_seconds": imported - STARTED,
        "read_seconds": read - imported,
        "ready_seconds": ready - read,
        "first_seconds": first,
        "warm_seconds": [seconds for seconds, _ in warm],
        "warm_cpu_seconds": [cpu for _, cpu in warm],
        "ess_mean": float(ess.mean()),
        "ess_smallest": float(ess.min()),
        "after_seconds": time.perf_counter() - done,
    }


def effective(slopes: object) -> object:
    """Bulk ESS of every slope of every dataset, as this package has it."""
    import numpy as np

    from selfinterp_stats.inference.summary.summaries import ess_bulk

    values = np.asarray(slopes)
    return ess_bulk(values.reshape(-1, *values.shape[2:]))


def main() -> None:
    """Measure; nothing but the JSON goes to stdout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("entrant", choices=ENTRANTS)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--datasets", type=int, default=400)
    parser.add_argument("--warm", type=int, default=0)
    parser.add_argument("--draws", type=int, help="of each chain; the entrant's own unless given")
    parser.add_argument("--device", choices=("cpu", "gpu"))
    given = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        record = measure(given)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
