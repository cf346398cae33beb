"""Scores from 0 to 1 of which many are zero: a hurdle, and ordered levels above it.

Whether a score is above zero is logistic. How high it then is, is an ordered logistic regression
on levels cut at quantiles of the scores (Liu et al. 2017, "Modeling continuous response variables
using ordinal regression"): bounds need no care and no shape is assumed. Explainers share items in
both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.cells import CellDraws, cells_of_items
from selfinterp_stats.estimates.explainers.means import logit_of
from selfinterp_stats.estimates.explainers.measures import Measure
from selfinterp_stats.study.explainers.study import SCORE

LEVELS: Final = 5
"""Levels that scores above zero are cut into."""


def score_measures(rows: pd.DataFrame, label: str, **how: Any) -> Iterator[Measure]:
    """The mean score, whether a score is above zero, and how high it then is."""
    above = rows["outcome"] > 0
    levels, worth = levels_of(rows.loc[above, "outcome"])
    amount = cells_of_items(rows[above], levels, label=f"{label} / amount", worth=worth, **how)
    if above.all():
        yield Measure(SCORE, "", _mean_score(amount, None))
        return
    some = cells_of_items(rows, above, label=f"{label} / above zero", **how)
    yield Measure(SCORE, "", _mean_score(amount, some))
    yield Measure("score above zero", "above_zero_", some, "share of scores above zero")
    yield Measure("score given above zero", "amount_", amount, "mean of the scores above zero")


def levels_of(scores: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """Cut scores at their quantiles.

    Returns
    -------
    pandas.Series of int
        The level of each score.
    (level,) array
        The mean score of each level.
    """
    if scores.nunique() <= LEVELS:
        values, codes = np.unique(scores.to_numpy(), return_inverse=True)
        return pd.Series(codes, index=scores.index), values
    codes = pd.qcut(scores, LEVELS, labels=False, duplicates="drop")
    return codes, scores.groupby(codes).mean().to_numpy()


def _mean_score(amount: CellDraws, some: CellDraws | None) -> CellDraws:
    """The mean score of each cell, zeros included."""
    points = amount.scales["points"]
    if some is None:
        return replace(amount, scales={"points": points, "logit": logit_of(points)})
    order = [amount.pairs.index(pair) for pair in some.pairs]
    points = points[..., order] * some.scales["points"] / 100
    priors = f"above zero: {some.priors}; how high: {amount.priors}"
    scales = {"points": points, "logit": logit_of(points)}
    return CellDraws(some.pairs, some.runs, scales, priors, some.sampled, some.cells)
