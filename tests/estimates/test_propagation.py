"""Uncertainty carried through: closed forms, invariances, and studies whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.propagation.carried import (
    Predicted,
    imputations,
    pooled,
    posterior_draws,
    regressed,
)
from selfinterp_stats.estimates.propagation.latent import LatentModel, log_size
from selfinterp_stats.estimates.propagation.reliability import report_reliability, spearman_brown
from selfinterp_stats.estimates.propagation.reports import reported_of, standardised_singles
from selfinterp_stats.estimates.propagation.sampling import (
    Stacked,
    _drawn,
    chosen,
    draw,
    settled,
)
from selfinterp_stats.estimates.propagation.scenarios import Reported, latent_data, max_scaled
from selfinterp_stats.estimates.propagation.settled import settledness
from selfinterp_stats.estimates.propagation.simulated import SimulatedDesign, draw_study
from selfinterp_stats.estimates.propagation.slopes import SlopeDraws
from selfinterp_stats.estimates.sensitivity.regression import contrast_hdi, correlation_hdi
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import hdi
from selfinterp_stats.study import load_study

# How far a share of n draws may be from its probability before a test calls it wrong.
SIGMAS = 4.5


def weights_and_reports(correlation, scenarios=80, noise=0.0, imputed=1, seed=0):
    """Weights of several imputations, and reports that go with their common truth."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(scenarios, 5))
    reports = correlation * truth + np.sqrt(1 - correlation**2) * rng.normal(size=truth.shape)
    weights = truth + noise * rng.normal(size=(imputed, *truth.shape))
    x = (reports - reports.mean()) / reports.std(ddof=1)
    return Predicted(x, np.arange(scenarios)), weights


def test_one_imputation_is_the_regression_itself():
    cell, weights = weights_and_reports(0.6)
    fits = regressed([(cell, weights)], [1.0])
    y = (weights[0] - weights[0].mean()) / weights[0].std(ddof=1)
    assert fits.estimate[0] == pytest.approx(np.polyfit(cell.x.ravel(), y.ravel(), 1)[0], rel=1e-9)


@pytest.mark.parametrize("correlation", [False, True])
def test_draws_have_the_hdi_that_quadrature_gives(correlation):
    fits = regressed([weights_and_reports(0.6)], [1.0])
    rng = np.random.default_rng(1)
    drawn = posterior_draws(fits, correlation=correlation, draws=200_000, random=rng)
    low, high = (correlation_hdi if correlation else contrast_hdi)(fits, 0.95)
    inside = ((drawn > low) & (drawn < high)).mean()
    # The grid of residual sds leaves an error of its own of less than a thousandth.
    assert inside == pytest.approx(0.95, abs=SIGMAS * np.sqrt(0.95 * 0.05 / 200_000) + 1e-3)
    own_low, own_high = hdi(drawn[:, None])
    assert own_low == pytest.approx(low, abs=0.01)
    assert own_high == pytest.approx(high, abs=0.01)


def test_noise_in_the_draws_attenuates_by_the_root_of_their_reliability():
    """With weights = truth + noise of sd s, a correlation shrinks by 1 / sqrt(1 + s^2)."""
    noise = 0.5
    exact = regressed([weights_and_reports(0.7, scenarios=2000)], [1.0])
    noisy = regressed([weights_and_reports(0.7, scenarios=2000, noise=noise, imputed=40)], [1.0])
    expected = exact.estimate[0] / np.sqrt(1 + noise**2)
    # Of 10,000 values, averaged over 40 imputations, the standard error is below .002.
    assert noisy.estimate.mean() == pytest.approx(expected, abs=0.01)


def test_pooled_variance_is_within_plus_between():
    """Rubin's rule, of which the mixture of all posteriors is the exact form."""
    fits = regressed([weights_and_reports(0.5, scenarios=20, noise=1.0, imputed=200)], [1.0])
    rng = np.random.default_rng(2)
    found = pooled(fits, correlation=False, draws=2000, random=rng)
    total = found.within_sd**2 + found.between_sd**2
    assert found.draws.var() == pytest.approx(total, rel=0.02)
    assert found.between_sd > 0.02
    assert found.rhat < 1.05
    assert found.ess_bulk < found.draws.size / 10


def test_every_imputation_is_scaled_by_its_own_largest_weight():
    slopes = np.random.default_rng(3).normal(size=(4, 50, 6, 5)) * 3
    found = imputations(slopes, 30)
    assert found.shape == (30, 6, 5)
    np.testing.assert_allclose(np.abs(found).max(axis=2), 1)
    np.testing.assert_allclose(found[0], max_scaled(slopes[0, 0])[0])


def test_sizes_below_the_largest_have_the_moments_of_their_density():
    for delta in (-3.0, 0.0, 2.0, 8.0):
        log_total, mean, square = (float(x) for x in log_size(delta))
        x = np.linspace(0, 1, 200_001)
        density = np.exp(-0.5 * delta * x**2)
        assert log_total == pytest.approx(np.log(np.trapezoid(density, x)), abs=1e-5)
        for power, found in ((1, mean), (2, square)):
            expected = np.trapezoid(density * x**power, x) / np.trapezoid(density, x)
            assert found == pytest.approx(expected, abs=1e-5)


@pytest.fixture(scope="module")
def tiny():
    """Draws and reports of three scenarios in two conditions; one report is missing."""
    rng = np.random.default_rng(4)
    drawn = SlopeDraws(rng.normal(size=(3, 50, 4)) * 4, rng.normal(size=(3, 50)))
    reported = []
    for c in range(2):
        means = rng.normal(size=(3, 4))
        counts = np.array([10, 3, 1])
        if c:
            means[1], counts = np.nan, np.array([5, 0, 2])
        reported.append(Reported(means, counts, 30.0, 40.0))
    return drawn, reported, latent_data(drawn, reported)


def test_the_density_of_reports_is_that_of_a_normal(tiny):
    """Written out as a multivariate normal over conditions, attribute by attribute."""
    drawn, reported, data = tiny
    model = LatentModel(4, (True, True))
    theta = np.array([1.5, -0.8, 1.2, 0.3, 0.1, -0.2, 0.7, -0.4, -0.3, 0.2, -0.6, 0.1, 0.5])
    mu, rho, sigma = theta[4:6], np.tanh(theta[6:8]), np.exp(theta[8:10])
    omega, common = np.exp(theta[10:12]), np.tanh(theta[12])
    weights, _ = max_scaled(drawn.slopes)
    nothing = [replace(one, means=one.means * np.nan, counts=one.counts * 0) for one in reported]
    with jax.enable_x64(True):
        mean, sd = (float(x) for x in model.moments(theta))
        with_reports, without = (
            np.asarray(model.log_weights(jnp.asarray(theta), one))
            for one in (data, latent_data(drawn, nothing))
        )
    slope, apart = sigma * rho / sd, sigma * np.sqrt(1 - rho**2)
    covariance = np.diag(apart) @ np.array([[1, common], [common, 1]]) @ np.diag(apart)
    for s in range(3):
        here = [c for c in range(2) if reported[c].counts[s]]
        noise = np.diag([omega[c] ** 2 / reported[c].counts[s] for c in here])
        v = covariance[np.ix_(here, here)] + noise
        y = np.array([reported[c].means[s] for c in here])
        expected = np.zeros(50)
        for j in range(50):
            line = np.array([mu[c] + slope[c] * (weights[s, j] - mean) for c in here])
            r = y - line
            expected[j] = -0.5 * (
                np.einsum("ck,cd,dk->", r, np.linalg.inv(v), r) + 4 * np.log(np.linalg.det(v))
            )
        np.testing.assert_allclose(with_reports[s] - without[s], expected, rtol=1e-9, atol=1e-9)


def test_a_study_is_drawn_with_the_correlations_that_it_names():
    design = SimulatedDesign(scenarios=4000, trials=2, reports=2, conditions=2)
    for name in ("a", "b", "c"):
        one = draw_study(design, 0, name)
        # Scenarios' values are nearly independent: a Fisher z of 20,000 has sd .007.
        np.testing.assert_allclose(
            np.arctanh(one.realised), np.arctanh(one.correlations), atol=SIGMAS * 0.01
        )
        assert np.abs(one.weights).max(axis=1) == pytest.approx(1)
        for reported in one.reported:
            assert reported.freedom == 4000 * 5


def test_reports_are_standardised_as_the_paper_does(make_study):
    study = load_study(make_study(base_models=("model-a",), scenarios=8, repeats=3))
    singles = standardised_singles(study)
    keys = ["base_model", "set", "condition", "fold", "explaining_model"]
    columns = list(study.attributes)
    means = singles.groupby([*keys, "scenario"])[columns].mean()
    for _, own in means.groupby(level=keys):
        assert own.to_numpy().mean() == pytest.approx(0, abs=1e-12)
        assert own.to_numpy().std(ddof=1) == pytest.approx(1)
    one = singles[(singles["set"] == "native") & (singles["condition"] == "weight-trained")]
    scenarios = sorted(one["scenario"].unique())
    found = reported_of(one, scenarios, study.attributes)
    assert found.freedom == 8 * 2 * 3
    expected = one.groupby("scenario")[columns].var().to_numpy().sum() * 2
    assert found.within == pytest.approx(expected)


def test_reliability_is_what_the_noise_leaves(make_study):
    """Reports of a study are its weights plus noise of sd 25, nearly never beyond +-100."""
    study = load_study(make_study(base_models=("model-a",), scenarios=300, trials=2, repeats=6))
    found = report_reliability(study).set_index(["set", "condition"])
    assert ((found["split_half"] < found["spearman_brown"]) & (found["reports"] == 6)).all()
    native = study.reports[
        (study.reports["set"] == "native") & (study.reports["condition"] == "weight-trained")
    ]
    columns = list(study.attributes)
    within = native.groupby("scenario")[columns].var().to_numpy().mean() / 6
    total = native.groupby("scenario")[columns].mean().to_numpy().var(ddof=1)
    row = found.loc["native", "weight-trained"]
    # 900 values a side: halves correlate at .9, give or take .01.
    assert row["spearman_brown"] == pytest.approx(1 - within / total, abs=0.02)
    assert spearman_brown(0.5) == pytest.approx(2 / 3)


def test_reports_asked_for_once_have_no_reliability(make_study):
    study = load_study(make_study(base_models=("model-a",), repeats=1))
    with pytest.raises(InputError) as caught:
        report_reliability(study)
    assert str(caught.value) == (
        f"{study.source}: reports were asked for only once per scenario, so their reliability is "
        "unknown (found 'model-a / instilled / introspection-trained'). Allowed: report sets in "
        "which some scenario has two valid reports or more. Ask for several reports per "
        "scenario, or leave this report set out."
    )


class TwoHumps:
    """Two normals far apart, of which proposals around the one hardly find the other."""

    size = 1

    def log_density(self, theta, data):
        x = theta[0]
        return jnp.logaddexp(-0.5 * x**2, -0.5 * ((x - data.place) / 0.3) ** 2)

    def constrain(self, theta, data):
        del data
        return theta


class Place(NamedTuple):
    place: np.ndarray

    def astype(self, kind):
        return Place(np.asarray(self.place, dtype=kind))


def test_a_posterior_that_has_not_settled_is_drawn_again_with_more_draws():
    batch = Stacked((("near",), ("far",)), Place(np.array([0.0, 7.0])), 1)
    sampling = Sampling("importance", draws=800, seed=0)
    once = _drawn(TwoHumps(), batch, sampling, 2).draws.values
    assert settled(once).tolist() == [True, False]
    again = draw(TwoHumps(), batch, sampling).draws.values
    assert again.shape == once.shape
    np.testing.assert_array_equal(again[0], once[0])
    assert settled(again).all()
    # The second hump has .3 / 1.3 of the mass.
    assert (again[1] > 3.5).mean() == pytest.approx(0.3 / 1.3, abs=0.06)


def test_rows_of_any_table_that_have_not_settled_are_named():
    propagated = pd.DataFrame(
        {"id": ["a", "b"], "estimator": "latent", "rhat": [1.0, 1.02], "ess_bulk": [900.0, 900.0]}
    )
    shares = pd.DataFrame(
        {
            "set": "native",
            "scenario": ["x", "y", "z"],
            "rhat": [1.0, np.nan, 1.0],
            "ess_bulk": [399.0, np.nan, 400.0],
        }
    )
    found = settledness({"propagated": propagated, "shares": shares})
    assert len(found) == 2 + 2  # of a quantity that does not vary there is nothing to say
    poor = found[~found["ok"]]
    assert list(poor["table"]) == ["propagated", "shares"]
    assert list(poor["row"]) == ["b / latent", "native / x"]


def test_one_draw_of_a_scenario_is_picked_by_its_weight():
    log_weights = jnp.log(jnp.array([[0.1, 0.0, 0.6, 0.3], [1.0, 0.0, 0.0, 0.0]]))
    keys = jax.random.split(jax.random.key(0), 20_000)
    at = np.asarray(jax.vmap(lambda key: chosen(key, log_weights))(keys))
    shares = np.bincount(at[:, 0], minlength=4) / len(at)
    np.testing.assert_allclose(shares, [0.1, 0, 0.6, 0.3], atol=SIGMAS * 0.5 / np.sqrt(len(at)))
    assert (at[:, 1] == 0).all()
