"""Trials: two options, their values drawn as the paper drew them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from data_collection.scenarios import Scenario

FINE_TUNING_SEED: Final = 2
TEST_CHOICES_SEED: Final = 5
NATIVE_CHOICES_SEED: Final = 2


@dataclass(frozen=True)
class Trial:
    """Two options to choose between.

    Attributes
    ----------
    scenario : Scenario
    index : int
        Within the scenario, from 0.
    option_a, option_b : tuple of float
        Values in the attributes' units, in the scenario's order.
    """

    scenario: Scenario
    index: int
    option_a: tuple[float, ...]
    option_b: tuple[float, ...]


def make_trials(scenarios: Sequence[Scenario], per_scenario: int, seed: int) -> list[Trial]:
    """Trials in a list; see `draw_trials`."""
    return list(draw_trials(scenarios, per_scenario, seed))


def draw_trials(
    scenarios: Sequence[Scenario], per_scenario: int, seed: int, first: int = 0
) -> Iterator[Trial]:
    """Draw trials in the paper's way, one after another.

    One stream of Python's `random`: scenario by scenario, trial by trial, option A's values before
    option B's. The same arguments give the same trials. Another number per scenario gives other
    trials from the second scenario on.

    The paper's own native and test choices were drawn from the streams of seeds 2 and 5, but by
    several threads at once: each released trial is ten consecutive numbers of its stream, and
    which trial got which ten cannot be told beforehand.

    Parameters
    ----------
    scenarios : sequence of Scenario
    per_scenario : int
    seed : int
    first : int
        Index of each scenario's first trial. Trials that follow on others have a stream of their
        own, or they would be the others once more.

    Yields
    ------
    Trial
        By scenario, then index.
    """
    stream = random.Random(f"{seed} from {first}" if first else seed)
    for scenario in scenarios:
        for index in range(first, first + per_scenario):
            yield Trial(scenario, index, _option(scenario, stream), _option(scenario, stream))


def round_value(value: float, minimum: float, maximum: float) -> float:
    """An option's value as it is shown: whole from a range of 5 on, else with decimals.

    One decimal for ranges from 1 to 5, and below 1 one more than the range's first digit has.
    """
    width = maximum - minimum
    if width >= 5:
        decimals = 0
    elif width >= 1:
        decimals = 1
    else:
        decimals = abs(math.floor(math.log10(width))) + 1
    return round(value, decimals) + 0.0  # a range across zero shall not show -0.0


def _option(scenario: Scenario, stream: random.Random) -> tuple[float, ...]:
    return tuple(
        round_value(stream.uniform(a.minimum, a.maximum), a.minimum, a.maximum)
        for a in scenario.attributes
    )
