"""Covariances over a handful of conditions, written out for compiled programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jax

    Array = jax.Array


def correlations(partial: Array, size: int) -> Array:
    """A correlation matrix from partial correlations, row by row (vines of Joe 2006).

    Parameters
    ----------
    partial : (size (size - 1) / 2,) array
        Each between -1 and 1; any of them make a correlation matrix.
    size : int

    Returns
    -------
    (size, size) array
    """
    import jax.numpy as jnp

    rows, at = [], 0
    for a in range(size):
        left, row = jnp.ones((), partial.dtype), []
        for _ in range(a):
            row.append(partial[at] * jnp.sqrt(left))
            left = left * (1 - partial[at] ** 2)
            at += 1
        padding = [jnp.zeros((), partial.dtype)] * (size - a - 1)
        rows.append(jnp.stack([*row, jnp.sqrt(left), *padding]))
    factor = jnp.stack(rows)
    return factor @ factor.T


def inverse(covariance: Any) -> tuple[Any, Any]:
    """Inverses and log determinants of (..., c, c) covariances, c being small.

    Written out: LAPACK on many small matrices within one compiled program can bring XLA's threads
    on a machine of two cores to wait for each other for ever.
    """
    import jax.numpy as jnp

    c = covariance.shape[-1]
    low: list[list[Any]] = [[None] * c for _ in range(c)]
    back: list[list[Any]] = [[jnp.zeros_like(covariance[..., 0, 0])] * c for _ in range(c)]
    for i in range(c):
        for j in range(i + 1):
            rest = covariance[..., i, j] - sum(low[i][k] * low[j][k] for k in range(j))
            low[i][j] = jnp.sqrt(rest) if i == j else rest / low[j][j]
        back[i][i] = 1 / low[i][i]
        for j in range(i):
            back[i][j] = -sum(low[i][k] * back[k][j] for k in range(j, i)) / low[i][i]
    root = jnp.stack([jnp.stack(row, axis=-1) for row in back], axis=-2)
    log_det = 2 * sum(jnp.log(low[i][i]) for i in range(c))
    return jnp.einsum("...ka,...kb->...ab", root, root), log_det
