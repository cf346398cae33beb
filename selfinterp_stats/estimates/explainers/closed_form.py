"""Gaps and the self effect of cell means by arithmetic alone: estimate and standard error.

What two lines of algebra say of published cells, and what the models must agree with.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.contrasts import DELTA, Contrast, contrasts
from selfinterp_stats.models.explainers.runs import RunPrior

COLUMNS: Final = ("quantity", "target", "scale", "estimate", "se", "identified", "note")
NEW_RUN: Final = "delta_new_run"

CONDITIONAL: Final = "conditional on the runs at hand"


def closed_form(
    cells: pd.DataFrame,
    covariance: np.ndarray | None = None,
    *,
    runs: RunPrior | None = None,
) -> pd.DataFrame:
    """Estimate everything that `contrasts` asks, and delta in view of other runs.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row per cell of one design: `explainer`, `target`, `value` and `se` in percentage
        points.
    covariance : (cell, cell) array, optional
        Of the cells, in points squared; diagonal with the squared `se` unless given.
    runs : RunPrior, optional
        Believed of the run-to-run sd.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, one row per quantity, target and scale (``points``, and ``logit`` by
        the delta method). Not a number where the design does not identify the quantity.
    """
    runs = runs or RunPrior()
    value = cells["value"].to_numpy(float)
    covariance = np.diag(cells["se"].to_numpy(float) ** 2) if covariance is None else covariance
    asked = contrasts(list(zip(cells["explainer"], cells["target"], strict=True)))
    rows = []
    for scale, (point, slope) in _scales(value).items():
        spread = slope[:, None] * covariance * slope
        for contrast in asked:
            rows.append(_row(contrast, scale, point, spread))
            if contrast.quantity == DELTA:
                # A mean of squares: the sd of delta where the run-to-run sd is uncertain too.
                square = runs.median**2 * np.exp(2 * runs.log_sd**2)
                added = np.diag(slope**2 * square)
                new = Contrast(NEW_RUN, "", contrast.weights, contrast.note or str(runs))
                rows.append(_row(new, scale, point, spread + added) | {"identified": "no"})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _scales(value: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Cells on both scales, and how far each moves per percentage point."""
    scales = {"points": (value, np.ones_like(value))}
    if ((value > 0) & (value < 100)).all():
        share = value / 100
        scales["logit"] = (np.log(share / (1 - share)), 1 / (100 * share * (1 - share)))
    return scales


def _row(
    contrast: Contrast, scale: str, point: np.ndarray, spread: np.ndarray
) -> dict[str, object]:
    weights = contrast.weights
    note = contrast.note or (CONDITIONAL if contrast.quantity == DELTA else "")
    found = weights is not None
    return {
        "quantity": contrast.quantity,
        "target": contrast.target,
        "scale": scale,
        "estimate": float(weights @ point) if weights is not None else np.nan,
        "se": float(np.sqrt(weights @ spread @ weights)) if weights is not None else np.nan,
        "identified": "yes" if found else "no",
        "note": note,
    }


def cell_means(items: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Means of the cells of one design and their covariance, in points.

    Explainers of a target share its items, and items share clusters: the covariance is that of
    sums over clusters (over items where there are none), which knows both. Runs of a cell are
    averaged.

    Parameters
    ----------
    items : pandas.DataFrame
        As `ExplainerStudy.items`, of one task and condition.

    Returns
    -------
    pandas.DataFrame
        `explainer`, `target`, `value`, `se`, `items`, `runs`.
    (cell, cell) array
    """
    unit = items["target"] + "\x1f" + items["item"]
    if (items["cluster"] != "").all():
        unit = items["cluster"].astype(str)
    cell = items.groupby(["explainer", "target"], sort=False)
    codes = cell.ngroup().to_numpy()
    outcome = 100 * items["outcome"].to_numpy(float)
    sizes = np.bincount(codes)
    means = np.bincount(codes, outcome) / sizes
    units = pd.factorize(unit)[0]
    sums = np.zeros((units.max() + 1, len(sizes)))
    np.add.at(sums, (units, codes), (outcome - means[codes]) / sizes[codes])
    covariance = sums.T @ sums * (len(sums) / max(1, len(sums) - 1))
    frame = pd.DataFrame(
        {
            "explainer": cell["explainer"].first().to_numpy(),
            "target": cell["target"].first().to_numpy(),
            "value": means,
            "se": np.sqrt(np.diag(covariance)),
            "items": cell["item"].nunique().to_numpy(),
            "runs": cell["run"].nunique().to_numpy(),
        }
    )
    return frame, covariance
