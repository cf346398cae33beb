"""What is lifted from a Bambi model: a density without data, and refusals that say why.

That the density is Bambi's own is tested for every model in ``test_conformance.py``.
"""

from __future__ import annotations

import bambi
import jax
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from cases import CASES, agreement, choices

from selfinterp_stats import fit_many
from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.density.batch import Data
from selfinterp_stats.inference.density.lift import lift, lift_once
from selfinterp_stats.inference.density.terms import (
    CannotBatch,
    design_at,
    design_matrix,
    other_columns,
    response,
)
from selfinterp_stats.inference.fit import fit_datasets
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.models import ModelSpec, Prior, training_effect_model, weights_model

NORMAL = Prior.of("Normal", mu=0, sigma=1)


@pytest.fixture(scope="module")
def logistic():
    return lift(weights_model(3).build(choices(30, seed=0)))


def data_of(X: np.ndarray, y: np.ndarray, kind: type = np.float64) -> Data:
    """Rows without padding under the priors of `weights_model`."""
    rows = len(y)
    # Numbers by parameter, arguments in alphabetical order: mu, nu, sigma; mu, sigma; ...
    numbers = np.array([0, 3, 2.5, *[0, 1] * X.shape[1]])
    return Data(X, y, np.empty((rows, 0)), np.ones(rows), numbers).astype(kind)


class TestLogisticLikelihood:
    @pytest.mark.parametrize("x64", [True, False])
    def test_at_zero_it_has_the_textbook_hessian(self, logistic, x64):
        # At a linear predictor of 0, where every Newton search begins.
        frame = choices(50, seed=8)
        X, y = frame[["d1", "d2", "d3"]].to_numpy(), frame["chose_a"].to_numpy(float)
        with jax.enable_x64(x64):
            data = data_of(X, y, np.float64 if x64 else np.float32)

            def total(theta):
                values = logistic._unravel(theta)
                return logistic.log_likelihood(values, data.X, data.y, data.other).sum()

            both = jax.jit(lambda at: (jax.grad(total)(at), jax.hessian(total)(at)))
            gradient, hessian = both(np.zeros(4, data.y.dtype))
        design = np.column_stack([np.ones(50), X])
        tolerance = 1e-10 if x64 else 1e-5
        np.testing.assert_allclose(hessian, -design.T @ design / 4, rtol=tolerance, atol=tolerance)
        expected = design.T @ (y - 0.5)
        np.testing.assert_allclose(gradient, expected, rtol=tolerance, atol=10 * tolerance)

    def test_small_probabilities_are_kept_in_32_bits(self, logistic):
        # Written as log(1 - p) the likelihood would be -inf from a predictor of 17 on.
        data = data_of(np.array([[1.0, 0, 0]]), np.zeros(1), np.float32)
        theta = np.array([0, 60, 0, 0], np.float32)
        values = logistic._unravel(theta)
        found = logistic.log_likelihood(values, data.X, data.y, data.other)
        assert float(found[0]) == pytest.approx(-60, rel=1e-6)


def test_one_compilation_serves_datasets_of_every_content(logistic):
    traced = []

    @jax.jit
    def density(theta, data):
        traced.append(data.X.shape)
        return logistic.log_density(theta, data)

    rng = np.random.default_rng(0)
    values = [
        float(density(np.full(4, 0.1), data_of(rng.normal(size=(20, 3)), rng.integers(0, 2, 20))))
        for _ in range(3)
    ]
    assert len(set(values)) == 3
    assert len(traced) == 1


class TestLiftingOnce:
    def lifted(self, **priors):
        spec = weights_model(3, {"common": NORMAL, "Intercept": NORMAL, **priors})
        return lift_once(("test", spec.formula), spec.build(choices(30, seed=0)))

    def test_other_numbers_in_the_priors_are_the_same_lifted_model(self):
        assert self.lifted() is self.lifted(d1=Prior.of("Normal", mu=1, sigma=9))

    def test_another_form_of_the_priors_is_another_lifted_model(self):
        assert self.lifted() is not self.lifted(d1=Prior.of("Laplace", mu=0, b=1))

    def test_the_rows_are_no_part_of_it(self):
        spec = weights_model(3, {"common": NORMAL, "Intercept": NORMAL})
        key = ("test", spec.formula)
        assert lift_once(key, spec.build(choices(44, seed=5))) is self.lifted()


def test_the_design_is_that_of_formulae():
    data = agreement(30, seed=0)
    model = training_effect_model(several_base_models=True).build(data)
    design = design_matrix(model)
    reports = data["standardized_reports"].to_numpy()
    trained = (data["itrained"] == "TRUE").to_numpy(float)
    second = (data["base_model"] == "small").to_numpy(float)
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


def test_trials_and_offsets_are_the_other_columns():
    frame = CASES["binomial"].frame()
    trials = other_columns(CASES["binomial"].spec.build(frame))
    np.testing.assert_array_equal(trials, frame[["trials"]])
    offset = other_columns(CASES["poisson"].spec.build(frame))
    np.testing.assert_allclose(offset, np.log(frame[["width"]]))
    assert other_columns(CASES["beta"].spec.build(frame)).shape == (len(frame), 0)


def numbers() -> pd.DataFrame:
    """Rows that Bambi takes as they are: it warns of text under pandas 3."""
    return CASES["gaussian"].frame()[["amount", "x", "z"]]


# By engine="bambi" a formula's fixed effects can be fitted, one dataset after the other; what goes
# beyond them is for Bambi itself.
ONE_BY_ONE = "Fit it one dataset at a time with engine='bambi'."
BAMBI_ITSELF = "Fit it to one dataset after the other with Bambi itself."
REFUSED = {
    "amount ~ x + (1|kind)": "it has group-level terms (1|kind)",
    "amount ~ x + (x|kind)": "it has group-level terms (1|kind, x|kind)",
    "amount ~ hsgp(x, m=5, c=1.5)": "it has smooth terms (hsgp(x, m=5, c=1.5))",
    "censored(amount, status) ~ x": "its response is censored",
    "truncated(amount, -10, 10) ~ x": "its response is truncated",
    "constrained(amount, -10, 10) ~ x": "its response is constrained",
    "weighted(amount, width) ~ x": "its response is weighted",
    "c(amount, tailed) ~ x": "its response has several columns",
}


class TestModelsThatCannotBeLifted:
    """Each says why, and what to do instead."""

    def refused(self, why, model, *, instead=BAMBI_ITSELF, **options):
        frame = CASES["gaussian"].frame().assign(status="none")
        with pytest.raises(CannotBatch) as caught:
            fit_many(model, frame, "which", engine="importance", **options)
        assert str(caught.value) == (
            f"this model cannot be fitted to many datasets at once: {why}. {instead}"
        )

    @pytest.mark.parametrize("formula", REFUSED)
    def test_by_its_formula(self, formula):
        self.refused(REFUSED[formula], formula)

    def test_columns_that_a_graph_does_not_tell_apart(self):
        why = "two of its columns (predictor, trials, offset) are the same"
        self.refused(why, "amount ~ 0 + x + offset(x)", instead=ONE_BY_ONE)

    def test_a_prior_with_as_many_numbers_as_no_term_has_levels(self):
        # Two levels beside the first one have a coefficient.
        three = {"kind": Prior.of("Normal", mu=[0, 1, 2], sigma=1)}
        why = "the prior of 'kind' has a number of its own for some levels"
        self.refused(why, "amount ~ kind", priors=three, instead=ONE_BY_ONE)

    def test_a_response_of_categories(self):
        priors = {"common": NORMAL, "Intercept": NORMAL}
        why = "its density holds other data of shape (68, 1)"
        self.refused(why, "kind ~ x", family="categorical", priors=priors, instead=ONE_BY_ONE)

    def test_what_a_bambi_model_has_beyond_formula_family_and_priors(self):
        own = bambi.Prior("Own", dist=lambda name, *_, **options: pm.Normal(name, **options))
        for why, formula, options in (
            (
                "its parameter 'sigma' has a formula of its own",
                bambi.Formula("amount ~ x", "sigma ~ z"),
                {},
            ),
            ("the prior of 'x' is a function of its own", "amount ~ x", {"priors": {"x": own}}),
            ("its parameter 'sigma' is set to a number", "amount ~ x", {"priors": {"sigma": 2.0}}),
            ("its predictors are not to be centred", "amount ~ x", {"center_predictors": False}),
            ("it has potentials", "amount ~ x", {"potentials": [("x", lambda x: -(x**2))]}),
        ):
            self.refused(why, bambi.Model(formula, numbers(), **options))


def test_a_family_without_default_priors_is_fitted_with_priors_of_one_s_own():
    options = {"family": "exponential", "engine": "importance", "draws": 1000}
    frame = CASES["gaussian"].frame()
    priors = {"common": NORMAL, "Intercept": NORMAL}
    tree = fit_many("width ~ x", frame, "which", priors=priors, **options)
    assert set(tree["posterior"]) == {"Intercept", "x"}
    # Its link is the logarithm. Far from the prior's 0, near the logarithm of the responses' mean.
    at_mean = tree["posterior"]["Intercept"] + 3 * tree["posterior"]["x"]
    assert 0.5 < at_mean.mean() < 1.5
    with pytest.raises(InputError, match="there are no default priors for this family"):
        fit_many("width ~ x", frame, "which", **options)


@pytest.mark.parametrize("engine", ["importance", "bambi"])
def test_no_prior_is_left_to_bambi(engine):
    # "common" stands for slopes, not for whatever else is not named.
    spec = ModelSpec.of("amount ~ x", "gaussian", {"common": NORMAL, "Intercept": NORMAL})
    with pytest.raises(InputError) as caught:
        fit_datasets(spec, CASES["gaussian"].frame(), ["which"], Sampling(engine))
    assert str(caught.value) == "a parameter has no prior (found 'sigma'). Name one for it."
