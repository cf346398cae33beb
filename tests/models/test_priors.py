"""Models say in words and in numbers what brms was told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.errors import InputError
from selfinterp_stats.models import (
    ModelSpec,
    Prior,
    brms_priors,
    correlation_model,
    training_effect_model,
    weights_model,
)
from selfinterp_stats.models.defaults import FAMILIES


def test_weights_have_the_paper_s_priors():
    spec = weights_model(5)
    assert spec.formula == "chose_a ~ d1 + d2 + d3 + d4 + d5"
    assert spec.family == "bernoulli"
    assert spec.describe_priors() == (
        "common ~ Normal(mu=0, sigma=1); Intercept ~ StudentT(nu=3, mu=0, sigma=2.5)"
    )


def test_other_priors_take_their_place():
    spec = weights_model(2, {"common": Prior.of("Normal", mu=0, sigma=3)})
    assert spec.formula == "chose_a ~ d1 + d2"
    assert spec.describe_priors() == "common ~ Normal(mu=0, sigma=3)"


# Fuel consumption of 32 cars, R's ``mtcars$mpg``.
MPG = [
    21.0, 21.0, 22.8, 21.4, 18.7, 18.1, 14.3, 24.4, 22.8, 19.2, 17.8, 16.4, 17.3, 15.2, 10.4, 10.4,
    14.7, 32.4, 30.4, 33.9, 21.5, 15.5, 15.2, 13.3, 19.2, 27.3, 26.0, 30.4, 15.8, 19.7, 15.0, 21.4,
]  # fmt: skip


class TestDefaultsOfBrms:
    @pytest.mark.parametrize("family", ["gaussian", "t"])
    @pytest.mark.parametrize(
        ("response", "location", "scale"),
        [
            # What brms itself says of a regression of R's mtcars$mpg.
            (MPG, 19.2, 5.4),
            # By its rule: R's mad(y), with the factor 1.4826, but 2.5 at least, to one decimal.
            ([-1.0, 0.0, 1.0], 0.0, 2.5),
            ([0.0, 0.04, 10.0], 0.0, 2.5),
            ([-10.0, 0.26, 10.0], 0.3, 14.4),
            ([90.0, 100.0, 110.0, 120.0], 105.0, 14.8),
        ],
    )
    def test_an_identity_link_takes_place_and_width_from_the_response(
        self, family, response, location, scale
    ):
        priors = brms_priors(family, np.array(response))
        assert priors["common"] == Prior.of("Flat")
        assert priors["Intercept"] == Prior.of("StudentT", nu=3, mu=location, sigma=scale)
        assert priors["sigma"] == Prior.of("HalfStudentT", nu=3, sigma=scale)

    @pytest.mark.parametrize("family", ["poisson", "negativebinomial"])
    @pytest.mark.parametrize(
        ("response", "location", "scale"),
        [
            ([2.0, 4.0, 9.0], 1.4, 2.5),
            # log 0.1 stands in for the logarithm of nothing.
            ([0.0, 0.0, 3.0], -2.3, 2.5),
            # Logarithms 0, 6.9, 13.8: mad 6.9 x 1.4826.
            ([1.0, 1000.0, 1_000_000.0], 6.9, 10.2),
        ],
    )
    def test_a_log_link_takes_them_from_the_logarithms(self, family, response, location, scale):
        priors = brms_priors(family, np.array(response))
        assert priors["Intercept"] == Prior.of("StudentT", nu=3, mu=location, sigma=scale)

    @pytest.mark.parametrize("family", ["bernoulli", "binomial", "beta"])
    def test_a_logit_link_takes_nothing_from_the_response(self, family):
        for response in ([0.0, 1.0, 1.0], [0.9, 0.99, 0.1]):
            priors = brms_priors(family, np.array(response))
            assert priors["common"] == Prior.of("Flat")
            assert priors["Intercept"] == Prior.of("StudentT", nu=3, mu=0, sigma=2.5)

    def test_further_parameters_have_the_priors_of_brms(self):
        further = {
            family: set(brms_priors(family, np.ones(3))) - {"common", "Intercept"}
            for family in FAMILIES
        }
        assert further == {
            "bernoulli": set(),
            "binomial": set(),
            "poisson": set(),
            "gaussian": {"sigma"},
            "t": {"sigma", "nu"},
            "negativebinomial": {"alpha"},
            "beta": {"kappa"},
        }
        gamma = Prior.of("Gamma", alpha=0.01, beta=0.01)
        assert brms_priors("negativebinomial", np.ones(3))["alpha"] == gamma
        assert brms_priors("beta", np.ones(3))["kappa"] == gamma
        assert brms_priors("t", np.ones(3))["nu"] == Prior.of("Gamma", alpha=2, beta=0.1)

    def test_other_families_have_none_here(self):
        with pytest.raises(InputError) as caught:
            brms_priors("wald", np.ones(3))
        assert str(caught.value) == (
            "there are no default priors for this family (found 'wald'). Allowed: bernoulli, "
            "binomial, beta, gaussian, t, poisson, negativebinomial. Name a prior for every "
            "parameter, or use one of these."
        )


def test_a_single_base_model_has_no_term():
    assert correlation_model().formula == "standardized_b ~ standardized_reports"
    several = training_effect_model(several_base_models=True)
    single = training_effect_model(several_base_models=False)
    assert several.formula == "standardized_b ~ standardized_reports * itrained * base_model"
    assert single.formula == "standardized_b ~ standardized_reports * itrained"


@pytest.fixture(scope="module")
def choices():
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.uniform(-1, 1, size=(40, 2)), columns=["d1", "d2"])
    return data.assign(chose_a=rng.integers(0, 2, 40), scenario="tea")


def terms(model):
    """Terms of the linear predictor, by the name that this Bambi has for its holder."""
    parts = model.parameters if hasattr(type(model), "parameters") else model.components
    return parts["p"].terms


def test_bambi_is_given_exactly_these_priors(choices):
    found = terms(weights_model(2).build(choices))
    for name in ("d1", "d2"):
        assert found[name].prior.name == "Normal"
        assert {k: float(v) for k, v in found[name].prior.args.items()} == {"mu": 0, "sigma": 1}
    intercept = found["Intercept"].prior
    assert intercept.name == "StudentT"
    assert {k: float(v) for k, v in intercept.args.items()} == {"nu": 3, "mu": 0, "sigma": 2.5}


def test_priors_are_not_scaled_by_the_data(choices):
    wide = choices.assign(d1=1000 * choices["d1"])
    prior = terms(weights_model(2).build(wide))["d1"].prior
    assert float(prior.args["sigma"]) == 1


def test_a_specification_is_a_value(choices):
    assert weights_model(3) == weights_model(3)
    assert hash(weights_model(3)) == hash(weights_model(3))
    assert weights_model(3) != weights_model(4)
    before = choices.copy()
    ModelSpec.of("chose_a ~ d1 * scenario", "bernoulli", {}).build(
        choices.assign(scenario=np.where(choices.index < 20, "tea", "jam"))
    )
    pd.testing.assert_frame_equal(choices, before)
