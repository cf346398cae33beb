"""One point of a growth curve in a process of its own; JSON on stdout.

    python -m contest.growth --datasets N --rows N --predictors N [--engine NAME] [--device gpu]

Simulated datasets, only summaries kept. What is compiled is compiled by a fit of at most a
thousand others, so that the fit that counts shows what a dataset costs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from typing import Any

from contest.data import Datasets, simulated
from contest.entrants import CHAINS, DRAWS

COMPILES = 1000


def summaries_of(datasets: Datasets, given: argparse.Namespace, **where: Any) -> Any:
    """Fit all of them, keeping the summaries alone."""
    from selfinterp_stats import fit_many
    from selfinterp_stats.models.weights import WEIGHT_PRIORS

    return fit_many(
        datasets.formula,
        datasets.frame,
        datasets.by,
        priors=WEIGHT_PRIORS,
        family="bernoulli",
        engine=given.engine,
        draws=CHAINS * DRAWS,
        keep="summaries",
        progress=False,
        **where,
    )


def measure(given: argparse.Namespace) -> dict[str, object]:
    """Fit once to compile and once to measure."""
    import jax

    start = time.perf_counter()
    few = simulated(min(COMPILES, given.datasets), given.rows, given.predictors, seed=1)
    datasets = simulated(given.datasets, given.rows, given.predictors)
    made = time.perf_counter()
    summaries_of(few, given, device=given.device)
    compiled = time.perf_counter()
    tree = summaries_of(datasets, given, device=given.device)
    done = time.perf_counter()
    ess = tree["summary"]["ess_bulk"].sel(parameter=datasets.slopes)
    return {
        "engine": given.engine,
        "datasets": given.datasets,
        "rows": given.rows,
        "predictors": given.predictors,
        "simulate_seconds": made - start,
        "compile_seconds": compiled - made,
        "fit_seconds": done - compiled,
        "ess_mean": float(ess.mean()),
        "ess_smallest": float(ess.min()),
        "device": jax.local_devices()[0].device_kind,
    }


def options() -> argparse.ArgumentParser:
    """What a point of a curve, or a cluster's work, is described by."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=int, required=True)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--predictors", type=int, default=5)
    parser.add_argument("--engine", choices=("importance", "auto", "nuts"), default="importance")
    parser.add_argument("--device", choices=("cpu", "gpu"))
    return parser


def main() -> None:
    """Measure; nothing but the JSON goes to stdout."""
    given = options().parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        record = measure(given)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
