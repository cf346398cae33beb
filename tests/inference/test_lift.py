"""The lifted density is Bambi's own, for any data of the model's shape."""

from __future__ import annotations

import jax
import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.inference.density.batch import pack
from selfinterp_stats.inference.density.lift import (
    CannotBatch,
    design_at,
    design_matrix,
    lift,
    response,
)
from selfinterp_stats.models import (
    ModelSpec,
    Prior,
    correlation_model,
    training_effect_model,
    weights_model,
)

NORMAL = Prior.of("Normal", mu=0, sigma=1)


def choices(n: int, seed: int = 0, attributes: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        rng.uniform(-1, 1, size=(n, attributes)),
        columns=[f"d{i}" for i in range(1, attributes + 1)],
    )
    return data.assign(
        chose_a=(rng.uniform(size=n) < 1 / (1 + np.exp(-2 * data["d1"]))).astype(int)
    )


def agreement(n: int, seed: int = 0, base_models: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "standardized_reports": rng.normal(size=n),
            "itrained": np.where(np.arange(n) % 2, "TRUE", "FALSE"),
            "base_model": np.array([f"model-{i}" for i in range(base_models)])[
                np.arange(n) // 2 % base_models
            ],
        }
    )
    data["standardized_b"] = 0.5 * data["standardized_reports"] + rng.normal(size=n)
    return data


MODELS = {
    "weights": (weights_model(5), choices),
    "weights, one attribute": (weights_model(1), choices),
    "correlation": (correlation_model(), agreement),
    "training effect": (training_effect_model(several_base_models=True), agreement),
    "training effect, one base model": (
        training_effect_model(several_base_models=False),
        agreement,
    ),
    "training effect, three base models": (
        training_effect_model(several_base_models=True),
        lambda n, seed=0: agreement(n, seed, base_models=3),
    ),
    "a categorical predictor alone": (
        ModelSpec.of("standardized_b ~ base_model", "gaussian", {"common": NORMAL}),
        agreement,
    ),
    "an interaction of numbers": (
        ModelSpec.of("chose_a ~ d1 * d2", "bernoulli", {"common": NORMAL}),
        choices,
    ),
    "another link and family": (
        ModelSpec.of("chose_a ~ d1", "poisson", {"common": NORMAL}),
        choices,
    ),
}


@pytest.fixture(scope="module")
def lifted():
    """Each model lifted once, from 60 rows."""
    made = {}

    def get(name):
        if name not in made:
            spec, data = MODELS[name]
            made[name] = lift(spec.build(data(60)))
        return made[name]

    return get


def theirs(model, thetas: np.ndarray) -> list[float]:
    """Bambi's log-density of its dataset at flat vectors of unconstrained parameters."""
    pymc_model = model.backend.model
    density = pymc_model.compile_logp()
    initial = pymc_model.initial_point()
    names = [pymc_model.rvs_to_values[rv].name for rv in pymc_model.free_RVs]
    ends = np.cumsum([np.size(initial[name]) for name in names])
    assert ends[-1] == thetas.shape[1]
    return [
        float(
            density(
                {
                    name: part.reshape(np.shape(initial[name]))
                    for name, part in zip(names, np.split(theta, ends[:-1]), strict=True)
                }
            )
        )
        for theta in thetas
    ]


def batch_of(spec, frames):
    """Datasets of one model, packed."""
    model = spec.build(pd.concat(frames, ignore_index=True))
    codes = np.repeat(np.arange(len(frames)), [len(f) for f in frames])
    labels = tuple((str(i),) for i in range(len(frames)))
    return pack(design_matrix(model), response(model), codes, labels)


def ours(lifted, thetas, batch, which=0):
    """Log-density and gradient of one dataset of a batch at several parameter vectors."""
    if lifted not in COMPILED:
        density = jax.value_and_grad(lifted.log_density)
        COMPILED[lifted] = jax.jit(jax.vmap(density, in_axes=(0, None, None, None)))
    with jax.enable_x64(True):
        data = (batch.X[which], batch.y[which], batch.mask[which])
        return tuple(np.asarray(a) for a in COMPILED[lifted](np.atleast_2d(thetas), *data))


COMPILED = {}


@pytest.mark.parametrize("name", MODELS)
class TestDensity:
    def test_it_is_the_one_that_pymc_samples(self, lifted, name):
        spec, data = MODELS[name]
        # Other rows, and more of them, than the model was lifted from.
        frame = data(84, seed=7)
        model = spec.build(frame)
        thetas = np.random.default_rng(1).normal(size=(3, lifted(name).size))
        values, _ = ours(lifted(name), thetas, batch_of(spec, [frame]))
        np.testing.assert_allclose(values, theirs(model, thetas), rtol=1e-6)

    def test_its_gradient_is_the_slope_of_its_values(self, lifted, name):
        spec, data = MODELS[name]
        batch = batch_of(spec, [data(84, seed=3)])
        theta = np.random.default_rng(2).normal(size=lifted(name).size)
        # Central differences: error h^2 x third derivative + rounding / h, both near 1e-8 here.
        h = 1e-5
        steps = h * np.eye(len(theta))
        values, _ = ours(lifted(name), np.concatenate([theta + steps, theta - steps]), batch)
        slopes = (values[: len(theta)] - values[len(theta) :]) / (2 * h)
        _, gradient = ours(lifted(name), np.tile(theta, (2 * len(theta), 1)), batch)
        np.testing.assert_allclose(gradient[0], slopes, rtol=1e-5, atol=1e-5)

    def test_padding_changes_nothing(self, lifted, name):
        spec, data = MODELS[name]
        short, long = data(24, seed=4), data(84, seed=5)
        alone, padded = batch_of(spec, [short]), batch_of(spec, [short, long])
        assert padded.X.shape[1] == 84
        theta = np.random.default_rng(6).normal(size=(3, lifted(name).size))
        # Sums run in another order over more terms.
        for by_padding, by_itself in zip(
            ours(lifted(name), theta, padded), ours(lifted(name), theta, alone), strict=True
        ):
            np.testing.assert_allclose(by_padding, by_itself, rtol=1e-9, atol=1e-9)


class TestCurvature:
    """At a linear predictor of 0, where every Newton search begins."""

    @pytest.mark.parametrize("x64", [True, False])
    def test_a_logistic_likelihood_has_the_textbook_hessian(self, lifted, x64):
        model = lifted("weights")
        batch = batch_of(weights_model(5), [choices(50, seed=8)])
        kind = np.float64 if x64 else np.float32
        X, y, mask = (a[0].astype(kind) for a in (batch.X, batch.y, batch.mask))
        zero = np.zeros(6, kind)
        with jax.enable_x64(x64):
            total = lambda theta: (model.log_likelihood(theta, X, y) * mask).sum()  # noqa: E731
            gradient, hessian = jax.jit(lambda at: (jax.grad(total)(at), jax.hessian(total)(at)))(
                zero
            )
        design = np.column_stack([np.ones(50), batch.X[0]])
        tolerance = 1e-10 if x64 else 1e-5
        np.testing.assert_allclose(hessian, -design.T @ design / 4, rtol=tolerance, atol=tolerance)
        expected = design.T @ (batch.y[0] - 0.5)
        np.testing.assert_allclose(gradient, expected, rtol=tolerance, atol=10 * tolerance)

    def test_small_probabilities_are_kept_in_32_bits(self, lifted):
        # Written as log(1 - p) the likelihood would be -inf from a predictor of 17 on.
        model = lifted("weights, one attribute")
        X, y = np.array([[1.0]], np.float32), np.zeros(1, np.float32)
        theta = np.array([0.0, 60.0], np.float32)
        assert float(model.log_likelihood(theta, X, y)[0]) == pytest.approx(-60, rel=1e-6)


def test_one_compilation_serves_datasets_of_every_content(lifted):
    model = lifted("weights")
    traced = []

    @jax.jit
    def density(theta, X, y, mask):
        traced.append(X.shape)
        return model.log_density(theta, X, y, mask)

    batch = batch_of(weights_model(5), [choices(n, seed=n) for n in (20, 35, 50)])
    values = [
        float(density(np.full(6, 0.1), batch.X[i], batch.y[i], batch.mask[i])) for i in range(3)
    ]
    assert len(set(values)) == 3
    assert len(traced) == 1


def test_parameters_come_back_on_their_own_scale(lifted):
    model = lifted("correlation")
    theta = np.array([0.3, -0.2, 0.5])[: model.size]
    with jax.enable_x64(True):
        constrained = np.asarray(model.constrain(theta))
    at = int(np.cumsum([0, *model.sizes])[model.names.index("sigma")])
    assert constrained[at] == pytest.approx(np.exp(theta[at]))
    others = np.delete(np.arange(model.size), at)
    np.testing.assert_allclose(constrained[others], theta[others])


def test_the_design_is_that_of_formulae():
    data = agreement(30)
    model = training_effect_model(several_base_models=True).build(data)
    design = design_matrix(model)
    reports = data["standardized_reports"].to_numpy()
    trained = (data["itrained"] == "TRUE").to_numpy(float)
    second = (data["base_model"] == "model-1").to_numpy(float)
    columns = {
        tuple(np.round(c, 12))
        for c in (
            reports,
            trained,
            second,
            reports * trained,
            reports * second,
            trained * second,
            reports * trained * second,
        )
    }
    assert {tuple(np.round(c, 12)) for c in design.T} == columns
    np.testing.assert_allclose(design_at(model, data), design)
    np.testing.assert_array_equal(response(model), data["standardized_b"])


class TestModelsThatCannotBeLifted:
    def refused(self, formula, data, family="gaussian", **priors):
        spec = ModelSpec.of(formula, family, priors)
        with pytest.raises(CannotBatch, match="engine='bambi'") as caught:
            lift(spec.build(data))
        return str(caught.value)

    def test_group_level_terms(self):
        message = self.refused("standardized_b ~ 1 + (1|base_model)", agreement(40))
        assert "cannot be fitted to many datasets at once" in message

    def test_offsets(self):
        data = choices(40).assign(exposure=np.linspace(1, 2, 40))
        self.refused("chose_a ~ d1 + offset(exposure)", data, family="poisson")

    def test_a_model_without_intercept(self):
        # Bambi leaves its predictors uncentred; batches are centred.
        self.refused("chose_a ~ 0 + d1 + d2", choices(40), family="bernoulli", common=NORMAL)

    def test_a_number_of_trials(self):
        data = choices(40).assign(n=3)
        self.refused("p(chose_a, n) ~ d1", data, family="binomial")
