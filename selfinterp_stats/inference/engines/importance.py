"""Draws by importance: proposals around the Laplace fit, weighted, and made a Markov chain.

Proposals come from a multivariate t whose centre and scale are those of the Laplace
approximation. Their importance ratios are judged by the Pareto shape k of the largest ones
(Vehtari et al. 2024, "Pareto smoothed importance sampling"). The proposals then become equally
weighted draws by an independence Metropolis chain (Tierney 1994): a proposal replaces the
current state with probability min(1, ratio of their weights). Such a chain targets the
posterior exactly, and what its repeated states cost shows in the effective sample size as any
function computes it, which weights attached to draws would hide.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.density.batch import Batch, Data
from selfinterp_stats.inference.density.lift import LiftedModel
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.laplace import Laplace
from selfinterp_stats.inference.engines.pareto import effective_share, pareto_k
from selfinterp_stats.inference.engines.seeds import keys_data
from selfinterp_stats.inference.running.traces import traced

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Degrees of freedom of the proposal: tails heavy enough for a normal prior's posterior, and
# even, so that a chi-squared variate is a sum of exponentials.
DEGREES_OF_FREEDOM = 8
# The second attempt's: its tails are those of the Student-t priors in use, and heavier.
HEAVY_TAILS = 4
# Every THINNING-th state is kept: the chain stays put at about one proposal in six.
THINNING = 2
# States dropped at the start of a chain. It forgets its start at the rate at which the best
# weight exceeds the mean, so that 50 steps leave less than one part in a million.
BURN_IN = 50
# Log-densities evaluated at a time, in values of the linear predictor: fits the CPU's cache.
BLOCK_VALUES = 100_000


def importance(
    model: LiftedModel,
    batch: Batch,
    approximation: Laplace,
    *,
    chains: int,
    draws: int,
    seed: int,
    freedom: np.ndarray | None = None,
    x64: bool = False,
) -> tuple[Draws, Laplace]:
    """Sample every dataset by importance.

    Parameters
    ----------
    model : LiftedModel
    batch : Batch
    approximation : Laplace
        Of the same datasets.
    chains, draws : int
        Independent chains, and draws kept from each.
    seed : int
    freedom : (dataset,) array, optional
        Degrees of freedom of the proposals; even, and at most `DEGREES_OF_FREEDOM`,
        which they are unless given.
    x64 : bool
        Evaluate the density in 64-bit floats. The random numbers are the same in both.

    Returns
    -------
    Draws
        With ``pareto_k`` (shape of the raw ratios' tail), ``effective_share`` (what the
        proposals' weights are worth) and ``proposals_accepted`` (their share) per dataset.
    Laplace
        The draws' own mean and spread, to propose from in a second attempt.
    """
    import jax

    kind = np.float64 if x64 else np.float32
    if freedom is None:
        freedom = np.full(len(batch), DEGREES_OF_FREEDOM)
    settings: Any = jax.config
    device = settings.jax_default_device or jax.local_devices()[0]
    on_cpu = device.platform == "cpu"
    n = proposals(chains, draws)
    block = _divisor(n, BLOCK_VALUES // max(batch.length, 1)) if on_cpu else n
    values, mean, covariance, log_ratios, accepted = jax.device_get(
        _compiled(model, chains, draws, block, on_cpu)(
            keys_data(seed, "importance", batch.labels),
            approximation.mode.astype(kind),
            approximation.scale.astype(kind),
            freedom.astype(kind),
            batch.data.astype(kind),
        )
    )
    drawn = Draws(
        values=values,
        per_dataset={
            "pareto_k": pareto_k(log_ratios),
            "effective_share": effective_share(log_ratios),
            "proposals_accepted": accepted,
        },
    )
    return drawn, _around(mean, covariance, approximation)


def proposals(chains: int, draws: int) -> int:
    """How many proposals a number of chains, and of draws kept from each, takes."""
    return chains * (BURN_IN + draws * THINNING)


def _around(mean: np.ndarray, covariance: np.ndarray, approximation: Laplace) -> Laplace:
    """A normal with the moments of the draws, for proposals that fit better than the first."""
    covariance = covariance.astype(float)
    usable = np.isfinite(covariance).all(axis=(1, 2))
    usable[usable] = np.linalg.eigvalsh(covariance[usable])[:, 0] > 0
    mode, scale = approximation.mode.copy(), approximation.scale.copy()
    mode[usable], scale[usable] = mean[usable], np.linalg.cholesky(covariance[usable])
    return Laplace(mode, scale, approximation.gradient)


@lru_cache(maxsize=32)
def _compiled(model: LiftedModel, chains: int, draws: int, block: int, one_by_one: bool) -> Any:
    import jax
    import jax.numpy as jnp

    n = proposals(chains, draws)
    steps = n // chains
    radial = DEGREES_OF_FREEDOM // 2

    def random_bits(key: Array) -> Array:
        """Random words of one dataset: by Philox, which gives the same on every device."""
        _, words = jax.lax.rng_bit_generator(
            key, (model.size + radial + 1, n), algorithm=jax.lax.RandomAlgorithm.RNG_PHILOX
        )
        return words

    def propose(
        words: Array, mode: Array, scale: Array, freedom: Array, data: Data
    ) -> tuple[Array, Array, Array]:
        """Proposals of one dataset, their log-ratios, and the log of a uniform number each."""
        # The upper 24 bits make a number in (0, 1), ends excluded.
        uniform = (words >> 8).astype(jnp.float32) * 2.0**-24 + 2.0**-25
        z = jnp.sqrt(2.0) * jax.lax.erf_inv(2 * uniform[: model.size] - 1)
        exponential = -jnp.log(uniform[model.size :])
        used = jnp.arange(radial)[:, None] < freedom / 2
        chi_squared = 2 * jnp.where(used, exponential[:radial], 0).sum(axis=0)
        t = (z * jnp.sqrt(freedom / chi_squared)).astype(mode.dtype)
        theta = mode + (scale @ t).T
        log_proposal = -(freedom + model.size) / 2 * jnp.log1p((t**2).sum(axis=0) / freedom)
        density = jax.vmap(lambda one: model.log_density(one, data))
        log_posterior = jax.lax.map(density, theta.reshape(-1, block, model.size)).ravel()
        return theta, log_posterior - log_proposal, -exponential[radial].astype(mode.dtype)

    def walk(log_ratios: Array, log_uniform: Array) -> tuple[Array, Array]:
        """Which proposal the chains of all datasets are at, and how often they moved."""

        def step(state: tuple[Array, Array], new: tuple[Array, Array, Array]) -> Any:
            current, ratio = state
            index, new_ratio, log_u = new
            moves = log_u < new_ratio - ratio
            state = (jnp.where(moves, index, current), jnp.where(moves, new_ratio, ratio))
            return state, (state[0], moves)

        ratios = jnp.moveaxis(log_ratios.reshape(-1, chains, steps), 2, 0)
        log_u = jnp.moveaxis(log_uniform.reshape(-1, chains, steps), 2, 0)
        start = (jnp.zeros(ratios.shape[1:], jnp.int32), jnp.full_like(ratios[0], -jnp.inf))
        _, (visited, moves) = jax.lax.scan(
            step, start, (jnp.arange(steps, dtype=jnp.int32), ratios, log_u)
        )
        kept = visited[BURN_IN + THINNING - 1 :: THINNING]
        return jnp.moveaxis(kept, 0, 2), moves[BURN_IN:].mean(axis=(0, 2))

    @traced
    def chunk(keys: Array, *arrays: Any) -> tuple[Array, ...]:
        # In a loop of their own: XLA would otherwise make each word anew wherever it is used.
        words = jax.lax.map(random_bits, keys)
        if one_by_one:
            theta, log_ratios, log_uniform = jax.lax.map(lambda of: propose(*of), (words, *arrays))
        else:
            theta, log_ratios, log_uniform = jax.vmap(propose)(words, *arrays)
        # A ratio that is not a number belongs to a point outside the support.
        log_ratios = jnp.nan_to_num(log_ratios, nan=-jnp.inf, posinf=jnp.inf, neginf=-jnp.inf)
        kept, accepted = walk(log_ratios, log_uniform)
        by_chain = theta.reshape(theta.shape[0], chains, steps, model.size)
        chosen = jnp.take_along_axis(by_chain, kept[..., None], axis=2)
        constrain = jax.vmap(jax.vmap(jax.vmap(model.constrain, (0, None)), (0, None)))
        flat = chosen.reshape(len(chosen), -1, model.size)
        mean = flat.mean(axis=1)
        apart = flat - mean[:, None, :]
        covariance = jnp.einsum("dij,dik->djk", apart, apart) / flat.shape[1]
        return constrain(chosen, arrays[-1]), mean, covariance, log_ratios, accepted

    return jax.jit(chunk)


def _divisor(number: int, most: int) -> int:
    """The largest divisor up to `most`: blocks of one size are compiled once, not twice."""
    return max(d for d in range(1, max(1, min(most, number)) + 1) if number % d == 0)
