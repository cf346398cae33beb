"""Random numbers for many lanes at once, each from its own key and a common count.

The generator is JAX's own, threefry, written out: JAX runs its rounds in a loop of many small
operations, which at one call per leapfrog step would take as long as all the rest of a sampler.
As in `no_u_turn` the lane is the last axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jax

    Array = jax.Array

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def split(keys: Array, number: int) -> Array:
    """Make new keys, shape (2, ..., number), of keys of shape (2, ...)."""
    import jax.numpy as jnp

    return jnp.stack(threefry(keys[..., None], jnp.uint32(0), jnp.arange(number, dtype="uint32")))


def uniform(keys: Array, count: Array | int, number: int, dtype: Any) -> Array:
    """Numbers strictly between 0 and 1.

    Parameters
    ----------
    keys : (2, lane) uint32 array
    count : uint32 scalar
        Another count gives other numbers.
    number : int
        How many for each lane.
    dtype : floating dtype

    Returns
    -------
    (number, lane) array
    """
    import jax.numpy as jnp

    pair = jnp.arange((number + 1) // 2, dtype="uint32")[:, None]
    bits = jnp.concatenate(threefry(keys, jnp.uint32(count), pair))[:number]
    kept = min(32, jnp.finfo(dtype).nmant)
    return ((bits >> (32 - kept)).astype(dtype) + 0.5) / 2**kept


def standard_normal(uniform: Array) -> Array:
    """Turn uniform numbers into standard normal ones."""
    import jax

    return jax.lax.erf_inv(2 * uniform - 1) * 2**0.5


def threefry(keys: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """Encrypt two words by a key: threefry-2x32 with 20 rounds.

    Parameters
    ----------
    keys : (2, ...) uint32 array
    first, second : uint32 arrays
        That broadcast with a key's words.

    Returns
    -------
    two uint32 arrays

    References
    ----------
    Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
    """
    import jax.numpy as jnp

    schedule = (keys[0], keys[1], keys[0] ^ keys[1] ^ jnp.uint32(0x1BD11BDA))
    a, b = first + schedule[0], second + schedule[1]
    for group in range(5):
        for bits in ROTATIONS[group % 2]:
            a = a + b
            b = ((b << bits) | (b >> (32 - bits))) ^ a
        a = a + schedule[(group + 1) % 3]
        b = b + schedule[(group + 2) % 3] + jnp.uint32(group + 1)
    return a, b
