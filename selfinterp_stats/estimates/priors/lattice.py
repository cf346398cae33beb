"""Draws of one number whose density is known on evenly spaced nodes.

Of a density that is smooth at the scale of the nodes' distance, draws of the nodes have all but the
same moments: the trapezium rule's error falls faster than any power of that distance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jax

    Array = jax.Array


def drawn(weights: Array, uniform: Array) -> Array:
    """Choose nodes with the probabilities of their weights.

    Parameters
    ----------
    weights : (node, ...) array
        Not negative.
    uniform : (...) array
        Between 0 and 1.

    Returns
    -------
    (...) array of int
    """
    import jax
    import jax.numpy as jnp

    wanted = uniform * weights.sum(axis=0)

    def pass_by(node: Array, so_far: tuple[Array, Array]) -> tuple[Array, Array]:
        below, place = so_far
        below = below + weights[node]
        return below, place + (below < wanted)

    nothing = (jnp.zeros_like(wanted), jnp.zeros(wanted.shape, "int32"))
    _, place = jax.lax.fori_loop(0, len(weights), pass_by, nothing)
    return jnp.minimum(place, len(weights) - 1)
