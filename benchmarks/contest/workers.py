"""The same work by one and by two Dask workers of one thread each; JSON on stdout.

    python -m contest.workers --datasets N [--engine importance] [--runs 3]

Workers are started, and compile, before the clock runs. ``busy`` is how many cores' worth of CPU
the workers used, all together: it shows that one worker keeps to one core.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from argparse import Namespace

from contest.data import Datasets, simulated
from contest.growth import options, summaries_of

NUMBERS = (1, 2)
COMPILES = 200  # several tasks for each worker


def run(workers: int, datasets: Datasets, given: Namespace) -> dict[str, object]:
    """Seconds of each run on a new local cluster, and how busy the workers were."""
    from distributed import Client, LocalCluster

    from selfinterp_stats.inference.running.cluster import ONE_THREAD

    few = simulated(COMPILES, given.rows, given.predictors, seed=1)
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, env=ONE_THREAD, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        address = cluster.scheduler_address
        summaries_of(few, given, cluster=address)
        before = sum(client.run(time.process_time).values())
        seconds = []
        for _ in range(given.runs):
            start = time.perf_counter()
            summaries_of(datasets, given, cluster=address)
            seconds.append(time.perf_counter() - start)
        used = sum(client.run(time.process_time).values()) - before
    return {"workers": workers, "seconds": seconds, "busy": used / sum(seconds)}


def main() -> None:
    """Measure; nothing but the JSON goes to stdout."""
    parser = options()
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        datasets = simulated(given.datasets, given.rows, given.predictors)
        runs = [run(workers, datasets, given) for workers in NUMBERS]
    print(json.dumps({"engine": given.engine, "datasets": given.datasets, "runs": runs}))


if __name__ == "__main__":
    main()
