"""Turn one built Bambi model into a JAX log-density that takes its data as an argument.

Bambi writes the data into the PyTensor graph as constants, so every new dataset means a new
graph and a new compilation. Here the graph of the likelihood is taken as Bambi built it, its
data constants are replaced by symbolic inputs, and the result is translated to JAX once; the
priors are written anew with their numbers as inputs. What comes out can be differentiated,
vectorised over datasets and compiled a single time.

Knows nothing of scenarios, engines or results.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.density.graphs import to_jax
from selfinterp_stats.inference.density.prior import (
    Parameter,
    PriorDensity,
    form_of,
    prior_density,
)
from selfinterp_stats.inference.density.terms import (
    CannotBatch,
    design_matrix,
    free_parameters,
    has_intercept,
    linear_predictor,
    other_columns,
    priors_of,
)

if TYPE_CHECKING:
    import bambi
    import jax

    from selfinterp_stats.inference.density.batch import Data

    Array = jax.Array


@dataclass(frozen=True)
class LiftedModel:
    """A Bambi model as JAX functions of (unconstrained parameters, data).

    Attributes
    ----------
    parameters : tuple of Parameter
        In the order in which they are laid out in the flat vector.
    log_likelihood : callable
        ``(values, X, y, other) -> (row,)``: one log-likelihood per row, of parameters on their
        own scale.
    prior : PriorDensity
    """

    parameters: tuple[Parameter, ...]
    log_likelihood: Callable[[list[Array], Array, Array, Array], Array]
    prior: PriorDensity

    @property
    def size(self) -> int:
        """Length of the flat parameter vector."""
        return sum(one.size for one in self.parameters)

    def log_density(self, theta: Array, data: Data) -> Array:
        """Unnormalised log-posterior density at one parameter vector for one dataset.

        Parameters
        ----------
        theta : (size,) array
            Parameters on the real line.
        data : Data
            Of one dataset.
        """
        values = self._unravel(theta)
        own_scale = self.prior.constrain(values, data.numbers)
        rows = self.log_likelihood(own_scale, data.X, data.y, data.other)
        return (rows * data.mask).sum() + self.prior.log_density(values, data.numbers)

    def constrain(self, theta: Array, data: Data) -> Array:
        """Parameters on their own scale, laid out as `theta`."""
        import jax.numpy as jnp

        own_scale = self.prior.constrain(self._unravel(theta), data.numbers)
        return jnp.concatenate([jnp.ravel(value) for value in own_scale])

    def _unravel(self, theta: Array) -> list[Array]:
        ends = np.cumsum([one.size for one in self.parameters])
        return [
            theta[end - one.size : end].reshape(one.shape)
            for one, end in zip(self.parameters, ends, strict=True)
        ]


_LIFTED: dict[Hashable, LiftedModel] = {}


def lift_once(key: Hashable, model: bambi.Model) -> LiftedModel:
    """Lift a model, or hand out what was lifted under the same key and has the same form.

    What JAX compiles hangs on the lifted model, so a model that is lifted once is compiled once.

    Parameters
    ----------
    key : hashable
        All that shapes the likelihood but the data: formula, family, link.
    model : bambi.Model
        Built; the form of its priors and its parameters become part of the key.
    """
    whole = (key, parameters_of(model))
    if whole not in _LIFTED:
        _LIFTED[whole] = lift(model)
    return _LIFTED[whole]


def parameters_of(model: bambi.Model) -> tuple[Parameter, ...]:
    """The free parameters of a built model and the form of their priors.

    Raises
    ------
    CannotBatch
        If a prior is none of PyMC's distributions with numbers for its arguments.
    """
    pymc_model = model.backend.model
    priors = priors_of(model)
    return tuple(
        form_of(rv.name, _shape(pymc_model, rv), priors[rv.name]) for rv in free_parameters(model)
    )


def lift(model: bambi.Model) -> LiftedModel:
    """Translate a Bambi model to JAX with its data and its priors' numbers as inputs.

    The density is the one that PyMC would sample, Jacobians included. Two things are
    simplified, neither of which changes its value: Bambi's replacement of probabilities that
    are exactly 0 or 1, and the Bernoulli log-likelihood, which is written on the logit scale.

    Parameters
    ----------
    model : bambi.Model
        Built; any family with one linear predictor.

    Raises
    ------
    CannotBatch
        If data other than predictors, response, trials and offsets are part of the density.
    """
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.graph.replace import clone_replace

    pymc_model = model.backend.model
    parameters = parameters_of(model)
    (observed,) = pymc_model.observed_RVs
    X, y, other = pt.matrix("X"), pt.vector("y"), pt.matrix("other")
    pointwise = _without_length(pm.logp(observed, y, warn_rvs=False))
    free = free_parameters(model)
    inputs = [rv.type(rv.name) for rv in free]
    cut = dict(zip(free, inputs, strict=True))
    pointwise = clone_replace([pointwise], cut)[0]
    pointwise = _with_fixed_lengths(pymc_model, pointwise)
    slopes = pt.vector("X @ slopes")
    pointwise = _with_product_as_input(pointwise, model, slopes)
    pointwise = _with_data_as_inputs(pointwise, model, X, other)
    logit = _logit(pointwise)
    function = to_jax([*inputs, slopes, X, y, other], [pointwise if logit is None else logit])
    is_slope = [one.name in linear_predictor(model).common_terms for one in parameters]

    def log_likelihood(values: list[Array], X: Array, y: Array, other: Array) -> Array:
        import jax.numpy as jnp

        parts = [jnp.ravel(value) for value, it in zip(values, is_slope, strict=True) if it]
        product = X @ jnp.concatenate(parts) if parts else jnp.zeros_like(y)
        lifted = function(*values, product, X, y, other)[0]
        return lifted if logit is None else y * lifted - _log1p_exp()(lifted)

    return LiftedModel(parameters, log_likelihood, prior_density(parameters))


def _without_length(pointwise: Any) -> Any:
    """Drop the outer broadcast to the number of observations, which ties a graph to one length."""
    from pytensor.tensor.basic import Alloc

    if pointwise.owner is not None and isinstance(pointwise.owner.op, Alloc):
        return pointwise.owner.inputs[0]
    return pointwise


def _shape(pymc_model: Any, rv: Any) -> tuple[int, ...]:
    """Shape of a free parameter, from the labels of its dimensions where it has any."""
    dims = pymc_model.named_vars_to_dims.get(rv.name)
    shape = [len(pymc_model.coords[dim]) for dim in dims] if dims else rv.type.shape
    if any(length is None for length in shape):
        raise CannotBatch(f"the shape of its parameter {rv.name!r} is not fixed")
    return tuple(int(length) for length in shape)


def _with_fixed_lengths(pymc_model: Any, pointwise: Any) -> Any:
    """Write the lengths of labelled dimensions into the graph; only the rows may vary."""
    import pytensor.tensor as pt
    from pytensor.compile.sharedvalue import SharedVariable
    from pytensor.graph.replace import clone_replace
    from pytensor.graph.traversal import ancestors

    of_rows = {
        pymc_model.dim_lengths[dim]
        for rv in pymc_model.observed_RVs
        for dim in pymc_model.named_vars_to_dims.get(rv.name, ())
    }
    fixed = {
        length: pt.constant(length.get_value(), dtype=length.dtype)
        for length in pymc_model.dim_lengths.values()
        if isinstance(length, SharedVariable) and length not in of_rows
    }
    pointwise = clone_replace([pointwise], fixed)[0]
    for node in ancestors([pointwise]):
        if node in of_rows:
            raise CannotBatch("its density depends on the number of rows")
        if isinstance(node, SharedVariable) and node not in fixed:
            raise CannotBatch(f"its density depends on the shared variable {node.name!r}")
    return pointwise


def _with_product_as_input(pointwise: Any, model: bambi.Model, product: Any) -> Any:
    """Put an input where predictors and slopes are multiplied.

    JAX then multiplies a matrix with a vector, which takes two thirds of the time of the
    product with a single column that PyTensor makes of it. A single predictor is no such product.
    """
    from pytensor.graph.basic import Constant
    from pytensor.graph.replace import clone_replace
    from pytensor.graph.traversal import ancestors
    from pytensor.tensor.math import Dot

    design = _centred_design(model)
    replacements = {
        node: (product if node.ndim == 1 else product[:, None]).astype(node.dtype)
        for node in ancestors([pointwise])
        if node.owner is not None
        and isinstance(node.owner.op, Dot)
        and isinstance(node.owner.inputs[0], Constant)
        and np.array_equal(node.owner.inputs[0].data, design)
    }
    return clone_replace([pointwise], replacements, rebuild_strict=False)[0]


def _with_data_as_inputs(pointwise: Any, model: bambi.Model, X: Any, other: Any) -> Any:
    """Put symbolic inputs where the data constants of a graph are."""
    from pytensor.graph.basic import Constant
    from pytensor.graph.replace import clone_replace
    from pytensor.graph.traversal import ancestors

    columns = _data_columns(model, X, other)
    replacements: dict[Any, Any] = {}
    for node in ancestors([pointwise]):
        if not isinstance(node, Constant):
            continue
        data = np.asarray(node.data)
        if data.dtype == object or data.size <= 1:
            continue
        found = [
            new for old, new in columns if old.shape == data.shape and np.array_equal(old, data)
        ]
        if not found:
            raise CannotBatch(f"its density holds other data of shape {data.shape}")
        replacements[node] = found[0]
    # Not strict: a constant of 30,000 whole numbers is to make way for an input of any number of
    # floats.
    return clone_replace([pointwise], replacements, rebuild_strict=False)[0]


def _centred_design(model: bambi.Model) -> np.ndarray:
    """The design matrix as Bambi writes it into the graph."""
    design = design_matrix(model)
    return design - design.mean(axis=0) if has_intercept(model) and design.size else design


def _data_columns(model: bambi.Model, X: Any, other: Any) -> list[tuple[np.ndarray, Any]]:
    """Data that may stand in a graph, each with the input that takes its place.

    Raises
    ------
    CannotBatch
        If two of them are equal, so that the graph does not tell which is meant.
    """
    design = _centred_design(model)
    others = other_columns(model).T
    columns = [(design, X)] if design.shape[1] else []
    if design.shape[1] == 1:
        columns.append((design[:, 0], X[:, 0]))  # PyTensor folds a single column
    columns += [(values, other[:, i]) for i, values in enumerate(others)]
    single = [values for values, _ in columns if values.ndim == 1]
    for i, values in enumerate(single):
        if any(np.array_equal(values, later) for later in single[i + 1 :]):
            raise CannotBatch("two of its columns (predictor, trials, offset) are the same")
    return columns


def _logit(pointwise: Any) -> Any:
    """Find the linear predictor in a Bernoulli log-likelihood with a logit link.

    Bambi writes that likelihood as log p or log(1 - p) with p = sigmoid(eta) and with p moved
    off exact 0 and 1. In 32-bit floats that form loses the small probabilities: 1 - p is 0 from
    eta = 17 on. As y * eta - log(1 + exp(eta)) it keeps them, and takes a third of the time.

    Returns
    -------
    eta, or None for any other likelihood
    """
    from pytensor.compile.ops import ViewOp
    from pytensor.raise_op import CheckAndRaise
    from pytensor.scalar import Log, Log1p, Neg, Sigmoid, Sub, Switch
    from pytensor.tensor.elemwise import Elemwise

    def operation(variable: Any) -> Any:
        op = None if variable.owner is None else variable.owner.op
        return op.scalar_op if isinstance(op, Elemwise) else op

    def past(variable: Any, *, guards: bool) -> Any:
        """Follow names, checks, and selections that replace single values by constants."""
        while True:
            op = operation(variable)
            if isinstance(op, CheckAndRaise | ViewOp):
                variable = variable.owner.inputs[0]
            elif guards and isinstance(op, Switch):
                variable = variable.owner.inputs[2]
            else:
                return variable

    outer = past(pointwise, guards=False)
    if not isinstance(operation(outer), Switch):
        return None
    inner = outer.owner.inputs[2]  # the other branch is -inf for a response outside {0, 1}
    if not isinstance(operation(inner), Switch):
        return None
    _, log_p, log_q = inner.owner.inputs
    if not (isinstance(operation(log_p), Log) and isinstance(operation(log_q), Log | Log1p)):
        return None
    # PyMC 5 writes log1p(-p), PyMC 6 log(1 - p).
    (complement,) = log_q.owner.inputs
    form = Neg if isinstance(operation(log_q), Log1p) else Sub
    same_p = isinstance(operation(complement), form) and (
        complement.owner.inputs[-1] is log_p.owner.inputs[0]
    )
    if not same_p:
        return None
    p = past(log_p.owner.inputs[0], guards=True)
    return p.owner.inputs[0] if isinstance(operation(p), Sigmoid) else None


@cache
def _log1p_exp() -> Callable[[Array], Array]:
    """log(1 + exp(x)) without overflow, with the logistic function as its derivative.

    The derivative of the expression as it stands would be wrong at x = 0, where every linear
    predictor begins.
    """
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def log1p_exp(x: Array) -> Array:
        return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))

    @log1p_exp.defjvp
    def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        return log1p_exp(*primals), jax.nn.sigmoid(*primals) * tangents[0]

    return log1p_exp
