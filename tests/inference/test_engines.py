"""Three engines, one posterior: quadrature, each other, and hard data.

Tolerances are Monte Carlo standard errors by the draws' own effective sizes: 4.5 of them, which
a normal deviate exceeds once in 150,000 times.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import t as student_t

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.fit import fit_datasets
from selfinterp_stats.inference.settings import ENGINES, Running, Sampling
from selfinterp_stats.inference.summary import summaries
from selfinterp_stats.models import WEIGHT_PRIORS, ModelSpec, Prior, weights_model

MANY = 4.5
BATCHED = ("importance", "nuts")
T3 = Prior.of("StudentT", nu=3, mu=0, sigma=2.5)
# So many datasets at once in the tests of many runs, whatever the engine: compiled once for all.
TOGETHER = Running(batch_size=32)


def fit(spec, frames, engine, running=None, **options):
    data = pd.concat([f.assign(which=name) for name, f in frames.items()], ignore_index=True)
    return fit_datasets(spec, data, ["which"], Sampling(engine, **options), running=running)


def binary(n: int, seed: int = 0, slope: float = 1.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.uniform(-1, 1, size=(n, 2)), columns=["d1", "d2"])
    share = expit(0.3 + slope * data["d1"])
    return data.assign(chose_a=(rng.uniform(size=n) < share).astype(int))


def same(draws: np.ndarray, mean: float, sd: float, quantiles: dict[float, float]) -> None:
    """Draws (chain, draw) have this mean, sd and these quantiles within their own error."""
    one = draws[np.newaxis].astype(float)
    summary = {name: float(value[0]) for name, value in summaries.summarise(one).items()}
    assert abs(summary["mean"] - mean) < MANY * summary["mcse_mean"]
    assert abs(summary["sd"] - sd) < MANY * summary["mcse_sd"]
    for prob, value in quantiles.items():
        error = summaries.mcse_quantile(one, prob)[0]
        assert abs(np.quantile(one, prob) - value) < MANY * error


@pytest.fixture(scope="module")
def few_choices():
    return {
        "seven": pd.DataFrame({"y": [1, 1, 1, 0, 1, 0, 1]}),
        "all": pd.DataFrame({"y": [1] * 9}),
        "one": pd.DataFrame({"y": [0]}),
    }


def test_a_logistic_intercept_is_what_quadrature_says(few_choices):
    spec = ModelSpec.of("y ~ 1", "bernoulli", {"Intercept": T3})
    fits = fit(spec, few_choices, "auto", draws=8000)
    grid = np.linspace(-400, 400, 800_001)
    for i, (name,) in enumerate(fits.labels):
        y = few_choices[name]["y"]
        log_density = (
            y.sum() * -np.logaddexp(0, -grid)
            + (1 - y).sum() * -np.logaddexp(0, grid)
            + student_t.logpdf(grid, 3, 0, 2.5)
        )
        density = np.exp(log_density - log_density.max())
        density /= density.sum()
        # A t with 3 degrees behind it has no fourth moment, so the sd's own error is unknown:
        # quantiles are compared.
        cumulative = np.cumsum(density)
        one = fits.of("Intercept")[i][np.newaxis].astype(float)
        for prob in (0.05, 0.25, 0.5, 0.75, 0.95):
            expected = grid[np.searchsorted(cumulative, prob)]
            error = summaries.mcse_quantile(one, prob)[0]
            assert abs(np.quantile(one, prob) - expected) < MANY * error, (name, prob)


# Of one length but for the smallest, so that all are padded to it.
HARD = {
    "ordinary": binary(60),
    "all chose A": binary(60, 1).assign(chose_a=1),
    "all chose B": binary(60, 2).assign(chose_a=0),
    "separable": binary(60, 3).assign(chose_a=lambda d: (d["d1"] > 0).astype(int)),
    "two trials": binary(2, 4),
    "no variation in a predictor": binary(60, 5).assign(d2=0.25),
    "another ordinary": binary(60, 6),
}


class TestHardData:
    @pytest.fixture(scope="class")
    @classmethod
    def by_engine(cls):
        return {engine: fit(weights_model(2), HARD, engine) for engine in (*BATCHED, "auto")}

    @pytest.mark.parametrize("engine", [*BATCHED, "auto"])
    def test_every_draw_is_finite(self, by_engine, engine):
        values = by_engine[engine].draws.values
        assert values.shape == (len(HARD), 4, 1000, 3)
        assert np.isfinite(values).all()

    @pytest.mark.parametrize("engine", ["nuts", "auto"])
    def test_every_chain_mixes(self, by_engine, engine):
        flat = np.moveaxis(by_engine[engine].draws.values, 3, 1).reshape(-1, 4, 1000)
        assert summaries.rhat(flat).max() < 1.01
        assert summaries.ess_bulk(flat).min() > 400

    def test_auto_refits_what_importance_cannot_do_and_says_so(self, by_engine):
        # All choices alike: the intercept's posterior has the one heavy tail of its t prior, far
        # from the mode around which importance proposes.
        fits = by_engine["auto"]
        engines = {
            label: engine for (label,), engine in zip(fits.labels, fits.engines, strict=True)
        }
        assert engines["all chose A"] == engines["all chose B"] == engines["two trials"] == "nuts"
        assert (
            engines["ordinary"]
            == engines["another ordinary"]
            == engines["separable"]
            == "importance"
        )
        k = fits.draws.per_dataset["pareto_k"]
        assert np.isfinite(k).all()
        assert (fits.engines[k > 0.7] == "nuts").all()
        kept = fits.engines == "importance"
        np.testing.assert_array_equal(
            fits.draws.values[kept], by_engine["importance"].draws.values[kept]
        )
        assert np.isnan(fits.draws.per_draw["energy"][kept]).all()
        assert np.isfinite(fits.draws.per_draw["energy"][~kept]).all()
        assert (fits.draws.per_draw["n_steps"][kept] == 0).all()
        assert (fits.draws.per_draw["n_steps"][~kept] > 0).all()

    def test_auto_agrees_with_nuts_everywhere(self, by_engine):
        # Tails as heavy as these leave the sd without a finite error: quantiles are compared.
        first, second = by_engine["auto"], by_engine["nuts"]
        assert first.labels == second.labels
        for name in first.parameters:
            a, b = (fits.of(name).astype(float) for fits in (first, second))
            for prob in (0.1, 0.5, 0.9):
                error = np.hypot(*(summaries.mcse_quantile(draws, prob) for draws in (a, b)))
                difference = np.quantile(a, prob, axis=(1, 2)) - np.quantile(b, prob, axis=(1, 2))
                assert np.abs(difference / error).max() < MANY, (name, prob)

    def test_draws_are_equally_weighted_and_need_no_weights(self, by_engine):
        fits = by_engine["importance"]

        def stays(name):
            values = fits.draws.values[fits.labels.index((name,))]
            return (values[:, 1:] == values[:, :-1]).all(axis=2).mean()

        # Where the posterior is like the proposals' normal hardly a draw is repeated; where it is
        # not, draws of much weight are, and no draw is worth more than another.
        assert stays("ordinary") < 0.01
        assert 0.02 < stays("all chose A") < 0.5
        assert "weight" not in {*fits.draws.per_draw, *fits.draws.per_dataset}

    def test_a_predictor_that_does_not_vary_keeps_its_prior(self, by_engine):
        for engine in BATCHED:
            fits = by_engine[engine]
            at = fits.labels.index(("no variation in a predictor",))
            same(fits.of("d2")[at], 0.0, 1.0, {})


class TestManyRuns:
    """The same data under 200 labels are 200 independent runs."""

    RUNS = 200

    @pytest.fixture(scope="class", params=BATCHED)
    @classmethod
    def run(cls, request):
        data = pd.concat([HARD["ordinary"].assign(which=f"{i:03}") for i in range(cls.RUNS)])
        done: list[int] = []
        settings = Sampling(request.param, draws=1000)
        fits = fit_datasets(
            weights_model(2),
            data,
            ["which"],
            settings,
            lambda count, _: done.append(count),
            running=TOGETHER,
        )
        return fits, done

    def test_errors_that_the_draws_claim_are_those_they_have(self, run):
        # The spread of their figures over the error each claims is 1, give or take
        # 1 / sqrt(2 x 200), and 4 of those.
        fits, _ = run
        tolerance = 4 / np.sqrt(2 * self.RUNS)
        for name in fits.parameters:
            summary = summaries.summarise(fits.of(name))
            errors = {"mean": "mcse_mean", "median": "mcse_median", "sd": "mcse_sd"}
            for figure, error in errors.items():
                ratio = summary[figure].std(ddof=1) / np.sqrt((summary[error] ** 2).mean())
                # An error of a median is itself rough: half as much again.
                allowed = tolerance * (1.5 if figure == "median" else 1)
                assert abs(ratio - 1) < allowed, (name, figure)

    def test_progress_counts_every_dataset_once(self, run):
        _, done = run
        assert sum(done) == self.RUNS
        assert len(done) > 1


class TestOutcomesThatLeaveTheInterceptToItsPrior:
    """Two choices, both A, under a prior so narrow that they hardly tell against it.

    Importance reaches too little of its tail, and with some random numbers sees nothing of that.
    """

    RUNS = 48
    PRIOR = Prior.of("StudentT", nu=3, mu=0, sigma=0.05)

    @pytest.fixture(scope="class")
    @classmethod
    def fits(cls):
        two = pd.DataFrame({"d1": [1.0, 0.0], "d2": [1.0, 0.0], "chose_a": 1})
        # As many of more rows, so that all have one length and nothing is compiled for two rows.
        frames = {f"alike {i:02}": two for i in range(cls.RUNS)}
        frames |= {f"other {i:02}": HARD["ordinary"] for i in range(cls.RUNS)}
        spec = weights_model(2, WEIGHT_PRIORS | {"Intercept": cls.PRIOR})
        return fit(spec, frames, "auto", running=TOGETHER, draws=1000)

    def test_none_is_taken_from_importance(self, fits):
        alike = np.array([label.startswith("alike") for (label,) in fits.labels])
        np.testing.assert_array_equal(fits.draws.per_dataset["left_to_prior"], alike)
        assert (fits.engines[alike] == "nuts").all()
        assert (fits.engines[~alike] == "importance").any()

    def test_the_tail_is_what_quadrature_says(self, fits):
        # Both options' log-odds are as far from the intercept, by a normal deviate of variance 1/2.
        apart = np.linspace(-5, 5, 401) * np.sqrt(0.5)
        steps = np.linspace(-14, 14, 8001)
        grid = 0.05 * np.sinh(steps)
        log_density = (
            -np.logaddexp(0, -grid[:, np.newaxis] - apart)
            - np.logaddexp(0, -grid[:, np.newaxis] + apart)
            - apart**2
            + (student_t.logpdf(grid, 3, 0, 0.05) + np.log(np.cosh(steps)))[:, np.newaxis]
        )
        cumulative = np.cumsum(np.exp(log_density).sum(axis=1))
        centred = fits.of("Intercept") + (fits.of("d1") + fits.of("d2")) / 2
        for prob in (0.01, 0.5, 0.9, 0.99):
            beyond = grid[np.searchsorted(cumulative, prob * cumulative[-1])]
            share = (centred[: self.RUNS] > beyond).mean(axis=(1, 2))
            error = share.std(ddof=1) / np.sqrt(self.RUNS)
            assert abs(share.mean() - (1 - prob)) < MANY * error, prob


class TestCalls:
    def test_an_unknown_engine_is_refused(self):
        with pytest.raises(InputError, match="importance, nuts, bambi"):
            Sampling("stan")
        assert ENGINES == ("auto", "importance", "nuts", "bambi")

    @pytest.mark.parametrize(("chains", "draws"), [(4, 10), (0, 100), (4, 0)])
    def test_draws_that_cannot_be_shared_out_are_refused(self, chains, draws):
        with pytest.raises(InputError, match="multiple of"):
            Sampling("auto", chains=chains, draws=draws)

    def test_chains_and_draws_are_as_asked(self):
        fits = fit(weights_model(2), {"it": binary(20)}, "importance", chains=2, draws=600)
        assert fits.draws.values.shape == (1, 2, 300, 3)
        assert fits.parameters == ("Intercept", "d1", "d2")
