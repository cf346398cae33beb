"""What every model and every engine has to pass.

The density is Bambi's own and its gradient its slope, parameters come back as PyMC's, and draws
have the moments of closed forms; of long runs in ``test_conformance_moments.py``. Two of the closed
forms are met by one batched engine each, by both with ``python -m pytest tests/inference --full``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from cases import CASES, FLAT, SIZES, Case, alone
from densities import Ours, check_density
from moments import MANY, check_moments, fitted
from scipy import stats

from selfinterp_stats.inference.fit import prepare_groups
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models import ModelSpec, Prior

BATCHED = ("importance", "nuts")
NORMAL = Prior.of("Normal", mu=0, sigma=1)
# Priors of other forms than those of the models: bounded, skew, one number for each level.
FORMS = Case(
    ModelSpec.of(
        "amount ~ x + kind",
        "gaussian",
        {
            "x": Prior.of("Laplace", mu=0.5, b=2),
            "kind": Prior.of("Normal", mu=[-1, 1], sigma=[0.5, 3]),
            "Intercept": Prior.of("SkewNormal", mu=0, sigma=1, alpha=2),
            "sigma": Prior.of("Uniform", lower=0.1, upper=9),
        },
    )
)
DENSITIES = {**CASES, "priors of other forms": FORMS}


@cache
def ours(name: str) -> Ours:
    case = DENSITIES[name]
    return Ours(prepare_groups(case.spec, case.frame(), ["which"], Sampling("importance")))


@pytest.mark.parametrize("name", DENSITIES)
class TestDensity:
    def test_it_is_the_one_that_pymc_samples(self, name):
        # Of rows that are not those that the model was lifted from, padded to one length.
        check_density(ours(name), DENSITIES[name].frame())

    def test_its_gradient_is_the_slope_of_its_values(self, name):
        model = ours(name)
        theta = model.points()[0]
        # Central differences: error h^2 x third derivative + rounding / h, both near 1e-8 here.
        h = 1e-5
        steps = h * np.eye(len(theta))
        values, gradients = model.density(np.vstack([theta + steps, theta - steps, theta]), 0)
        slopes = (values[: len(theta)] - values[len(theta) : -1]) / (2 * h)
        np.testing.assert_allclose(gradients[-1], slopes, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["weights", "beta"])
def test_padding_changes_neither_density_nor_gradient(name):
    case = CASES[name]
    few = alone(case.frame(), "few")
    unpadded = Ours(prepare_groups(case.spec, few, ["which"], Sampling("importance")))
    assert unpadded.lifted is ours(name).lifted
    points = ours(name).points()
    both = zip(unpadded.density(points, 0), ours(name).density(points, 0), strict=True)
    for without, with_padding in both:  # sums run in another order over more terms
        np.testing.assert_allclose(with_padding, without, rtol=1e-9, atol=1e-9)


class TestClosedForms:
    """Posteriors that are known without any draws."""

    # PyMC's first steps may be large enough to overflow, which it then rejects.
    @pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
    @pytest.mark.parametrize("engine", [*BATCHED, "bambi"])
    def test_flat_priors_leave_coefficients_a_student_t_and_the_variance_an_inverse_gamma(
        self, engine
    ):
        # Flat on sigma, not on its logarithm: one degree of freedom less than the textbook's.
        flat = {"common": FLAT, "Intercept": FLAT, "sigma": Prior.of("HalfFlat")}
        case = Case(ModelSpec.of("amount ~ x", "gaussian", flat))
        frame = case.frame()
        expected = {}
        for label in SIZES:
            data = alone(frame, label)
            design = np.column_stack([np.ones(len(data)), data["x"]])
            inverse = np.linalg.inv(design.T @ design)
            centre = inverse @ design.T @ data["amount"].to_numpy()
            squares = ((data["amount"] - design @ centre) ** 2).sum()
            degrees = len(data) - 3
            scale = np.sqrt(squares / degrees * np.diag(inverse))
            sigma = stats.gengamma(degrees / 2, -2, scale=np.sqrt(squares / 2))
            expected[label] = {
                "Intercept": moments(stats.t(degrees, centre[0], scale[0])),
                "x": moments(stats.t(degrees, centre[1], scale[1])),
                "sigma": moments(sigma),
            }
        check_moments(fitted(case, frame, engine), expected)

    @pytest.mark.parametrize("engine", ["importance", pytest.param("nuts", marks=pytest.mark.full)])
    def test_a_normal_prior_and_a_known_sd_leave_a_normal(self, engine):
        # Known to a thousandth, which moves no moment by more than that.
        known = Prior.of("Uniform", lower=0.999, upper=1.001)
        case = Case(
            ModelSpec.of("amount ~ 0 + x + z", "gaussian", {"common": NORMAL, "sigma": known})
        )
        frame = case.frame()
        expected = {}
        for label in SIZES:
            data = alone(frame, label)
            design = data[["x", "z"]].to_numpy()
            covariance = np.linalg.inv(design.T @ design + np.eye(2))
            centre = covariance @ design.T @ data["amount"].to_numpy()
            expected[label] = {
                name: {"mean": centre[i], "sd": np.sqrt(covariance[i, i])}
                for i, name in enumerate(("x", "z"))
            }
            expected[label]["sigma"] = moments(stats.uniform(0.999, 0.002))
        check_moments(fitted(case, frame, engine), expected)

    @pytest.mark.parametrize("engine", [pytest.param("importance", marks=pytest.mark.full), "nuts"])
    def test_a_uniform_share_and_binomial_counts_leave_a_beta(self, engine):
        # A standard logistic intercept is a uniform share.
        uniform = {"Intercept": Prior.of("Logistic", mu=0, s=1)}
        case = Case(ModelSpec.of("p(hits, trials) ~ 1", "binomial", uniform))
        frame = case.frame()
        fits = fitted(case, frame, engine)
        shares = 1 / (1 + np.exp(-fits.of("Intercept").astype(float)))
        found = summarise(shares)
        for i, (label,) in enumerate(fits.labels):
            hits, trials = alone(frame, label)[["hits", "trials"]].sum()
            posterior = stats.beta(1 + hits, 1 + trials - hits)
            assert abs(found["mean"][i] - posterior.mean()) < MANY * found["mcse_mean"][i]
            assert abs(found["sd"][i] - posterior.std()) < MANY * found["mcse_sd"][i]


def moments(distribution: Any) -> dict[str, float]:
    return {"mean": float(distribution.mean()), "sd": float(distribution.std())}
