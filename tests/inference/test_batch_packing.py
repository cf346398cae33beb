"""Datasets keep their rows, their centres and their labels when they are packed together."""

from __future__ import annotations

import numpy as np
import pytest

from selfinterp_stats.inference.density.batch import Rows, bucket_lengths, pack

LABELS = (("tea",), ("jam",), ("bread",))
SIZES = (4, 1, 7)
NUMBERS = np.arange(6.0).reshape(3, 2)
LEFT_TO_PRIOR = np.array([True, False, False])
ALL = np.arange(3)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return Rows(
        X=rng.normal(3, 1, size=(12, 2)),
        y=rng.normal(size=12),
        other=rng.integers(1, 9, size=(12, 1)).astype(float),
        starts=np.array([0, 4, 5, 12]),
    )


def packed(rows, which=ALL, *, length=7, centred=True):
    return pack(rows, which, LABELS, NUMBERS, LEFT_TO_PRIOR, length=length, centred=centred)


@pytest.mark.parametrize("which", [[0, 1, 2], [2, 0], [1]])
def test_every_dataset_has_its_rows_in_their_order(rows, which):
    batch = packed(rows, np.array(which))
    assert batch.labels == tuple(LABELS[i] for i in which)
    assert batch.data.X.shape == (len(which), 7, 2)
    assert batch.length == 7
    for at, i in enumerate(which):
        mine, n = slice(rows.starts[i], rows.starts[i + 1]), SIZES[i]
        np.testing.assert_array_equal(batch.data.y[at, :n], rows.y[mine])
        np.testing.assert_array_equal(batch.data.other[at, :n], rows.other[mine])
        np.testing.assert_allclose(
            batch.data.X[at, :n] + batch.centres[at], rows.X[mine], rtol=1e-12
        )
        np.testing.assert_array_equal(batch.data.numbers[at], NUMBERS[i])
        assert batch.left_to_prior[at] == LEFT_TO_PRIOR[i]


def test_padding_repeats_the_first_row_and_is_masked(rows):
    # A row of zeros could have no density at all, and no finite gradient: a beta response of 0.
    batch = packed(rows, length=9)
    for i, n in enumerate(SIZES):
        assert batch.data.mask[i].tolist() == [1.0] * n + [0.0] * (9 - n)
        for values in (batch.data.X[i], batch.data.y[i], batch.data.other[i]):
            np.testing.assert_array_equal(
                values[n:], np.broadcast_to(values[0], (9 - n, *values.shape[1:]))
            )


def test_predictors_are_centred_within_their_dataset(rows):
    batch = packed(rows)
    sums = (batch.data.X * batch.data.mask[:, :, None]).sum(axis=1)
    np.testing.assert_allclose(sums, 0, atol=1e-12)
    for i in range(3):
        mine = rows.X[rows.starts[i] : rows.starts[i + 1]]
        np.testing.assert_allclose(batch.centres[i], mine.mean(axis=0))


def test_without_an_intercept_predictors_stay_where_they_are(rows):
    batch = packed(rows, centred=False)
    assert not batch.centres.any()
    np.testing.assert_array_equal(batch.data.X[2], rows.X[5:])


def test_packing_leaves_the_rows_as_they_were(rows):
    before = [values.copy() for values in rows]
    packed(rows)
    for now, then in zip(rows, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_selection_is_the_same_datasets(rows):
    batch = packed(rows)
    chosen = batch.select(np.array([2, 0]))
    assert chosen.labels == (("bread",), ("tea",))
    assert len(chosen) == 2
    for some, every in zip(chosen.data, batch.data, strict=True):
        np.testing.assert_array_equal(some, every[[2, 0]])
    np.testing.assert_array_equal(chosen.centres, batch.centres[[2, 0]])


def test_a_batch_is_filled_with_its_last_dataset(rows):
    batch = packed(rows)
    filled = batch.filled(5)
    assert filled.labels == (*LABELS, LABELS[2], LABELS[2])
    np.testing.assert_array_equal(filled.data.y[4], batch.data.y[2])
    assert batch.filled(3) is batch


class TestBuckets:
    @pytest.mark.parametrize("seed", range(5))
    def test_padding_never_doubles_the_work(self, seed):
        # Sizes over three orders of magnitude, as many small as large.
        sizes = np.exp(np.random.default_rng(seed).uniform(0, 7, 200)).astype(int)
        lengths = bucket_lengths(sizes)
        assert set(lengths) <= set(sizes)
        padded = lengths[np.searchsorted(lengths, sizes)]
        assert (padded >= sizes).all()
        assert padded.sum() < 2 * sizes.sum()

    def test_a_single_large_dataset_does_not_stretch_a_thousand_small_ones(self):
        assert bucket_lengths(np.array([50] * 1000 + [5000])).tolist() == [50, 5000]

    def test_sizes_that_are_close_share_a_shape(self):
        assert bucket_lengths(np.arange(45, 56)).tolist() == [55]

    def test_one_size_is_one_bucket(self):
        assert bucket_lengths(np.full(7, 30)).tolist() == [30]
