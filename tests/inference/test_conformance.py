"""What every engine and every model has to pass.

The density is Bambi's own and its gradient its slope, parameters come back as PyMC's, and draws
have the moments of closed forms and of long runs of Bambi and PyMC (``tests/reference``). Moments
are compared by the Monte Carlo errors of both sides: 4.5 of them, which a normal deviate exceeds
once in 150,000 times.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest
from cases import CASES, FLAT, SIZES, Case
from pytensor.compile.mode import Mode
from scipy import stats

from selfinterp_stats.inference.fit import Fits, fit_datasets, prepare_groups
from selfinterp_stats.inference.prepare import Prepared
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models import ModelSpec, Prior

MANY = 4.5
BATCHED = ("importance", "nuts")
REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "moments.json"
# PyMC's graphs are run as they are: a handful of evaluations is not worth a compilation.
PLAIN = Mode(linker="py", optimizer="fast_compile")
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


class Ours:
    """A prepared model's density, gradient and parameters, in 64-bit floats."""

    def __init__(self, prepared: Prepared) -> None:
        assert prepared.lifted is not None
        self.prepared, self.lifted = prepared, prepared.lifted
        every = prepared.datasets.fit_for_use()
        self._batch = prepared.batch(every, int(prepared.rows.sizes.max()))
        both = jax.value_and_grad(self.lifted.log_density)
        self._density = jax.jit(jax.vmap(both, (0, None)))
        self._constrain = jax.jit(jax.vmap(self.lifted.constrain, (0, None)))

    def points(self) -> np.ndarray:
        """Vectors of parameters on the real line, as many as a gradient takes by differences."""
        p = self.lifted.size
        return np.random.default_rng(1).normal(0, 0.7, size=(2 * p + 1, p))

    def density(self, points: np.ndarray, dataset: int) -> tuple[np.ndarray, np.ndarray]:
        """Log-density and gradient at each point for one dataset."""
        with jax.enable_x64(True):
            values, gradients = self._density(points, self._data(dataset))
        return np.asarray(values), np.asarray(gradients)

    def constrained(self, points: np.ndarray, dataset: int) -> np.ndarray:
        """Parameters on their own scale at each point."""
        with jax.enable_x64(True):
            return np.asarray(self._constrain(points, self._data(dataset)))

    def _data(self, dataset: int) -> Any:
        return jax.tree.map(lambda values: values[dataset], self._batch.data)


def theirs(model: Any, parameters: Any, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-density and parameters on their own scale by PyMC's model of one dataset."""
    pymc_model = model.backend.model
    free = [pymc_model[one.name] for one in parameters]
    names = [pymc_model.rvs_to_values[rv].name for rv in free]
    density = pymc_model.compile_logp(mode=PLAIN)
    constrain = pymc_model.compile_fn(
        pymc_model.replace_rvs_by_values(free), inputs=pymc_model.value_vars, mode=PLAIN
    )
    ends = np.cumsum([one.size for one in parameters])[:-1]
    values, own_scale = [], []
    for point in points:
        at = {
            name: part.reshape(one.shape)
            for name, one, part in zip(names, parameters, np.split(point, ends), strict=True)
        }
        values.append(float(density(at)))
        own_scale.append(np.concatenate([np.ravel(part) for part in constrain(at)]))
    return np.array(values), np.array(own_scale)


@cache
def ours(name: str) -> Ours:
    case = DENSITIES[name]
    return Ours(prepare_groups(case.spec, case.frame(), ["which"], Sampling("importance")))


def alone(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of one dataset, as if there were no other."""
    return frame[frame["which"] == name].reset_index(drop=True)


def check_density(ours: Ours, frame: pd.DataFrame) -> None:
    """Every dataset has the density and the parameters of Bambi's model of that dataset alone."""
    points = ours.points()
    for i, (label,) in enumerate(ours.prepared.datasets.labels):
        model = ours.prepared.spec_of(i).build(alone(frame, label))
        values, own_scale = theirs(model, ours.lifted.parameters, points[:3])
        # Nothing is left out of either: constants are those of the normalised densities.
        np.testing.assert_allclose(ours.density(points, i)[0][:3], values, rtol=1e-6)
        np.testing.assert_allclose(ours.constrained(points, i)[:3], own_scale, rtol=1e-9)


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


@cache
def reference() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text())["models"]


def fitted(case: Case, frame: pd.DataFrame, engine: str, draws: int = 4000) -> Fits:
    fits = fit_datasets(case.spec, frame, ["which"], Sampling(engine, draws=draws))
    assert (fits.engines == engine).all()
    assert (fits.problems == "").all()
    return fits


def check_moments(fits: Fits, expected: dict[str, dict[str, dict[str, float]]]) -> None:
    """Means and sds of all parameters are the expected ones within the errors of both."""
    for parameter in fits.parameters:
        found = summarise(fits.of(parameter).astype(float))
        for i, (label,) in enumerate(fits.labels):
            theirs = expected[label][parameter]
            for figure in ("mean", "sd"):
                error = np.hypot(found[f"mcse_{figure}"][i], theirs.get(f"mcse_{figure}", 0))
                z = (found[figure][i] - theirs[figure]) / error
                assert abs(z) < MANY, f"{figure} of {parameter} in {label!r}: {z:.1f} errors off"


@pytest.mark.parametrize("engine", BATCHED)
@pytest.mark.parametrize("name", CASES)
def test_moments_are_those_of_a_long_run(name, engine):
    case, expected = CASES[name], reference()[name]
    fits = fitted(case, case.frame(), engine)
    assert {label for (label,) in fits.labels} == set(SIZES)
    assert set(fits.parameters) == set(expected["few"])
    check_moments(fits, expected)
    if engine == "importance":
        assert fits.draws.per_dataset["pareto_k"].max() < 0.7
    else:
        assert fits.draws.per_draw["diverging"].mean() < 0.01


@pytest.mark.parametrize("name", ["weights", "correlation", "training effect"])
def test_moments_of_bambi_one_by_one_are_those_of_a_long_run(name):
    # The reference is Bambi's too: what is tested here is how this engine is driven.
    case = CASES[name]
    check_moments(fitted(case, alone(case.frame(), "few"), "bambi", 2000), reference()[name])


class TestClosedForms:
    """Posteriors that are known without any draws."""

    @pytest.fixture(scope="class", params=[*BATCHED, "bambi"])
    @classmethod
    def engine(cls, request):
        return request.param

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
