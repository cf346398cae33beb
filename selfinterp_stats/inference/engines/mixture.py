"""Where the importance engine proposes from: a normal, and a quarter from a Student t around it.

A little wider than the Laplace approximation, as posteriors are skewed; the heavy tails of the t
bound the importance ratios (a defensive mixture; Hesterberg 1995, "Weighted average importance
sampling and defensive mixture distributions").
"""

from __future__ import annotations

from math import lgamma, log
from typing import TYPE_CHECKING, NamedTuple

from selfinterp_stats.inference.engines.lane_random import threefry

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Standard deviation of the normal, in units of the Laplace approximation's.
WIDTH = 1.1
# Of the t: tails heavier than those of any prior that has a variance. An even number, as a
# sum of exponentials is half a chi-squared variate.
DEGREES_OF_FREEDOM = 2
# Share of the proposals that come from the t, in 256ths: the 8 bits that a number in (0, 1)
# leaves over of a random word decide.
FEW = 64
ALL = 256

_EXPONENTIALS = DEGREES_OF_FREEDOM // 2


class RandomNumbers(NamedTuple):
    """What proposals, and steps from one to the next, are made of.

    Attributes
    ----------
    normal : (parameter, proposal) array
        Standard normal.
    chi_squared : (proposal,) array
        Over its degrees of freedom.
    byte : (proposal,) array of uint32
        Decides whether a proposal comes from the t.
    log_uniform : (proposal,) array
        For the Metropolis step.
    """

    normal: Array
    chi_squared: Array
    byte: Array
    log_uniform: Array


def random_numbers(key: Array, size: int, n: int) -> RandomNumbers:
    """Make the random numbers for proposals, the same on every device.

    Parameters
    ----------
    key : (4,) array of uint32
    size, n : int
        Number of parameters and of proposals.
    """
    import jax
    import jax.numpy as jnp

    needed = size + _EXPONENTIALS + 1
    pairs = -(-needed // 2)
    place = jnp.arange(pairs * n, dtype="uint32").reshape(pairs, n)
    # Written out rather than drawn by JAX's generators: XLA makes one loop of it all, without the
    # words in memory, in half the time.
    words = jnp.concatenate(threefry(key[:2], key[2], place))[:needed]
    # The upper 24 bits make a number in (0, 1), ends excluded.
    uniform = (words >> 8).astype(jnp.float32) * 2.0**-24 + 2.0**-25
    normal = jnp.sqrt(2.0) * jax.lax.erf_inv(2 * uniform[:size] - 1)
    exponentials = -jnp.log(uniform[size:-1].prod(axis=0))
    return RandomNumbers(
        normal, exponentials / _EXPONENTIALS, words[-1] & 0xFF, jnp.log(uniform[-1])
    )


def stretch(numbers: RandomNumbers, share: Array) -> Array:
    """Tell how far each proposal's standard normal is stretched, a (proposal,) array.

    Parameters
    ----------
    numbers : RandomNumbers
    share : () array
        Of the proposals that come from the t, in 256ths.
    """
    import jax.numpy as jnp

    return jnp.where(numbers.byte < share, 1 / jnp.sqrt(numbers.chi_squared), WIDTH)


def log_density(squared: Array, size: int, share: Array) -> Array:
    """Log-density of the proposals, less a constant.

    Parameters
    ----------
    squared : (proposal,) array
        Squared distances from the centre, in units of the Laplace approximation.
    size : int
        Number of parameters.
    share : () array
    """
    import jax.numpy as jnp

    freedom = DEGREES_OF_FREEDOM
    # The log-density at the centre, less that of the standard normal.
    peak = lgamma((freedom + size) / 2) - lgamma(freedom / 2) + size / 2 * log(2 / freedom)
    log_t = peak - (freedom + size) / 2 * jnp.log1p(squared / freedom)
    log_normal = -size * log(WIDTH) - squared / (2 * WIDTH**2)
    few = share / ALL
    return jnp.logaddexp(jnp.log1p(-few) + log_normal, jnp.log(few) + log_t)
