"""Scenarios whose slopes' widths are drawn together, and moves of both together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selfinterp_stats.estimates.priors.hamiltonian import log_likelihood

if TYPE_CHECKING:
    import jax

    Array = jax.Array


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


def stride(group: Group, about: float) -> Array:
    """How far the logarithm of a factor of all slopes may well be moved at once.

    Parameters
    ----------
    group : Group
    about : float
        What the information of the factor's own prior is about.
    """
    import jax.numpy as jnp

    return 2 / jnp.sqrt(about + group.about_factor)


def taken(group: Group, theta: Array, there: Array, log_prior: Array, share: Array) -> Array:
    """Whether to take other widths, and slopes that are as large as before in units of them.

    Where choices tell little, slopes and widths hang together so closely that the ones hardly move
    given the others; slopes in units of their widths and the widths do not (Yu & Meng 2011, Journal
    of Computational and Graphical Statistics 20).

    Parameters
    ----------
    group : Group
    theta, there : (scenario, parameter, lane) array
        The old and the new ones.
    log_prior : (lane,) array
        The change in the log-density of the widths' logarithms.
    share : (lane,) array
        Uniform.

    Returns
    -------
    (lane,) array of bool
    """
    import jax
    import jax.numpy as jnp

    def change(of: tuple[Array, Array, Array]) -> Array:
        rows, old, new = of
        return log_likelihood(rows, new) - log_likelihood(rows, old)

    of_choices = jax.lax.map(change, (group.rows, theta, there)).sum(axis=0)
    return jnp.log(share) < of_choices + log_prior
