"""Scenarios whose slopes' widths are drawn together, and a move of slopes and widths together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from selfinterp_stats.estimates.priors.hamiltonian import log_likelihood
from selfinterp_stats.inference.engines.lane_random import standard_normal, uniform

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Of a factor's logarithm, in sds of its density given slopes in units of their widths.
_STRIDE: Final = 2.0


class Group(NamedTuple):
    """Scenarios whose widths are drawn together, over some sweeps.

    Attributes
    ----------
    keys : (scenario, 2, lane) uint32 array
    rows : (scenario, choice, parameter) array
        As `hamiltonian.log_likelihood` takes them.
    real : (scenario,) array
        1; 0 for one without choices, which fills a group up.
    about : (scenario, parameter, parameter) array
        What the likelihood's information is about.
    about_factor : scalar
        The same for the logarithm of a factor of all slopes.
    """

    keys: Array
    rows: Array
    real: Array
    about: Array
    about_factor: Array


def multiplied(
    theta: Array, group: Group, log_prior: Callable[[Array], Array], count: Array
) -> tuple[Array, Array]:
    """Multiply all slopes and widths by a common factor, or leave them as they are.

    Where choices tell little, slopes and widths hang together so closely that the ones hardly move
    given the others; slopes in units of their widths and the widths do not (Yu & Meng 2011, Journal
    of Computational and Graphical Statistics 20).

    Parameters
    ----------
    theta : (scenario, parameter, lane) array
    group : Group
    log_prior : callable
        How the log-density of the widths' logarithms changes with the factor's logarithm.
    count : uint32 scalar

    Returns
    -------
    theta : (scenario, parameter, lane) array
    log_factor : (lane,) array
        0 where nothing was changed.
    """
    import jax
    import jax.numpy as jnp

    numbers = uniform(group.keys[0], count, 2, theta.dtype)
    log_factor = _STRIDE / jnp.sqrt(1 + group.about_factor) * standard_normal(numbers[0])
    there = jnp.concatenate([theta[:, :1], theta[:, 1:] * jnp.exp(log_factor)], axis=1)

    def change(of: tuple[Array, Array, Array]) -> Array:
        rows, old, new = of
        return log_likelihood(rows, new) - log_likelihood(rows, old)

    of_choices = jax.lax.map(change, (group.rows, theta, there)).sum(axis=0)
    taken = jnp.log(numbers[1]) < of_choices + log_prior(log_factor)
    return jnp.where(taken, there, theta), jnp.where(taken, log_factor, 0)
