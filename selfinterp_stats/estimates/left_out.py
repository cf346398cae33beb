"""What a study holds and no estimate uses, in words."""

from __future__ import annotations

import pandas as pd

from selfinterp_stats.estimates.agreement import CELL, FEWEST_ROWS
from selfinterp_stats.study import Notice, Study
from selfinterp_stats.study.study import OFF_THE_SHELF


def left_out(study: Study, agreement: pd.DataFrame) -> list[Notice]:
    """Report sets that could not be compared, and base models that no contrast covers.

    Parameters
    ----------
    study : Study
    agreement : pandas.DataFrame
        As from `agreement_of`.
    """
    return [*_without_comparison(study, agreement), *_without_contrast(agreement)]


def _cells(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    return sorted(frame[list(CELL)].drop_duplicates().itertuples(index=False, name=None))


def _without_comparison(study: Study, agreement: pd.DataFrame) -> list[Notice]:
    compared = _cells(agreement)
    weighed = set(study.choices[["base_model", "set"]].itertuples(index=False, name=None))
    return [
        Notice(
            "left out",
            f"{base_model}, {set_}, {condition}: no correlation, because too few attributes have "
            f"both a weight and a report (at least {FEWEST_ROWS}), or one of them does not vary.",
        )
        for base_model, set_, condition in _cells(study.reports)
        if (base_model, set_, condition) not in compared and (base_model, set_) in weighed
    ]


def _without_contrast(agreement: pd.DataFrame) -> list[Notice]:
    trained = [cell for cell in _cells(agreement) if cell[2] != OFF_THE_SHELF]
    return [
        Notice(
            "left out",
            f"{base_model}, {set_}: not in the training-effect contrast, which needs reports "
            f"before and after introspection training; only {condition} reports are there.",
        )
        for base_model, set_, condition in trained
        if sum(cell[:2] == (base_model, set_) for cell in trained) == 1
    ]
