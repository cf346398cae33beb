"""Datasets whose posterior is not proper, so that no draws of it mean anything.

Only flat priors can leave a posterior improper here: along a direction in which all priors are
flat, the likelihood itself has to fall off. It does not where the predictors are linearly
dependent, nor where they separate the responses (Albert & Anderson 1984, Biometrika 71). And a
residual sd runs to zero where a normal or Student-t response is fitted exactly.
"""

from __future__ import annotations

import numpy as np

from selfinterp_stats.inference.density.support import open_sides

# Residuals below this share of the response's size are rounding.
EXACT = 1e-10
# The least that a separating direction has to gain, with coefficients of at most 1.
GAIN = 1e-7


def why_improper(
    family: str, X: np.ndarray, y: np.ndarray, other: np.ndarray, flat: np.ndarray
) -> str:
    """Why the posterior of one dataset is improper.

    Parameters
    ----------
    family : str
    X : (row, column) array
        Predictors, with a column of ones where there is an intercept.
    y : (row,) array
    other : (row, other) array
        The trials of a binomial response come first.
    flat : (column,) array of bool
        Which columns' coefficients have a flat prior.

    Returns
    -------
    str
        Empty where it is proper.
    """
    columns = X[:, flat]
    if columns.shape[1] and np.linalg.matrix_rank(columns) < columns.shape[1]:
        return "its predictors are linearly dependent and their priors flat"
    if family in ("gaussian", "t"):
        rank = np.linalg.matrix_rank(X) if X.size else 0
        residual = y - X @ np.linalg.lstsq(X, y)[0] if X.size else y
        if len(y) > rank and np.abs(residual).max() <= EXACT * max(np.abs(y).max(), 1e-300):
            return "its response is fitted exactly, which leaves the residual sd no posterior"
        return ""
    if columns.shape[1] and _separates(columns, *open_sides(family, y, other)):
        return "its predictors separate the responses and their priors are flat"
    return ""


def _separates(columns: np.ndarray, falls: np.ndarray, rises: np.ndarray) -> bool:
    """Whether some direction never lowers any row's likelihood (columns of full rank)."""
    from scipy.optimize import linprog

    closed = ~(falls | rises)
    if np.linalg.matrix_rank(columns[closed]) == columns.shape[1]:
        return False
    # A row that is open on both sides (a binomial without trials) says nothing.
    sign = np.where(rises, 1.0, -1.0)[falls ^ rises]
    gain = sign[:, None] * columns[falls ^ rises]
    if not len(gain):
        return True
    found = linprog(
        -gain.sum(axis=0),
        A_ub=-gain,
        b_ub=np.zeros(len(gain)),
        A_eq=columns[closed] if closed.any() else None,
        b_eq=np.zeros(closed.sum()) if closed.any() else None,
        bounds=(-1, 1),
        method="highs",
    )
    return bool(-found.fun > GAIN)
