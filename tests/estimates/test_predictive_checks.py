"""Checks on data: leaving one out against closed forms, and data that do or do not fit."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import stats

from selfinterp_stats.estimates.calibration.predictive import (
    _choices_cell,
    as_ranks,
    left_out_weights,
    predictive_rows,
)
from selfinterp_stats.estimates.calibration.recovery import (
    ESTIMATORS,
    latent,
    recovery_rows,
    replicates,
)
from selfinterp_stats.estimates.calibration.uniformity import uniformity
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.study import load_study

DRAWS = 4000


def test_an_observation_left_out_is_as_if_it_had_never_been():
    # A normal mean under a flat prior, sd known: without y_i it is normal around the others' mean.
    rng = np.random.default_rng(0)
    y = rng.standard_normal(25)
    mean = y.mean() + rng.standard_normal(DRAWS) / np.sqrt(len(y))
    weights, k = left_out_weights(stats.norm.logpdf(y[:, None], mean))
    others = (y.sum() - y) / (len(y) - 1)
    error = 4 / np.sqrt(DRAWS * (len(y) - 1))
    np.testing.assert_allclose(weights @ mean, others, atol=2 * error)
    assert (k < 0.7).all()
    pit = (weights * stats.norm.cdf(y[:, None] - mean)).sum(axis=1)
    exact = stats.norm.cdf((y - others) / np.sqrt(1 + 1 / (len(y) - 1)))
    np.testing.assert_allclose(pit, exact, atol=0.02)


def choices(rng, said, true, scenarios=60, trials=50):
    """Choices of probability `true`, and draws of what a model says it is, which hardly differ."""
    parts = []
    for _ in range(scenarios):
        eta = 2 * rng.standard_normal(trials)
        chosen = rng.random(trials) < stats.logistic.cdf(true * eta)
        draws = said * eta[:, None] + 0.01 * rng.standard_normal((trials, 400))
        parts.append((chosen, stats.logistic.cdf(draws)))
    return parts


def test_a_model_that_is_true_is_told_to_be_so():
    rng = np.random.default_rng(1)
    rows = list(_choices_cell("true", choices(rng, said=1.0, true=1.0), rng))
    assert min(row["p_value"] for row in rows) > 1e-3
    assert len([row for row in rows if row["statistic"].startswith("likelier")]) == 3


def test_a_model_too_sure_of_itself_is_found_out():
    rng = np.random.default_rng(2)
    rows = list(_choices_cell("too sure", choices(rng, said=2.0, true=1.0), rng))
    (surest,) = [row for row in rows if row["statistic"].endswith("0.9 to 1")]
    assert surest["value"] < surest["expected"] - 0.05
    assert surest["p_value"] < 1e-6
    (pit,) = [row for row in rows if row["check"] == "loo_pit"]
    assert pit["p_value"] < 1e-4  # a level of 1% over a hundred tests


def test_transforms_become_uniform_ranks():
    rng = np.random.default_rng(3)
    ranks = as_ranks(np.append(rng.random(4999), 1.0), 100)
    assert (ranks.min(), ranks.max()) == (0, 100)
    assert uniformity(ranks[:, None], 100).p_value > 1e-3


def test_both_stages_of_a_study_are_checked(make_study):
    study = load_study(make_study(scenarios=12, trials=20))
    rows = list(predictive_rows(study, Settings(draws=400, regression_draws=400)))
    models = {row["model"] for row in rows}
    assert {"weights: model-a / instilled", "weights: model-a / native"} <= models
    assert "correlation: model-a / native / weight-trained" in models
    for model in models:
        checks = [row["check"] for row in rows if row["model"] == model]
        assert checks.count("loo_pit") == 1
        assert "predictive" in checks


@pytest.mark.slow
def test_known_correlations_are_found_where_they_are_expected():
    """The quick form: ten small studies; `selfinterp calibrate` has twenty of twice the size."""
    made = replicates((0.0, 0.8), studies=10, seed=3, scenarios=20)
    # One number of particles throughout: half of what is to be compiled.
    jointly = partial(latent, particles=(300, 300))
    rows = list(recovery_rows(made, Settings(draws=400), {**ESTIMATORS, "latent": jointly}))
    beside = [row for row in rows if "fresh choices" in row["statistic"]]
    assert [row["quantity"] for row in beside] == ["latent r = 0", "latent r = 0.8"]
    assert min(row["p_value"] for row in beside) > 1e-3
    means = {
        (row["model"], row["quantity"]): row
        for row in rows
        if row["statistic"] == "mean of medians"
    }
    # Noise takes some of a correlation away, more if it is carried through, and adds none.
    found = [means[name, "latent r = 0.8"] for name in ("carried_through", "plug_in", "latent")]
    assert found[0]["value"] < found[1]["value"] < found[2]["value"]
    assert found[1]["high"] < 0.8
    assert found[2]["value"] == pytest.approx(0.8, abs=0.1)
    for name in ("plug_in", "carried_through", "latent"):
        none = means[name, "latent r = 0"]
        assert none["low"] < 0 < none["high"]
    # Each study's own scenarios correlate a tenth off; beside that, medians are where they should
    # be. The prior pulls them in by some hundredths, and ten studies leave an error of as much.
    own = [row for row in rows if "own correlation" in row["statistic"]]
    assert [row["model"] for row in own] == ["latent", "latent"]
    assert max(abs(row["value"]) for row in own) < 0.08


def test_of_few_scenarios_there_is_no_test_of_the_pit():
    choices = [
        (np.arange(20) < 11, np.full((20, 400), 0.5) + np.linspace(-0.1, 0.1, 400))
        for _ in range(8)
    ]
    *_, pit = _choices_cell("few", choices, np.random.default_rng(0))
    assert pit["note"] == "left out: a test needs 9 scenarios"
    *_, pit = _choices_cell("few", [*choices, choices[0]], np.random.default_rng(0))
    assert 0 < pit["p_value"] < 1
