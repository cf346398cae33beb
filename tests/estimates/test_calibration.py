"""Simulation-based calibration: what is simulated, what is found, and what is found out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from selfinterp_stats import InputError, Prior
from selfinterp_stats.estimates.calibration import calibrate
from selfinterp_stats.estimates.calibration.joint import CalibratedJoint
from selfinterp_stats.estimates.calibration.models import models_named, shipped_models
from selfinterp_stats.estimates.calibration.prior_sets import WIDTH, calibrated_sets
from selfinterp_stats.estimates.calibration.ranks import (
    LOG_LIKELIHOOD,
    SLOPES,
    _ranked,
    simulated_ranks,
    with_scaled_prior,
)
from selfinterp_stats.estimates.calibration.regressions import papers_regressions, stage_1
from selfinterp_stats.estimates.calibration.simulated import simulate
from selfinterp_stats.estimates.calibration.table import coverage_rows, rank_rows
from selfinterp_stats.estimates.calibration.uniformity import uniformity
from selfinterp_stats.estimates.propagation.simulated import SimulatedDesign
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.models import weights_model
from selfinterp_stats.models.prior_sets import PRIOR_SETS

SETTINGS = Settings(draws=800, engine="importance")
# A normal intercept: no posterior has tails for which importance would need NUTS.
PRIORS = {
    "common": Prior.of("Normal", mu=0, sigma=1),
    "Intercept": Prior.of("Normal", mu=0, sigma=1),
}

# Standard errors that a claim may be off.
MANY = 4.5


@pytest.fixture(scope="module")
def model():
    return stage_1("weights of few choices", 20, PRIORS)


@pytest.fixture(scope="module")
def ranks(model):
    return simulated_ranks(model, simulations=300, settings=SETTINGS)


def test_the_engine_passes(ranks):
    for row in rank_rows(ranks):
        assert row["p_value"] > 1e-3, row["quantity"]
    for row in coverage_rows(ranks):
        assert row["p_value"] > 1e-3, (row["quantity"], row["statistic"])


def test_pooled_slopes_are_one_test(ranks):
    assert {name: len(places) for name, places in ranks.groups().items()} == {
        "Intercept": 1,
        SLOPES: 5,
        LOG_LIKELIHOOD: 1,
    }


@pytest.mark.parametrize(("factor", "sign"), [(2.5, -1), (1 / 2.5, 1)])
def test_a_prior_of_another_scale_is_found_out(model, factor, sign):
    broken = simulated_ranks(
        model,
        simulations=300,
        settings=SETTINGS,
        fitted=with_scaled_prior(model.spec, factor),
    )
    found = uniformity(broken.ranks[:, broken.groups()[SLOPES]], broken.draws)
    assert found.p_value < 0.001
    # What made it so is no accident: of posteriors too wide by this, which are harder to find than
    # those too narrow, nearly all are found at 1%.
    assert found.power(0.01) > 0.9
    assert np.sign(found.spread) == sign  # too wide a prior makes posteriors too wide


def test_a_posterior_that_neglects_the_data_is_found_out_by_the_likelihood(model):
    made, again = simulate(model, 300, 0), simulate(model, 300 * 200, 1)
    prior = again.truth.reshape(300, 4, 50, -1).transpose(0, 3, 1, 2)
    found = _ranked(model, made, prior, np.full(300, "prior"), 0)
    slopes = uniformity(found.ranks[:, found.groups()[SLOPES]], found.draws)
    likelihood = uniformity(found.ranks[:, found.groups()[LOG_LIKELIHOOD]], found.draws)
    assert slopes.p_value > 1e-3
    assert likelihood.p_value < 1e-6


def test_parameters_come_from_the_prior_and_data_from_the_parameters():
    made = simulate(stage_1("weights", 40), 2000, 0)
    assert made.parameters == ("Intercept", "d1", "d2", "d3", "d4", "d5")
    slopes = made.truth[:, 1:]
    assert stats.kstest(slopes.ravel(), "norm").pvalue > 1e-3
    # The prior is that of the intercept of the centred predictors.
    centred = made.truth[:, 0] + (made.predictors.mean(axis=1) * slopes).sum(axis=1)
    assert stats.kstest(centred / 2.5, stats.t(3).cdf).pvalue > 1e-3
    eta = made.truth[:, :1] + np.einsum("src,sc->sr", made.predictors, slopes)
    p = 1 / (1 + np.exp(-eta))
    away = (made.response - p).sum() / np.sqrt((p * (1 - p)).sum())
    assert abs(away) < 4
    assert made.log_likelihood(made.truth[:, None])[:, 0] == pytest.approx(
        stats.bernoulli.logpmf(made.response, p).sum(axis=1)
    )


def test_the_regressions_are_simulated_as_they_are_fitted():
    (model,) = models_named(["training effect, two base models"])
    made = simulate(model.about, 500, 0)
    slopes = slice(1, 1 + made.predictors.shape[2])
    assert len(made.parameters) == 1 + 7 + 1
    eta = made.truth[:, :1] + np.einsum("src,sc->sr", made.predictors, made.truth[:, slopes])
    z = (made.response - eta) / made.truth[:, -1:]
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    differences = made.log_likelihood(np.stack([made.truth, made.truth * 1.1], axis=1))
    density = [
        stats.norm.logpdf(
            made.response,
            factor
            * (made.truth[:, :1] + np.einsum("src,sc->sr", made.predictors, made.truth[:, slopes])),
            factor * made.truth[:, -1:],
        ).sum(axis=1)
        for factor in (1, 1.1)
    ]
    # Up to a constant that no rank depends on.
    assert np.diff(differences, axis=1)[:, 0] == pytest.approx(density[1] - density[0])


def test_every_shipped_model_has_proper_priors_and_says_what_stands_in():
    for model in papers_regressions():
        assert not {prior.name for _, prior in model.spec.priors} & {"Flat", "HalfFlat"}
        assert bool(model.stand_in) == (model.stage == 2)
    sets = {model.name: model for model in calibrated_sets()}
    assert set(sets) == {f"weights under {name}" for name in PRIOR_SETS if name != "paper"}
    for name, one in sets.items():
        assert one.prior_set.proper(("Intercept", "d1"))
        assert bool(one.stand_in) == (name == "weights under flat")
    named = {model.name for model in shipped_models()}
    assert {"latent joint model", "slopes by scenario", "weights pooled in part", *sets} <= named


@pytest.mark.parametrize("name", ["logistic", "horseshoe", "hierarchical", "bambi"])
def test_a_named_set_of_priors_is_calibrated(name):
    (one,) = [own for own in calibrated_sets() if own.name == f"weights under {name}"]
    found = one.ranks(100, Settings(draws=400, engine="importance"))
    expected = {"Intercept", SLOPES, LOG_LIKELIHOOD} | (
        {WIDTH} if name == "hierarchical" else set()
    )
    assert set(found.groups()) == expected
    for row in rank_rows(found):
        assert row["n"] == 100 // one.sharing
        assert row["p_value"] > 1e-3, row["quantity"]


def test_a_set_fitted_under_another_one_is_found_out():
    """Scenarios drawn under wide priors, fitted under narrow ones."""
    sets = {own.name: own for own in calibrated_sets()}
    wide, narrow = (sets[f"weights under {name}"] for name in ("normal_2", "normal_0.5"))
    found = wide.ranks(100, Settings(draws=400, engine="importance"), fitted=narrow.prior_set)
    assert uniformity(found.ranks[:, found.groups()[SLOPES]], found.draws).p_value < 1e-6


def test_the_joint_model_is_calibrated_on_studies_of_its_prior():
    # As many studies and scenarios, and as many draws, as in `test_latent_coverage`: compiled once.
    design = SimulatedDesign(scenarios=20)
    found = CalibratedJoint("latent joint model", design).ranks(20, Settings(draws=2000))
    assert set(found.groups()) == {"slopes' sizes", "reports", "correlation", LOG_LIKELIHOOD}
    assert len(found.ranks) == 20
    # The smooth test asks for hundreds of simulations. Of twenty uniform numbers, mean and variance
    # have these standard errors; of several that are averaged, no larger ones.
    for kind, places in found.groups().items():
        place = (found.ranks[:, places] + 0.5) / (found.draws + 1)
        assert abs(place.mean() - 1 / 2) < MANY * np.sqrt(1 / 12 / 20), kind
        assert abs(((place - 1 / 2) ** 2).mean() - 1 / 12) < MANY * np.sqrt(1 / 180 / 20), kind


def test_an_improper_prior_is_refused():
    flat = {**PRIORS, "common": Prior.of("Flat")}
    with pytest.raises(InputError) as refused:
        simulated_ranks(stage_1("flat", 20, flat), simulations=100)
    assert str(refused.value) == (
        "the prior of 'common' is improper, and calibration draws from the prior (found "
        "'Flat()'). Allowed: a proper distribution, for instance Normal(mu=0, sigma=1). "
        "Calibrate the model under a proper stand-in, and say so."
    )


def test_a_broken_prior_differs_in_nothing_else():
    broken = with_scaled_prior(weights_model(5), 1.5)
    assert dict(broken.priors) == {
        **dict(weights_model(5).priors),
        "common": Prior.of("Normal", mu=0, sigma=1.5),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 0.0}, "a level cannot be this (found 0.0). Allowed: between 0 and 1."),
        (
            {"simulations": 19},
            "so few simulations show nothing (found 19). Allowed: 20 and more.",
        ),
        ({"studies": 4}, "so few studies show nothing (found 4). Allowed: 0, or 5 and more."),
    ],
)
def test_numbers_that_make_no_sense_are_refused(options, message):
    with pytest.raises(InputError) as refused:
        calibrate(**options)
    assert str(refused.value) == message
