"""From proposals to equally weighted draws: the mixture, and the chain of what passes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfinterp_stats.inference.engines import mixture, rejection
from selfinterp_stats.inference.engines.seeds import keys_data
from selfinterp_stats.inference.summary import summaries

N = 400_000
MANY = 4.5


def proposals(size, share, n=N):
    """Points and log-densities of proposals around zero, and the logs of uniform numbers."""
    key = keys_data(0, "test", (("one",),))[0]
    numbers = mixture.random_numbers(jnp.asarray(key), size, n)
    points = np.asarray(numbers.normal * mixture.stretch(numbers, share))
    log_density = mixture.log_density(jnp.asarray((points**2).sum(axis=0)), size, share)
    return points.T, np.asarray(log_density), np.asarray(numbers.log_uniform)


@pytest.mark.parametrize("size", [1, 6])
@pytest.mark.parametrize("share", [mixture.FEW, mixture.ALL])
def test_proposals_have_the_density_that_they_are_weighted_by(size, share):
    """Weighted by the standard normal over it, they have the moments of that: 1, 0, 1 and 3."""
    points, log_density, _ = proposals(size, share)
    # `log_density` leaves out the constant that the normal has in front.
    weight = np.exp(-(points**2).sum(axis=1) / 2 - log_density)
    for power, expected in ((0, 1), (1, 0), (2, 1), (4, 3)):
        values = weight[:, None] * points**power
        error = values.std(axis=0) / np.sqrt(N)
        assert (np.abs(values.mean(axis=0) - expected) < MANY * error).all(), power


def chains(log_ratios, log_uniform, draws):
    kept, accepted = jax.jit(lambda *of: rejection.walk(*of, draws))(
        jnp.asarray(log_ratios, jnp.float32), jnp.asarray(log_uniform, jnp.float32)
    )
    return np.asarray(kept), np.asarray(accepted)


@pytest.mark.parametrize("weight", ["bounded", "far above any bound"])
def test_the_chain_has_the_distribution_that_the_ratios_ask_for(weight):
    """Of proposals uniform on 0..9 those of state k are kept in proportion to its ratio.

    A single state of great ratio is above the bound, and the chains stay there; it shows in the
    effective size, by which the error of a share is judged.
    """
    datasets, draws = 200, 500
    steps = rejection.steps_for(draws)
    rng = np.random.default_rng(0)
    states = rng.integers(0, 10, size=(datasets, 4, steps))
    ratio = np.linspace(1, 2, 10)
    if weight != "bounded":
        ratio[3] = 30
    kept, _ = chains(np.log(ratio)[states], np.log(rng.uniform(size=states.shape)), draws)
    at = np.take_along_axis(states, kept, axis=2)
    expected = ratio / ratio.sum()
    stays = (np.diff(kept, axis=2) == 0).mean()
    assert stays == 0 if weight == "bounded" else stays > 0.2
    for state in range(10):
        shares = (at == state).mean(axis=(1, 2))
        effective = summaries.mcse_mean((at == state).astype(float))
        error = shares.std(ddof=1) / np.sqrt(datasets)
        assert abs(shares.mean() - expected[state]) < MANY * error
        # The error that each dataset's own draws tell is the spread over the datasets, an sd of
        # 200 values, which is known to 5%.
        assert np.sqrt((effective**2).mean()) == pytest.approx(shares.std(ddof=1), rel=0.25)


def test_draws_are_spread_over_all_that_passed():
    """None twice where all ratios are alike, and from the pilot's end to the last steps."""
    draws = 500
    steps = rejection.steps_for(draws)
    log_uniform = np.log(np.random.default_rng(0).uniform(size=(50, 4, steps)))
    kept, accepted = chains(np.zeros((50, 4, steps)), log_uniform, draws)
    assert (np.diff(kept, axis=2) > 0).all()
    assert (kept[..., 0] >= rejection.PILOT).all()
    assert (kept[..., -1] > steps - 20).all()
    np.testing.assert_allclose(accepted, 1, atol=0.01)


def test_where_nothing_has_any_weight_the_chain_stays_at_its_start():
    steps = rejection.steps_for(100)
    kept, accepted = chains(np.full((1, 4, steps), -np.inf), np.full((1, 4, steps), -1.0), 100)
    assert (kept == 0).all()
    assert accepted == 0
