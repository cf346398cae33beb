"""What fuzzing found stays found; and the targets take what they are seeded with."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from fuzz.targets import (
    another_table,
    read_reply,
    read_study,
    read_table,
    reply_seeds,
    study_seeds,
    table_seeds,
)

FINDINGS = Path(__file__).parent / "findings"
TARGETS = {"reply": read_reply, "study": read_study}


def findings(target):
    return sorted(path.name for path in (FINDINGS / target).iterdir())


@pytest.mark.parametrize(
    ("target", "name"), [(target, name) for target in TARGETS for name in findings(target)]
)
def test_what_was_found_once_is_answered(target, name):
    TARGETS[target]((FINDINGS / target / name).read_bytes())


def test_every_seed_is_answered():
    for seed in reply_seeds():
        read_reply(seed)
    for seed in table_seeds():
        read_table(seed)
    for seed in study_seeds():
        read_study(seed)


def test_a_study_s_changed_tables_are_answered():
    for number, seed in enumerate(study_seeds()):
        read_study(another_table(seed, Random(number)))
