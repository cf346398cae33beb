"""What this package reads of a built Bambi model: its columns, response and priors.

Bambi has renamed some of the places since version 0.17; the differences stay in this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.spec import ModelSpec

if TYPE_CHECKING:
    import bambi
    import pandas as pd


# Families whose response is successes and trials.
WITH_TRIALS = ("binomial", "beta_binomial")


class CannotBatch(InputError):
    """The model cannot serve many datasets at once.

    Parameters
    ----------
    why : str
        As a clause without a full stop.
    beyond : bool
        Whether ``engine="bambi"``, which fits one by one, cannot serve either.
    """

    def __init__(self, why: str, *, beyond: bool = False) -> None:
        super().__init__(
            f"this model cannot be fitted to many datasets at once: {why}",
            remedy="Fit it to one dataset after the other with Bambi itself."
            if beyond
            else "Fit it one dataset at a time with engine='bambi'.",
        )


def _parts(model: bambi.Model) -> dict[str, Any]:
    """What Bambi models each parameter of the family by; 0.21 renamed what holds it."""
    renamed = hasattr(type(model), "parameters")
    parts: dict[str, Any] = model.parameters if renamed else model.components
    return parts


def linear_predictor(model: bambi.Model) -> Any:
    """The component of a Bambi model that the formula describes.

    Raises
    ------
    CannotBatch
        If other components have formulas of their own, or this one has group-level or smooth
        terms.
    """
    parts = _parts(model)
    for name, part in parts.items():
        if name != model.family.likelihood.parent and hasattr(part, "common_terms"):
            raise CannotBatch(f"its parameter {name!r} has a formula of its own", beyond=True)
    predictor = parts[model.family.likelihood.parent]
    if predictor.group_specific_terms:
        names = ", ".join(predictor.group_specific_terms)
        raise CannotBatch(f"it has group-level terms ({names})", beyond=True)
    if predictor.hsgp_terms:
        names = ", ".join(predictor.hsgp_terms)
        raise CannotBatch(f"it has smooth terms ({names})", beyond=True)
    return predictor


def has_intercept(model: bambi.Model) -> bool:
    """Whether there is an intercept, and so whether Bambi centres the predictors."""
    return linear_predictor(model).intercept_term is not None and model.center_predictors


def design_matrix(model: bambi.Model) -> np.ndarray:
    """The columns of the common terms of a built model, without the intercept and uncentred.

    Returns
    -------
    (row, column) array
    """
    terms = linear_predictor(model).common_terms.values()
    rows = len(response(model))
    columns = [np.asarray(term.data, dtype=float) for term in terms]
    return np.column_stack(columns) if columns else np.empty((rows, 0))


def design_at(model: bambi.Model, data: pd.DataFrame) -> np.ndarray:
    """The columns of `design_matrix` for other rows than the model was built on.

    Returns
    -------
    (row, column) array
    """
    common = linear_predictor(model).design.common
    new = common.evaluate_new_data(data)
    names = list(linear_predictor(model).common_terms)
    columns = [np.asarray(new[name], dtype=float).reshape(len(data), -1) for name in names]
    return np.column_stack(columns)


def _response_data(model: bambi.Model) -> np.ndarray:
    renamed = hasattr(type(model), "response_term")  # by Bambi 0.21
    term = model.response_term if renamed else model.response_component.term
    for kind in ("censored", "constrained", "truncated", "weighted"):
        if getattr(term, f"is_{kind}", False):
            raise CannotBatch(f"its response is {kind}", beyond=True)
    data = np.asarray(term.data, dtype=float)
    data = data.reshape(data.shape[0], -1)
    if data.shape[1] > 1 and model.family.name not in WITH_TRIALS:
        raise CannotBatch("its response has several columns", beyond=True)
    return data


def response(model: bambi.Model) -> np.ndarray:
    """The response of a built model as a (row,) array of floats; successes for a binomial one."""
    return _response_data(model)[:, 0]


def other_columns(model: bambi.Model) -> np.ndarray:
    """Data of the rows that are neither predictor nor response: trials and offsets.

    Returns
    -------
    (row, other) array
    """
    offsets = linear_predictor(model).offset_terms.values()
    columns = [np.asarray(term.data, dtype=float).ravel() for term in offsets]
    return np.column_stack([_response_data(model)[:, 1:], *columns])


def priors_of(model: bambi.Model) -> dict[str, Any]:
    """Bambi's own prior objects of a built model, by the name of their parameter.

    Parameters of the family that were set to a number have none.
    """
    predictor = linear_predictor(model)
    parts = _parts(model)
    found = {name: term.prior for name, term in predictor.common_terms.items()}
    if predictor.intercept_term is not None:
        found["Intercept"] = predictor.intercept_term.prior
    constants = {name: part for name, part in parts.items() if part is not predictor}
    found.update({name: part.prior for name, part in constants.items()})
    return {name: prior for name, prior in found.items() if not isinstance(prior, (int, float))}


def check_prior(name: str, prior: Any) -> None:
    """Refuse a prior that is not a distribution with numbers for its arguments."""
    if getattr(prior, "dist", None) is not None:
        raise CannotBatch(f"the prior of {name!r} is a function of its own", beyond=True)
    for key, value in prior.args.items():
        if np.asarray(value).dtype == object:
            why = f"the prior of {name!r} has a prior of its own for {key!r}"
            raise CannotBatch(why, beyond=True)


def spec_of(model: bambi.Model) -> ModelSpec:
    """A Bambi model's formula, family, link and priors, the numbers of automatic ones included.

    Raises
    ------
    CannotBatch
        If a prior is not a distribution of PyMC with numbers for its arguments, or if the model
        has what a formula, a family and priors do not say.
    """
    predictor = linear_predictor(model)
    if predictor.intercept_term is not None and not model.center_predictors:
        raise CannotBatch("its predictors are not to be centred", beyond=True)
    if model.potentials:
        raise CannotBatch("it has potentials", beyond=True)
    if not model.built:
        model.build()
    priors = {}
    for name, prior in priors_of(model).items():
        check_prior(name, prior)
        priors[name] = Prior.from_bambi(prior)
    fixed = set(_parts(model)) - set(priors) - {model.family.likelihood.parent}
    if fixed:
        raise CannotBatch(f"its parameter {min(fixed)!r} is set to a number", beyond=True)
    link = model.family.link[model.family.likelihood.parent]
    return ModelSpec(
        str(model.formula.main), model.family.name, tuple(priors.items()), link=link.name
    )


def free_parameters(model: bambi.Model) -> list[Any]:
    """The free variables of PyMC's model in one order, in which Bambi does not always have them.

    The intercept, the terms' coefficients in the order of the design's columns, the rest by name.
    """
    found = {rv.name: rv for rv in model.backend.model.free_RVs}
    names = [name for name in ("Intercept", *linear_predictor(model).common_terms) if name in found]
    rest = sorted(set(found) - set(names))
    return [found[name] for name in (*names, *rest)]


def scalars(model: bambi.Model) -> tuple[str, ...]:
    """Names of the scalar parameters of a built model, vectors written out by level."""
    pymc_model = model.backend.model
    names: list[str] = []
    for rv in free_parameters(model):
        dims = pymc_model.named_vars_to_dims.get(rv.name, ())
        if not dims:
            names.append(rv.name)
            continue
        levels = [""]
        for dim in dims:
            levels = [
                f"{before}, {level}" if before else f"{level}"
                for before in levels
                for level in pymc_model.coords[dim]
            ]
        names.extend(f"{rv.name}[{level}]" for level in levels)
    return tuple(names)
