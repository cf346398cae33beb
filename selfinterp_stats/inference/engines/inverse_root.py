"""Root of the inverse of a small symmetric matrix, in plain array operations.

JAX's own factorisations call LAPACK, which on a CPU splits a batch over XLA's threads and waits for
them on one of them. Where as many such calls run at a time as there are threads, each waits for all
others, for ever; the engines' own programs, which run one beside the other, make none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Smallest pivots of a matrix with a unit diagonal: of one that is positive definite, which nearly
# dependent predictors may make as small as rounding lets them be told from zero; of any other.
LEAST, LEAST_WHERE_INDEFINITE = 1e-13, 0.1


def inverse_root(matrix: Array) -> Array:
    """Lower Cholesky factor R of the inverse: R R' is the inverse of `matrix`.

    Where the matrix is not positive definite, of one that is: with the same scales, and with
    pivots made positive, not small, and large enough for what is below them (Gill, Murray &
    Wright 1981, "Practical Optimization", 4.4.2.2), so that R R' turns a gradient into a step
    downhill of a sensible length.

    Parameters
    ----------
    matrix : (parameter, parameter) array
        Symmetric.

    Returns
    -------
    (parameter, parameter) array
    """
    import jax.numpy as jnp

    largest = jnp.abs(matrix).max()
    size = jnp.maximum(jnp.abs(jnp.diagonal(matrix)), LEAST * largest)
    scale = 1 / jnp.sqrt(jnp.where(largest > 0, size, 1))
    # In reversed order, the inverse of a lower factor becomes the lower factor of the inverse.
    backwards = (scale[:, None] * matrix * scale)[::-1, ::-1]
    *_, found = _factors(backwards, LEAST)
    least = jnp.where(found.min() > LEAST, LEAST, LEAST_WHERE_INDEFINITE)
    lower, pivots, _ = _factors(backwards, least)
    root = _unit_inverse(lower).T / jnp.sqrt(pivots)
    return scale[:, None] * root[::-1, ::-1]


def _factors(matrix: Array, least: Array | float) -> tuple[Array, Array, Array]:
    """Unit lower triangular L and pivots d where L diag(d) L' is the matrix; and d as found.

    A pivot that is found negative, smaller than `least`, or small beside what is below it, is made
    larger before it divides.
    """
    import jax
    import jax.numpy as jnp

    places = jnp.arange(len(matrix))
    apart = jnp.abs(jnp.where(places[:, None] == places, 0, matrix)).max()
    # No column of a positive definite matrix with a unit diagonal reaches this bound.
    bound = jnp.maximum(1, apart / max(len(matrix) ** 2 - 1, 1) ** 0.5)

    def column(j: Array, so_far: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        lower, pivots, found = so_far
        left = matrix[:, j] - lower @ (pivots * lower[j])  # what earlier columns do not explain
        below = jnp.where(places > j, left, 0)
        pivot = jnp.maximum(jnp.maximum(jnp.abs(left[j]), least), (below**2).max() / bound)
        lower = lower.at[:, j].set(jnp.where(places > j, left / pivot, places == j))
        return lower, pivots.at[j].set(pivot), found.at[j].set(left[j])

    nothing = jnp.zeros_like(matrix[0])
    lower, pivots, found = jax.lax.fori_loop(
        0, len(matrix), column, (jnp.zeros_like(matrix), nothing, nothing)
    )
    return lower, pivots, found


def _unit_inverse(lower: Array) -> Array:
    """Inverse of a lower triangular matrix with ones on its diagonal."""
    import jax
    import jax.numpy as jnp

    identity = jnp.eye(len(lower), dtype=lower.dtype)

    def row(i: Array, so_far: Array) -> Array:
        return so_far.at[i].set(identity[i] - lower[i] @ so_far)

    return jax.lax.fori_loop(0, len(lower), row, jnp.zeros_like(lower))
