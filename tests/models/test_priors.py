"""Models say in words and in numbers what brms was told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.models import (
    ModelSpec,
    Prior,
    correlation_model,
    regression_priors,
    training_effect_model,
    weights_model,
)


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


@pytest.mark.parametrize(
    ("response", "location", "scale"),
    [
        # brms: the scale is mad(y), R's with the factor 1.4826, but 2.5 at least, to one decimal.
        ([-1.0, 0.0, 1.0], 0.0, 2.5),
        ([0.0, 0.04, 10.0], 0.0, 2.5),
        ([-10.0, 0.26, 10.0], 0.3, 14.4),
        ([90.0, 100.0, 110.0, 120.0], 105.0, 14.8),
    ],
)
def test_regressions_have_the_default_priors_of_brms(response, location, scale):
    priors = regression_priors(np.array(response))
    assert priors["common"] == Prior.of("Flat")
    assert priors["Intercept"] == Prior.of("StudentT", nu=3, mu=location, sigma=scale)
    assert priors["sigma"] == Prior.of("HalfStudentT", nu=3, sigma=scale)


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
