"""The distributions that a prior of the weights may have, as one formula with numbers in it.

Normal, Student-t, Cauchy, logistic, Laplace and flat priors are written as one log-density of
eight numbers, so that a density that is compiled once serves all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.models.priors import Prior

NUMBERS: Final = 8


@dataclass(frozen=True)
class Family:
    """A distribution under PyMC's name.

    Attributes
    ----------
    parameters : tuple of str
        All of them have to be given; the place (if any) first, then the scale.
    positive : tuple of str
        Those that have to be above zero.
    """

    parameters: tuple[str, ...]
    positive: tuple[str, ...]


FAMILIES: Final = {
    "Normal": Family(("mu", "sigma"), ("sigma",)),
    "StudentT": Family(("mu", "sigma", "nu"), ("sigma", "nu")),
    "Cauchy": Family(("alpha", "beta"), ("beta",)),
    "Logistic": Family(("mu", "s"), ("s",)),
    "Laplace": Family(("mu", "b"), ("b",)),
    "Flat": Family((), ()),
}


def check_prior(prior: Prior, **place: Any) -> None:
    """Refuse a prior that is none of `FAMILIES`, or whose numbers make no sense.

    Parameters
    ----------
    prior : Prior
    **place
        Where it stands (``file``, ``column``), for the message.

    Raises
    ------
    InputError
        The message lists what is allowed.
    """
    if prior.name not in FAMILIES:
        raise InputError(
            "this distribution is not known here",
            value=prior.name,
            allowed=", ".join(FAMILIES),
            **place,
        )
    family, given = FAMILIES[prior.name], dict(prior.arguments)
    allowed = ", ".join(family.parameters) or "no parameters"
    for name in given:
        if name not in family.parameters:
            raise InputError(
                f"{prior.name} has no such parameter", value=name, allowed=allowed, **place
            )
    for name in family.parameters:
        if name not in given:
            raise InputError(f"{prior.name} lacks its parameter {name}", allowed=allowed, **place)
        number = given[name]
        if isinstance(number, tuple) or not math.isfinite(number):
            raise InputError(
                f"{name} of {prior.name} is not a single number",
                value=number,
                allowed="one finite number",
                **place,
            )
        if name in family.positive and number <= 0:
            raise InputError(
                f"{name} of {prior.name} cannot be this",
                value=number,
                allowed="a number above 0",
                **place,
            )


def is_proper(prior: Prior) -> bool:
    """Whether a prior is a distribution from which values can be drawn."""
    return prior.name != "Flat"


def numbers_of(prior: Prior) -> np.ndarray:
    """Lay out a prior's numbers as `log_density` reads them.

    Returns
    -------
    (8,) array
        Place, scale, degrees of freedom, how much of each shape (normal, Student-t, logistic,
        Laplace) there is, and the log of the normalising constant.
    """
    place, scale, nu = _place_scale_nu(prior)
    of_normal, of_student, of_logistic, of_laplace = (
        float(prior.name in names)
        for names in (("Normal",), ("StudentT", "Cauchy"), ("Logistic",), ("Laplace",))
    )
    constant = {
        "Normal": -0.5 * math.log(2 * math.pi),
        "Logistic": 0.0,
        "Laplace": -math.log(2),
        "Flat": 0.0,
    }.get(prior.name, _student_constant(nu))
    numbers = (place, scale, nu, of_normal, of_student, of_logistic, of_laplace)
    return np.array([*numbers, constant - math.log(scale)])


def scaled(numbers: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Numbers of the same prior around zero, made wider by a factor.

    Parameters
    ----------
    numbers : (8,) array
    by : (...) array

    Returns
    -------
    (..., 8) array
    """
    wider = np.broadcast_to(numbers, (*by.shape, NUMBERS)).copy()
    wider[..., 1] *= by
    wider[..., -1] -= np.log(by)
    return wider


def log_density(numbers: Any, x: Any, xp: Any = np) -> Any:
    """Log-density of a prior at `x`; 0 for a flat one.

    Parameters
    ----------
    numbers : (..., 8) array
        As from `numbers_of`.
    x : array
        Broadcast against the leading axes of `numbers`.
    xp : module
        ``numpy`` or ``jax.numpy``.
    """
    place, scale, nu, normal, student, logistic, laplace, constant = (
        numbers[..., i] for i in range(NUMBERS)
    )
    z = (x - place) / scale
    return (
        constant
        - normal * z**2 / 2
        - student * (nu + 1) / 2 * xp.log1p(z**2 / nu)
        + logistic * (z - 2 * xp.logaddexp(0.0, z))
        - laplace * xp.abs(z)
    )


def draw(prior: Prior, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Draw from a prior.

    Raises
    ------
    InputError
        It is flat: there is nothing to draw from.
    """
    if not is_proper(prior):
        raise InputError(
            "an improper prior has no prior predictive distribution",
            value=str(prior),
            allowed=", ".join(name for name in FAMILIES if name != "Flat"),
            remedy="Give a proper prior where choices are to be predicted from it.",
        )
    place, scale, nu = _place_scale_nu(prior)
    if prior.name == "Normal":
        unit = rng.standard_normal(size)
    elif prior.name == "Logistic":
        unit = rng.logistic(size=size)
    elif prior.name == "Laplace":
        unit = rng.laplace(size=size)
    else:
        unit = rng.standard_t(nu, size=size)
    return place + scale * unit


def _place_scale_nu(prior: Prior) -> tuple[float, float, float]:
    given: Mapping[str, Any] = dict(prior.arguments)
    names = FAMILIES[prior.name].parameters
    if not names:
        return 0.0, 1.0, 1.0
    return float(given[names[0]]), float(given[names[1]]), float(given.get("nu", 1.0))


def _student_constant(nu: float) -> float:
    return math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi)
