"""From a model and a data frame to what the engines take: arrays, a lifted density, priors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.datasets import REFUSALS, Datasets, read, words_of
from selfinterp_stats.inference.density.batch import Batch, Rows, pack
from selfinterp_stats.inference.density.improper import why_improper
from selfinterp_stats.inference.density.lift import LiftedModel, lift_once
from selfinterp_stats.inference.density.prior import Parameter, form_of
from selfinterp_stats.inference.density.support import allows, open_sides
from selfinterp_stats.inference.density.terms import (
    CannotBatch,
    design_matrix,
    has_intercept,
    linear_predictor,
    priors_of,
    scalars,
)
from selfinterp_stats.models.defaults import FAMILIES, brms_priors
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.spec import ModelSpec

if TYPE_CHECKING:
    import bambi

DataPriors = Literal["frozen", "per_dataset"]
FLAT = ("Flat", "HalfFlat")
HEAVY = ("StudentT", "Cauchy")


@dataclass(frozen=True)
class DefaultPriors:
    """Which data brms' default priors are made of.

    Attributes
    ----------
    made_of : {"frozen", "per_dataset"}
        One dataset's response for all, as ``brms::update`` does with its first fit, or each
        dataset's own.
    frozen_to : tuple of str or None
        The labels of that one dataset; the first that can be fitted, in sorted order, unless
        given.
    """

    made_of: DataPriors = "frozen"
    frozen_to: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.made_of not in get_args(DataPriors):
            raise InputError(
                "default priors are frozen to one dataset or made per dataset",
                value=self.made_of,
                allowed=", ".join(get_args(DataPriors)),
            )


@dataclass(frozen=True)
class Prepared:
    """A model, its datasets and all that the engines need to know of them.

    Attributes
    ----------
    spec : ModelSpec
        With all priors; where they differ by dataset, those of the first.
    specs : tuple of ModelSpec
        One for each dataset where they differ; else empty.
    datasets : Datasets
        Their problems are complete.
    model : bambi.Model
        Built on a part of the rows that shows its form.
    parameters : tuple of str
        Scalars, vectors written out by level.
    rows : Rows
    lifted : LiftedModel or None
        None where Bambi is to fit one dataset after the other.
    numbers : (dataset, number) array
        The numbers of the priors.
    """

    spec: ModelSpec
    specs: tuple[ModelSpec, ...]
    datasets: Datasets
    model: bambi.Model
    parameters: tuple[str, ...]
    rows: Rows
    lifted: LiftedModel | None
    numbers: np.ndarray

    def batch(self, which: np.ndarray, length: int) -> Batch:
        """Some of the datasets as arrays, padded to one length."""
        return pack(
            self.rows,
            which,
            self.datasets.labels,
            self.numbers,
            self.left_to_prior,
            length=length,
            centred=has_intercept(self.model),
        )

    @cached_property
    def left_to_prior(self) -> np.ndarray:
        """Of which datasets the intercept has the tail of a heavy-tailed prior, (dataset,) of bool.

        Where all choices are alike, say, nothing else bounds it. Without predictors it does not
        matter: the importance engine's proposals then have as heavy a tail.
        """
        n = len(self.rows.sizes)
        if self.intercept is None or dict(self.spec.priors)["Intercept"].name not in HEAVY:
            return np.zeros(n, dtype=bool)
        of_row = np.repeat(np.arange(n), self.rows.sizes)
        sides = open_sides(self.spec.family, self.rows.y, self.rows.other)
        closed = [np.bincount(of_row[~side], minlength=n) for side in sides]
        return np.asarray((np.stack(closed) == 0).any(axis=0))

    @property
    def intercept(self) -> int | None:
        """Place of the intercept among the parameters, where the predictors are centred."""
        if not has_intercept(self.model) or not self.rows.X.shape[1]:
            return None
        return self.parameters.index("Intercept")

    def spec_of(self, dataset: int) -> ModelSpec:
        """The model with the priors of one dataset."""
        return self.specs[dataset] if self.specs else self.spec


def prepare(
    spec: ModelSpec,
    datasets: Datasets,
    *,
    batched: bool = True,
    defaults: DefaultPriors | None = None,
) -> Prepared:
    """Read the datasets, settle the priors and lift the model.

    PyTensor's graphs are not made for several threads; what comes after is.

    Parameters
    ----------
    spec : ModelSpec
    datasets : Datasets
    batched : bool
        Whether a batched engine is going to fit; if not, nothing is lifted.
    defaults : DefaultPriors, optional
        brms' default priors stand in where `spec` names none; without it `spec` names all.

    Raises
    ------
    CannotBatch
        If the model cannot be lifted though it has to be.
    InputError
        If no dataset can be fitted.
    """
    datasets, rows, template = read(datasets, spec)
    datasets = _without_impossible(spec, datasets, rows)
    if defaults is not None:
        _check_named(spec, template)
    specs = _with_defaults(spec, datasets, rows, defaults) if defaults else ()
    spec = specs[0] if specs else spec
    specs = specs if len(set(specs)) > 1 else ()
    try:
        model = spec.build(template.data)
    except REFUSALS as error:
        raise InputError(f"Bambi cannot build the model: {words_of(error)}") from error
    if design_matrix(model).shape[1] != rows.X.shape[1]:
        raise CannotBatch("its columns differ between datasets", beyond=True)
    _check_all_named(spec, model)
    datasets = _without_improper(spec, datasets, rows, model)
    lifted, numbers = None, np.empty((len(datasets.labels), 0))
    if batched:
        lifted = lift_once((spec.formula, spec.family, spec.link), model)
        numbers = _numbers(lifted.parameters, spec, specs, len(datasets.labels))
    return Prepared(
        spec=spec,
        specs=specs,
        datasets=datasets,
        model=model,
        parameters=scalars(model),
        rows=rows,
        lifted=lifted,
        numbers=numbers,
    )


def _with_defaults(
    spec: ModelSpec, datasets: Datasets, rows: Rows, defaults: DefaultPriors
) -> tuple[ModelSpec, ...]:
    """The model with brms' priors where it names none, for every dataset or for all alike."""
    named = dict(spec.priors)

    def complete(dataset: int) -> ModelSpec:
        if named and spec.family not in FAMILIES:
            return spec
        y = rows.y[rows.starts[dataset] : rows.starts[dataset + 1]]
        return spec.with_priors({**brms_priors(spec.family, y), **named})

    good = datasets.fit_for_use()
    if defaults.made_of == "per_dataset":
        of_good = {int(i): complete(i) for i in good}
        first = of_good[int(good[0])]
        return tuple(of_good.get(i, first) for i in range(len(datasets.labels)))
    if defaults.frozen_to is None:
        return (complete(int(good[0])),)
    if defaults.frozen_to not in datasets.labels:
        raise InputError(
            "the dataset that the default priors are to be frozen to is not there",
            value=" / ".join(defaults.frozen_to),
            allowed=f"a dataset such as {' / '.join(datasets.labels[0])!r}",
        )
    dataset = datasets.labels.index(defaults.frozen_to)
    if datasets.problems[dataset]:
        raise InputError(
            "the default priors cannot be frozen to this dataset: " + datasets.problems[dataset],
            value=" / ".join(defaults.frozen_to),
        )
    return (complete(dataset),)


def _numbers(
    parameters: tuple[Parameter, ...],
    spec: ModelSpec,
    specs: tuple[ModelSpec, ...],
    n_datasets: int,
) -> np.ndarray:
    """The numbers of the priors, a (dataset, number) array."""
    if not specs:
        return np.tile(numbers_under(parameters, dict(spec.priors)), (n_datasets, 1))
    known: dict[ModelSpec, np.ndarray] = {}
    for one in specs:
        if one not in known:
            known[one] = numbers_under(parameters, dict(one.priors))
    return np.stack([known[one] for one in specs])


def numbers_under(parameters: tuple[Parameter, ...], priors: Mapping[str, Prior]) -> np.ndarray:
    """Lay out the numbers of priors as a lifted model reads them.

    Parameters
    ----------
    parameters : tuple of Parameter
        Of the lifted model.
    priors : mapping of str to Prior
        By parameter, ``"common"`` for all slopes.

    Returns
    -------
    (number,) array

    Raises
    ------
    CannotBatch
        If a prior has another form than the lifted model's.
    """
    parts = [np.empty(0)]
    for one in parameters:
        if one.name not in priors and "common" not in priors:
            raise InputError("a parameter has no prior", value=one.name)
        prior = (priors[one.name] if one.name in priors else priors["common"]).to_bambi()
        if form_of(one.name, one.shape, prior) != one:
            raise CannotBatch(f"the prior of {one.name!r} has not the same form in all datasets")
        parts += [np.ravel(prior.args[key]).astype(float) for key, _ in one.arguments]
    return np.concatenate(parts)


def _check_named(spec: ModelSpec, model: bambi.Model) -> None:
    """Refuse priors of what the model does not have, such as a term that was misspelt."""
    known = ["common", *priors_of(model)]
    for name, _ in spec.priors:
        if name not in known:
            raise InputError(
                "a prior is named for what the model does not have",
                value=name,
                allowed=", ".join(known),
            )


def _check_all_named(spec: ModelSpec, model: bambi.Model) -> None:
    """Refuse to leave a prior to Bambi; ``"common"`` stands for slopes alone."""
    slopes = linear_predictor(model).common_terms
    named = dict(spec.priors)
    for name in priors_of(model):
        if name not in named and not (name in slopes and "common" in named):
            raise InputError("a parameter has no prior", value=name, remedy="Name one for it.")


def _without_impossible(spec: ModelSpec, datasets: Datasets, rows: Rows) -> Datasets:
    """Set datasets aside with a response that the family gives no density."""
    allowed = allows(spec.family, rows.y, rows.other)
    if allowed is None or allowed.fine.all():
        return datasets
    problems = datasets.problems.copy()
    which = np.repeat(np.arange(len(rows.sizes)), rows.sizes)
    for row in np.flatnonzero(~allowed.fine)[::-1]:
        problems[which[row]] = f"its response is {rows.y[row]:g} in a row, not {allowed.words}"
    return _that_can_be_fitted(replace(datasets, problems=problems))


def _without_improper(spec: ModelSpec, datasets: Datasets, rows: Rows, model: Any) -> Datasets:
    """Set datasets aside whose posterior is not proper."""
    priors = dict(spec.priors)
    terms = linear_predictor(model).common_terms
    flat = np.concatenate(
        [
            np.empty(0, dtype=bool),
            *(
                np.full(
                    np.asarray(term.data).reshape(len(term.data), -1).shape[1],
                    priors.get(name, priors.get("common", Prior("Flat"))).name in FLAT,
                )
                for name, term in terms.items()
            ),
        ]
    )
    intercept = has_intercept(model)
    if intercept:
        # Where slopes are flat, a heavy-tailed intercept follows them to any separation: then
        # the slopes have no variance, and from a number of them on no proper posterior.
        unbounded = FLAT if not flat.any() else (*FLAT, *HEAVY)
        flat = np.append(flat, priors["Intercept"].name in unbounded)
    if not flat.any() and spec.family not in ("gaussian", "t"):
        return datasets
    problems = datasets.problems.copy()
    for dataset in datasets.fit_for_use():
        part = slice(rows.starts[dataset], rows.starts[dataset + 1])
        X = rows.X[part]
        if intercept:
            X = np.column_stack([X - X.mean(axis=0), np.ones(len(X))])
        why = why_improper(spec.family, X, rows.y[part], rows.other[part], flat)
        problems[dataset] = f"its posterior is improper: {why}" if why else ""
    return _that_can_be_fitted(replace(datasets, problems=problems))


def _that_can_be_fitted(datasets: Datasets) -> Datasets:
    """The same, unless none is left."""
    datasets.fit_for_use()
    return datasets
