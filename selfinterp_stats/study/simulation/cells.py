"""One base model in one set of a simulated study: everything that is drawn for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from selfinterp_stats.study.simulation.contexts import attribute_columns, bounds
from selfinterp_stats.study.simulation.design import Design
from selfinterp_stats.study.simulation.streams import stream
from selfinterp_stats.study.simulation.trials import (
    Floats,
    differences,
    option_values,
    score,
)
from selfinterp_stats.study.simulation.truth import (
    Reports,
    ScenarioWeights,
    choice_weights,
    draw_reports,
)
from selfinterp_stats.study.study import INSTILLED, INTROSPECTION_TRAINED


@dataclass(frozen=True)
class Cell:
    """One base model in one set: what is true and what was drawn.

    Attributes
    ----------
    base_model, set : str
    scenarios : tuple of str
    minima, maxima : numpy.ndarray, shape (scenario, attribute)
    targets : numpy.ndarray, shape (scenario, attribute), or None
        +-100 scale; None in the native set.
    weights : ScenarioWeights
    values : numpy.ndarray, shape (scenario, trial, option, attribute)
    d : numpy.ndarray, shape (scenario, trial, attribute)
    probability : numpy.ndarray, shape (scenario, trial)
        Of choosing A.
    chose_a : numpy.ndarray of bool, shape (scenario, trial)
    reports : dict of str to Reports
        By condition.
    invalid : dict of str to float
        Expected share of invalid reports, by condition.
    """

    base_model: str
    set: str
    scenarios: tuple[str, ...]
    minima: Floats
    maxima: Floats
    targets: Floats | None
    weights: ScenarioWeights
    values: Floats
    d: Floats
    probability: Floats
    chose_a: NDArray[np.bool_]
    reports: Mapping[str, Reports]
    invalid: Mapping[str, float]

    def folds(self, condition: str) -> NDArray[np.int64]:
        """Which explaining model reported on each scenario, shape (scenario,)."""
        count = len(self.scenarios)
        if self.set == INSTILLED and condition == INTROSPECTION_TRAINED:
            return (np.arange(count) >= count // 2).astype(np.int64)
        return np.zeros(count, np.int64)


def draw_cell(
    design: Design, base_model: str, set_name: str, scenarios: pd.DataFrame, targets: Floats
) -> Cell:
    """Weights, choices and reports of one base model in one set."""
    instilled = set_name == INSTILLED
    rows = slice(0, design.trained) if instilled else slice(design.trained, None)
    names = scenarios["scenario"].tolist()[rows]
    attributes = attribute_columns(design.attributes)
    minima = scenarios[bounds(attributes, "min")].to_numpy(float)[rows]
    maxima = scenarios[bounds(attributes, "max")].to_numpy(float)[rows]
    own_targets = targets[rows] if instilled else None
    weights = choice_weights(design, base_model, set_name, names, own_targets)
    trials = design.trials_trained if instilled else design.trials_native
    uniforms = np.empty((len(names), trials, 1 + 2 * design.attributes))
    for row, name in enumerate(names):
        random = stream(design.seed, base_model, set_name, name, "choices")
        uniforms[row] = random.random(uniforms.shape[1:])
    shown = uniforms[..., 1:].reshape(len(names), trials, 2, design.attributes)
    values = option_values(shown, minima, maxima)
    d = differences(values, minima, maxima)
    log_odds = weights.intercept[:, None] + score(d, weights.logit)
    probability = expit(log_odds)
    reports = {
        condition: draw_reports(design, base_model, set_name, condition, names, weights.scaled)
        for of_set, condition in design.report_sets()
        if of_set == set_name
    }
    return Cell(
        base_model=base_model,
        set=set_name,
        scenarios=tuple(names),
        minima=minima,
        maxima=maxima,
        targets=own_targets,
        weights=weights,
        values=values,
        d=d,
        probability=probability,
        chose_a=uniforms[..., 0] < probability,
        reports=reports,
        invalid={c: design.invalid_share(base_model, (set_name, c)) for c in reports},
    )
