"""The numbers that the paper prints, and why some of them cannot be met.

`published.csv` holds figures only. This module knows the paper's text, and nothing of any study.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import pandas as pd

# What kind of number each stem of an id is (an id is a stem and the name of a base model).
KINDS: Final = {
    "e1_learned_target_r": "Pearson r",
    "e1_target_agreement": "share",
    "e1_invalid_choices": "count",
    "e1_report_r": "slope median, 95% HDI",
    "e1_offshelf_r": "slope median, 95% HDI",
    "all_invalid_reports": "share",
    "e2_report_r": "slope median, 95% HDI",
    "e2_training_effect": "contrast median, 95% HDI",
    "e3_native_r_before": "Pearson r",
    "e3_native_r_after": "Pearson r",
    "e3_training_effect": "contrast median, 95% HDI",
    "e3_choice_accuracy": "share",
    "d_exclude_extremes_max_change": "largest change of Pearson r",
    "d_e1_report_target_r": "Pearson r",
    "d_e2_report_target_r": "Pearson r",
    "d_trained_on_learned_r": "Pearson r",
}

_REASONS: Final = {
    "e3_choice_accuracy_mini": (
        "By the footnote's definition the authors' own released weights predict 85.4% of the "
        "released choices; the paper prints 85.2%."
    ),
    "d_exclude_extremes_max_change": (
        "“Excluding” can be read in four ways and the released scripts do not contain it: the "
        "largest change is at most .06 where the reported mean is ±100 or both weights are, "
        "and larger where the learned weight or either of the two is."
    ),
    "d_trained_on_learned_r_4o": (
        "The reports of the models trained on learned weights were not released."
    ),
    "d_trained_on_learned_r_mini": (
        "The reports of the models trained on learned weights were not released."
    ),
}


@cache
def _read() -> pd.DataFrame:
    with (
        files("selfinterp_stats.estimates")
        .joinpath("published.csv")
        .open(encoding="utf-8") as source
    ):
        numbers = pd.read_csv(source)
    stems = [stem_of(identifier) for identifier in numbers["id"]]
    numbers["kind"] = [KINDS[stem] for stem in stems]
    numbers["reason"] = [_REASONS.get(identifier, "") for identifier in numbers["id"]]
    return numbers


def stem_of(identifier: str) -> str:
    """Give the part of a number's id that says what it is, without the base model.

    Raises
    ------
    KeyError
        If no published number has an id that begins so.
    """
    for stem in sorted(KINDS, key=len, reverse=True):
        if identifier == stem or identifier.startswith(f"{stem}_"):
            return stem
    raise KeyError(identifier)


def published_numbers() -> pd.DataFrame:
    """Give every number that the paper prints, one row each.

    Returns
    -------
    DataFrame
        ``id, section, quantity, base_model, published, published_hdi_low, published_hdi_high,
        decimals, reproducible, kind, reason``. ``decimals`` is how many the paper prints,
        ``kind`` says what the number is, and ``reason`` why the released data do not give it
        (empty where they do). A fresh copy at every call.
    """
    return _read().copy()
