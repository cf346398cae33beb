"""Datasets in chunks: what comes back does not depend on how they were cut up."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from selfinterp_stats.inference.running.devices import cores, over_chunks


def doubled_and_summed(numbers, weights):
    return {"doubled": 2 * numbers, "sums": (numbers * weights).sum(axis=1)}


@pytest.mark.parametrize("n", [1, 2, 7, 16, 33])
@pytest.mark.parametrize("chunk", [1, 4, 16, 64])
def test_every_dataset_comes_back_in_its_place(n, chunk):
    numbers = np.arange(n * 3, dtype=np.float32).reshape(n, 3)
    weights = np.ones((n, 3), np.float32)
    result = over_chunks(jax.jit(doubled_and_summed), (numbers, weights), chunk=chunk)
    np.testing.assert_array_equal(result["doubled"], 2 * numbers)
    np.testing.assert_array_equal(result["sums"], numbers.sum(axis=1))


def test_progress_adds_up_to_the_number_of_datasets():
    done = []
    numbers = np.ones((13, 2), np.float32)
    over_chunks(jax.jit(doubled_and_summed), (numbers, numbers), chunk=4, progress=done.append)
    assert sum(done) == 13


def test_a_short_last_chunk_compiles_nothing_anew():
    shapes = []

    @jax.jit
    def traced(numbers):
        shapes.append(numbers.shape)
        return numbers

    over_chunks(traced, (np.ones((18, 2), np.float32),), chunk=8)
    assert len(shapes) == 1


@pytest.mark.parametrize(("x64", "kind"), [(True, np.float64), (False, np.float32)])
def test_precision_is_that_asked_for(x64, kind):
    numbers = np.ones((5, 2), kind)
    result = over_chunks(jax.jit(lambda a: a / 3), (numbers,), chunk=2, x64=x64)
    assert result.dtype == kind
    assert not jax.config.jax_enable_x64


def test_an_error_in_a_chunk_is_not_swallowed():
    def fails(_):
        raise ValueError("chunk failed")

    with pytest.raises(ValueError, match="chunk failed"):
        over_chunks(fails, (np.ones((4, 1)),), chunk=2)


def test_there_is_at_least_one_core():
    assert cores() >= 1
