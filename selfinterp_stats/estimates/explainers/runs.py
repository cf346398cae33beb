"""Runs: how far a cell moves from one to the next, and what that does to a comparison.

With one run per cell nothing here is in the data, and a prior stands in. With several it is
estimated, in closed form but for one number, the sd itself, whose posterior is laid out on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError

HALF_NORMAL: Final = 10.0
"""Scale, in points, of the half-normal prior of the sd where runs measure it."""

_GRID: Final = np.linspace(0.005, 40, 8000)


@dataclass(frozen=True)
class RunSd:
    """Posterior of the run-to-run sd, in percentage points.

    Attributes
    ----------
    grid, density : (point,) array
        The density sums to 1.
    cells : pandas.DataFrame
        What it is made of: the cell's columns, `runs`, `mean` and `sd` of the run means, and
        `item_se`, the sd that items alone would give a run mean against the others.
    """

    grid: np.ndarray
    density: np.ndarray
    cells: pd.DataFrame

    def quantile(self, probability: float) -> float:
        """A quantile of the posterior."""
        return float(np.interp(probability, np.cumsum(self.density), self.grid))

    @property
    def median(self) -> float:
        """The posterior median."""
        return self.quantile(0.5)

    def hdi(self, probability: float = 0.95) -> tuple[float, float]:
        """The narrowest interval of a probability."""
        order = np.argsort(self.density)[::-1]
        inside = order[: 1 + int(np.searchsorted(np.cumsum(self.density[order]), probability))]
        return float(self.grid[inside].min()), float(self.grid[inside].max())

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw from the posterior."""
        return rng.choice(self.grid, size=shape, p=self.density)


def run_to_run_sd(items: pd.DataFrame) -> RunSd:
    """Estimate the run-to-run sd from cells with several runs.

    The means of a cell's runs are normal around the cell with variance sd^2 + what items add;
    runs share items, so that what an item does to all of them alike drops out.

    Parameters
    ----------
    items : pandas.DataFrame
        As `ExplainerStudy.items`; cells with one run are passed over.

    Raises
    ------
    InputError
        No cell has two runs.
    """
    columns = ["explainer", "target", "task", "condition", "training_items"]
    log_density = -0.5 * (_GRID / HALF_NORMAL) ** 2
    cells = []
    for names, rows in items.groupby(columns, sort=False, dropna=False):
        if rows["run"].nunique() < 2:
            continue
        table = 100 * rows.pivot(index="item", columns="run", values="outcome").dropna()
        means, noise = table.mean().to_numpy(), np.cov(table.T) / len(table)
        log_density += _log_likelihood(means, noise)
        apart = noise - noise.mean(0) - noise.mean(1)[:, None] + noise.mean()
        cells.append(
            {
                **dict(zip(columns, names, strict=True)),
                "runs": len(means),
                "mean": means.mean(),
                "sd": means.std(ddof=1),
                "item_se": np.sqrt(np.trace(apart) / (len(means) - 1)),
            }
        )
    if not cells:
        raise InputError(
            "the run-to-run sd is not identified: no cell has two runs",
            remedy="Give runs of the same cell with a column run, or set a prior of the sd.",
        )
    density = np.exp(log_density - log_density.max())
    return RunSd(_GRID, density / density.sum(), pd.DataFrame(cells))


def _log_likelihood(means: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Log-likelihood of the sd on the grid, the cell's own mean integrated out."""
    basis = np.linalg.svd(np.ones((1, len(means))))[2][1:]
    values, vectors = np.linalg.eigh(basis @ noise @ basis.T)
    apart = vectors.T @ basis @ means
    variance = _GRID[:, None] ** 2 + np.maximum(values, 0)
    found: np.ndarray = -0.5 * (np.log(variance) + apart**2 / variance).sum(axis=1)
    return found


def half_width(hdi_prob: float) -> float:
    """Half the HDI of a normal distribution, in sds."""
    from scipy.stats import norm

    return float(norm.isf((1 - hdi_prob) / 2))


def tipping_point(mean: float, sd: float, reach: float, *, hdi_prob: float) -> float:
    """The run-to-run sd from which on the interval of a contrast holds zero.

    Parameters
    ----------
    mean, sd : float
        Of the contrast, conditional on the runs at hand.
    reach : float
        How far the contrast moves per unit of run-to-run sd: the length of its weights, each
        divided by the root of its cell's number of runs.
    hdi_prob : float
        Probability of the interval; the contrast is taken as normal.

    Returns
    -------
    float
        In the contrast's unit; 0 where the interval holds zero already.
    """
    return float(np.sqrt(max(0.0, (mean / half_width(hdi_prob)) ** 2 - sd**2)) / reach)


def would_be_comparison(
    item_se: float, run_sd: np.ndarray, *, hdi_prob: float
) -> dict[str, np.ndarray]:
    """What a comparison of two cells with one run each could tell.

    Parameters
    ----------
    item_se : float
        Standard error of a cell's mean over items, in points.
    run_sd : array
        In points; a number or any number of draws.
    hdi_prob : float
        Probability of the intervals by which the cells are compared.

    Returns
    -------
    dict of str to array
        ``smallest_difference_by_items``: the difference of two cells from which on an interval by
        items alone leaves zero out; ``smallest_difference_with_runs``: the same with the sd of
        runs; ``false_alarms``: in how many of a hundred comparisons the first interval leaves
        zero out where the two cells differ in nothing but their runs.
    """
    from scipy.stats import norm

    z = half_width(hdi_prob)
    by_items, with_runs = np.sqrt(2) * item_se, np.sqrt(2) * np.hypot(item_se, run_sd)
    return {
        "smallest_difference_by_items": np.full_like(with_runs, z * by_items),
        "smallest_difference_with_runs": z * with_runs,
        "false_alarms": 200 * norm.sf(z * by_items / with_runs),
    }
