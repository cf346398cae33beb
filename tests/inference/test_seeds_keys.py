"""A dataset's random key is made of the seed, the purpose and its labels, and of nothing else."""

from __future__ import annotations

import hashlib

import numpy as np

from selfinterp_stats.inference.engines.seeds import key_data, keys_data

LABELS = [("gpt-4o", "native", "cake_pan"), ("gpt-4o", "native", "tea"), ("a", "b", "c")]


def test_a_key_is_known_for_good():
    # Written out once more, so that a change of the recipe, which would change every published
    # draw, cannot pass unnoticed.
    digest = hashlib.blake2b(b"7\x1fimportance\x1fgpt-4o\x1ftea", digest_size=16).digest()
    expected = [int.from_bytes(digest[i : i + 4], "little") for i in (0, 4, 8, 12)]
    assert key_data(7, "importance", "gpt-4o", "tea").tolist() == expected


def test_keys_of_many_are_those_of_each_in_any_order():
    together = keys_data(0, "nuts", LABELS)
    assert together.shape == (3, 4)
    assert together.dtype == np.uint32
    np.testing.assert_array_equal(keys_data(0, "nuts", LABELS[::-1]), together[::-1])
    for label, key in zip(LABELS, together, strict=True):
        np.testing.assert_array_equal(key_data(0, "nuts", *label), key)


def test_seed_purpose_and_labels_all_matter():
    keys = [
        key_data(0, "nuts", "a", "b"),
        key_data(1, "nuts", "a", "b"),
        key_data(0, "importance", "a", "b"),
        key_data(0, "nuts", "b", "a"),
        key_data(0, "nuts", "ab"),
        key_data(0, "nuts", "ab", ""),
        key_data(0, "nuts", "a", "b", ""),
    ]
    assert len({tuple(key) for key in keys}) == len(keys)


def test_keys_of_100_000_scenarios_do_not_collide():
    # The first 64 bits alone: the chance of any collision among 10^5 keys is 3 in 10^10.
    keys = keys_data(0, "importance", [("model", "native", f"s{i}") for i in range(100_000)])
    assert len(np.unique(keys[:, :2], axis=0)) == 100_000
