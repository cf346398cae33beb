"""A PyMC model as a JAX log-density of (unconstrained parameters, data).

For models that are no regression formula: what is ``pm.Data`` in them becomes an input, all else
is compiled. The engines take such a model as they take a lifted Bambi model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.density.graphs import to_jax

if TYPE_CHECKING:
    import jax
    import pymc as pm

    Array = jax.Array


@dataclass(frozen=True, eq=False)
class GraphModel:
    """A PyMC model as JAX functions.

    Attributes
    ----------
    names : tuple of str
        Free parameters in the order in which they are laid out in the flat vector.
    shapes : tuple of tuple of int
        Their shapes on their own scale, which is also that of the real line.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    _log_density: Callable[..., tuple[Array, ...]]
    _constrained: Callable[..., tuple[Array, ...]]

    @property
    def size(self) -> int:
        """Length of the flat parameter vector."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def log_density(self, theta: Array, data: Any) -> Array:
        """Unnormalised log-posterior density at one flat vector, Jacobians included."""
        return self._log_density(*self._unravel(theta), *data)[0]

    def constrain(self, theta: Array, data: Any) -> Array:
        """Parameters on their own scale, laid out as `theta`."""
        import jax.numpy as jnp

        del data
        return jnp.concatenate([jnp.ravel(v) for v in self._constrained(*self._unravel(theta))])

    def split(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Draws by parameter; the last axis of `values` is a flat vector."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        starts = np.concatenate([[0], ends[:-1]])
        return {
            name: values[..., start:end].reshape((*values.shape[:-1], *shape))
            for name, shape, start, end in zip(self.names, self.shapes, starts, ends, strict=True)
        }

    def _unravel(self, theta: Array) -> list[Array]:
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        return [
            theta[end - int(np.prod(shape)) : end].reshape(shape)
            for shape, end in zip(self.shapes, ends, strict=True)
        ]


def lift_graph(model: pm.Model, data: Sequence[str]) -> GraphModel:
    """Translate a PyMC model to JAX.

    Parameters
    ----------
    model : pymc.Model
        Parameters whose transform keeps their shape.
    data : sequence of str
        Names of its ``pm.Data``, in the order in which the densities take them.
    """
    from pytensor.graph.replace import clone_replace

    values = [model.rvs_to_values[rv] for rv in model.free_RVs]
    shared = [model[name] for name in data]
    inputs = [one.type(name) for one, name in zip(shared, data, strict=True)]
    replaced = dict(zip(shared, inputs, strict=True))
    density, *constrained = clone_replace(
        [model.logp(), *model.replace_rvs_by_values(model.free_RVs)],
        replaced,
        rebuild_strict=False,
    )
    shapes = [rv.type.shape for rv in model.free_RVs]
    if any(length is None for shape in shapes for length in shape):
        start = model.initial_point()
        shapes = [np.shape(start[value.name]) for value in values]
    return GraphModel(
        names=tuple(rv.name for rv in model.free_RVs),
        shapes=tuple(tuple(map(int, shape)) for shape in shapes),
        _log_density=to_jax([*values, *inputs], [density]),
        _constrained=to_jax(values, constrained),
    )
