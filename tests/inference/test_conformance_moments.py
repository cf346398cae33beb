"""Every engine's draws have the moments of long runs of Bambi and PyMC.

The runs are those of ``tests/reference/make_moments.py``. Nearly all the time goes into compiling:
the suite fits every model, each by one of the batched engines, and one by all. All models by both:

    python -m pytest tests/inference --full
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
# The engine of each model in the suite. That its density is right for any engine is tested for
# every model in ``test_conformance.py``.
BY = {
    "weights": BATCHED,
    "correlation": ["nuts"],
    "training effect": ["importance"],
    "bernoulli": BATCHED,  # shares its programs with the weights
    "binomial": ["importance"],
    "gaussian": ["importance"],
    "t": ["nuts"],
    "poisson": ["nuts"],
    "negativebinomial": ["nuts"],
    "beta": ["importance"],
    "no intercept": ["importance"],
    "no predictor": ["nuts"],
}
REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "moments.json"


@cache
def reference() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())["models"]


@cache
def fits_of(name: str, engine: str) -> Fits:
    return fitted(CASES[name], CASES[name].frame(), engine)


def in_suite(name: str, engine: str) -> Any:
    """A model and an engine; for ``--full`` alone where the suite does without."""
    return pytest.param(name, engine, marks=() if engine in BY[name] else pytest.mark.full)


@pytest.mark.parametrize(
    ("name", "engine"), [in_suite(name, engine) for name in CASES for engine in BATCHED]
)
def test_moments_are_those_of_a_long_run(name, engine):
    fits, expected = fits_of(name, engine), reference()[name]
    assert {label for (label,) in fits.labels} == set(SIZES)
    assert set(fits.parameters) == set(expected["few"])
    check_moments(fits, expected)
    if engine == "importance":
        assert fits.draws.per_dataset["pareto_k"].max() < 0.7


@pytest.mark.parametrize(("name", "engine"), [in_suite(name, "nuts") for name in CASES])
def test_hardly_a_draw_of_nuts_diverges(name, engine):
    assert fits_of(name, engine).draws.per_draw["diverging"].mean() < 0.01


@pytest.mark.parametrize(
    "name",
    [
        "correlation",
        *(pytest.param(name, marks=pytest.mark.full) for name in ("weights", "training effect")),
    ],
)
def test_moments_of_bambi_one_by_one_are_those_of_a_long_run(name):
    # The reference is Bambi's too: what is tested here is how this engine is driven. For weights
    # see also ``test_one_by_one.py``.
    case = CASES[name]
    check_moments(fitted(case, alone(case.frame(), "few"), "bambi", 2000), reference()[name])
