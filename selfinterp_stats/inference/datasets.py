"""One data frame as many datasets: which there are, which can be fitted, and their arrays.

A dataset that cannot be fitted is set aside with the reason; the others do not wait for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
        If a grouping column is not there or is missing in a row, or if two datasets have the
        same labels once written as text.
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
    used = [name for name in _names(formula) if name in data]
    problems = np.full(len(labels), "", dtype=object)
    for reasons in (_lacking(frame, formula, used, codes), _missing(frame, used, codes)):
        for dataset, reason in reasons.items():
            problems[dataset] = reason
    return Datasets(labels, frame, np.append(firsts, len(frame)), problems)


def _names(formula: str) -> set[str]:
    """Names in a formula, of columns among others."""
    import formulae

    return set(formulae.model_description(formula).var_names)


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


def _lacking(
    frame: pd.DataFrame, formula: str, used: list[str], codes: np.ndarray
) -> dict[int, str]:
    """Datasets without a single row of some level of a categorical predictor.

    The parameter of that level would be left to its prior, which is another model than the one
    that a fit of the dataset alone would be.
    """
    predictors = formula.split("~", 1)[-1]
    as_factor = set(re.findall(r"\bC\(\s*`?([^`,)]+?)`?\s*[,)]", predictors))
    found: dict[int, str] = {}
    for name in sorted(set(used) & _names(predictors)):
        if pd.api.types.is_numeric_dtype(frame[name]) and name not in as_factor:
            continue
        there = pd.crosstab(codes, frame[name].astype(str).to_numpy())
        for dataset, counts in zip(there.index, there.to_numpy(), strict=True):
            if not counts.all():
                level = there.columns[int(np.argmin(counts))]
                found.setdefault(
                    int(dataset),
                    f"none of its rows has {name} = {level!r}, which other datasets have",
                )
    return found


def read(datasets: Datasets, spec: ModelSpec) -> tuple[Rows, bambi.Model]:
    """Predictors, response, trials and offsets of the datasets without a problem.

    They are read at once where that comes to the same; where a column of one dataset depends on
    the rows of others (``scale(x)``, ``x - np.mean(x)``), each dataset is read by itself.

    Returns
    -------
    Rows
    bambi.Model
        Of the dataset rows that show the model's form; not built.
    """
    good = datasets.fit_for_use()
    keep = np.repeat(datasets.problems == "", datasets.sizes)
    frame = datasets.frame[keep] if not keep.all() else datasets.frame
    whole = spec.read(frame)
    X, y, other = design_matrix(whole), response(whole), other_columns(whole)
    sizes = np.where(datasets.problems == "", datasets.sizes, 0)
    rows = Rows(X, y, other, np.concatenate(([0], np.cumsum(sizes))))
    probes = {good[0], good[np.argmax(datasets.sizes[good])], good[-1]}
    if len(good) > 1 and not all(_same_alone(datasets, spec, rows, i) for i in probes):
        alone = [_read_alone(datasets, spec, i) for i in good]
        X, y, other = (np.concatenate(parts) for parts in zip(*alone, strict=True))
        rows = rows._replace(X=X, y=y, other=other)
    template = _template(frame)
    return rows, whole if len(template) == len(frame) else spec.read(template)


def _read_alone(
    datasets: Datasets, spec: ModelSpec, dataset: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    model = spec.read(datasets.rows(dataset))
    return design_matrix(model), response(model), other_columns(model)


def _same_alone(datasets: Datasets, spec: ModelSpec, rows: Rows, dataset: int) -> bool:
    part = slice(rows.starts[dataset], rows.starts[dataset + 1])
    alone = _read_alone(datasets, spec, dataset)
    together = (rows.X[part], rows.y[part], rows.other[part])
    return all(
        one.shape == all_.shape and np.allclose(one, all_, rtol=1e-9, atol=0)
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
