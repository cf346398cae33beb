"""A tiny fit whose answer is known, to see whether this machine computes what it should.

Four small logistic regressions are fitted with `fit_many`; their posterior means are also summed
over a grid, which for two parameters leaves no error that counts.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, Final

import numpy as np

# Successes among the rows with x = -1, 0, 1: an effect, none, its opposite, and a steep one.
_ROWS: Final = 20
_X: Final = (-1.0, 0.0, 1.0)
SUCCESSES: Final = ((4, 9, 15), (10, 10, 10), (18, 12, 3), (0, 5, 19))
_INTERCEPT_SD: Final = 1.5
_SLOPE_SD: Final = 1.0


def tiny_fit() -> dict[str, Any]:
    """Fit, and compare with the exact means.

    Returns
    -------
    dict
        ``seconds``; ``largest_error``, in Monte Carlo standard errors; ``engines``.
    """
    import pandas as pd

    from selfinterp_stats.inference.many import fit_many
    from selfinterp_stats.models.priors import Prior

    rows = [
        (group, x, int(row < successes))
        for group, counts in enumerate(SUCCESSES)
        for x, successes in zip(_X, counts, strict=True)
        for row in range(_ROWS)
    ]
    start = perf_counter()
    tree = fit_many(
        "y ~ x",
        pd.DataFrame(rows, columns=["group", "x", "y"]),
        "group",
        family="bernoulli",
        priors={
            "Intercept": Prior.of("Normal", mu=0, sigma=_INTERCEPT_SD),
            "common": Prior.of("Normal", mu=0, sigma=_SLOPE_SD),
        },
        progress=False,
    )
    seconds = perf_counter() - start
    summary = tree["summary"]
    which = {"parameter": ["Intercept", "x"]}
    means = summary["mean"].sel(which).transpose("dataset", "parameter").to_numpy()
    errors = summary["mcse_mean"].sel(which).transpose("dataset", "parameter").to_numpy()
    return {
        "seconds": seconds,
        "largest_error": largest_error(means, errors),
        "engines": sorted(set(tree["sample_stats"]["engine"].to_numpy().tolist())),
    }


def largest_error(means: np.ndarray, mcse: np.ndarray) -> float:
    """Largest distance from the exact means, in Monte Carlo standard errors.

    Parameters
    ----------
    means, mcse : array, shape (dataset, 2)
        Of intercept and slope.
    """
    exact = np.array([exact_means(counts) for counts in SUCCESSES])
    distances = np.abs(means - exact) / mcse
    return float(distances.max()) if np.isfinite(distances).all() else float("inf")


def exact_means(successes: tuple[int, ...]) -> tuple[float, float]:
    """Posterior means of intercept and slope, summed over a grid.

    Parameters
    ----------
    successes : tuple of int
        Among the rows of each x.
    """
    # Eight prior standard deviations to either side hold all of it, and 0.03 between the points
    # is a tenth of the narrowest posterior standard deviation or less.
    intercept = np.linspace(-8 * _INTERCEPT_SD, 8 * _INTERCEPT_SD, 801)[:, None]
    slope = np.linspace(-8 * _SLOPE_SD, 8 * _SLOPE_SD, 801)[None, :]
    density = -0.5 * ((intercept / _INTERCEPT_SD) ** 2 + (slope / _SLOPE_SD) ** 2)
    for x, count in zip(_X, successes, strict=True):
        logit = intercept + slope * x
        density = density + count * logit - _ROWS * np.logaddexp(0, logit)
    weights = np.exp(density - density.max())
    weights /= weights.sum()
    return float((weights * intercept).sum()), float((weights * slope).sum())
