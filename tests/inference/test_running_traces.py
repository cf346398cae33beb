"""Nothing is compiled twice: what JAX traces is counted."""

from __future__ import annotations

import importlib.metadata

import pytest
from batches import BATCH, datasets, fit

from selfinterp_stats.inference.running import compiled
from selfinterp_stats.inference.running.traces import TRACES
from selfinterp_stats.models import Prior

NORMAL = Prior.of("Normal", mu=1, sigma=3)


@pytest.fixture
def compiled_here():
    """Everything that a fit with every engine needs is compiled."""
    for engine in ("importance", "nuts"):
        fit(engine=engine)
    return TRACES.copy()


def test_the_first_fit_compiles_each_engine_once(compiled_here):
    before = compiled_here.copy()
    fit(engine="nuts", draws=404)
    # Other draws, another program; the Laplace fit is the same.
    assert TRACES - before == {"nuts": 1}


@pytest.mark.parametrize("engine", ["importance", "nuts"])
@pytest.mark.parametrize(
    "other",
    [
        {"data": datasets(seed=1)},
        {"data": datasets(n=3 * BATCH - 1)},
        {"data": datasets()[lambda data: data["g"] != "g0001"]},
        {"data": datasets()[lambda data: (data["g"] != "g0001") | (data["f"] == "v")]},
        {"data": datasets().assign(more=1.0)},
        {"seed": 1},
        {"priors": {"common": NORMAL}},
        {"priors": {"common": NORMAL, "Intercept": Prior.of("StudentT", nu=5, mu=1, sigma=1)}},
        {"keep": "summaries"},
    ],
    ids=["data", "more", "fewer", "shorter", "columns", "seed", "priors", "intercept", "keep"],
)
def test_a_second_fit_compiles_nothing(compiled_here, engine, other):
    fit(engine=engine, **other)
    assert compiled_here == TRACES


def test_priors_of_each_dataset_compile_nothing_beside_those_of_one():
    settings = {"formula": "c ~ x", "family": "poisson", "priors": None}
    data = datasets()
    data["c"] = data.groupby("g").cumcount() * (1 + data["g"].str[-1].astype(int))
    fit(data, **settings)
    before = TRACES.copy()
    tree = fit(data, default_priors="per_dataset", **settings)
    fit(data, frozen_to="g0003", **settings)
    assert before == TRACES
    assert (tree["sample_stats"]["problem"] == "").all()


@pytest.mark.parametrize("library", ["jax", "jaxlib"])
def test_code_compiled_by_another_version_is_not_looked_at(monkeypatch, library):
    version = importlib.metadata.version
    here = compiled._folder()
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.1" if name == library else version(name)
    )
    assert compiled._folder().parent == here.parent
    assert compiled._folder() != here
