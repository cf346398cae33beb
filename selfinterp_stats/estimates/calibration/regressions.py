"""The paper's own regressions, of both stages, with proper priors and simulated predictors.

Simulation needs a prior that can be drawn from. Where a shipped one is flat or follows the data, a
proper stand-in takes its place, for simulating and for fitting alike, and is stated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.models import ModelSpec, Prior, correlation_model, training_effect_model
from selfinterp_stats.models.regressions import (
    BASE_MODEL,
    REPORTS,
    TRAINED,
)
from selfinterp_stats.models.weights import weights_model

ATTRIBUTES: Final = 5
SIMULATION: Final = "simulation"
# Of standardised variables: slopes near correlations, intercepts near 0, residual sds near
# sqrt(1 - r^2).
STAND_INS: Final = {
    "common": Prior.of("Normal", mu=0, sigma=1),
    "Intercept": Prior.of("Normal", mu=0, sigma=1),
    "sigma": Prior.of("Gamma", alpha=10, beta=15),
}
_STATED: Final = (
    f"calibrated under stand-ins: {STAND_INS['common']} for the flat slopes and for the intercept, "
    f"{STAND_INS['sigma']} for the residual sd (the priors of these two follow the response)"
)


@dataclass(frozen=True)
class Calibrated:
    """A regression to be calibrated and the predictors of its simulated datasets.

    Attributes
    ----------
    name : str
    stage : int
        1: weights behind choices; 2: regressions of weights on reports.
    spec : ModelSpec
        All its priors are proper.
    stand_in : str
        What stands in for an improper or data-dependent prior; empty where nothing does.
    rows : int
        Of one simulated dataset.
    predictors : callable
        ``(simulations, rng) -> DataFrame`` with `rows` rows per simulation, one after the other,
        and a column ``simulation``.
    """

    name: str
    stage: int
    spec: ModelSpec
    stand_in: str
    rows: int
    predictors: Callable[[int, np.random.Generator], pd.DataFrame]


def papers_regressions() -> tuple[Calibrated, ...]:
    """Every regression that a refit of the paper makes use of."""
    return (
        stage_1("weights, 50 choices", 50),
        stage_1("weights, 100 choices", 100),
        Calibrated(
            "correlation", 2, correlation_model(STAND_INS), _STATED, 40, _reports(conditions=1)
        ),
        Calibrated(
            "training effect, one base model",
            2,
            training_effect_model(STAND_INS, several_base_models=False),
            _STATED,
            40,
            _reports(conditions=2),
        ),
        Calibrated(
            "training effect, two base models",
            2,
            training_effect_model(STAND_INS, several_base_models=True),
            _STATED,
            80,
            _reports(conditions=2, base_models=2),
        ),
    )


def stage_1(name: str, choices: int, priors: dict[str, Prior] | None = None) -> Calibrated:
    """The model of one scenario's choices, between options drawn as in the paper.

    Parameters
    ----------
    name : str
    choices : int
        Per scenario: 50 in the paper's instilled set, 100 in its native one.
    priors : dict of str to Prior, optional
        The paper's unless given.
    """
    spec = weights_model(ATTRIBUTES, priors)

    def predictors(simulations: int, rng: np.random.Generator) -> pd.DataFrame:
        frame = differences(simulations * choices, rng)
        return frame.assign(**{SIMULATION: np.repeat(np.arange(simulations), choices)})

    return Calibrated(name, 1, spec, "", choices, predictors)


def differences(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Differences of options drawn as in the paper, columns ``d1``, ``d2``, ..."""
    # Option values are uniform over an attribute's range, so d is a difference of uniforms.
    values = rng.random((2, rows, ATTRIBUTES))
    columns = [f"d{i}" for i in range(1, ATTRIBUTES + 1)]
    return pd.DataFrame(values[0] - values[1], columns=columns)


def _reports(
    conditions: int, base_models: int = 1
) -> Callable[[int, np.random.Generator], pd.DataFrame]:
    """Standardised reports, as many in every cell of condition and base model."""
    cells = conditions * base_models
    per_cell = 40 // conditions

    def predictors(simulations: int, rng: np.random.Generator) -> pd.DataFrame:
        reports = rng.standard_normal((simulations, cells, per_cell))
        reports -= reports.mean(axis=2, keepdims=True)
        reports /= reports.std(axis=2, ddof=1, keepdims=True)
        cell = np.tile(np.repeat(np.arange(cells), per_cell), simulations)
        return pd.DataFrame(
            {
                REPORTS: reports.ravel(),
                TRAINED: np.array(["FALSE", "TRUE"])[cell % conditions],
                BASE_MODEL: np.array(["model-a", "model-b"])[cell // conditions],
                SIMULATION: np.repeat(np.arange(simulations), cells * per_cell),
            }
        )

    return predictors


def response_of(spec: ModelSpec) -> str:
    """The column that a model explains."""
    return spec.formula.split("~", 1)[0].strip()
