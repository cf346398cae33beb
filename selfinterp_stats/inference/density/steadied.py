"""Hierarchical models in coordinates in which their posterior is roughly normal.

Where standard deviations are sampled beside the effects that they govern, the posterior is a
funnel: narrow where a standard deviation is small. If the likelihood of the effects is roughly
normal, which a Laplace fit tells, then for any standard deviations the effects' conditional
posterior is roughly a known normal one, and in units of that normal the funnel is gone. This is a
change of variables, with its Jacobian: what is sampled is the model's own posterior.

Non-centred parametrisations do the same for data that say nothing of the effects, centred ones
for data that say all; this one adapts to the data (Gorinova, Moore and Hoffman 2020, "Automatic
reparameterisation of probabilistic programs", in closed form).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from selfinterp_stats.inference.density.graph_model import GraphModel
from selfinterp_stats.inference.engines.laplace import Laplace, laplace

if TYPE_CHECKING:
    import jax

    Array = jax.Array


# Of 300,000 draws from the prior of a sd one is larger.
WIDE: Final = 4.5


class Steadied(NamedTuple):
    """The data of one dataset, or of many along a first axis, with its normal likelihood.

    Attributes
    ----------
    data : tuple
        As the model takes it; knows ``astype``.
    X : (effect, effect) array
        Precision: the curvature of the log-likelihood, and of the priors that no sampled sd
        governs. It has the name of a design matrix because NUTS turns what is called so; being
        symmetric, it stays what it is.
    information : (effect,) array
        The same times the place where it peaks.
    """

    data: Any
    X: Any
    information: Any

    def astype(self, kind: type) -> Steadied:
        """The same in another precision."""
        return Steadied(self.data.astype(kind), self.X.astype(kind), self.information.astype(kind))


@dataclass(frozen=True)
class SteadiedBatch:
    """Datasets under one model, as the engines take them."""

    labels: tuple[tuple[str, ...], ...]
    data: Steadied

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, which: np.ndarray) -> SteadiedBatch:
        """The datasets at the given positions."""
        data, X, information = self.data
        chosen = Steadied(
            type(data)(*(array[which] for array in data)), X[which], information[which]
        )
        return SteadiedBatch(tuple(self.labels[i] for i in which), chosen)

    @property
    def length(self) -> int:
        """How many values one evaluation of the density works on."""
        return 50 * max(max(array.shape[1:]) for array in self.data.data)


@dataclass(frozen=True, eq=False)
class SteadiedModel:
    """A model whose first parameters are sds and whose next are normal effects under them.

    Attributes
    ----------
    graph : GraphModel
        Sds first, the effects then as one vector; others may follow these.
    squares : (sd, effect, effect) array
        The effects' prior covariance is the sum of each sd's square times its matrix, plus
        `fixed`.
    fixed : (effect, effect) array
    sds_at : callable
        The sds at their coordinates in the flat vector, which are standard normal under the
        prior: (sd,) array to (sd,) array.
    """

    graph: GraphModel
    squares: np.ndarray
    fixed: np.ndarray
    sds_at: Callable[[np.ndarray], np.ndarray]

    @property
    def size(self) -> int:
        """Length of the flat parameter vector."""
        return self.graph.size

    @property
    def n_sds(self) -> int:
        """How many sds there are."""
        return len(self.squares)

    def log_density(self, theta: Array, data: Steadied) -> Array:
        """Unnormalised log-posterior density in the new coordinates."""
        import jax.numpy as jnp

        placed, root = self._placed(theta, data)
        return self.graph.log_density(placed, data.data) - jnp.log(jnp.diagonal(root)).sum()

    def constrain(self, theta: Array, data: Steadied) -> Array:
        """Parameters on their own scale."""
        return self.graph.constrain(self._placed(theta, data)[0], data.data)

    @property
    def wide(self) -> np.ndarray:
        """Coordinates of sds larger than any plausible one; there the likelihood is told."""
        return np.full(self.n_sds, WIDE)

    def prior_precision(self, at: Array) -> Array:
        """Inverse of the effects' prior covariance, zero for what follows them."""
        import jax.numpy as jnp

        sds = self.graph.constrain(jnp.pad(at, (0, self.size - self.n_sds)), ())[: self.n_sds]
        total = jnp.tensordot(sds**2, self.squares, 1) + self.fixed
        rest = self.size - self.n_sds - len(self.fixed)
        return jnp.pad(jnp.linalg.inv(total), (0, rest))

    def _placed(self, theta: Array, data: Steadied) -> tuple[Array, Array]:
        """The model's own flat vector, and the root of its effects' conditional precision."""
        import jax.numpy as jnp
        from jax.scipy.linalg import cho_solve, solve_triangular

        at, z = theta[: self.n_sds], theta[self.n_sds :]
        root = jnp.linalg.cholesky(data.X + self.prior_precision(at))
        centre = cho_solve((root, True), data.information)
        effects = centre + solve_triangular(root, z, trans=1, lower=True)
        return jnp.concatenate([at, effects]), root


@dataclass(frozen=True, eq=False)
class _Wide:
    """The model with its sds held at what is wider than plausible."""

    model: SteadiedModel

    @property
    def size(self) -> int:
        return self.model.size - self.model.n_sds

    def log_density(self, effects: Array, data: Any) -> Array:
        import jax.numpy as jnp

        return self.model.graph.log_density(jnp.concatenate([self.model.wide, effects]), data)


@dataclass(frozen=True)
class _Plain:
    data: Any


def steadied(
    model: SteadiedModel, data: Any, labels: tuple[tuple[str, ...], ...], wide: Any = None
) -> tuple[SteadiedBatch, Laplace]:
    """Tell the normal likelihood of every dataset, and where to start sampling.

    Parameters
    ----------
    model : SteadiedModel
    data : tuple
        As the model takes it, with a first axis of datasets.
    labels : tuple of tuple of str
    wide : object, optional
        What an earlier call with the same model made; spares a compilation.

    Returns
    -------
    SteadiedBatch
    Laplace
        Where each posterior lies and how far it reaches, in the new coordinates.
    """
    wide = wide or wide_model(model)
    found = laplace(wide, _Plain(data))  # type: ignore[arg-type] # what it asks of a batch
    inverse = np.linalg.inv(found.scale)
    precision = np.swapaxes(inverse, 1, 2) @ inverse
    information = (precision @ found.mode[:, :, None])[:, :, 0]
    precision = precision - _padded(model, model.sds_at(model.wide))
    places = [_sds(model, *one) for one in zip(precision, information, strict=True)]
    n_rest = wide.size
    modes = [np.concatenate([mode, np.zeros(n_rest)]) for mode, _ in places]
    scales = []
    for _, scale in places:
        whole = np.eye(model.size)
        whole[: model.n_sds, : model.n_sds] = scale
        scales.append(whole)
    around = Laplace(np.array(modes), np.array(scales), found.gradient)
    return SteadiedBatch(labels, Steadied(data, precision, information)), around


def _sds(
    model: SteadiedModel, precision: np.ndarray, information: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mode and scale of the sds' coordinates, the effects integrated out of their normal."""
    from scipy.optimize import minimize

    size = len(model.fixed)

    def loss(at: np.ndarray) -> float:
        prior = _padded(model, model.sds_at(at))
        values, vectors = np.linalg.eigh(precision + prior)
        values = np.maximum(values, 1e-12)
        apart = vectors.T @ information
        determinant = np.linalg.slogdet(prior[:size, :size])[1]
        fit = 0.5 * (apart**2 / values).sum() - 0.5 * np.log(values).sum() + 0.5 * determinant
        return -float(fit - 0.5 * (at**2).sum())

    mode = minimize(
        loss, np.zeros(model.n_sds), method="L-BFGS-B", bounds=[(-WIDE, WIDE)] * model.n_sds
    ).x
    step = 0.05 * np.eye(len(mode))
    hessian = np.array(
        [
            [
                loss(mode + a + b) - loss(mode + a - b) - loss(mode - a + b) + loss(mode - a - b)
                for b in step
            ]
            for a in step
        ]
    ) / (4 * 0.05**2)
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    # Where the curvature is less than the prior's, the posterior is skewed and not that wide.
    covariance = (vectors / np.maximum(values, 0.7)) @ vectors.T
    return mode, np.linalg.cholesky(covariance)


def _padded(model: SteadiedModel, sds: np.ndarray) -> np.ndarray:
    """Inverse of the effects' prior covariance, zero for what follows them."""
    inverse = np.linalg.inv(np.tensordot(sds**2, model.squares, 1) + model.fixed)
    found: np.ndarray = np.pad(inverse, (0, model.size - model.n_sds - len(inverse)))
    return found


def wide_model(model: SteadiedModel) -> Any:
    """What `steadied` fits; kept by a caller that fits the same model again."""
    return _Wide(model)
