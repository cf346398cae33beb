"""Trials as they are drawn: their ranges, their balance, and what a seed settles."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data_collection.scenarios import Attribute, Scenario
from data_collection.trials import draw_trials, make_trials
from selfinterp_stats.study.simulation.trials import decimals, differences, option_values

# Widths as scenarios have them, from hundredths to thousands, wherever they begin.
RANGES = st.tuples(
    st.integers(-2_000, 2_000),
    st.sampled_from([0.01, 0.05, 0.2, 0.8, 1.0, 2.5, 4.9, 5.0, 40.0, 3_000.0]),
)
SEEDS = st.integers(0, 2**31 - 1)


@st.composite
def scenarios(draw):
    count = draw(st.integers(1, 3))
    ranges = draw(st.lists(RANGES, min_size=1, max_size=5))
    return [
        Scenario(
            f"scenario {number}",
            "Which?",
            tuple(
                Attribute(f"attribute {i}", "", low, low + width)
                for i, (low, width) in enumerate(ranges)
            ),
        )
        for number in range(count)
    ]


@given(scenarios(), st.integers(1, 6), SEEDS)
def test_every_scenario_has_its_trials_in_order_and_values_within_its_ranges(listed, trials, seed):
    made = make_trials(listed, trials, seed)
    assert [(trial.scenario.name, trial.index) for trial in made] == [
        (scenario.name, index) for scenario in listed for index in range(trials)
    ]
    for trial in made:
        for option in (trial.option_a, trial.option_b):
            for value, attribute in zip(option, trial.scenario.attributes, strict=True):
                check_value(value, attribute.minimum, attribute.maximum)


def check_value(value, low, high):
    """A value is on the grid of its range, and within it but for half a step of the grid."""
    width = high - low
    step = (
        1.0 if width >= 5 else 0.1 if width >= 1 else 10.0 ** -(1 - math.floor(math.log10(width)))
    )
    assert low - step / 2 - 1e-9 <= value <= high + step / 2 + 1e-9
    assert abs(value / step - round(value / step)) < 1e-6
    assert math.copysign(1, value) > 0 or value != 0


@given(scenarios(), st.integers(1, 6), SEEDS)
def test_a_seed_settles_every_trial_and_another_one_changes_them(listed, trials, seed):
    assert make_trials(listed, trials, seed) == make_trials(listed, trials, seed)
    more = make_trials([*listed, listed[0]], trials, seed)
    assert more[: len(listed) * trials] == make_trials(listed, trials, seed)
    # Of a fine grid two seeds do not draw the same twenty values.
    fine = [Scenario("fine", "?", (Attribute("a", "", 0, 3_000), Attribute("b", "", 0, 3_000)))]
    assert make_trials(fine, 5, seed) != make_trials(fine, 5, seed + 1)


@given(scenarios(), st.integers(1, 4), st.integers(1, 4), SEEDS)
def test_trials_that_follow_on_others_are_numbered_on_and_are_not_the_same(
    listed, first, more, seed
):
    later = list(draw_trials(listed, more, seed, first))
    assert [trial.index for trial in later] == list(range(first, first + more)) * len(listed)
    fine = [Scenario("fine", "?", (Attribute("a", "", 0, 3_000), Attribute("b", "", 0, 3_000)))]
    before = {trial.option_a for trial in make_trials(fine, first, seed)}
    assert not before & {trial.option_a for trial in draw_trials(fine, more, seed, first)}


@settings(max_examples=25)
@given(RANGES, SEEDS)
def test_neither_option_is_favoured_and_values_spread_over_the_range(one, seed):
    low, width = one
    made = make_trials(
        [Scenario("s", "?", (Attribute("a", "", low, low + width),))], per_scenario=1_000, seed=seed
    )
    values = np.array([(trial.option_a[0], trial.option_b[0]) for trial in made])
    # 5 standard errors: of a share with variance at most 1/4, of a mean of a uniform's 2,000.
    greater, less = (values[:, 0] > values[:, 1]).mean(), (values[:, 0] < values[:, 1]).mean()
    assert abs(greater - less) < 5 / math.sqrt(1_000)
    assert abs((values.mean() - low) / width - 0.5) < 5 / math.sqrt(12 * 2_000)


@given(st.lists(RANGES, min_size=1, max_size=4), st.integers(1, 5), SEEDS)
def test_simulated_options_obey_the_same_rule(ranges, trials, seed):
    low = np.array([[float(start) for start, _ in ranges]])
    high = np.array([[start + width for start, width in ranges]])
    uniforms = np.random.default_rng(seed).random((1, trials, 2, len(ranges)))
    values = option_values(uniforms, low, high)
    steps = 10.0 ** -decimals(low, high)[0]
    assert (values >= low - steps / 2 - 1e-9).all()
    assert (values <= high + steps / 2 + 1e-9).all()
    np.testing.assert_array_equal(values, option_values(uniforms, low, high))
    # Exchanging the options turns every difference round.
    d = differences(values, low, high)
    np.testing.assert_array_equal(differences(values[:, :, ::-1], low, high), -d)
    assert (np.abs(d) <= 1 + steps / (high - low) + 1e-9).all()
