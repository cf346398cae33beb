"""Draws whose moments are compared with known ones, by the Monte Carlo errors of both sides."""

from __future__ import annotations

import numpy as np
import pandas as pd
from cases import Case

from selfinterp_stats.inference.fit import Fits, fit_datasets
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import summarise

# Errors that a difference may have: a normal deviate exceeds so many once in 150,000 times.
MANY = 4.5


def fitted(case: Case, frame: pd.DataFrame, engine: str, draws: int = 4000) -> Fits:
    fits = fit_datasets(case.spec, frame, ["which"], Sampling(engine, draws=draws))
    assert (fits.engines == engine).all()
    assert (fits.problems == "").all()
    return fits


def check_moments(fits: Fits, expected: dict[str, dict[str, dict[str, float]]]) -> None:
    """Means and sds of all parameters are the expected ones within the errors of both."""
    for parameter in fits.parameters:
        found = summarise(fits.of(parameter).astype(float))
        for i, (label,) in enumerate(fits.labels):
            theirs = expected[label][parameter]
            for figure in ("mean", "sd"):
                error = np.hypot(found[f"mcse_{figure}"][i], theirs.get(f"mcse_{figure}", 0))
                z = (found[figure][i] - theirs[figure]) / error
                assert abs(z) < MANY, f"{figure} of {parameter} in {label!r}: {z:.1f} errors off"
