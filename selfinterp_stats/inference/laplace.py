"""Posterior mode and curvature of every dataset, by Newton's method with a line search.

The Laplace approximation is where the importance engine draws from and how the NUTS engine
rescales its space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.batch import Batch
from selfinterp_stats.inference.devices import over_chunks
from selfinterp_stats.inference.lift import LiftedModel

if TYPE_CHECKING:
    import jax

    Array = jax.Array

CHUNK = 256
MAX_STEPS = 60
# Fractions of a Newton step that are tried, best first; the last one stays where it is.
FRACTIONS = (1.0, 0.5, 0.2, 0.05, 0.01, 0.001, 0.0)


@dataclass(frozen=True)
class Laplace:
    """Normal approximations to the posteriors of a batch.

    Attributes
    ----------
    mode : (dataset, parameter) array
        Posterior mode in the unconstrained space.
    scale : (dataset, parameter, parameter) array
        Lower Cholesky factor of the inverse negative Hessian there.
    gradient : (dataset,) array
        Length of the gradient at the mode, in units of posterior standard deviations.
    """

    mode: np.ndarray
    scale: np.ndarray
    gradient: np.ndarray

    def select(self, which: np.ndarray) -> Laplace:
        """The approximations at the given positions."""
        return Laplace(self.mode[which], self.scale[which], self.gradient[which])


def laplace(model: LiftedModel, batch: Batch) -> Laplace:
    """Approximate the posterior of every dataset around its mode, in 64-bit floats."""
    mode, scale, gradient = over_chunks(
        _compiled(model), (batch.X, batch.y, batch.mask), chunk=CHUNK, x64=True
    )
    return Laplace(mode=mode, scale=scale, gradient=gradient)


@lru_cache(maxsize=32)
def _compiled(model: LiftedModel) -> Any:
    import jax

    return jax.jit(jax.vmap(lambda X, y, mask: _fit(model, X, y, mask)))


def _fit(model: LiftedModel, X: Array, y: Array, mask: Array) -> tuple[Array, Array, Array]:
    import jax
    import jax.numpy as jnp

    def loss(theta: Array) -> Array:
        return -model.log_density(theta, X, y, mask)

    fractions = jnp.asarray(FRACTIONS)

    def decrement(theta: Array) -> tuple[Array, Array]:
        gradient = jax.grad(loss)(theta)
        values, vectors = jnp.linalg.eigh(jax.hessian(loss)(theta))
        # |eigenvalues| keep the step a descent where the posterior is not log-concave.
        step = vectors @ ((vectors.T @ gradient) / jnp.maximum(jnp.abs(values), 1e-8))
        return step, jnp.sqrt(jnp.abs(gradient @ step))

    def newton(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        theta, _, count = state
        step, size = decrement(theta)
        candidates = theta - fractions[:, None] * step
        losses = jax.vmap(loss)(candidates)
        best = jnp.argmin(jnp.where(jnp.isfinite(losses), losses, jnp.inf))
        return candidates[best], jnp.where(best == len(FRACTIONS) - 1, 0.0, size), count + 1

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        _, size, count = state
        return (size > 1e-8) & (count < MAX_STEPS)

    start = (jnp.zeros(model.size), jnp.asarray(jnp.inf), jnp.asarray(0))
    theta, _, _ = jax.lax.while_loop(unfinished, newton, start)

    values, vectors = jnp.linalg.eigh(jax.hessian(loss)(theta))
    covariance = (vectors / jnp.maximum(values, 1e-8)) @ vectors.T
    return theta, jnp.linalg.cholesky(covariance), decrement(theta)[1]
