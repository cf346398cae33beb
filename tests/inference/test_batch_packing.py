"""Datasets keep their rows, their centres and their labels when they are packed together."""

from __future__ import annotations

import numpy as np
import pytest

from selfinterp_stats.inference.density.batch import pack

LABELS = (("tea",), ("jam",), ("bread",))
SIZES = (4, 1, 7)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], SIZES)
    return rng.normal(3, 1, size=(12, 2)), rng.normal(size=12), codes


def test_every_dataset_has_its_rows_in_their_order(rows):
    design, outcome, codes = rows
    shuffled = np.random.default_rng(1).permutation(12)
    for order in (np.arange(12), shuffled):
        batch = pack(design[order], outcome[order], codes[order], LABELS)
        assert batch.X.shape == (3, 7, 2)
        assert batch.rows.tolist() == list(SIZES)
        for i, n in enumerate(SIZES):
            mine = codes[order] == i
            np.testing.assert_array_equal(batch.y[i, :n], outcome[order][mine])
            np.testing.assert_allclose(
                batch.X[i, :n] + batch.centres[i], design[order][mine], rtol=1e-12
            )


def test_padding_is_zero_and_masked(rows):
    batch = pack(*rows, LABELS)
    for i, n in enumerate(SIZES):
        assert batch.mask[i].tolist() == [1.0] * n + [0.0] * (7 - n)
        assert not batch.X[i, n:].any()
        assert not batch.y[i, n:].any()


def test_predictors_are_centred_within_their_dataset(rows):
    design, outcome, codes = rows
    batch = pack(design, outcome, codes, LABELS)
    np.testing.assert_allclose(batch.X.sum(axis=1), 0, atol=1e-12)
    for i in range(3):
        np.testing.assert_allclose(batch.centres[i], design[codes == i].mean(axis=0))


def test_a_selection_is_the_same_datasets(rows):
    batch = pack(*rows, LABELS)
    chosen = batch.select(np.array([2, 0]))
    assert chosen.labels == (("bread",), ("tea",))
    assert len(chosen) == 2
    np.testing.assert_array_equal(chosen.X, batch.X[[2, 0]])
    np.testing.assert_array_equal(chosen.centres, batch.centres[[2, 0]])
