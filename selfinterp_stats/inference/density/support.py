"""Which responses a family gives a density, and for which it stays up to infinity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np


class Allowed(NamedTuple):
    """What a family says of responses.

    Attributes
    ----------
    fine : (row,) array of bool
    words : str
        What it allows.
    """

    fine: np.ndarray
    words: str


def _counts(y: np.ndarray, other: np.ndarray) -> np.ndarray:  # noqa: ARG001
    return (y >= 0) & (y == np.round(y))


def _of_trials(y: np.ndarray, other: np.ndarray) -> np.ndarray:
    return _counts(y, other) & (y <= other[:, 0])


# Of all families with default priors but those that allow any number.
SUPPORT: Final[dict[str, tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], str]]] = {
    "bernoulli": (lambda y, _: (y == 0) | (y == 1), "0 or 1"),
    "binomial": (_of_trials, "a whole number between 0 and the number of trials"),
    "poisson": (_counts, "a whole number of 0 or more"),
    "negativebinomial": (_counts, "a whole number of 0 or more"),
    "beta": (lambda y, _: (y > 0) & (y < 1), "a number between 0 and 1, both excluded"),
}


def allows(family: str, y: np.ndarray, other: np.ndarray) -> Allowed | None:
    """Look which responses a family gives a density.

    Parameters
    ----------
    family : str
    y : (row,) array
    other : (row, other) array
        The trials of a binomial response come first.

    Returns
    -------
    Allowed or None
        None where the family allows any number, or is not known here.
    """
    if family not in SUPPORT:
        return None
    fine, words = SUPPORT[family]
    return Allowed(fine(y, other), words)


def open_sides(family: str, y: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For which rows the likelihood stays up as the linear predictor falls, or rises.

    Parameters are those of `allows`.

    Returns
    -------
    falls, rises : (row,) array of bool
    """
    falls = y == 0
    if family == "bernoulli":
        return falls, y == 1
    if family == "binomial":
        return falls, y == other[:, 0]
    if family in ("poisson", "negativebinomial"):
        return falls, np.zeros_like(falls)
    return np.zeros_like(falls), np.zeros_like(falls)
