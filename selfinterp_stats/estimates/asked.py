"""How many answers were asked for and how many of them are valid.

Where the study holds the counts of its collection they are taken as they are. Elsewhere the
number asked is worked out: every scenario of a report set was asked as often as the scenario
with the most valid reports in the whole study.
"""

from __future__ import annotations

import re

import pandas as pd

from selfinterp_stats.study import Study
from selfinterp_stats.study.roles import roles_of
from selfinterp_stats.study.study import INSTILLED

_FOLD = re.compile(r"(?:first|last)_(?P<trained>\d+)_of_(?P<all>\d+)")
CELL = ["base_model", "set", "condition", "fold"]
COLUMNS = [*CELL, "asked", "invalid"]


def invalid_choices(study: Study) -> int:
    """Choices on instilled scenarios that were neither A nor B.

    By the counts of the collection where there are any; released choices hold none, since a
    selection other than A or B is refused when a study is read.
    """
    counts = study.counts
    rows = counts[(counts["task"] == "choices") & (counts["set"] == INSTILLED)]
    return int(rows[["invalid", "refused", "truncated"]].to_numpy().sum()) if len(rows) else 0


def asked_reports(study: Study) -> pd.DataFrame:
    """Reports asked for and invalid, one row per report set and fold.

    Returns
    -------
    pandas.DataFrame
        ``base_model, set, condition, fold, asked, invalid``. A call that failed brought no
        report, so it was not asked.
    """
    counted = study.counts[study.counts["task"] == "reports"].copy()
    counted["asked"] = counted["asked"] - counted["failed"]
    counted["invalid"] = counted[["invalid", "refused", "truncated"]].sum(axis=1)
    worked_out = _worked_out(study)
    others = worked_out[~worked_out["base_model"].isin(counted["base_model"])]
    return pd.concat([counted[COLUMNS], others], ignore_index=True)


def _worked_out(study: Study) -> pd.DataFrame:
    """The same from the reports alone, which hold the valid ones."""
    if study.reports.empty:
        return pd.DataFrame(columns=COLUMNS)
    per_scenario = study.reports.groupby([*CELL, "explaining_model", "scenario"]).size()
    repeats = int(per_scenario.max())
    valid = study.reports.groupby(CELL).size()
    cells = sorted({*valid.index, *_cells_of_files(study)})
    frame = pd.DataFrame(cells, columns=CELL)
    # A set may hold more reports than the design says; none of them was invalid then.
    frame["asked"] = [
        max(repeats * _scenarios(study, *cell), int(valid.get(cell, 0))) for cell in cells
    ]
    frame["invalid"] = frame["asked"] - [int(valid.get(cell, 0)) for cell in cells]
    return frame


def _cells_of_files(study: Study) -> set[tuple[str, str, str, str]]:
    """Report sets that have a file, also one without a single valid report."""
    roles, _ = roles_of(study.hashes)
    models = set(study.base_models)
    sets = set(study.choices["set"])
    return {
        (role.base_model, role.set, role.condition, role.fold)
        for role in roles
        if role.condition and role.base_model in models and role.set in sets
    }


def _scenarios(study: Study, base_model: str, set_: str, condition: str, fold: str) -> int:
    """Scenarios that a report set covers: those of the set, less the fold trained on."""
    part = _FOLD.fullmatch(fold)
    if part:
        return int(part["all"]) - int(part["trained"])
    choices, reports = study.choices, study.reports
    if fold and not fold.startswith("all_"):
        # The name does not say how large the fold is; the reports in it do.
        own = (reports[CELL] == [base_model, set_, condition, fold]).all(axis=1)
        return int(reports.loc[own, "scenario"].nunique())
    rows = (choices["base_model"] == base_model) & (choices["set"] == set_)
    return int(choices.loc[rows, "scenario"].nunique())
