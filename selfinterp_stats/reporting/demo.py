"""The embedded default: an experiment with known truth, collected, refitted and reported."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.analysis import Steps, analyse
from selfinterp_stats.estimates.results import Results, Settings
from selfinterp_stats.reporting.output import check_output_folder, output_folder, write_into
from selfinterp_stats.study import load_study
from selfinterp_stats.study.simulation.collected import collected_quantities


def run_demo(
    out: str | PathLike[str],
    collect: Callable[[Path, Steps], None],
    *,
    seed: int = 0,
    steps: Steps | None = None,
) -> tuple[Results, pd.DataFrame]:
    """Collect a study whose truth is known, refit it and write the report.

    Parameters
    ----------
    out : path
        Gets what `reproduce` writes, everything that was collected in ``collection/``, the study
        in ``study/`` and ``tables/truth.csv``.
    collect : callable
        Collects into a folder that is there; its ``study`` must hold what `collected_quantities`
        reads.
    seed : int
        Of the draws.
    steps : Steps, optional
        As in `reproduce`.

    Returns
    -------
    Results, pandas.DataFrame
        The second is `beside_truth`.
    """
    check_output_folder(out)
    steps = steps or Steps()
    with tempfile.TemporaryDirectory() as scratch:
        collect(Path(scratch), steps)
        folder = Path(scratch) / "study"
        with steps.step("reading", 1):
            study = load_study(folder)
        results = analyse(study, Settings(seed=seed), steps)
        results.run["data"]["source"] = "study"
        beside = beside_truth(results.paper_numbers, collected_quantities(study, folder))
        with steps.step("report", 1), output_folder(out) as target:
            write_into(results, target, steps=steps)
            shutil.move(folder, target / "study")
            ignored = shutil.ignore_patterns("*.lock")
            shutil.copytree(scratch, target / "collection", ignore=ignored)
            beside.to_csv(target / "tables" / "truth.csv", index=False)
    return results, beside


def beside_truth(numbers: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Estimates beside what is known of the simulated study.

    Parameters
    ----------
    numbers : pandas.DataFrame
        ``paper_numbers`` of the refit.
    truth : pandas.DataFrame
        ``id, truth, expected_estimate``, as from `collected_quantities`.

    Returns
    -------
    pandas.DataFrame
        ``id, section, quantity, base_model, estimate, hdi_low, hdi_high, expected_estimate, truth,
        covered``; ``covered`` says whether the HDI holds ``expected_estimate``, what a refit
        finds on average over fresh choices, and is empty where there is no HDI.
    """
    known = truth[["id", "truth", "expected_estimate"]]
    columns = ["id", "section", "quantity", "base_model", "estimate", "hdi_low", "hdi_high"]
    beside = numbers[columns].merge(known, on="id")
    expected = beside["expected_estimate"]
    inside = expected.between(beside["hdi_low"], beside["hdi_high"])
    has_interval = beside["hdi_low"].notna() & expected.notna()
    beside["covered"] = np.where(has_interval, np.where(inside, "yes", "no"), "")
    return beside
