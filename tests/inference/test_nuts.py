"""The No-U-Turn sampler against closed forms, and against what detailed balance demands.

Tolerances are Monte Carlo standard errors: 4.5 of them, which a normal deviate exceeds once in
150,000 times.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32
from scipy import stats

from selfinterp_stats.inference.engines import no_u_turn, step_size
from selfinterp_stats.inference.engines.lane_random import split, standard_normal, threefry, uniform
from selfinterp_stats.inference.summary import summaries

MANY = 4.5


def keys(lanes: int, seed: int = 0):
    return split(jnp.asarray([seed, 1], dtype="uint32"), lanes)


# Compiled as the engine's program is.
compiled = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 1})


def lanewise(potential):
    """Potential and slope of all lanes, from the potential of one."""
    return jax.vmap(jax.value_and_grad(potential), in_axes=-1, out_axes=(0, -1))


def drawn(potential, size, *, lanes=8, draws=2000, thinning=3, seed=0, dtype="float32"):
    """Draws (parameter, lane, draw) and statistics, from standard normal starts."""

    @compiled
    def run(keys):
        start = standard_normal(uniform(keys, 2**32 - 1, size, dtype))
        return no_u_turn.sample(lanewise(potential), keys, start, draws=draws, thinning=thinning)

    z, statistics = jax.device_get(run(keys(lanes, seed)))
    return np.moveaxis(z, 2, 0).astype(float), statistics


def assert_distributed(draws, distribution, probs=(0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)):
    """Every parameter, (parameter, lane, draw), has these quantiles."""
    for prob in probs:
        # The share below a quantile has a finite error whatever the tails are.
        below = (draws < distribution.ppf(prob)).astype(float)
        summary = summaries.summarise(below)
        assert np.all(np.abs(summary["mean"] - prob) < MANY * summary["mcse_mean"]), prob
    assert summaries.rhat(draws).max() < 1.01


class TestClosedForms:
    """Four distributions that do not depend on each other are the parts of one vector."""

    MEAN = np.array([1.0, -2.0, 0.5])
    COVARIANCE = np.array([[1.0, 0.6, 0.2], [0.6, 0.8, -0.3], [0.2, -0.3, 1.5]])
    # Small, so that the slopes' posterior is about as wide as the other parts are.
    X = np.random.default_rng(0).normal(0, 0.2, size=(40, 4))
    Y = X @ [0.5, -0.2, 0.0, 0.3] + np.random.default_rng(1).normal(size=40)

    @pytest.fixture(scope="class", params=["float32", "float64"])
    @classmethod
    def parts(cls, request):
        """Draws of each of the four, (parameter, lane, draw)."""
        precision = np.linalg.inv(cls.COVARIANCE)

        def potential(z):
            normal, slopes, heavy, skewed = jnp.split(z, (3, 7, 9))
            return (
                (normal - cls.MEAN) @ precision @ (normal - cls.MEAN) / 2
                + ((cls.Y - cls.X @ slopes) ** 2).sum() / 2
                + (slopes**2).sum() / 8
                + 2.5 * jnp.log1p(heavy**2 / 4).sum()
                + (jnp.exp(skewed) - 1.5 * skewed).sum()
            )

        with jax.enable_x64(request.param == "float64"):
            draws, _ = drawn(potential, 12, dtype=request.param)
        names = ("normal", "slopes", "heavy", "skewed")
        return dict(zip(names, np.split(draws, (3, 7, 9)), strict=True))

    def test_a_correlated_normal(self, parts):
        draws, covariance = parts["normal"], self.COVARIANCE
        for i in range(3):
            sd = covariance[i, i] ** 0.5
            assert_distributed(draws[i : i + 1], stats.norm(self.MEAN[i], sd))
        centred = draws - self.MEAN[:, None, None]
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
            summary = summaries.summarise((centred[i] * centred[j])[None])
            assert abs(summary["mean"][0] - covariance[i, j]) < MANY * summary["mcse_mean"][0]

    def test_a_conjugate_regression(self, parts):
        covariance = np.linalg.inv(self.X.T @ self.X + np.eye(4) / 4)
        mean = covariance @ self.X.T @ self.Y
        for i in range(4):
            expected = stats.norm(mean[i], covariance[i, i] ** 0.5)
            assert_distributed(parts["slopes"][i : i + 1], expected)

    def test_heavy_tails(self, parts):
        assert_distributed(parts["heavy"], stats.t(4))

    def test_a_skewed_distribution(self, parts):
        # The logarithm of a gamma variate of shape 1.5.
        assert_distributed(parts["skewed"], stats.loggamma(1.5))

    def test_a_scale_that_no_trajectory_crosses_in_few_steps(self):
        # 60 times as wide one way as the other: the step fits the narrow one.
        draws, statistics = drawn(lambda z: (z[0] ** 2 + (z[1] / 60) ** 2) / 2, 2, draws=1000)
        assert np.median(statistics["n_steps"]) >= 31
        assert_distributed(draws[:1], stats.norm())
        assert_distributed(draws[1:], stats.norm(scale=60))

    def test_half_a_normal_and_lanes_that_start_outside_of_it(self):
        draws, statistics = drawn(lambda z: jnp.where(z > 0, z**2 / 2, jnp.inf).sum(), 1, lanes=16)
        inside = (draws[0] > 0).all(axis=1)
        assert 4 < inside.sum() < 16
        assert_distributed(draws[:, inside], stats.halfnorm())
        # A lane that finds no density says so at every draw, and costs the others nothing.
        assert statistics["diverging"][~inside].all()
        assert (statistics["n_steps"][~inside] == 1).all()


class TestOneTrajectory:
    """From exact draws one trajectory leads to exact draws, by any step, even a bad one."""

    LANES = 20_000
    STEPS = (0.3, 1.0, 1.9)

    @pytest.fixture(scope="class")
    @classmethod
    def pairs(cls):
        """By step: cumulative probabilities before and after, each (parameter, lane)."""
        target = stats.loggamma(1.5)
        before = np.random.default_rng(1).uniform(size=(2, cls.LANES))
        potential = lanewise(lambda z: (jnp.exp(z) - 1.5 * z).sum())

        @compiled
        def run(start, step):
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(no_u_turn, "WARMUP", 0)
                patched.setattr(step_size, "FIRST_STEP", step)
                patched.setattr(no_u_turn, "MAX_TREE_DEPTH", 4)  # reached by the shortest step
                return no_u_turn.sample(potential, keys(cls.LANES), start, draws=1)

        start = target.ppf(before).astype("float32")
        ends = {step: np.asarray(run(start, step)[0][:, 0]).T for step in cls.STEPS}
        return {step: (before, target.cdf(end)) for step, end in ends.items()}

    @pytest.mark.parametrize("step", STEPS)
    def test_the_distribution_stays_as_it_is(self, pairs, step):
        _, after = pairs[step]
        for i in range(2):
            assert stats.kstest(after[i], "uniform").pvalue > 1e-5
        product = (after[0] - 0.5) * (after[1] - 0.5)
        assert abs(product.mean()) < MANY * product.std() / self.LANES**0.5

    @pytest.mark.parametrize("step", STEPS)
    def test_there_is_as_much_traffic_one_way_as_the_other(self, pairs, step):
        before, after = pairs[step]
        assert (before != after).any(axis=0).mean() > 0.5
        for f, g in ((np.square, np.sqrt), (np.sqrt, np.positive), (np.square, np.positive)):
            flow = f(before) * g(after) - g(before) * f(after)
            assert np.all(np.abs(flow.mean(axis=1)) < MANY * flow.std(axis=1) / self.LANES**0.5)
        flow = before[0] * after[1] - after[0] * before[1]
        assert abs(flow.mean()) < MANY * flow.std() / self.LANES**0.5


class TestLanes:
    @pytest.fixture(scope="class")
    @classmethod
    def run(cls):
        """Sixteen lanes, which differ in step and in the size of their trees."""

        @partial(compiled, static_argnums=(1, 2))
        def run(keys, draws, thinning):
            start = standard_normal(uniform(keys, 2**32 - 1, 2, "float32"))
            width = 1 + 3 * uniform(keys, 2**32 - 2, 1, "float32")[0]  # a lane's own

            def potential(z):
                slope = jnp.stack([z[0], z[1] / width**2])
                return (z * slope).sum(axis=0) / 2, slope

            return no_u_turn.sample(potential, keys, start, draws=draws, thinning=thinning)

        return run

    def test_a_lane_draws_the_same_in_any_place(self, run):
        order = np.random.default_rng(0).permutation(16)
        here, there = run(keys(16), 60, 1), run(keys(16)[:, order], 60, 1)
        jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[order], b), here, there)
        assert len(np.unique(here[0][:, -1, 0])) == 16

    def test_thinned_draws_are_every_third_of_all(self, run):
        (some, some_statistics), (every, every_statistics) = (
            run(keys(16), draws, thinning) for draws, thinning in ((20, 3), (60, 1))
        )
        np.testing.assert_array_equal(some, every[:, 2::3])
        for name, values in some_statistics.items():
            np.testing.assert_array_equal(values, every_statistics[name][:, 2::3])


class TestStatistics:
    def test_of_a_normal(self):
        draws, statistics = drawn(lambda z: (z**2).sum() / 2, 5)
        # A trajectory is a number of doublings; one whose last doubling turns back within itself
        # ends early.
        steps, counts = np.unique(statistics["n_steps"], return_counts=True)
        assert steps.min() >= 1
        assert counts[np.isin(steps, (1, 3, 7, 15))].sum() > 0.9 * counts.sum()
        assert abs(statistics["acceptance_rate"].mean() - step_size.TARGET_ACCEPTANCE) < 0.2
        assert not statistics["diverging"].any()
        assert not statistics["reached_max_treedepth"].any()
        # Half a chi-squared variate each for position and momentum.
        energy = statistics["energy"].astype(float)
        assert (energy >= (draws**2).sum(axis=0) / 2 * (1 - 1e-5)).all()
        summary = summaries.summarise(energy[None])
        assert abs(summary["mean"][0] - 5) < MANY * summary["mcse_mean"][0]

    def test_a_cliff_is_reported_as_a_divergence(self):
        # At 1 the potential rises by 100,000 within a hundredth.
        def potential(z):
            return (z**2).sum() / 2 + 1e5 * jax.nn.sigmoid(1e3 * (z[0] - 1))

        _, statistics = drawn(potential, 1, lanes=4, draws=500)
        assert statistics["diverging"].any()

    def test_a_trajectory_without_a_turn_is_reported(self, monkeypatch):
        monkeypatch.setattr(no_u_turn, "MAX_TREE_DEPTH", 3)
        _, statistics = drawn(lambda z: (z[0] ** 2 + (z[1] / 60) ** 2) / 2, 2, draws=100)
        assert statistics["n_steps"].max() == 7
        deepest = statistics["reached_max_treedepth"]
        assert deepest.mean() > 0.5
        assert (statistics["n_steps"][deepest] == 7).all()


class TestRandomNumbers:
    def test_words_are_those_of_the_generator_in_jax(self):
        key = jnp.asarray([123, 456], dtype="uint32")
        count = jnp.arange(10, dtype="uint32")
        ours = jnp.concatenate(threefry(key, count[:5], count[5:]))
        np.testing.assert_array_equal(ours, threefry_2x32(key, count))

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_uniform_numbers_are_inside_and_uniform(self, dtype):
        with jax.enable_x64(dtype == "float64"):
            numbers = np.asarray(uniform(keys(20_000), 7, 5, dtype))
            assert numbers.dtype == dtype
        assert numbers.shape == (5, 20_000)
        assert 0 < numbers.min() < numbers.max() < 1
        assert len(np.unique(numbers[0])) > 19_900
        for row in numbers:
            assert stats.kstest(row.astype(float), "uniform").pvalue > 1e-5
        assert np.abs(np.corrcoef(numbers) - np.eye(5)).max() < MANY / 20_000**0.5

    def test_the_ends_of_the_range_stay_inside(self):
        extreme = jnp.asarray([0, 2**32 - 1], dtype="uint32")
        numbers = ((extreme >> 9).astype("float32") + 0.5) / 2**23
        assert np.isfinite(standard_normal(numbers)).all()
