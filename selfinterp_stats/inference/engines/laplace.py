"""Posterior mode and curvature of every dataset, by Newton's method with a line search.

The Laplace approximation is where the importance engine draws from and how the NUTS engine
rescales its space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.density.batch import Batch, Data
from selfinterp_stats.inference.density.lift import LiftedModel
from selfinterp_stats.inference.engines.inverse_root import inverse_root
from selfinterp_stats.inference.running.traces import traced

if TYPE_CHECKING:
    import jax

    Array = jax.Array

MAX_STEPS = 60
# Length of a Newton step, in posterior standard deviations, at which the mode is reached.
CONVERGED = 1e-8
# Fractions of a Newton step that are tried, best first; the last one stays where it is. Where the
# curvature nearly vanishes on the way, as it may between far scales and the mode, a step is
# thousands of times too long.
FRACTIONS = (1.0, 0.5, 0.2, 0.05, 0.01, 1e-3, 1e-4, 1e-5, 0.0)


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

    def filled(self, size: int) -> Laplace:
        """The same with the last one repeated until there are `size`."""
        return self.select(np.minimum(np.arange(size), len(self.mode) - 1))


def laplace(model: LiftedModel, batch: Batch) -> Laplace:
    """Approximate the posterior of every dataset around its mode, in 64-bit floats."""
    import jax

    with jax.enable_x64(True):
        return Laplace(*jax.device_get(_compiled(model)(batch.data)))


@lru_cache(maxsize=32)
def _compiled(model: LiftedModel) -> Any:
    import jax

    # Compiled in four fifths of the time for code that is as fast.
    quickly = {"xla_backend_optimization_level": 1}

    @traced
    def fit(data: Data) -> tuple[Array, Array, Array]:
        return jax.vmap(lambda dataset: _fit(model, dataset))(data)

    return jax.jit(fit, compiler_options=quickly)


def _fit(model: LiftedModel, data: Data) -> tuple[Array, Array, Array]:
    import jax
    import jax.numpy as jnp

    def loss(theta: Array) -> Array:
        return -model.log_density(theta, data)

    def slope_and_curvature(theta: Array) -> tuple[Array, Array]:
        # One differentiation of the gradient gives both, so that it is compiled only once.
        def twice(point: Array) -> tuple[Array, Array]:
            gradient = jax.grad(loss)(point)
            return gradient, gradient

        hessian, gradient = jax.jacfwd(twice, has_aux=True)(theta)
        return gradient, hessian

    fractions = jnp.asarray(FRACTIONS)

    def newton(state: Any) -> Any:
        theta, _, _, count = state
        gradient, hessian = slope_and_curvature(theta)
        # A root of the curvature's inverse also where the posterior is not log-concave: every step
        # is a descent.
        root = inverse_root(hessian)
        in_sds = root.T @ gradient
        candidates = theta - fractions[:, None] * (root @ in_sds)
        losses = jax.vmap(loss)(candidates)
        best = jnp.argmin(jnp.where(jnp.isfinite(losses), losses, jnp.inf))
        return candidates[best], jnp.sqrt(in_sds @ in_sds), root, count + 1

    def unfinished(state: Any) -> Array:
        _, size, _, count = state
        return (size > CONVERGED) & (count < MAX_STEPS)

    p = model.size
    start = (jnp.zeros(p), jnp.asarray(jnp.inf), jnp.eye(p), jnp.asarray(0))
    # The curvature is that of the last step's start, within CONVERGED of the mode.
    theta, size, root, _ = jax.lax.while_loop(unfinished, newton, start)
    return theta, root, size
