"""One width of the slopes' normal prior, learned from all scenarios of a base model and set.

Given the slopes the width has a density of its own, which depends on the sum of their squares
alone. In a sweep both are multiplied by a common factor as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from selfinterp_stats.estimates.priors import lattice
from selfinterp_stats.estimates.priors.group import Group, stride, taken
from selfinterp_stats.inference.engines.lane_random import standard_normal, uniform
from selfinterp_stats.models.prior_sets import WIDTH_FREEDOM, WIDTH_SCALE

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Where the width is looked for given the slopes: in sds of its logarithm, from the root mean square
# of the slopes. Above it the density falls off slowly where slopes are few.
_NODES: Final = np.arange(-5, 15.01, 0.25)
# What the information of its prior is about: the width's logarithm has an sd of about 1.
_PRIOR_INFORMATION: Final = 1.0


@dataclass(frozen=True)
class SharedWidth:
    """One width for all slopes of a group; its logarithm is the one number that is kept."""

    starts: tuple[float, float] = (1.0, 10.0)
    first: tuple[float, ...] = (0.0,)

    def draw(
        self, theta: Array, numbers: Array, group: Group, count: Array
    ) -> tuple[Array, Array, Array]:
        """As `gibbs.Widths.draw`."""
        import jax.numpy as jnp

        slopes = theta[:, 1:]
        squares = (group.real[:, None, None] * slopes**2).sum(axis=(0, 1))
        amount = group.real.sum() * slopes.shape[1]
        shares = uniform(group.keys[0], count, 3, theta.dtype)
        old = _given_slopes(squares, amount, shares[0])
        new = old + stride(group, _PRIOR_INFORMATION) * standard_normal(shares[1])
        there = jnp.concatenate([theta[:, :1], slopes * jnp.exp(new - old)], axis=1)
        change = _log_prior(new) - _log_prior(old)
        moved = taken(group, theta, there, change, shares[2])
        log_width = jnp.where(moved, new, old)
        precision = jnp.broadcast_to(jnp.exp(-2 * log_width), slopes.shape)
        theta = jnp.where(moved, there, theta)
        return theta, jnp.broadcast_to(log_width, numbers.shape), precision


def _log_prior(log_width: Array) -> Array:
    """Log-density of the logarithm of the width, up to a constant; the width is half-Student-t."""
    import jax.numpy as jnp

    unit = jnp.exp(log_width) / WIDTH_SCALE
    return log_width - (WIDTH_FREEDOM + 1) / 2 * jnp.log1p(unit**2 / WIDTH_FREEDOM)


def _given_slopes(squares: Array, amount: Array, numbers: Array) -> Array:
    """Draw the logarithm of the width, (lane,), from that of so many slopes' squares."""
    import jax.numpy as jnp

    nodes = jnp.asarray(_NODES, squares.dtype)[:, None] / jnp.sqrt(2 * amount)
    log_width = jnp.log(squares / amount) / 2 + nodes
    # The terms that all nodes share would cost digits.
    log_density = -amount * (nodes + jnp.expm1(-2 * nodes) / 2) + _log_prior(log_width)
    place = lattice.drawn(jnp.exp(log_density - log_density.max(axis=0)), numbers)
    return jnp.take_along_axis(log_width, place[None], axis=0)[0]
