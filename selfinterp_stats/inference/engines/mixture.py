"""Where the importance engine proposes from: a normal, and a quarter from a Student t around it.

A little wider than the Laplace approximation, as posteriors are skewed; the heavy tails of the t
bound the importance ratios (a defensive mixture; Hesterberg 1995, "Weighted average importance
sampling and defensive mixture distributions").
"""

from __future__ import annotations

from math import lgamma, log
from typing import TYPE_CHECKING

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


def random_words(key: Array, size: int, n: int) -> Array:
    """Make the random words for proposals: by Philox, which gives the same on every device.

    Parameters
    ----------
    key : (4,) array of uint32
    size, n : int
        Number of parameters and of proposals.

    Returns
    -------
    (word, proposal) array of uint32
        The last word of each is for the Metropolis step.
    """
    import jax

    _, words = jax.lax.rng_bit_generator(
        key, (size + _EXPONENTIALS + 1, n), algorithm=jax.lax.RandomAlgorithm.RNG_PHILOX
    )
    return words


def random_numbers(words: Array) -> tuple[Array, Array, Array]:
    """Turn words into random numbers.

    Returns
    -------
    normal : (parameter, proposal) array
        Standard normal.
    chi_squared : (proposal,) array
        Over its degrees of freedom.
    log_uniform : (proposal,) array
    """
    import jax
    import jax.numpy as jnp

    # The upper 24 bits make a number in (0, 1), ends excluded.
    uniform = (words >> 8).astype(jnp.float32) * 2.0**-24 + 2.0**-25
    size = len(words) - _EXPONENTIALS - 1
    normal = jnp.sqrt(2.0) * jax.lax.erf_inv(2 * uniform[:size] - 1)
    exponentials = -jnp.log(uniform[size:-1].prod(axis=0))
    return normal, exponentials / _EXPONENTIALS, jnp.log(uniform[-1])


def stretch(words: Array, chi_squared: Array, share: Array) -> Array:
    """Tell how far each proposal's standard normal is stretched, a (proposal,) array.

    Parameters
    ----------
    words : (word, proposal) array of uint32
    chi_squared : (proposal,) array
    share : () array
        Of the proposals that come from the t, in 256ths.
    """
    import jax.numpy as jnp

    from_t = (words[-1] & 0xFF) < share
    return jnp.where(from_t, 1 / jnp.sqrt(chi_squared), WIDTH)


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
