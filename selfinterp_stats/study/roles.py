"""What a file of a study folder is, read from its name alone.

It opens no file. A base model's name may hold any characters, underscores too, so a name can be
split in more than one way: ``x_instilled_weight_reports.csv`` is the weight-trained reports of
``x``, or the off-the-shelf reports of ``x_instilled``. The base models whose selections are
there decide; where they do not, the longest ending does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from selfinterp_stats.study.study import (
    INSTILLED,
    INTROSPECTION_TRAINED,
    NATIVE,
    OFF_THE_SHELF,
    WEIGHT_TRAINED,
)

SCENARIOS_FILE: Final = "scenarios.csv"
TARGETS_FILE: Final = "instilled_weights.csv"
COUNTS_FILE: Final = "collection_counts.csv"


@dataclass(frozen=True)
class Role:
    """What one file holds.

    `kind` is "choices", "reports" or "released"; `condition` and `fold` are "" where the kind has
    none.
    """

    file: str
    kind: str
    base_model: str
    set: str
    condition: str = ""
    fold: str = ""


# Longest ending first, since the first match that fits wins.
_ENDINGS: Final[tuple[tuple[str, str, str, str], ...]] = (
    (r"_instilled_latent_selections", "choices", NATIVE, ""),
    (r"_instilled_selections", "choices", INSTILLED, ""),
    (
        r"_itrained_(?P<fold>all_\d+)_\d+ex_latent_weight_reports",
        "reports",
        NATIVE,
        INTROSPECTION_TRAINED,
    ),
    (
        r"_itrained_(?P<fold>(?:first|last)_\d+_of_\d+)_\d+ex_weight_reports",
        "reports",
        INSTILLED,
        INTROSPECTION_TRAINED,
    ),
    (r"_instilled_latent_weight_reports", "reports", NATIVE, WEIGHT_TRAINED),
    (r"_instilled_weight_reports", "reports", INSTILLED, WEIGHT_TRAINED),
    (r"_weight_reports", "reports", INSTILLED, OFF_THE_SHELF),
    (r"_latent_regression_results", "released", NATIVE, ""),
    (r"_regression_results", "released", INSTILLED, ""),
)
_PATTERNS: Final = tuple(
    (re.compile(rf"(?P<base>.+){ending}\.csv", re.DOTALL), kind, set_name, condition)
    for ending, kind, set_name, condition in _ENDINGS
)
# A base model's name that ends so was split wrongly, unless that base model made choices.
_DOUBTFUL: Final = re.compile(r"_(instilled|latent|itrained_.*)$|_itrained_", re.DOTALL)

_OTHER_PURPOSE: Final = re.compile(
    r".*\.jsonl|roles\.csv|(candidate_)?scenarios\.json|SHA256SUMS|README(\..*)?"
    r"|(models|collection)\.json|simulation.*|\..*",
    re.DOTALL,
)


def roles_of(names: Iterable[str]) -> tuple[list[Role], list[str]]:
    """Sort file names into those with a role and those without.

    Parameters
    ----------
    names : iterable of str
        File names of one folder.

    Returns
    -------
    roles : list of Role
        By base model, set, condition, fold. The scenarios, targets and counts, which belong to no
        base model, are not among them.
    others : list of str
        Names that mean nothing to a study; files of known other purpose (fine-tuning files, read
        mes, hidden files) are not among them.
    """
    shared = (SCENARIOS_FILE, TARGETS_FILE, COUNTS_FILE)
    candidates = {name: _candidates(name) for name in sorted(names) if name not in shared}
    known = {
        role.base_model for found in candidates.values() for role in found if role.kind == "choices"
    }
    roles, others = [], []
    for name, found in candidates.items():
        role = _choose(found, known)
        if role is not None:
            roles.append(role)
        elif not _OTHER_PURPOSE.fullmatch(name):
            others.append(name)
    roles.sort(key=lambda r: (r.base_model, r.kind, r.set, r.condition, r.fold, r.file))
    return roles, others


def _candidates(name: str) -> list[Role]:
    found = []
    for pattern, kind, set_name, condition in _PATTERNS:
        match = pattern.fullmatch(name)
        if match:
            fold = match.groupdict().get("fold") or ""
            found.append(Role(name, kind, match["base"], set_name, condition, fold))
    return found


def _choose(candidates: list[Role], known: set[str]) -> Role | None:
    for role in candidates:
        if role.base_model in known:
            return role
    for role in candidates:
        if not _DOUBTFUL.search(role.base_model):
            return role
    return None
