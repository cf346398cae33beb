"""Every engine's draws have the moments of long runs of Bambi and PyMC.

The runs are those of ``tests/reference/make_moments.py``.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cases import CASES, SIZES, alone
from moments import check_moments, fitted

from selfinterp_stats.inference.fit import Fits

BATCHED = ("importance", "nuts")
REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "moments.json"


@cache
def reference() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())["models"]


@cache
def fits_of(name: str, engine: str) -> Fits:
    return fitted(CASES[name], CASES[name].frame(), engine)


@pytest.mark.parametrize("engine", BATCHED)
@pytest.mark.parametrize("name", CASES)
def test_moments_are_those_of_a_long_run(name, engine):
    fits, expected = fits_of(name, engine), reference()[name]
    assert {label for (label,) in fits.labels} == set(SIZES)
    assert set(fits.parameters) == set(expected["few"])
    check_moments(fits, expected)
    if engine == "importance":
        assert fits.draws.per_dataset["pareto_k"].max() < 0.7


@pytest.mark.parametrize("name", CASES)
def test_hardly_a_draw_of_nuts_diverges(name):
    assert fits_of(name, "nuts").draws.per_draw["diverging"].mean() < 0.01


@pytest.mark.parametrize("name", ["weights", "correlation", "training effect"])
def test_moments_of_bambi_one_by_one_are_those_of_a_long_run(name):
    # The reference is Bambi's too: what is tested here is how this engine is driven.
    case = CASES[name]
    check_moments(fitted(case, alone(case.frame(), "few"), "bambi", 2000), reference()[name])
