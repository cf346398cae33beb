"""Options are drawn as the paper drew them."""

from __future__ import annotations

import csv

import pytest
from scenarios import scenario

from data_collection.scenarios import load_scenarios
from data_collection.trials import (
    NATIVE_CHOICES_SEED,
    TEST_CHOICES_SEED,
    make_trials,
    round_value,
)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0, 70, 12.0),
        (0, 5, 12.0),
        (0, 4.99, 12.3),
        (0, 1, 12.3),
        (0, 0.99, 12.35),
        (0, 0.1, 12.35),
        (0, 0.09, 12.346),
    ],
)
def test_values_are_rounded_by_the_width_of_their_range(low, high, shown):
    assert round_value(12.34567, low, high) == shown


def test_zero_has_no_sign():
    assert str(round_value(-0.2, -10, 10)) == "0.0"


def test_the_same_arguments_give_the_same_trials():
    scenarios = [scenario("tea"), scenario("cup")]
    trials = make_trials(scenarios, 4, 7)
    assert trials == make_trials(scenarios, 4, 7)
    assert [(t.scenario.name, t.index) for t in trials] == [
        (name, index) for name in ("tea", "cup") for index in range(4)
    ]
    assert trials != make_trials(scenarios, 4, 8)


def test_values_spread_over_their_ranges():
    (one,) = [scenario("tea", 2)]
    values = [v for t in make_trials([one], 2000, 3) for v in (t.option_a[1], t.option_b[1])]
    # Uniform on 0 to 20: mean 10, with a standard error of 20 / sqrt(12 * 4000) = 0.09.
    assert abs(sum(values) / len(values) - 10) < 5 * 0.09
    assert min(values) == 0
    assert max(values) == 20


@pytest.mark.paper
@pytest.mark.parametrize("base", ["gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"])
@pytest.mark.parametrize(
    ("file", "seed", "first"),
    [
        ("instilled_selections", TEST_CHOICES_SEED, 0),
        ("instilled_latent_selections", NATIVE_CHOICES_SEED, 100),
    ],
)
def test_every_released_choice_is_a_trial_of_its_seed(paper_data, base, file, seed, first):
    # The authors' threads shared one stream, so a scenario's trials lie anywhere in it, but each
    # is ten numbers in a row: the trials of that seed, had all of them been this scenario's.
    scenarios = load_scenarios(paper_data / "scenarios.csv")[first : first + 100]
    released: dict[str, list[tuple[float, ...]]] = {}
    with (paper_data / f"{base}_{file}.csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            values = [float(row[f"{o}_attribute_{i}"]) for o in "AB" for i in range(1, 6)]
            released.setdefault(row["scenario"], []).append(tuple(values))
    assert set(released) == {s.name for s in scenarios}
    for one in (scenarios[0], scenarios[57], scenarios[99]):
        drawn = {(*t.option_a, *t.option_b) for t in make_trials([one], 10_000, seed)}
        assert set(released[one.name]) <= drawn
