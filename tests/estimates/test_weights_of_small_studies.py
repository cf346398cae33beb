"""Stage 1 on studies unlike the paper's: other sizes, hard scenarios."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates import Settings, fit_weights
from selfinterp_stats.estimates.analysis import analyse_weights
from selfinterp_stats.models import WEIGHT_PRIORS, Prior, weights_model
from selfinterp_stats.study import load_study


@pytest.fixture
def all_a(make_study):
    """A study in which the model chose A in every trial of one scenario."""
    folder = make_study(scenarios=4, trials=12, attributes=3, repeats=3)
    file = folder / "model-a_instilled_selections.csv"
    choices = pd.read_csv(file)
    choices.loc[choices["scenario"] == "item_2", "selection"] = "A"
    choices.to_csv(file, index=False)
    return load_study(folder)


def test_a_scenario_where_every_choice_is_a_is_fitted_and_flagged(all_a):
    results = analyse_weights(all_a, Settings(draws=2000))
    rows = results.weights[results.weights["scenario"] == "item_2"]
    assert rows["all_same_choice"].all()
    figures = rows[["mean", "median", "sd", "hdi_low", "hdi_high", "rhat", "ess_bulk", "weight"]]
    assert np.isfinite(figures.to_numpy(float)).all()
    assert results.run["flagged"]["all_choices_alike"] == ["model-a / instilled / item_2"]
    intercept = results.posteriors["weights_model-a_instilled"]["posterior"]["intercept"]
    assert float((intercept.sel(scenario="item_2") > 0).mean()) > 0.95


@pytest.mark.parametrize("attributes", [1, 8])
def test_any_number_of_attributes(make_study, attributes):
    study = load_study(make_study(scenarios=3, trials=30, attributes=attributes))
    table = fit_weights(study, draws=2000).table
    assert len(table) == 2 * 3 * attributes
    assert table["ok"].all()
    largest = table.groupby(["set", "scenario"])["weight"].agg(lambda w: w.abs().max())
    assert (largest == 100).all()


def test_scenarios_with_unequal_numbers_of_trials(make_study):
    folder = make_study(scenarios=3, trials=20)
    file = folder / "model-a_instilled_selections.csv"
    choices = pd.read_csv(file)
    choices.drop(index=range(5, 20)).to_csv(file, index=False)
    table = fit_weights(load_study(folder), draws=2000).table
    n = table[table["set"] == "instilled"].groupby("scenario")["n"].first()
    assert n.to_dict() == {"item_1": 5, "item_2": 20, "item_3": 20}


def test_another_model_of_the_choices_takes_the_place_of_the_paper_s(make_study):
    study = load_study(make_study(scenarios=3, trials=30, attributes=2))
    narrow = weights_model(2, {**WEIGHT_PRIORS, "common": Prior.of("Normal", mu=0, sigma=0.1)})
    table = fit_weights(study, draws=2000, spec=narrow).table
    assert (table["sd"] < 0.11).all()
    assert table["prior"].str.contains("sigma=0.1").all()


def test_a_fit_that_fails_is_named_and_kept(make_study, all_a):
    # Under a Cauchy prior separable choices leave posteriors with Cauchy tails to one side, far
    # from what importance proposes, and no engine is asked to take over.
    cauchy = Prior.of("StudentT", nu=1, mu=0, sigma=2.5)
    spec = weights_model(3, {"common": cauchy, "Intercept": cauchy})
    fitted = fit_weights(all_a, engine="importance", draws=4000, spec=spec)
    row = fitted.diagnostics.set_index(["set", "scenario"]).loc["instilled", "item_2"]
    assert not row["ok"]
    assert "bulk ESS" in row["reason"]
    assert row["fit"] == "weights model-a / instilled / item_2"
    kept = fitted.table[fitted.table["scenario"] == "item_2"]
    assert len(kept) == 3
    assert not kept["ok"].any()
    # Left to itself the package takes NUTS there, and says so.
    auto = fit_weights(all_a, engine="auto", draws=4000, spec=spec)
    rows = auto.diagnostics.set_index(["set", "scenario"])
    assert rows.loc[("instilled", "item_2"), "engine"] == "nuts"
    assert set(auto.table.loc[auto.table["scenario"] == "item_2", "engine"]) == {"nuts"}


def test_settings_are_given_once(make_study):
    with pytest.raises(InputError, match=r"given a second time \(found 'draws, seed'\)"):
        fit_weights(load_study(make_study()), draws=800, seed=1, settings=Settings())
