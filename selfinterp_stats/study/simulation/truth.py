"""Target, learned and native weights of a simulated study, and reports on them.

Everything is drawn, scenario by scenario, from streams of random numbers that depend on (seed, base
model, set, scenario) and, for reports, on the condition; which other scenarios or base models there
are changes nothing. It knows nothing of choices and files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from selfinterp_stats.study.simulation.design import Design
from selfinterp_stats.study.simulation.mixing import (
    held_within_100,
    learned_weights,
    learning_angle,
    mixture,
    report_angle,
)
from selfinterp_stats.study.simulation.streams import stream
from selfinterp_stats.study.simulation.trials import Floats, scaled_to_largest
from selfinterp_stats.study.study import INSTILLED


@dataclass(frozen=True)
class ScenarioWeights:
    """True weights of one base model and set.

    Attributes
    ----------
    scaled : numpy.ndarray, shape (scenario, attribute)
        Divided by a scenario's largest absolute one, times 100.
    logit : numpy.ndarray, shape (scenario, attribute)
        Slopes of the choice model, logit scale.
    intercept : numpy.ndarray, shape (scenario,)
        Log-odds of A between equal options.
    """

    scaled: Floats
    logit: Floats
    intercept: Floats


@dataclass(frozen=True)
class Reports:
    """Reports of one base model, set and condition.

    Attributes
    ----------
    expected : numpy.ndarray, shape (scenario, attribute)
        Mean of an endless series of valid reports.
    values : numpy.ndarray of whole numbers, shape (scenario, repeat, attribute)
    valid : numpy.ndarray of bool, shape (scenario, repeat)
    option_uniforms : numpy.ndarray, shape (scenario, repeat, option, attribute)
        Draws behind the options that a report's prompt shows.
    """

    expected: Floats
    values: Floats
    valid: NDArray[np.bool_]
    option_uniforms: Floats

    @property
    def any_valid(self) -> NDArray[np.bool_]:
        """Scenarios with a valid report, shape (scenario,)."""
        return np.asarray(self.valid.any(axis=1))

    @property
    def mean(self) -> Floats:
        """Mean of the valid reports, NaN where there is none, shape (scenario, attribute)."""
        count = self.valid.sum(axis=1)[:, None]
        total = (self.values * self.valid[..., None]).sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def target_weights(seed: int, scenarios: Sequence[str], attributes: int) -> Floats:
    """Target weights as the paper drew them: uniform, largest made +-100, whole numbers."""
    draws = np.empty((len(scenarios), attributes))
    for row, scenario in enumerate(scenarios):
        draws[row] = stream(seed, "target", scenario).uniform(-100, 100, attributes)
    return np.round(scaled_to_largest(draws))


def choice_weights(
    design: Design,
    base_model: str,
    set_name: str,
    scenarios: Sequence[str],
    targets: Floats | None,
) -> ScenarioWeights:
    """Weights behind a base model's choices.

    Parameters
    ----------
    design : Design
    base_model, set_name : str
    scenarios : sequence of str
    targets : numpy.ndarray, shape (scenario, attribute), or None
        What the base model was to learn; None for native weights, which are drawn like targets.
    """
    count, attributes = len(scenarios), design.attributes
    scaled = np.empty((count, attributes))
    sizes, intercepts = np.empty(count), np.empty(count)
    for row, scenario in enumerate(scenarios):
        random = stream(design.seed, base_model, set_name, scenario, "weights")
        sizes[row], intercepts[row] = random.standard_normal(2)
        if targets is None:
            scaled[row] = random.uniform(-100, 100, attributes)
        else:
            scaled[row] = random.standard_normal(attributes)
    if targets is not None:
        angle = learning_angle(design.learned_target, attributes)
        scaled = learned_weights(targets, scaled, angle)
    scaled = scaled_to_largest(scaled)
    largest = design.scale(set_name) * np.exp(design.scale_sd * sizes)
    return ScenarioWeights(
        scaled=scaled,
        logit=scaled / 100 * largest[:, None],
        intercept=design.position_bias * intercepts,
    )


def draw_reports(
    design: Design,
    base_model: str,
    set_name: str,
    condition: str,
    scenarios: Sequence[str],
    weights: Floats,
) -> Reports:
    """Reports of one condition, valid or not.

    Each scenario draws its own share of invalid reports from a beta distribution around the
    design's, so that some scenarios lose all of theirs.

    Parameters
    ----------
    design : Design
    base_model, set_name, condition : str
    scenarios : sequence of str
    weights : numpy.ndarray, shape (scenario, attribute)
        True weights, +-100 scale.
    """
    count, attributes = weights.shape
    repeats = design.reports
    invalid = design.invalid_share(base_model, (set_name, condition))
    alpha, beta = invalid * design.invalid_clustering, (1 - invalid) * design.invalid_clustering
    unrelated = np.empty((count, attributes))
    share = np.full(count, invalid)
    uniforms = np.empty((count, repeats, 1 + 3 * attributes))
    for row, scenario in enumerate(scenarios):
        random = stream(design.seed, base_model, set_name, scenario, condition)
        unrelated[row] = random.uniform(-100, 100, attributes)
        if 0 < invalid < 1:
            share[row] = random.beta(alpha, beta)
        # One row per repeat, so that asking for more repeats leaves the first ones as they are.
        uniforms[row] = random.random((repeats, 1 + 3 * attributes))
    behaviour = design.behaviour[set_name, condition]
    learned_target = design.learned_target if set_name == INSTILLED else None
    angle = report_angle(behaviour, learned_target, attributes)
    centre = behaviour.spread * mixture(
        weights, scaled_to_largest(unrelated), angle, learned_target
    )
    # Uniforms are multiples of 2^-53; half a step off keeps the normal finite at 0.
    normals = ndtri(uniforms[..., 1 : 1 + attributes] + 2.0**-54)
    raw = centre[:, None, :] + behaviour.noise * normals
    return Reports(
        expected=held_within_100(centre, behaviour.noise),
        # Adding zero turns -0.0 into 0.0.
        values=np.rint(np.clip(raw, -100, 100)) + 0.0,
        valid=uniforms[..., 0] >= share[:, None],
        option_uniforms=uniforms[..., 1 + attributes :].reshape(count, repeats, 2, attributes),
    )
