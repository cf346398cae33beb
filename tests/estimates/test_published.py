"""The published numbers are complete, and each that cannot be met says why."""

from __future__ import annotations

import pytest

from selfinterp_stats.estimates.published import published_numbers, stem_of


def test_every_number_that_is_not_reproducible_has_a_reason_and_no_other_has():
    numbers = published_numbers()
    assert len(numbers) == 28
    differs = numbers["reproducible"] != "yes"
    assert ((numbers["reason"] != "") == differs).all()
    assert differs.sum() == 4


def test_every_number_prints_an_estimate_or_an_interval():
    numbers = published_numbers()
    assert (numbers["published"].notna() | numbers["published_hdi_low"].notna()).all()
    assert (numbers["published_hdi_low"].isna() == numbers["published_hdi_high"].isna()).all()


def test_no_stem_is_the_beginning_of_another_by_accident():
    assert stem_of("e1_report_r_4o") == "e1_report_r"
    assert stem_of("e1_report_r_meta-llama_3") == "e1_report_r"
    assert stem_of("e2_training_effect") == "e2_training_effect"
    with pytest.raises(KeyError, match="e9"):
        stem_of("e9_unknown")


def test_callers_cannot_spoil_each_other_s_copy():
    numbers = published_numbers()
    numbers["published"] = 0
    assert published_numbers()["published"].max() > 0.8
