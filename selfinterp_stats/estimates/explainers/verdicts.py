"""Verdicts (changed or unchanged) taken apart: valid or not, told apart or not, named or not.

A sentence is first valid or not; a valid one has a verdict, read by signal detection; where the
verdict is right, its content is right or not. The likelihood of the three is a product, so that
each is fitted by itself: `invalid`, `sensitivity` and `criterion`, and `content`. F1 is a function
of the confusion table of verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.cells import CellDraws, cells_of_items, sample_items
from selfinterp_stats.estimates.explainers.confusion import f1_scores
from selfinterp_stats.estimates.explainers.measures import Measure
from selfinterp_stats.models.explainers.crossed import CellName
from selfinterp_stats.models.explainers.patterns import collapse
from selfinterp_stats.study.explainers.sentences import CHANGED, INVALID, UNCHANGED, VERDICTS

SENSITIVITY_NOTE: Final = "log-odds of saying changed where it changed, less where it did not"
CRITERION_NOTE: Final = "minus the mean of both log-odds: above zero it says changed too rarely"
CONTENT_NOTE: Final = "of answers whose verdict is right"
INVALID_NOTE: Final = "answers that are neither sentence; above zero: more of them about oneself"


def has_verdicts(rows: pd.DataFrame) -> bool:
    """Whether it is known of all rows what was said and what is true."""
    said = rows["predicted"].isin((*VERDICTS, INVALID))
    return bool((said & rows["expected"].isin(VERDICTS)).all())


def verdict_measures(rows: pd.DataFrame, label: str, **how: Any) -> Iterator[Measure]:
    """All measures of verdicts that the rows allow."""
    invalid = rows["predicted"] == INVALID
    if invalid.any():
        fitted = cells_of_items(rows, invalid, label=f"{label} / invalid", **how)
        yield Measure("invalid answers", "invalid_", fitted, INVALID_NOTE)
    valid = rows[~invalid]
    if _complete(rows, valid, ["explainer", "target", "expected"]):
        yield from _detection(valid, label, **how)
    content = valid[(valid["predicted"] == valid["expected"]) & valid["content"].notna()]
    if _complete(rows, content, ["explainer", "target"]) and content["content"].nunique() == 2:
        fitted = cells_of_items(content, content["content"], label=f"{label} / content", **how)
        yield Measure("content given detection", "content_", fitted, CONTENT_NOTE)
    for verdict, fitted in f1_scores(rows, label, **how).items():
        yield Measure(f"F1 of {verdict}", f"f1_{verdict}_", fitted)


def _complete(rows: pd.DataFrame, part: pd.DataFrame, columns: list[str]) -> bool:
    """Whether a part of the rows has something in all cells that the whole has, run by run."""
    wanted = rows[["explainer", "target", "run"]].drop_duplicates()
    found = part[[*dict.fromkeys([*columns, "run"])]].drop_duplicates()
    verdicts = len(VERDICTS) if "expected" in columns else 1
    return len(found) == verdicts * len(wanted)


def _detection(valid: pd.DataFrame, label: str, **how: Any) -> Iterator[Measure]:
    """Signal detection: who says changed where it changed, and where it did not."""
    data = collapse(valid, (valid["predicted"] == CHANGED).astype(int), by_truth=True)
    design, found = sample_items(data, label=f"{label} / detection", categories=2, **how)
    pairs = tuple(dict.fromkeys(cell.pair for cell in data.cells))
    said = {truth: _mean_cells(data.cells, pairs, truth) for truth in VERDICTS}
    runs = said[CHANGED].astype(bool).sum(axis=1)
    cells = found.values["cell"]
    readings = {
        "sensitivity": (said[CHANGED] - said[UNCHANGED], SENSITIVITY_NOTE),
        "criterion": (-(said[CHANGED] + said[UNCHANGED]) / 2, CRITERION_NOTE),
    }
    for name, (weights, note) in readings.items():
        fitted = CellDraws(
            pairs, runs, {"logit": cells @ weights.T}, design.describe_priors(), found, data.cells
        )
        yield Measure(name, f"{name}_", fitted, note)


def _mean_cells(
    cells: tuple[CellName, ...], pairs: tuple[tuple[str, str], ...], truth: str
) -> np.ndarray:
    """Weights that average the runs of each pair where one verdict is true."""
    wanted = [[float(c.pair == pair and c.truth == truth) for c in cells] for pair in pairs]
    weights = np.array(wanted)
    averaged: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return averaged
