"""A fit that cannot be trusted is named with every reason, and kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.estimates.diagnostics import diagnose, has_settled
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.fit import Fits
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models import weights_model

CHAINS, LENGTH, PARAMETERS = 4, 500, 3


def good(n: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, CHAINS, LENGTH, PARAMETERS))


def judged(values, engine="nuts", per_draw=None, per_dataset=None, problem="") -> pd.DataFrame:
    n = len(values)
    flat = np.moveaxis(values, 3, 1).reshape(-1, CHAINS, LENGTH)
    summaries = {name: v.reshape(n, PARAMETERS) for name, v in summarise(flat).items()}
    fits = Fits(
        spec=weights_model(2),
        labels=tuple((f"scenario {i}",) for i in range(n)),
        rows=np.full(n, 50),
        parameters=("Intercept", "d1", "d2"),
        draws=Draws(values, per_draw or {}, per_dataset or {}),
        summaries=summaries,
        engines=np.full(n, engine),
        problems=np.array([problem] * n, dtype=object),
        model=None,
    )
    names = pd.DataFrame({"fit": [f"weights scenario {i}" for i in range(n)]}).assign(
        base_model="model-a", set="native", scenario=[f"scenario {i}" for i in range(n)]
    )
    return diagnose(fits, summaries, names)


def test_a_good_fit_has_no_reason():
    row = judged(good()).iloc[0]
    assert row["ok"]
    assert row["reason"] == ""
    assert row["rhat"] < 1.01


def spoilt(kind: str) -> dict:
    """What `judged` takes, with one thing wrong."""
    values = good()
    if kind == "R-hat":
        values[0, 0, :, 1] += 1
    if kind == "bulk ESS":
        values = np.repeat(values[:, :, : LENGTH // 10], 10, axis=2)
    if kind == "not finite":
        values[0, 2, 7, 1] = np.nan
    diverging, deepest = np.zeros((2, *values.shape[:3]), bool)
    diverging[0, 1, 3] = True
    deepest[0, :, : LENGTH // 50] = True
    drift = np.cumsum(np.random.default_rng(1).normal(size=values.shape[:3]), axis=2)
    options = {
        "divergent": {"per_draw": {"diverging": diverging}},
        "E-BFMI": {"per_draw": {"energy": drift}},
        "deepest trees": {"per_draw": {"reached_max_treedepth": deepest}},
        "Pareto k": {"engine": "importance", "per_dataset": {"pareto_k": np.array([0.9])}},
        "missed tail": {"engine": "importance", "per_dataset": {"left_to_prior": np.array([True])}},
        "no fit": {"problem": "a column is missing"},
    }
    return {"values": values, **options.get(kind, {})}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("R-hat", r"R-hat 1\.\d+ is above 1\.01"),
        ("bulk ESS", r"bulk ESS \d+ is below 400"),
        ("not finite", "not finite"),
        ("divergent", "1 divergent transitions"),
        ("E-BFMI", r"E-BFMI 0\.\d+ is below 0\.3"),
        ("deepest trees", r"2\.0% of trajectories were cut at the deepest tree"),
        ("no fit", "^a column is missing$"),
        ("Pareto k", r"Pareto k 0\.90 is above 0\.7"),
        ("missed tail", "^importance sampling misses the intercept's tail, which is its prior's$"),
    ],
)
def test_each_failure_is_named(kind, words):
    row = judged(**spoilt(kind)).iloc[0]
    assert not row["ok"]
    assert pd.Series([row["reason"]]).str.contains(words).all(), row["reason"]
    assert row["scenario"] == "scenario 0"


def test_one_bad_fit_leaves_the_others_alone_and_stays_in_the_table():
    values = good(3)
    values[1, 0] += 5
    frame = judged(values)
    assert frame["ok"].tolist() == [True, False, True]
    assert frame["scenario"].tolist() == ["scenario 0", "scenario 1", "scenario 2"]


def test_a_refit_is_judged_by_its_own_diagnostics():
    of_importance = {"pareto_k": np.array([2.0]), "left_to_prior": np.array([True])}
    frame = judged(good(), engine="nuts", per_dataset=of_importance)
    assert frame["ok"].all()
    assert frame["pareto_k"].isna().all()


def test_of_fewer_draws_as_much_less_is_asked():
    rhat, bulk, tail = np.array([1.0, 1.02, 1.0, np.nan]), np.full(4, 900.0), np.full(4, 500.0)
    bulk[2] = bulk[3] = 300
    assert has_settled(rhat, bulk, tail).tolist() == [True, False, False, False]
    assert has_settled(rhat, bulk, tail, share=0.5).tolist() == [True, True, True, True]
    assert has_settled(rhat, bulk, np.full(4, 150.0), share=0.5).tolist() == [False] * 4


def test_draws_that_do_not_vary_have_settled():
    missing = np.array([np.nan])
    assert has_settled(missing, missing, missing).all()
