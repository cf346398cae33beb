"""Make ``moments.json``: long runs of Bambi and PyMC of the models of ``tests/inference/cases.py``.

    python tests/reference/make_moments.py [MODEL ...]

Without names all models are run, which takes a quarter of an hour on two cores; with names only
these are made anew. Draws come from PyMC's own NUTS and their figures from ArviZ, so that neither
an engine nor a summary of this package is involved.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "inference"))

from cases import CASES, Case  # noqa: E402

MOMENTS = HERE / "moments.json"
CHAINS, DRAWS, WARMUP = 4, 5000, 1000


def main(names: list[str]) -> None:
    """Run the named models, or all."""
    for library in ("pymc", "bambi"):
        logging.getLogger(library).setLevel(logging.ERROR)
    made: dict[str, Any] = json.loads(MOMENTS.read_text()) if MOMENTS.exists() else {"models": {}}
    made["made_by"] = {name: importlib.metadata.version(name) for name in ("bambi", "pymc")}
    made["draws"] = CHAINS * DRAWS
    for name in names or CASES:
        made["models"][name] = moments(CASES[name])
        MOMENTS.write_text(json.dumps(made, indent=1) + "\n")
        print(name, "done", flush=True)  # noqa: T201


def moments(case: Case) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and sd of every parameter with their Monte Carlo errors, by dataset."""
    return {
        str(name): _figures(case, data.drop(columns="which").reset_index(drop=True))
        for name, data in case.frame().groupby("which")
    }


def _figures(case: Case, data: pd.DataFrame) -> dict[str, dict[str, float]]:
    model = case.spec.build(data)
    # Short steps: what little they cost keeps the tails of few rows' posteriors in the sample.
    run: Any = model.fit(
        draws=DRAWS,
        tune=WARMUP,
        chains=CHAINS,
        random_seed=1,
        target_accept=0.95,
        progressbar=False,
        inference_method="pymc",
    )
    found: dict[str, dict[str, float]] = {}
    for rv in model.backend.model.free_RVs:
        draws = run["posterior"][rv.name]
        levels = [str(level) for dim in draws.dims[2:] for level in draws[dim].values] or [""]
        for level, values in zip(levels, draws.values.reshape(CHAINS, DRAWS, -1).T, strict=True):
            name = f"{rv.name}[{level}]" if level else rv.name
            found[name] = _figures_of(values.T)
    return found


def _figures_of(draws: np.ndarray) -> dict[str, float]:
    """Figures of one parameter's draws, a (chain, draw) array."""
    figures = {
        "mean": draws.mean(),
        "mcse_mean": array_stats.mcse(draws, method="mean"),
        "sd": draws.std(ddof=1),
        "mcse_sd": array_stats.mcse(draws, method="sd"),
    }
    if array_stats.rhat(draws) > 1.01:
        raise RuntimeError("the chains of a reference run do not agree")
    return {name: float(f"{value:.6g}") for name, value in figures.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
