"""The vectorised summaries say what ArviZ and bayestestR say, one quantity at a time."""

from __future__ import annotations

import time
import warnings
from importlib.metadata import version

import numpy as np
import pytest
from arviz_stats.base import array_stats
from packaging.version import Version
from scipy.stats import norm

from selfinterp_stats.inference.summary import autocovariance, ranks, summaries

SAME = {"rtol": 1e-6, "atol": 0}
ARVIZ_STATS = Version(version("arviz-stats"))


def autoregressive(rng, quantities, chains, length, memory):
    noise = rng.normal(size=(quantities, chains, length))
    series = np.empty_like(noise)
    series[..., 0] = noise[..., 0]
    for t in range(1, length):
        series[..., t] = memory * series[..., t - 1] + np.sqrt(1 - memory**2) * noise[..., t]
    return series


def awkward_draws() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(20260101)
    independent = rng.normal(size=(6, 4, 250))
    repeated = np.repeat(rng.normal(size=(6, 4, 125)), 2, axis=2)
    shifted = independent + np.arange(4)[:, np.newaxis]
    scaled = independent * np.array([1, 1, 1, 3.0])[:, np.newaxis]
    return {
        "independent": independent,
        "odd length": independent[:, :, :-1],
        "one chain": independent[:, :1],
        "two long chains": autoregressive(rng, 2, 2, 3001, 0.5),
        "slow": autoregressive(rng, 6, 4, 250, 0.97),
        "antithetic": autoregressive(rng, 6, 4, 250, -0.7),
        "tied, as an independence Metropolis step leaves them": repeated,
        "rounded to whole numbers": np.round(2 * independent),
        "chains that disagree": shifted,
        "chains of unequal spread": scaled,
        "one draw far away": np.where(np.arange(250) == 99, 1e9 * shifted, independent),
        "a skewed quantity": np.exp(3 * independent),
        "heavy tails": rng.standard_cauchy(size=(6, 4, 250)),
        "ten draws": independent[:, :, :10],
        "seven draws": independent[:, :, :7],
        "five draws": independent[:, :, :5],
        "four draws": independent[:, :, :4],
        "far from zero": independent + 1e4,
    }


def by_arviz(function, draws, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(draws, chain_axis=1, draw_axis=2, **options)


@pytest.mark.parametrize("kind", awkward_draws())
class TestEqualsArviz:
    def test_hdi(self, kind):
        draws = awkward_draws()[kind]
        for prob in (0.5, 0.89, 0.95):
            low, high = summaries.hdi(draws, prob)
            np.testing.assert_array_equal(
                np.stack((low, high), axis=1), array_stats.hdi(draws, prob, axis=[1, 2])
            )

    def test_eti(self, kind):
        draws = awkward_draws()[kind]
        low, high = summaries.eti(draws, 0.95)
        np.testing.assert_allclose(
            np.stack((low, high), axis=1), array_stats.eti(draws, 0.95, axis=(1, 2)), rtol=1e-12
        )

    def test_rhat(self, kind):
        draws = awkward_draws()[kind]
        np.testing.assert_allclose(summaries.rhat(draws), by_arviz(array_stats.rhat, draws), **SAME)

    def test_effective_sizes(self, kind):
        draws = awkward_draws()[kind]
        np.testing.assert_allclose(
            summaries.ess_bulk(draws), by_arviz(array_stats.ess, draws, method="bulk"), **SAME
        )
        np.testing.assert_allclose(
            summaries.ess_tail(draws),
            by_arviz(array_stats.ess, draws, method="tail", prob=(0.05, 0.95)),
            **SAME,
        )

    def test_monte_carlo_errors(self, kind):
        draws = awkward_draws()[kind]
        for ours, method, prob in (
            (summaries.mcse_mean(draws), "mean", None),
            (summaries.mcse_quantile(draws, 0.5), "median", None),
            (summaries.mcse_quantile(draws, 0.025), "quantile", 0.025),
        ):
            theirs = by_arviz(array_stats.mcse, draws, method=method, prob=prob)
            np.testing.assert_allclose(ours, theirs, **SAME)

    def test_monte_carlo_error_of_the_sd(self, kind):
        draws = awkward_draws()[kind]
        theirs = by_arviz(array_stats.mcse, draws, method="sd")
        if Version("1") > ARVIZ_STATS:
            # 0.x divides by the effective size of the draws where 1.x, the R package posterior
            # and this module divide by that of their squared deviations. All else is the same.
            squares = (draws - draws.mean(axis=(1, 2), keepdims=True)) ** 2
            of_draws = by_arviz(array_stats.ess, draws, method="mean")
            of_squares = by_arviz(array_stats.ess, squares, method="mean")
            theirs = theirs * np.sqrt(of_draws / of_squares)
        np.testing.assert_allclose(summaries.mcse_sd(draws), theirs, **SAME)

    def test_one_summary_says_the_same(self, kind):
        draws = awkward_draws()[kind]
        summary = summaries.summarise(draws)
        assert tuple(summary) == summaries.SUMMARY_COLUMNS
        for name in ("rhat", "ess_bulk", "ess_tail", "mcse_mean", "mcse_sd"):
            np.testing.assert_array_equal(summary[name], getattr(summaries, name)(draws))
        np.testing.assert_allclose(summary["median"], np.median(draws, axis=(1, 2)), rtol=1e-15)
        np.testing.assert_array_equal(summary["n_draws"], draws[0].size)


@pytest.mark.parametrize("kind", awkward_draws())
def test_direction_and_rope_share_are_plain_counts(kind):
    draws = awkward_draws()[kind]
    flat = draws.reshape(len(draws), -1)
    summary = summaries.summarise(draws, rope=(-0.5, 1.0))
    above, below = (flat > 0).mean(axis=1), (flat < 0).mean(axis=1)
    np.testing.assert_array_equal(summary["pd"], np.maximum(above, below))
    in_hdi = (flat >= summary["hdi_low"][:, None]) & (flat <= summary["hdi_high"][:, None])
    in_rope = in_hdi & (flat >= -0.5) & (flat <= 1.0)
    np.testing.assert_array_equal(summary["rope_share"], in_rope.sum(axis=1) / in_hdi.sum(axis=1))


@pytest.mark.parametrize(
    "values",
    [
        *(draws.reshape(len(draws), -1) for draws in awkward_draws().values()),
        np.array([[3.0, np.nan, 1.0, np.inf, -np.inf, 1.0], [1e308, -1e308, 0.0, -0.0, 5e-324, 1]]),
        np.ones((2, 9)),
    ],
)
def test_sorting_by_rough_keys_first_is_exact(values):
    ordered, places = ranks.sort_rows(np.ascontiguousarray(values))
    np.testing.assert_array_equal(ordered, np.sort(values, axis=1))
    np.testing.assert_array_equal(values.take(places), ordered)
    assert (np.sort(places, axis=None) == np.arange(values.size)).all()


@pytest.mark.parametrize("length", [5, 20, 64, 500, 1501])
def test_autocovariances_are_the_same_by_sums_by_bits_and_by_fourier(length):
    flags = autoregressive(np.random.default_rng(3), 3, 4, length, 0.6) < -0.5
    means = flags.mean(axis=2)
    centred = flags - means[:, :, np.newaxis]
    # Shares of one are known to 1e-16, and the sums have up to 4 x 1501 terms.
    for lags in (1, 4, min(length, 64)):
        every = autocovariance.by_fourier(centred)[:, :lags]
        for few in (
            autocovariance.by_sums(flags.astype(float), means, lags),
            autocovariance.by_bits(flags, means, lags),
        ):
            np.testing.assert_allclose(few, every, rtol=0, atol=1e-13)


def test_chains_that_never_move_are_not_taken_for_converged():
    draws = np.broadcast_to(np.arange(4.0)[:, np.newaxis], (2, 4, 100))
    summary = summaries.summarise(draws)
    # The variance within chains is zero but for rounding, and 400 draws say as much as four.
    assert (summary["rhat"] > 1e6).all()
    np.testing.assert_allclose(
        summary["ess_bulk"], by_arviz(array_stats.ess, draws, method="bulk"), **SAME
    )


def test_single_precision_draws_are_summarised_in_double_precision():
    draws = awkward_draws()["independent"].astype(np.float32)
    single, double = summaries.summarise(draws), summaries.summarise(draws.astype(np.float64))
    for name in summaries.SUMMARY_COLUMNS:
        assert single[name].dtype == np.float64
        np.testing.assert_array_equal(single[name], double[name])


def test_long_double_precision_of_input_does_not_matter():
    draws = awkward_draws()["independent"].astype(np.float32)
    np.testing.assert_allclose(
        summaries.ess_bulk(draws), by_arviz(array_stats.ess, draws, method="bulk"), **SAME
    )


def test_equal_draws_have_no_rhat_and_lose_no_size():
    summary = summaries.summarise(np.ones((2, 4, 100)))
    assert np.isnan(summary["rhat"]).all()
    assert (summary["ess_bulk"] == 400).all()
    assert (summary["sd"] == 0).all()


def test_a_draw_that_is_not_finite_spoils_its_own_quantity_only():
    draws = awkward_draws()["independent"]
    clean = summaries.summarise(draws)
    for bad in (np.nan, np.inf):
        spoilt = draws.copy()
        spoilt[2, 1, 7] = bad
        summary = summaries.summarise(spoilt)
        for name in ("rhat", "ess_bulk", "ess_tail", "mcse_mean", "mcse_median"):
            assert np.isnan(summary[name][2])
            np.testing.assert_array_equal(np.delete(summary[name], 2), np.delete(clean[name], 2))


def test_direction_and_rope_share_of_a_known_normal():
    # The quantiles of a normal with mean .1 and sd .1 on a fine grid stand for its draws.
    grid = (np.arange(200_000) + 0.5) / 200_000
    draws = norm.ppf(grid, loc=0.1, scale=0.1).reshape(1, 4, -1)
    summary = summaries.summarise(draws, rope=(-0.1, 0.1))
    half_width = norm.ppf(0.975) * 0.1
    assert summary["pd"][0] == pytest.approx(norm.cdf(1), abs=1e-5)
    # The HDI starts above -.1, so half of it lies in the region, to the step of the grid.
    assert 0.1 - half_width > -0.1
    assert summary["rope_share"][0] == pytest.approx(0.5, abs=1e-3)
    narrower = summaries.summarise(draws, rope=(0.0, 0.1))
    expected = (norm.cdf(0) - norm.cdf(-1)) / 0.95
    assert narrower["rope_share"][0] == pytest.approx(expected, abs=1e-3)


def test_rope_share_counts_draws_inside_the_hdi_only():
    draws = np.linspace(-1, 1, 4001).reshape(1, 1, -1)
    summary = summaries.summarise(draws, hdi_prob=0.5, rope=(-10, 10))
    assert summary["rope_share"][0] == 1.0


@pytest.mark.parametrize("memory", [-0.7, 0.0, 0.7])
def test_the_error_of_the_sd_is_the_spread_of_the_sd_over_repeated_samples(memory):
    # 600 samples: their spread is known to 1/sqrt(2 x 600) = 3%, so four of these are 12%.
    # The squares' autocorrelation is memory squared whatever its sign; by the effective size of
    # the draws the error would come out four times too small at -.7 and 1.4 times too large at .7.
    rng = np.random.default_rng(0)
    draws = autoregressive(rng, 600, 4, 500, memory)
    spread = draws.std(axis=(1, 2), ddof=1).std(ddof=1)
    assert np.median(summaries.mcse_sd(draws)) == pytest.approx(spread, rel=4 / np.sqrt(2 * 600))


def test_error_of_hdi_ends_is_right_to_a_factor_of_two():
    rng = np.random.default_rng(5)
    draws = rng.normal(size=(400, 4, 1000))
    low, high = summaries.hdi(draws, 0.95)
    for ends, errors in zip((low, high), summaries.mcse_hdi(draws, 0.95), strict=True):
        assert 0.5 < np.median(errors) / ends.std(ddof=1) < 2


def test_figures_do_not_depend_on_the_other_quantities():
    rng = np.random.default_rng(9)
    draws = rng.normal(size=(130, 4, 1000))
    together, alone = summaries.summarise(draws), summaries.summarise(draws[97:98])
    for name in summaries.SUMMARY_COLUMNS:
        assert together[name][97] == alone[name][0]


def test_the_paper_s_weights_take_about_a_second():
    draws = np.random.default_rng(1).normal(size=(2400, 4, 1000))
    start = time.perf_counter()
    summaries.summarise(draws)
    # Under a second on two idle cores; the bound leaves room for a busy machine.
    assert time.perf_counter() - start < 6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: summaries.summarise(np.ones((3, 4))), r"shape \(quantity, chain, draw\)"),
        (lambda: summaries.summarise(np.ones((3, 4, 9)), hdi_prob=95), "between 0 and 1, not 95"),
        (lambda: summaries.summarise(np.ones((3, 4, 9)), rope=(1, -1)), "low <= high"),
        (lambda: summaries.hdi(np.ones((3, 4, 9)), 1.0), "between 0 and 1"),
    ],
)
def test_calls_that_make_no_sense_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
