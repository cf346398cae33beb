"""One data frame as many datasets: which there are, which can be fitted, and their arrays.

A dataset that cannot be fitted is set aside with the reason; the others do not wait for it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.density.batch import Rows
from selfinterp_stats.inference.density.terms import design_matrix, other_columns, response
from selfinterp_stats.models.spec import ModelSpec

if TYPE_CHECKING:
    import bambi

Label = tuple[str, ...]
# Rows on which a model is built to be lifted: as many as show its form.
TEMPLATE_ROWS = 2000
# What Bambi raises where it cannot make sense of rows.
REFUSALS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# After so many attempts without rows that Bambi reads, the model is taken to be the cause.
MOST_ATTEMPTS = 100


@dataclass(frozen=True)
class Datasets:
    """The groups of a data frame.

    Attributes
    ----------
    labels : tuple of tuple of str
        What each dataset is called, one label per grouping column, in sorted order.
    frame : pandas.DataFrame
        The rows, sorted by dataset.
    starts : (dataset + 1,) array of int
        Where in it each dataset begins, and where the last one ends.
    problems : (dataset,) array of str
        Why a dataset cannot be fitted; empty where it can.
    """

    labels: tuple[Label, ...]
    frame: pd.DataFrame
    starts: np.ndarray
    problems: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Number of rows of each dataset, a (dataset,) array."""
        return np.diff(self.starts)

    def rows(self, dataset: int) -> pd.DataFrame:
        """The rows of one dataset."""
        return self.frame.iloc[self.starts[dataset] : self.starts[dataset + 1]]

    def fit_for_use(self) -> np.ndarray:
        """Positions of the datasets without a problem.

        Raises
        ------
        InputError
            If there is none.
        """
        good = np.flatnonzero(self.problems == "")
        if not len(good):
            raise InputError(f"no dataset can be fitted; the first: {self.problems[0]}")
        return good


def group(data: pd.DataFrame, by: Sequence[str], formula: str) -> Datasets:
    """Sort the rows into datasets and look for what the formula's columns lack.

    Raises
    ------
    InputError
        If a grouping column is not there or is missing in a row, if two datasets have the same
        labels once written as text, or if the formula makes no sense or names a column that is
        not there.
    """
    for column in by:
        if column not in data:
            raise InputError(
                "there is no such column to group by", value=column, allowed=", ".join(data)
            )
        if data[column].isna().any():
            raise InputError(
                "a row belongs to no dataset",
                column=column,
                remedy="Every row needs a value in the grouping columns.",
            )
    if not len(data):
        raise InputError("there are no rows to fit")
    groups = data.groupby(list(by), sort=True, observed=True)
    codes = groups.ngroup().to_numpy()
    order = np.argsort(codes, kind="stable")
    firsts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    keys = data[list(by)].iloc[order[firsts]]
    labels = tuple(tuple(map(str, key)) for key in keys.itertuples(index=False, name=None))
    if len(set(labels)) < len(labels):
        raise InputError("two datasets have the same name once their labels are text")
    frame = data.iloc[order]
    codes = codes[order]
    used = _columns(formula, data)
    problems = np.full(len(labels), "", dtype=object)
    for dataset, reason in _missing(frame, used, codes).items():
        problems[dataset] = reason
    whole = problems[codes] == ""
    for dataset, reason in _other_levels(frame[whole], formula, used, codes[whole]).items():
        problems[dataset] = reason
    return Datasets(labels, frame, np.append(firsts, len(frame)), problems)


def _names(formula: str) -> set[str]:
    """Names of columns in a formula."""
    import formulae

    return set(formulae.model_description(formula).var_names) - {""}


def _columns(formula: str, data: pd.DataFrame) -> list[str]:
    """The columns that a formula names.

    Raises
    ------
    InputError
        If it makes no sense, or names a column that is not there.
    """
    import formulae
    from formulae.parser import ParseError
    from formulae.scanner import ScanError

    try:
        response = formulae.model_description(formula).response
    except (ParseError, ScanError) as error:
        raise InputError(f"the formula cannot be read: {error}", value=formula) from error
    if response is None:
        raise InputError("the formula has no response", value=formula, allowed="y ~ x")
    names = sorted(_names(formula))
    for name in names:
        if name not in data:
            raise InputError(
                "the formula names a column that is not there", value=name, allowed=", ".join(data)
            )
    return names


def _missing(frame: pd.DataFrame, used: list[str], codes: np.ndarray) -> dict[int, str]:
    """Datasets with values that are missing or not finite."""
    found: dict[int, str] = {}
    for name in used:
        column = frame[name]
        bad = column.isna().to_numpy()
        if pd.api.types.is_float_dtype(column):
            bad = bad | ~np.isfinite(column.to_numpy(dtype=float, na_value=np.nan))
        for dataset, count in zip(*np.unique(codes[bad], return_counts=True), strict=True):
            found.setdefault(
                int(dataset), f"column {name!r} is missing or not finite in {count} of its rows"
            )
    return found


def _other_levels(
    frame: pd.DataFrame, formula: str, used: list[str], codes: np.ndarray
) -> dict[int, str]:
    """Datasets whose levels of a categorical predictor are not those of most datasets.

    The parameter of a level without rows would be left to its prior, which is another model than
    the one that a fit of the dataset alone would be.
    """
    predictors = formula.split("~", 1)[-1]
    as_factor = set(re.findall(r"\bC\(\s*`?([^`,)]+?)`?\s*[,)]", predictors))
    found: dict[int, str] = {}
    for name in sorted(set(used) & _names(predictors)):
        if pd.api.types.is_numeric_dtype(frame[name]) and name not in as_factor:
            continue
        counts = pd.crosstab(codes, frame[name].astype(str).to_numpy())
        there = counts.to_numpy() > 0
        sets, which, datasets = np.unique(there, axis=0, return_inverse=True, return_counts=True)
        # The larger set where as many datasets have the one as the other.
        usual = sets[np.lexsort((sets.sum(axis=1), datasets))[-1]]
        for dataset, levels in zip(counts.index, sets[which.ravel()], strict=True):
            differ = np.flatnonzero(levels != usual)
            if len(differ):
                level = f"{name} = {counts.columns[differ[0]]!r}"
                why = "lacks {}, which the datasets that can be fitted have"
                if levels[differ[0]]:
                    why = "has {}, which the datasets that can be fitted lack"
                found.setdefault(int(dataset), "it " + why.format(level))
    return found


def read(datasets: Datasets, spec: ModelSpec) -> tuple[Datasets, Rows, bambi.Model]:
    """Predictors, response, trials and offsets of the datasets without a problem.

    They are read at once where that comes to the same; where a column of one dataset depends on
    the rows of others (``scale(x)``, ``x - np.mean(x)``), each dataset is read by itself.

    Returns
    -------
    Datasets
        With the problems that came up.
    Rows
    bambi.Model
        Of the dataset rows that show the model's form; not built.

    Raises
    ------
    InputError
        If Bambi cannot read the model.
    """
    good = datasets.fit_for_use()
    frame = _frame(datasets, good)
    try:
        whole = _read(spec, frame)
    except REFUSALS as error:
        return read(_without_refused(datasets, spec, error), spec)
    sizes = np.where(datasets.problems == "", datasets.sizes, 0)
    rows = Rows(*_arrays(whole, len(frame)), np.concatenate(([0], np.cumsum(sizes))))
    problems = datasets.problems.copy()
    probes = {good[0], good[np.argmax(datasets.sizes[good])], good[-1]}
    if len(good) > 1 and not all(_same_alone(datasets, spec, rows, i) for i in probes):
        rows = rows._replace(X=rows.X.copy(), y=rows.y.copy(), other=rows.other.copy())
        for i in good:
            part = slice(rows.starts[i], rows.starts[i + 1])
            try:
                rows.X[part], rows.y[part], rows.other[part] = _alone(datasets, spec, rows, i)
            except REFUSALS as error:
                problems[i] = f"Bambi refuses it: {words_of(error)}"
    finite = np.isfinite(np.column_stack([rows.X, rows.y, rows.other])).all(axis=1)
    of_row = np.repeat(np.arange(len(sizes)), sizes)
    problems[of_row[~finite]] = "a term of the formula is not finite in some of its rows"
    if (problems != datasets.problems).any():
        return read(replace(datasets, problems=problems), spec)
    template = _template(frame)
    return datasets, rows, whole if len(template) == len(frame) else _read(spec, template)


def _without_refused(datasets: Datasets, spec: ModelSpec, refusal: Exception) -> Datasets:
    """Set datasets aside that Bambi refuses to read, found by halving."""
    problems = datasets.problems.copy()
    parts = deque([datasets.fit_for_use()])
    beside = np.empty(0, dtype=int)
    attempts = 0
    while parts:
        part = parts.popleft()
        attempts += 1
        try:
            # Beside others, as Bambi also refuses predictors that are constant in all rows.
            _read(spec, _frame(datasets, np.append(beside, part)))
        except REFUSALS as error:
            if len(part) > 1:
                parts.extend(np.array_split(part, 2))
            elif not len(beside):
                parts.append(part)
            else:
                problems[part] = f"Bambi refuses it: {words_of(error)}"
        else:
            beside = beside if len(beside) else part
        if not len(beside) and attempts >= MOST_ATTEMPTS:
            raise InputError(f"Bambi cannot read the model: {words_of(refusal)}") from refusal
    if (problems == datasets.problems).all():
        raise InputError(f"Bambi cannot read the model: {words_of(refusal)}") from refusal
    return replace(datasets, problems=problems)


def words_of(refusal: Exception) -> str:
    """What Bambi says, as a clause."""
    return str(refusal).rstrip(".!")


def _frame(datasets: Datasets, which: np.ndarray) -> pd.DataFrame:
    """The rows of some datasets, without levels that none of them has."""
    chosen = np.zeros(len(datasets.labels), dtype=bool)
    chosen[which] = True
    frame = datasets.frame
    if not chosen.all():
        frame = frame[np.repeat(chosen, datasets.sizes)]
    factors = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    used = {name: frame[name].cat.remove_unused_categories() for name in factors}
    return frame.assign(**used) if used else frame


def _read(spec: ModelSpec, frame: pd.DataFrame) -> bambi.Model:
    """Read rows with Bambi, which cannot read a single one: it is given twice."""
    with np.errstate(all="ignore"):  # what is not finite is set aside later
        return spec.read(frame if len(frame) > 1 else pd.concat([frame, frame]))


def _arrays(model: bambi.Model, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictors, response and other columns of the first rows."""
    return design_matrix(model)[:rows], response(model)[:rows], other_columns(model)[:rows]


def _alone(
    datasets: Datasets, spec: ModelSpec, rows: Rows, dataset: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frame = datasets.rows(dataset)
    X, y, other = _arrays(_read(spec, frame), len(frame))
    outcomes = _names(spec.formula.split("~", 1)[0])
    if not all(pd.api.types.is_numeric_dtype(frame[name]) for name in outcomes):
        # Which of two words is a success must not depend on the one that a dataset has first.
        y = rows.y[rows.starts[dataset] : rows.starts[dataset + 1]]
    return X, y, other


def _same_alone(datasets: Datasets, spec: ModelSpec, rows: Rows, dataset: int) -> bool:
    part = slice(rows.starts[dataset], rows.starts[dataset + 1])
    try:
        alone = _alone(datasets, spec, rows, dataset)
    except REFUSALS:  # by itself it has a constant predictor, and tells nothing
        return True
    together = (rows.X[part], rows.y[part], rows.other[part])
    return all(
        one.shape == all_.shape and np.allclose(one, all_, rtol=1e-9, atol=0, equal_nan=True)
        for one, all_ in zip(alone, together, strict=True)
    )


def _template(frame: pd.DataFrame) -> pd.DataFrame:
    """Few rows that have every level of every column that could be a factor."""
    if len(frame) <= 2 * TEMPLATE_ROWS:
        return frame
    chosen = np.zeros(len(frame), dtype=bool)
    chosen[:TEMPLATE_ROWS] = True
    for name in frame:
        first = ~frame[name].duplicated().to_numpy()
        if first.sum() <= TEMPLATE_ROWS:
            chosen |= first
    return frame[chosen]
