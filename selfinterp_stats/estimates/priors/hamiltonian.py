"""A Hamiltonian step for the intercept and slopes of one scenario, in many lanes at a time.

A lane is the state of one chain. Slopes have normal priors around zero, whose precisions are
another's business. As in `no_u_turn` the lane is the last axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from selfinterp_stats.inference.engines.inverse_root import inverse_root
from selfinterp_stats.inference.engines.lane_random import standard_normal, uniform
from selfinterp_stats.models.families import log_density, numbers_of
from selfinterp_stats.models.prior_sets import INTERCEPT

if TYPE_CHECKING:
    import jax

    Array = jax.Array

_INTERCEPT: Final = numbers_of(INTERCEPT)
_SCALE, _FREEDOM = float(_INTERCEPT[1]), float(_INTERCEPT[2])
# Leapfrog steps of a trajectory, and their length in posterior sds: together near a quarter of a
# turn, where a normal posterior forgets where it came from. Each lane's differs by up to a third.
_STEPS: Final = 4
_LENGTH: Final = 0.5
_JITTER: Final = 1 / 3
_NEWTON_STEPS: Final = 30


def log_likelihood(rows: Array, theta: Array) -> Array:
    """Of the choices, (lane,).

    Parameters
    ----------
    rows : (choice, parameter) array
        Predictors with a one before them, all with their sign changed where B was chosen; zeros
        for a choice that is not there.
    theta : (parameter, lane) array
        The intercept first.
    """
    import jax.numpy as jnp

    logit = rows @ theta
    return (jnp.minimum(logit, 0) - jnp.log1p(jnp.exp(-jnp.abs(logit)))).sum(axis=0)


def information(rows: Array, theta: Array) -> Array:
    """Of the choices and the intercept's prior, (parameter, parameter): the mean over lanes."""
    import jax.numpy as jnp

    other = 1 / (1 + jnp.exp(rows @ theta))  # probability of what was not chosen
    of_choices = (rows.T * (other * (1 - other)).mean(axis=1)) @ rows
    return of_choices.at[0, 0].add(_of_intercept(theta).mean())


def mode(rows: Array, precision: Array) -> Array:
    """Where the posterior is highest under slopes of one precision, (parameter,), or near it."""
    import jax
    import jax.numpy as jnp

    def closer(_: int, theta: Array) -> Array:
        at = theta[:, None]
        slopes = jnp.broadcast_to(precision, (len(theta) - 1, 1))
        root = inverse_root(_with_slopes(information(rows, at)[:, :, None], slopes)[:, :, 0])
        way = root @ (root.T @ _gradient(rows, at, slopes)[:, 0])
        # From where choices are all but certain, a whole step of Newton's goes too far.
        return theta + way * jnp.minimum(1, 2 / jnp.maximum(jnp.abs(rows @ way).max(), 1e-6))

    start = jnp.zeros(rows.shape[1], rows.dtype)
    return jax.lax.fori_loop(0, _NEWTON_STEPS, closer, start)


def step(
    rows: Array, theta: Array, precision: Array, about: Array, keys: Array, count: Array
) -> Array:
    """Move every lane along a trajectory, or leave it where it is.

    Parameters
    ----------
    rows : (choice, parameter) array
    theta : (parameter, lane) array
    precision : (slope, lane) array
        Of the slopes' priors.
    about : (parameter, parameter) array
        What `information` is about; steps are scaled by it and the precisions.
    keys : (2, lane) uint32 array
    count : uint32 scalar
        Another count gives other random numbers.

    Returns
    -------
    (parameter, lane) array
    """
    import jax
    import jax.numpy as jnp

    size = len(theta)
    metric = _with_slopes(about[:, :, None], precision)
    root = jax.vmap(inverse_root, in_axes=-1, out_axes=-1)(metric)
    numbers = uniform(keys, count, size + 2, theta.dtype)
    momentum = standard_normal(numbers[:size])
    length = _LENGTH * (1 + _JITTER * (2 * numbers[size] - 1))

    def force(theta: Array) -> Array:
        return (root * _gradient(rows, theta, precision)[:, None]).sum(axis=0)

    def leap(_: int, state: tuple[Array, Array]) -> tuple[Array, Array]:
        theta, momentum = state
        theta = theta + length * (root * momentum).sum(axis=1)
        return theta, momentum + length * force(theta)

    start = momentum + length / 2 * force(theta)
    there, end = jax.lax.fori_loop(0, _STEPS, leap, (theta, start))
    end = end - length / 2 * force(there)
    log_ratio = (
        _log_posterior(rows, there, precision)
        - _log_posterior(rows, theta, precision)
        - (end**2 - momentum**2).sum(axis=0) / 2
    )
    # A ratio that is not a number accepts nothing.
    return jnp.where(jnp.log(numbers[size + 1]) < log_ratio, there, theta)


def _log_posterior(rows: Array, theta: Array, precision: Array) -> Array:
    import jax.numpy as jnp

    of_intercept = log_density(jnp.asarray(_INTERCEPT, theta.dtype), theta[0], jnp)
    of_slopes = (precision * theta[1:] ** 2).sum(axis=0) / 2
    return log_likelihood(rows, theta) + of_intercept - of_slopes


def _gradient(rows: Array, theta: Array, precision: Array) -> Array:
    import jax.numpy as jnp

    whole = jnp.concatenate([_of_intercept(theta)[None], precision])
    return rows.T @ (1 / (1 + jnp.exp(rows @ theta))) - whole * theta


def _of_intercept(theta: Array) -> Array:
    """Precision, (lane,), of the normal around zero that has the gradient of the intercept's t."""
    return (_FREEDOM + 1) / (_FREEDOM * _SCALE**2 + theta[0] ** 2)


def _with_slopes(information: Array, precision: Array) -> Array:
    """Add that of the slopes' priors; arrays of (parameter, parameter, lane)."""
    import jax.numpy as jnp

    whole = jnp.concatenate([jnp.zeros_like(precision[:1]), precision])
    return information + jnp.eye(len(whole), dtype=whole.dtype)[:, :, None] * whole
