"""Put the frames of a study together and say what they lack beside each other.

It may not know files' formats: it sees frames that are right each by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from selfinterp_stats.study.frames import empty_reports, empty_weights
from selfinterp_stats.study.scenarios import Scenarios
from selfinterp_stats.study.study import INSTILLED, Notice, Study


def assemble(  # noqa: PLR0913 - one per part of a study, all by name
    source: str,
    scenarios: Scenarios,
    *,
    choices: Sequence[pd.DataFrame],
    reports: Sequence[pd.DataFrame],
    targets: pd.DataFrame | None,
    released: Sequence[pd.DataFrame],
    counts: pd.DataFrame,
    notices: Sequence[Notice],
    hashes: dict[str, str],
) -> Study:
    """The study of these frames, with notices on what is missing between them."""
    attributes = scenarios.attributes
    reports = [frame for frame in reports if len(frame)]
    all_choices = pd.concat(choices, ignore_index=True)
    all_reports = pd.concat(reports, ignore_index=True) if reports else empty_reports(attributes)
    all_targets = empty_weights(attributes) if targets is None else targets
    all_released = (
        pd.concat(released, ignore_index=True)
        if released
        else empty_weights(attributes, "base_model", "set")
    )
    read = {
        "scenarios": scenarios.frame,
        "choices": all_choices,
        "reports": all_reports,
        "targets": all_targets,
        "released": all_released,
        "counts": counts,
    }
    return Study(
        source=source,
        attributes=attributes,
        scenarios=scenarios.frame,
        choices=all_choices,
        reports=all_reports,
        targets=all_targets,
        released=all_released,
        counts=counts,
        notices=(
            *notices,
            *_about_trials(all_choices),
            *_about_reports(all_choices, all_reports),
            *_about_folds(all_reports),
            *_about_targets(all_choices, all_targets),
        ),
        hashes=hashes,
        counts_read={name: len(frame) for name, frame in read.items()},
    )


def _about_trials(choices: pd.DataFrame) -> list[Notice]:
    notices = []
    for (base_model, name), group in choices.groupby(["base_model", "set"], sort=False):
        sizes = group["scenario"].value_counts()
        if sizes.min() < sizes.max():
            fewer = int((sizes < sizes.max()).sum())
            message = (
                f"{base_model}, {name}: {fewer} of {len(sizes)} scenarios have fewer choices than "
                f"the {sizes.max()} of the others, {sizes.min()} at the least."
            )
            notices.append(Notice("info", message, count=fewer))
    return notices


def _about_reports(choices: pd.DataFrame, reports: pd.DataFrame) -> list[Notice]:
    chosen = {key: set(group) for key, group in choices.groupby(["base_model", "set"])["scenario"]}
    notices = []
    for key, group in reports.groupby(["base_model", "set", "condition"], sort=False):
        base_model, name, condition = key
        what = f"{base_model}, {name}, {condition}"
        of_set = chosen.get((base_model, name), set())
        reported = set(group["scenario"])
        strangers = reported - of_set
        if strangers:
            rows = int(group["scenario"].isin(strangers).sum())
            message = (
                f"{what}: {rows:,} reports are about {len(strangers)} scenarios in which this "
                "base model made no choices of the set; they cannot be compared with weights."
            )
            notices.append(Notice("left out", message, count=rows))
        missing = len(of_set - reported)
        if missing:
            message = (
                f"{what}: {len(of_set) - missing} of {len(of_set)} scenarios have a report; "
                f"the other {missing} are left out of the comparison."
            )
            notices.append(Notice("info", message, count=missing))
    return notices


def _about_folds(reports: pd.DataFrame) -> list[Notice]:
    notices = []
    keys = ["base_model", "set", "condition"]
    for (base_model, name, condition), group in reports.groupby(keys, sort=False):
        folds = group.groupby("scenario")["fold"].nunique()
        twice = int((folds > 1).sum())
        if twice:
            message = (
                f"{base_model}, {name}, {condition}: {twice} scenarios are reported in more than "
                f"one fold ({', '.join(sorted(group['fold'].unique()))}) and count once in each."
            )
            notices.append(Notice("warning", message, count=twice))
    return notices


def _about_targets(choices: pd.DataFrame, targets: pd.DataFrame) -> list[Notice]:
    instilled = set(choices.loc[choices["set"] == INSTILLED, "scenario"])
    missing = len(instilled - set(targets["scenario"]))
    if not missing:
        return []
    message = (
        f"{missing} of {len(instilled)} instilled scenarios have no target weights; nothing that "
        "needs a target is given for them."
    )
    return [Notice("info", message, count=missing)]
