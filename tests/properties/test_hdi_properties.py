"""The highest-density interval of draws: what it holds, and that none is narrower."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from selfinterp_stats.inference.summary.summaries import hdi

# Whole numbers: sums and products of them are exact, so equal widths stay equal widths.
DRAWS = st.lists(st.integers(-1_000, 1_000), min_size=2, max_size=120)
PROBABILITIES = st.floats(0.01, 0.99)


def interval(draws, prob, chains=1):
    """The HDI of one quantity, whose draws are those of so many chains."""
    (low,), (high,) = hdi(np.reshape(np.array(draws, dtype=float), (1, chains, -1)), prob)
    return float(low), float(high)


def held(count, prob):
    """Draws that the interval spans: one more than the whole part of their share."""
    return min(math.floor(prob * count), count - 1) + 1


@given(DRAWS, PROBABILITIES)
def test_it_begins_and_ends_at_draws_and_holds_its_share_of_them(draws, prob):
    low, high = interval(draws, prob)
    assert low in draws
    assert high in draws
    inside = sum(low <= draw <= high for draw in draws)
    assert inside >= held(len(draws), prob) >= prob * len(draws) - 1e-9


@given(DRAWS, PROBABILITIES)
def test_no_other_interval_with_as_many_draws_is_narrower(draws, prob):
    low, high = interval(draws, prob)
    size, ordered = held(len(draws), prob), sorted(draws)
    windows = [ordered[i + size - 1] - ordered[i] for i in range(len(draws) - size + 1)]
    assert high - low == min(windows)
    # Of several as narrow, the lowest.
    assert low == ordered[windows.index(min(windows))]


@given(DRAWS, PROBABILITIES, st.integers(1, 64), st.integers(-5_000, 5_000))
def test_it_moves_and_stretches_with_the_draws(draws, prob, factor, shift):
    low, high = interval(draws, prob)
    moved = [factor * draw + shift for draw in draws]
    assert interval(moved, prob) == (factor * low + shift, factor * high + shift)
    mirrored = interval([-draw for draw in draws], prob)
    assert mirrored[1] - mirrored[0] == high - low


@given(DRAWS, PROBABILITIES, st.randoms(use_true_random=False))
def test_neither_the_order_of_draws_nor_their_chains_matter(draws, prob, random):
    twice = [*draws, *draws]
    shuffled = random.sample(twice, len(twice))
    assert interval(shuffled, prob, chains=2) == interval(twice, prob)


@given(st.integers(-1_000, 1_000), st.integers(2, 50), PROBABILITIES)
def test_draws_that_are_all_the_same_have_an_interval_of_one_point(value, count, prob):
    assert interval([value] * count, prob) == (value, value)


@given(st.lists(st.integers(-50, 50), max_size=30), st.integers(-50, 50), st.integers(1, 40))
def test_a_tie_of_enough_draws_is_the_whole_interval(others, value, more):
    count = len(others) + more
    ties = [value] * more
    assume(count >= 2)
    assume(more >= held(count, 0.5))
    low, high = interval([*others, *ties], 0.5)
    assert low == high


@given(DRAWS, PROBABILITIES, PROBABILITIES)
def test_a_higher_probability_gives_no_narrower_interval(draws, one, other):
    (low, high), (wide_low, wide_high) = (
        interval(draws, prob) for prob in (min(one, other), max(one, other))
    )
    assert wide_high - wide_low >= high - low
