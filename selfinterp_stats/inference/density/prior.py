"""The prior's share of a log-density, with the priors' numbers as an input.

A prior grid, a calibration or data-dependent priors then need no compilation of their own: the
distributions are compiled, their numbers are data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.density.graphs import to_jax
from selfinterp_stats.inference.density.terms import CannotBatch, check_prior

if TYPE_CHECKING:
    import jax

    Array = jax.Array


@dataclass(frozen=True)
class Parameter:
    """A free parameter and the form of its prior.

    Attributes
    ----------
    name : str
    shape : tuple of int
    distribution : str
        A distribution of PyMC.
    arguments : tuple of (str, tuple of int)
        Names and shapes of the distribution's arguments.
    """

    name: str
    shape: tuple[int, ...]
    distribution: str
    arguments: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def size(self) -> int:
        """Number of scalars."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class PriorDensity:
    """Priors as JAX functions of parameters on the real line and of the priors' numbers.

    Attributes
    ----------
    log_density : callable
        ``(values, numbers) -> ()`` with the Jacobian of the transformations to the real line.
    constrain : callable
        ``(values, numbers) -> values`` on the parameters' own scale.
    """

    log_density: Callable[[list[Array], Array], Array]
    constrain: Callable[[list[Array], Array], list[Array]]


def form_of(name: str, shape: tuple[int, ...], prior: Any) -> Parameter:
    """Take down the form of one of Bambi's priors, without its numbers."""
    check_prior(name, prior)
    arguments = []
    for key, value in sorted(prior.args.items()):
        number = np.asarray(value)
        if number.size > 1 and number.shape != shape:
            raise CannotBatch(f"the prior of {name!r} has a number of its own for some levels")
        arguments.append((key, number.shape if number.size > 1 else ()))
    return Parameter(name, shape, prior.name, tuple(arguments))


def numbers_of(parameters: tuple[Parameter, ...], priors: Mapping[str, Any]) -> np.ndarray:
    """The numbers of Bambi's priors, laid out as `prior_density` reads them.

    Returns
    -------
    (number,) array
    """
    parts = [
        np.asarray(priors[one.name].args[key], dtype=float).ravel()
        for one in parameters
        for key, _ in one.arguments
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def prior_density(parameters: tuple[Parameter, ...]) -> PriorDensity:
    """Translate priors to JAX; PyMC supplies densities, transformations and Jacobians."""
    import pymc as pm
    import pytensor.tensor as pt

    numbers = pt.vector("numbers")
    at = 0
    with pm.Model() as model:
        for one in parameters:
            arguments = {}
            for key, shape in one.arguments:
                size = int(np.prod(shape))
                arguments[key] = numbers[at : at + size].reshape(shape) if shape else numbers[at]
                at += size
            getattr(pm, one.distribution)(one.name, **arguments, shape=one.shape)
    values = [model.rvs_to_values[rv] for rv in model.free_RVs]
    own_scale = [
        value if transform is None else transform.backward(value, *rv.owner.inputs)
        for rv, value in zip(model.free_RVs, values, strict=True)
        for transform in [model.rvs_to_transforms[rv]]
    ]
    inputs = [*values, numbers]
    log_density = to_jax(inputs, [model.logp(vars=model.free_RVs)], stabilise=False)
    backward = to_jax(inputs, own_scale, stabilise=False)
    return PriorDensity(
        log_density=lambda at, numbers: log_density(*at, numbers)[0],
        constrain=lambda at, numbers: list(backward(*at, numbers)),
    )
