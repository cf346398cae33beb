"""The joint model's densities and conditional draws beside NumPy's and SciPy's, written out."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from selfinterp_stats.estimates.propagation.correlations import JointOf, _between
from selfinterp_stats.estimates.propagation.heterogeneity import SlopesModel, _by_scenario
from selfinterp_stats.estimates.propagation.joint import Joint
from selfinterp_stats.estimates.propagation.latent import LatentModel
from selfinterp_stats.estimates.propagation.scenarios import Reported, latent_data, max_scaled
from selfinterp_stats.estimates.propagation.simulated import SimulatedDesign, draw_study
from selfinterp_stats.estimates.propagation.slopes import SlopeDraws
from selfinterp_stats.estimates.propagation.truths import draw_truths
from selfinterp_stats.estimates.results import Settings

# How many standard errors a mean of draws may be off before a test calls it wrong.
SIGMAS = 4.5
K = 4
# ell, log nu, delta, logit pi of the weights; the density of the draws has log 6, 0, 0, 0.
OF_WEIGHTS = [1.5, -0.8, 1.2, 0.3]


def slopes_of(scenarios, draws, seed=0):
    """Draws of slopes, and the log of a density that they are said to come from."""
    rng = np.random.default_rng(seed)
    return SlopeDraws(
        rng.normal(size=(scenarios, draws, K)) * 4, rng.normal(size=(scenarios, draws))
    )


def reports_of(conditions, seed=1):
    """Mean reports of three scenarios; the second has none in the last condition."""
    rng = np.random.default_rng(seed)
    reported = [
        Reported(rng.normal(size=(3, K)), np.array([10, 3, 1]), 30.0, 40.0)
        for _ in range(conditions)
    ]
    reported[-1].means[1], reported[-1].counts[1] = np.nan, 0
    return reported


def computed(function, *arguments):
    """A function of the model in double precision, compiled as one program."""
    with jax.enable_x64(True):
        return jax.device_get(jax.jit(function)(*arguments))


def moments_of(theta):
    """Mean and sd of a max-scaled weight: the largest is +-1, the others' sizes have a density."""
    x = np.linspace(0, 1, 100_001)
    density = np.exp(-0.5 * theta[2] * x**2)
    size, square = (np.trapezoid(density * x**p, x) / np.trapezoid(density, x) for p in (1, 2))
    positive = 1 / (1 + np.exp(-theta[3]))
    mean = (2 * positive - 1) * (1 + (K - 1) * size) / K
    return mean, np.sqrt((1 + (K - 1) * square) / K - mean**2)


def joint_at(model, theta, drawn, reported, draws):
    """A posterior that is one point, theta."""
    data = latent_data(drawn, reported)
    values = computed(model.constrain, theta, data)
    return Joint(
        model=model,
        slopes=drawn,
        data=(data,),
        values=np.broadcast_to(values, (1, 4, draws // 4, len(values))),
        engines=np.array(["importance"]),
        pareto_k=np.zeros(1),
    )


def test_the_density_of_slopes_has_one_integral_whatever_the_parameters():
    """Particles of a known density are weighed by the model's over it: on average the same.

    The density that is handed over lacks factors: 1 / (k sqrt(2 pi)), which the model's lacks,
    too, and 1 / 2 for each sign.
    """
    thetas = [OF_WEIGHTS, [2.5, 0.1, 0.0, 0.0], [1.8, -0.2, 6.0, -0.9], [1.0, -0.5, -3.0, 0.6]]
    rng = np.random.default_rng(2)
    n, ell, nu = 200_000, np.log(6.0), 1.0
    weights = rng.uniform(-1, 1, size=(n, K))
    at = rng.integers(K, size=n)
    weights[np.arange(n), at] = np.sign(weights[np.arange(n), at])
    log_largest = ell + nu * rng.normal(size=n)
    log_density = -K * log_largest - 0.5 * ((log_largest - ell) / nu) ** 2
    slopes = weights * np.exp(log_largest)[:, None]
    data = latent_data(SlopeDraws(slopes[None], log_density[None]), [])
    of_all = jax.vmap(LatentModel(K, ()).log_weights, (0, None))
    ratio = np.exp(computed(of_all, np.array(thetas), data)[:, 0] + K * np.log(2))
    error = ratio.std(axis=1) / np.sqrt(n)
    assert (error < 0.01).all()
    assert (np.abs(ratio.mean(axis=1) - 1) < SIGMAS * error).all()


def test_the_posterior_of_the_parameters_is_the_sum_of_its_parts():
    """Means over particles, single reports about their means, and the priors of the parameters."""
    rng = np.random.default_rng(3)
    drawn, reported = slopes_of(3, 20), reports_of(2)
    data = latent_data(drawn, reported)
    model = LatentModel(K, (True, True))
    log_omega, atanh = np.array([-0.6, 0.1]), np.array([0.7, -0.4])
    other = rng.normal(size=2) * 0.3
    whole = np.array([*OF_WEIGHTS, 0.1, -0.2, *atanh, *other, *log_omega, 0.5])
    density, by_draw = computed(
        lambda *of: (model.log_density(*of), model.log_weights(*of)), whole, data
    )
    singles = sum(
        -one.freedom * at - 0.5 * one.within / np.exp(2 * at)
        for one, at in zip(reported, log_omega, strict=True)
    )
    normal = ((np.log(6), 1), (np.log(0.35), 0.5), (1, 1.5), (0, 0.5))
    of_weights = zip(OF_WEIGHTS, normal, strict=True)
    priors = sum(norm.logpdf(x, *prior) - norm.logpdf(prior[0], *prior) for x, prior in of_weights)
    for x, sd in ((whole[4:6], 0.5), (other + 0.2, 0.3), (log_omega + 0.5, 0.7)):
        priors += -0.5 * (x**2).sum() / sd**2
    # A uniform correlation's density is that of its Fisher z: 1 - r^2.
    priors += np.log(1 - np.tanh([*atanh, 0.5]) ** 2).sum()
    assert density == pytest.approx(logsumexp(by_draw, axis=1).sum() + singles + priors, rel=1e-9)


def test_particles_that_weigh_alike_are_all_effective_and_a_heavy_one_is_alone():
    drawn = slopes_of(3, 50)
    model, theta = LatentModel(K, ()), np.array(OF_WEIGHTS)
    log_weights = computed(model.log_weights, theta, latent_data(drawn, []))
    level = SlopeDraws(drawn.slopes, drawn.log_density + log_weights)
    level.log_density[1, 7] -= 50
    level.log_density[2, :30] += 50
    joint = joint_at(model, theta, level, [], 4)
    np.testing.assert_allclose(joint.effective_particles(), [50, 1, 20])


SLOPES = np.array([*OF_WEIGHTS, 0.1, 0.7, -0.3, -0.6, -0.2])


def line_of(theta, counts):
    """Slope, intercept, residual variance by scenario and tau of a model of one report set."""
    mu, rho, sigma, omega = theta[4], np.tanh(theta[5]), np.exp(theta[6]), np.exp(theta[7])
    mean, sd = moments_of(theta)
    slope = sigma * rho / sd
    variance = sigma**2 * (1 - rho**2) + omega**2 / np.maximum(counts, 1)
    return slope, mu - slope * mean, variance, np.exp(theta[8]), sd


def test_slopes_that_differ_add_a_rank_one_term_to_the_covariance():
    drawn, reported = slopes_of(3, 5), reports_of(1)
    model = SlopesModel(K, (True,))
    data = latent_data(drawn, reported)
    found = computed(model._log_reports, SLOPES, data)
    weights, _ = max_scaled(drawn.slopes)
    slope, start, variance, tau, _ = line_of(SLOPES, reported[0].counts)
    for s in (0, 2):
        for j in range(5):
            w = weights[s, j]
            covariance = variance[s] * np.eye(K) + tau**2 * np.outer(w, w)
            normal = multivariate_normal(start + slope * w, covariance)
            expected = normal.logpdf(reported[0].means[s]) + 0.5 * K * np.log(2 * np.pi)
            assert found[s, j] == pytest.approx(expected, rel=1e-7)
    np.testing.assert_array_equal(found[1], 0)  # no report


def test_a_scenarios_own_slope_is_that_of_a_regression_with_a_normal_prior():
    """One particle a scenario: its weights are known, and the slope's posterior is normal."""
    drawn, reported = slopes_of(3, 1), reports_of(1)
    model, draws = SlopesModel(K, (True,)), 4000
    joint = joint_at(model, SLOPES, drawn, reported, draws)
    names = np.array(["a", "b", "c"])
    label = ("model-a", "native", "before")
    found = _by_scenario(model, label, joint.values[0], joint.data[0], names, Settings())
    assert list(found["scenario"]) == ["a", "c"]
    weights, _ = max_scaled(drawn.slopes[:, 0])
    slope, start, variance, tau, sd = line_of(SLOPES, reported[0].counts)
    for (_, row), s in zip(found.iterrows(), (0, 2), strict=True):
        precision = 1 / tau**2 + weights[s] @ weights[s] / variance[s]
        crossed = weights[s] @ (reported[0].means[s] - start) / variance[s]
        spread = sd / np.sqrt(precision)
        # The standard error of a median of normal draws, and of an HDI's width (a generous one).
        off = SIGMAS * np.sqrt(np.pi / 2 / draws) * spread
        assert row["median"] == pytest.approx(sd * (slope / tau**2 + crossed) / precision, abs=off)
        width = row["hdi_high"] - row["hdi_low"]
        assert width == pytest.approx(2 * 1.96 * spread, rel=0.1)


def test_expected_reports_are_drawn_from_a_conditional_normal():
    """Given weights and mean reports: written out over the conditions of each scenario."""
    model = LatentModel(K, (True, True))
    theta = np.array([*OF_WEIGHTS, 0.1, -0.2, 0.7, -0.4, -0.3, 0.2, -0.6, 0.1, 0.5])
    drawn, reported = slopes_of(3, 1), reports_of(2)
    joint = joint_at(model, theta, drawn, reported, 2000)
    found = draw_truths(joint, 0, np.arange(3), 0, ("model-a", "native"))
    weights, _ = max_scaled(drawn.slopes[:, 0])
    np.testing.assert_allclose(found.weights, np.broadcast_to(weights, (4, 500, 3, K)), rtol=1e-6)
    mu, rho, sigma = theta[4:6], np.tanh(theta[6:8]), np.exp(theta[8:10])
    omega, common = np.exp(theta[10:12]), np.tanh(theta[12])
    mean, sd = moments_of(theta)
    apart = np.diag(sigma * np.sqrt(1 - rho**2))
    prior = apart @ np.array([[1, common], [common, 1]]) @ apart
    for s in range(3):
        line = mu[:, None] + (sigma * rho / sd)[:, None] * (weights[s] - mean)
        here = [c for c in range(2) if reported[c].counts[s]]
        noise = np.diag([omega[c] ** 2 / reported[c].counts[s] for c in here])
        gain = prior[:, here] @ np.linalg.inv(prior[np.ix_(here, here)] + noise)
        y = np.array([reported[c].means[s] for c in here])
        expected = line + gain @ (y - line[here])
        covariance = prior - gain @ prior[here]
        drawn_here = found.expected[:, :, :, s].reshape(2000, 2, K)
        off = SIGMAS * np.sqrt(np.diag(covariance).max() / 2000)
        np.testing.assert_allclose(drawn_here.mean(axis=0), expected, atol=off)
        residual = (drawn_here - expected).transpose(1, 0, 2).reshape(2, -1)
        # Of 8,000 products of normals, each with a variance of at most 2 sd^2 sd^2.
        np.testing.assert_allclose(
            np.cov(residual),
            covariance,
            atol=SIGMAS * np.sqrt(2 / 8000) * np.diag(covariance).max(),
        )


def test_expected_reports_of_two_conditions_correlate_through_the_weights_and_beside_them():
    """As in simulated reports, whose own noise is independent; targets are such a condition."""
    design = SimulatedDesign(scenarios=20_000, trials=1, reports=1, conditions=3)
    made = draw_study(design, 0, "three conditions")
    model = LatentModel(design.attributes, (True, True, False))
    values = np.array([made.parameters[name] for name in model.parameters])
    joint = Joint(
        model=model,
        slopes=SlopeDraws(np.empty(0), np.empty(0)),
        data=(),
        values=values[None, None, None],
        engines=np.array(["importance"]),
        pareto_k=np.zeros(1),
    )
    one = JointOf(("a", "b", "target"), joint, 0, np.empty(0, int))
    covariance = np.cov([reported.means.ravel() for reported in made.reported])
    sigma = np.array([made.parameters[f"sigma[{c}]"] for c in range(3)])
    n = design.scenarios * design.attributes
    for a, b in ((0, 1), (0, 2), (1, 2)):
        expected = covariance[a, b] / (sigma[a] * sigma[b])
        squares = covariance[a, a] * covariance[b, b] + covariance[a, b] ** 2
        off = SIGMAS * np.sqrt(squares / n) / (sigma[a] * sigma[b])
        (found,) = _between(one, one.conditions[a], one.conditions[b])[0]
        assert found == pytest.approx(expected, abs=off)
