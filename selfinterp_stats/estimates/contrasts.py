"""What is read from a fitted regression: terms, slopes, training effects, differences.

Averages over base models give each the same weight (emmeans' ``weights = "equal"``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.regressions import TRAINING
from selfinterp_stats.inference.fit import Fits
from selfinterp_stats.models.regressions import BASE_MODEL, REPORTS, TRAINED
from selfinterp_stats.study.study import INTROSPECTION_TRAINED, WEIGHT_TRAINED

CHANGE: Final = f"{INTROSPECTION_TRAINED} - {WEIGHT_TRAINED}"
CONTRAST: Final = f"slope: {CHANGE}"


@dataclass(frozen=True)
class Quantity:
    """Draws of one number and what it is.

    Attributes
    ----------
    draws : (chain, draw) array
    id, term, condition, base_model : str
        As in the table of correlations.
    """

    draws: np.ndarray
    id: str
    term: str
    condition: str
    base_model: str


def correlation_terms(fits: Fits, at: int, names: Names) -> Iterator[Quantity]:
    """The three parameters of one report set's regression."""
    set_, condition, base_model = fits.labels[at]
    for parameter in (REPORTS, "Intercept", "sigma"):
        identifier = names.regression_id(set_, condition, base_model, parameter)
        yield Quantity(fits.of(parameter)[at], identifier, parameter, condition, base_model)


def training_effects(fits: Fits, at: int, names: Names) -> Iterator[Quantity]:
    """Slopes of an interaction model, what training changes, and how base models differ."""
    (set_,) = fits.labels[at]
    stem = names.training_effect(set_)
    slopes = _slopes(fits, at)
    base_models = list(slopes[WEIGHT_TRAINED])
    everyone = names.together(base_models)
    slopes[CHANGE] = {
        model: slopes[INTROSPECTION_TRAINED][model] - slopes[WEIGHT_TRAINED][model]
        for model in base_models
    }
    yield Quantity(_mean(slopes[CHANGE]), stem, CONTRAST, CHANGE, everyone)
    for condition in TRAINING:
        term = "slope, mean over base models" if len(base_models) > 1 else "slope"
        draws = _mean(slopes[condition])
        yield Quantity(draws, f"mean_slope_{stem}_{condition}", term, condition, everyone)
    if len(base_models) > 1:
        for model, draws in slopes[CHANGE].items():
            identifier = f"effect_of_one_{stem}_{names.of_base_model(model)}"
            yield Quantity(draws, identifier, CONTRAST, CHANGE, model)
    yield from _differences(slopes, stem, names)
    for parameter in fits.parameters:
        identifier = f"coefficient_{stem}_{parameter}"
        yield Quantity(fits.of(parameter)[at], identifier, parameter, "", everyone)


def _slopes(fits: Fits, at: int) -> dict[str, dict[str, np.ndarray]]:
    """Draws of the reports' slope, by condition and base model."""
    base_models = sorted(map(str, fits.model.data[BASE_MODEL].unique()))
    slopes = {}
    for condition, level in TRAINING.items():
        low = pd.DataFrame({REPORTS: 0.0, TRAINED: level, BASE_MODEL: base_models})
        draws = fits.difference(at, low.assign(**{REPORTS: 1.0}), low)
        slopes[condition] = dict(zip(base_models, draws, strict=True))
    return slopes


def _differences(
    slopes: dict[str, dict[str, np.ndarray]], stem: str, names: Names
) -> Iterator[Quantity]:
    """How two base models differ, in each condition and in what training changes."""
    for condition, by_model in slopes.items():
        suffix = "change" if condition == CHANGE else condition
        for first, second in combinations(by_model, 2):
            pair = f"{names.of_base_model(first)}-{names.of_base_model(second)}"
            yield Quantity(
                by_model[first] - by_model[second],
                f"difference_{stem}_{suffix}_{pair}",
                "slope: difference between base models",
                condition,
                f"{first} - {second}",
            )


def _mean(by_model: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(np.mean(list(by_model.values()), axis=0))
