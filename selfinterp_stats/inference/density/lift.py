"""Turn one built Bambi model into a JAX log-density that takes its data as an argument.

Bambi writes the data into the PyTensor graph as constants, so every new dataset means a new
graph and a new compilation. Here the graph is taken as Bambi built it, its data constants are
replaced by symbolic inputs, and the result is translated to JAX once. What comes out can be
differentiated, vectorised over datasets and compiled a single time.

Knows nothing of scenarios, engines or results.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.errors import InputError

if TYPE_CHECKING:
    import bambi
    import jax
    import pandas as pd

    Array = jax.Array


class CannotBatch(InputError):
    """The model cannot serve many datasets at once; ``engine="bambi"`` fits it one by one."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"this model cannot be fitted to many datasets at once: {why}",
            remedy="Fit it one dataset at a time with engine='bambi'.",
        )


@dataclass(frozen=True)
class LiftedModel:
    """A Bambi model as JAX functions of (unconstrained parameters, data).

    Attributes
    ----------
    names : tuple of str
        Free parameters in the order in which they are laid out in the flat vector.
    shapes : tuple of tuple of int
        Their shapes, in the same order.
    log_likelihood : callable
        ``(theta, X, y) -> (rows,)``, one log-likelihood per row.
    log_prior : callable
        ``theta -> ()``, with the Jacobian of the transformations to the real line.
    constrain : callable
        ``theta -> (size,)``, the parameters on their own scale, laid out as ``theta``.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    log_likelihood: Callable[[Array, Array, Array], Array]
    log_prior: Callable[[Array], Array]
    constrain: Callable[[Array], Array]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of scalars in each free parameter."""
        return tuple(int(np.prod(shape)) for shape in self.shapes)

    @property
    def size(self) -> int:
        """Length of the flat parameter vector."""
        return sum(self.sizes)

    def log_density(self, theta: Array, X: Array, y: Array, mask: Array) -> Array:
        """Unnormalised log-posterior density at one parameter vector for one dataset.

        Parameters
        ----------
        theta : (size,) array
            Parameters on the real line.
        X : (rows, columns) array
            Mean-centred design matrix without the intercept, padded with zeros.
        y : (rows,) array
            Response, padded with zeros.
        mask : (rows,) array
            1 for a row of the dataset, 0 for padding.
        """
        return (self.log_likelihood(theta, X, y) * mask).sum() + self.log_prior(theta)


def _linear_predictor(model: bambi.Model) -> Any:
    """The component of a Bambi model that the formula describes."""
    # Bambi 0.21 renamed what holds the components.
    parts = model.parameters if hasattr(type(model), "parameters") else model.components
    return parts[model.family.likelihood.parent]


def design_matrix(model: bambi.Model) -> np.ndarray:
    """The columns of the common terms of a built model, without the intercept and uncentred.

    Returns
    -------
    (rows, columns) array
    """
    terms = _linear_predictor(model).common_terms.values()
    rows = len(response(model))
    columns = [np.asarray(term.data, dtype=float) for term in terms]
    return np.column_stack(columns) if columns else np.empty((rows, 0))


def design_at(model: bambi.Model, data: pd.DataFrame) -> np.ndarray:
    """The columns of `design_matrix` for other rows than the model was built on.

    Returns
    -------
    (rows, columns) array
    """
    common = _linear_predictor(model).design.common
    new = common.evaluate_new_data(data)
    names = [name for name in new.terms if name != "Intercept"]
    columns = [np.asarray(new[name], dtype=float).reshape(len(data), -1) for name in names]
    return np.column_stack(columns)


def response(model: bambi.Model) -> np.ndarray:
    """The response of a built model as a (rows,) array of floats."""
    renamed = hasattr(type(model), "response_term")  # by Bambi 0.21
    term = model.response_term if renamed else model.response_component.term
    data = np.asarray(term.data, dtype=float)
    return data.reshape(data.shape[0], -1)[:, 0]


_LIFTED: dict[Hashable, LiftedModel] = {}


def lift_once(key: Hashable, model: bambi.Model) -> LiftedModel:
    """Lift a model, or hand out what was lifted under the same key.

    What JAX compiles hangs on the lifted model, so a model that is lifted once is compiled once.

    Parameters
    ----------
    key : hashable
        All that shapes the density but the data: formula, family, priors, parameters.
    model : bambi.Model
    """
    if key not in _LIFTED:
        _LIFTED[key] = lift(model)
    return _LIFTED[key]


def lift(model: bambi.Model) -> LiftedModel:
    """Translate a Bambi model to JAX with its design matrix and response as inputs.

    The density is the one that PyMC would sample, Jacobians included. Two things are
    simplified, neither of which changes its value: Bambi's replacement of probabilities that
    are exactly 0 or 1, and the Bernoulli log-likelihood, which is written on the logit scale.

    Parameters
    ----------
    model : bambi.Model
        Built or not; any family with one linear predictor.

    Raises
    ------
    CannotBatch
        If data other than the design matrix and the response are part of the density.
    """
    import pytensor.tensor as pt

    if not model.built:
        model.build()
    pymc_model = model.backend.model
    free = pymc_model.free_RVs
    values = [pymc_model.rvs_to_values[rv] for rv in free]

    pointwise = _without_length(pymc_model.logp(vars=pymc_model.observed_RVs, sum=False)[0])
    prior = pymc_model.logp(vars=free)
    own_scale = [
        transform.backward(value, *rv.owner.inputs) if transform is not None else value
        for rv, value in zip(free, values, strict=True)
        for transform in [pymc_model.rvs_to_transforms[rv]]
    ]

    pointwise, prior, *own_scale = _with_fixed_lengths(pymc_model, [pointwise, prior, *own_scale])
    X, y = pt.matrix("X"), pt.vector("y")
    pointwise = _with_data_as_inputs(pointwise, design_matrix(model), response(model), X, y)
    logit = _logit(pointwise)
    shapes = tuple(_shape(pymc_model, rv) for rv in free)

    likelihood = _to_jax([*values, X, y], [pointwise if logit is None else logit])
    log_prior = _to_jax(values, [prior])
    backward = _to_jax(values, own_scale)

    def unravel(theta: Array) -> list[Array]:
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        starts = [0, *ends[:-1]]
        return [
            theta[start:end].reshape(shape)
            for start, end, shape in zip(starts, ends, shapes, strict=True)
        ]

    def constrain(theta: Array) -> Array:
        import jax.numpy as jnp

        return jnp.concatenate([jnp.ravel(value) for value in backward(*unravel(theta))])

    def log_likelihood(theta: Array, X: Array, y: Array) -> Array:
        lifted = likelihood(*unravel(theta), X, y)[0]
        return lifted if logit is None else y * lifted - _log1p_exp()(lifted)

    return LiftedModel(
        names=tuple(rv.name for rv in free),
        shapes=shapes,
        log_likelihood=log_likelihood,
        log_prior=lambda theta: log_prior(*unravel(theta))[0],
        constrain=constrain,
    )


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


def _with_fixed_lengths(pymc_model: Any, outputs: list[Any]) -> list[Any]:
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
    outputs = clone_replace(outputs, fixed)
    for node in ancestors(outputs):
        if node in of_rows:
            raise CannotBatch("its density depends on the number of rows")
        if isinstance(node, SharedVariable) and node not in fixed:
            raise CannotBatch(f"its density depends on the shared variable {node.name!r}")
    return outputs


def _with_data_as_inputs(
    pointwise: Any, design: np.ndarray, outcome: np.ndarray, X: Any, y: Any
) -> Any:
    """Put symbolic inputs where the data constants of a graph are."""
    from pytensor.graph.basic import Constant
    from pytensor.graph.replace import clone_replace
    from pytensor.graph.traversal import ancestors

    centred = design - design.mean(axis=0) if design.size else design
    replacements: dict[Any, Any] = {}
    for node in ancestors([pointwise]):
        if not isinstance(node, Constant):
            continue
        data = np.asarray(node.data)
        if data.dtype == object or data.size <= 1:
            continue
        if data.shape == outcome.shape and np.array_equal(data, outcome):
            replacements[node] = y.astype(node.dtype)
        elif data.shape == design.shape and np.array_equal(data, centred):
            replacements[node] = X.astype(node.dtype)
        elif design.shape[1] == 1 and np.array_equal(data, centred[:, 0]):
            replacements[node] = X[:, 0].astype(node.dtype)  # PyTensor folds a single column
        else:
            raise CannotBatch(f"its density holds other data of shape {data.shape}")
    # Not strict: a constant of 30,000 rows is to make way for an input of any number of rows.
    return clone_replace([pointwise], replacements, rebuild_strict=False)[0]


def _logit(pointwise: Any) -> Any:
    """Find the linear predictor in a Bernoulli log-likelihood with a logit link.

    Bambi writes that likelihood as log p or log(1 - p) with p = sigmoid(eta) and with p moved
    off exact 0 and 1. In 32-bit floats that form loses the small probabilities: 1 - p is 0 from
    eta = 17 on. As y * eta - log(1 + exp(eta)) it keeps them, and takes a third of the time.

    Returns
    -------
    eta, or None for any other likelihood
    """
    from pytensor.raise_op import CheckAndRaise
    from pytensor.scalar import Log, Log1p, Neg, Sigmoid, Sub, Switch
    from pytensor.tensor.elemwise import Elemwise

    def operation(variable: Any) -> Any:
        op = None if variable.owner is None else variable.owner.op
        return op.scalar_op if isinstance(op, Elemwise) else op

    def past(variable: Any, *, guards: bool) -> Any:
        """Follow checks, and selections that replace single values by constants."""
        while True:
            op = operation(variable)
            if isinstance(op, CheckAndRaise):
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


def _to_jax(inputs: Sequence[Any], outputs: Sequence[Any]) -> Callable[..., tuple[Array, ...]]:
    """Translate a PyTensor graph to a JAX function that returns a tuple."""
    import jax
    from pytensor.compile.mode import get_mode
    from pytensor.graph.fg import FunctionGraph

    was_64_bit = jax.config.read(
        "jax_enable_x64"
    )  # PyTensor's JAX linker switches it on when imported
    try:
        from pytensor.link.jax.dispatch import jax_funcify
    finally:
        jax.config.update("jax_enable_x64", was_64_bit)

    graph = FunctionGraph(inputs=list(inputs), outputs=list(outputs), clone=True)
    with warnings.catch_warnings():
        # No C code comes of this graph, so it does not matter what a compiler could link to.
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        get_mode("JAX").optimizer.rewrite(graph)
        # Parameter checks (sigma > 0 and the like) hold by construction of the transforms.
        warnings.filterwarnings("ignore", message="Skipping Check", category=UserWarning)
        function: Callable[..., tuple[Array, ...]] = jax_funcify(graph)
    return function
