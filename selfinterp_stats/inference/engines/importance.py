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

from selfinterp_stats.inference.density.batch import Batch
from selfinterp_stats.inference.density.lift import LiftedModel
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.laplace import Laplace
from selfinterp_stats.inference.engines.pareto import pareto_k
from selfinterp_stats.inference.engines.seeds import keys_data
from selfinterp_stats.inference.running.devices import Progress, over_chunks

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Degrees of freedom of the proposal: tails heavy enough for a normal prior's posterior, and
# even, so that a chi-squared variate is a sum of exponentials.
DEGREES_OF_FREEDOM = 8
# Every THINNING-th state is kept: the chain stays put at about one proposal in six.
THINNING = 2
# States dropped at the start of a chain. It forgets its start at the rate at which the best
# weight exceeds the mean, so that 50 steps leave less than one part in a million.
BURN_IN = 50
# Log-densities evaluated at a time, in values of the linear predictor: fits the CPU's cache.
BLOCK_VALUES = 400_000
CHUNK_VALUES = 40_000_000


def importance(
    model: LiftedModel,
    batch: Batch,
    approximation: Laplace,
    *,
    chains: int,
    draws: int,
    seed: int,
    x64: bool = False,
    progress: Progress | None = None,
) -> Draws:
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
    x64 : bool
        Evaluate the density in 64-bit floats.
    progress : callable, optional

    Returns
    -------
    Draws
        With ``pareto_k`` (shape of the raw ratios' tail) and ``proposals_accepted`` (their
        share) per dataset.
    """
    kind = np.float64 if x64 else np.float32
    rows = batch.X.shape[1]
    proposals = chains * (BURN_IN + draws * THINNING)
    arrays = (
        keys_data(seed, "importance", batch.labels),
        *(
            a.astype(kind)
            for a in (approximation.mode, approximation.scale, batch.X, batch.y, batch.mask)
        ),
    )
    block = _divisor(proposals, BLOCK_VALUES // max(rows, 1))
    values, log_ratios, accepted = over_chunks(
        _compiled(model, chains, draws, block),
        arrays,
        chunk=int(np.clip(CHUNK_VALUES // (proposals * rows), 1, min(50, len(batch)))),
        x64=x64,
        progress=progress,
    )
    return Draws(
        values=values,
        per_dataset={"pareto_k": pareto_k(log_ratios), "proposals_accepted": accepted},
    )


@lru_cache(maxsize=32)
def _compiled(model: LiftedModel, chains: int, draws: int, block: int) -> Any:
    import jax
    import jax.numpy as jnp

    steps = BURN_IN + draws * THINNING

    def propose(
        key_data: Array, mode: Array, scale: Array, X: Array, y: Array, mask: Array
    ) -> tuple[Array, Array, Array]:
        """Proposals of one dataset, their log-ratios, and one uniform number for each."""
        normal, radial, accept = jax.random.split(jax.random.wrap_key_data(key_data), 3)
        n = chains * steps
        z = jax.random.normal(normal, (n, model.size), mode.dtype)
        uniform = jax.random.uniform(
            radial, (DEGREES_OF_FREEDOM // 2, n), mode.dtype, minval=jnp.finfo(mode.dtype).tiny
        )
        chi_squared = -2 * jnp.log(uniform).sum(axis=0)
        t = z * jnp.sqrt(DEGREES_OF_FREEDOM / chi_squared)[:, None]
        theta = mode + t @ scale.T
        log_proposal = (
            -(DEGREES_OF_FREEDOM + model.size)
            / 2
            * jnp.log1p((t**2).sum(axis=1) / DEGREES_OF_FREEDOM)
        )
        log_posterior = jax.lax.map(
            lambda one: model.log_density(one, X, y, mask), theta, batch_size=block
        )
        return theta, log_posterior - log_proposal, jax.random.uniform(accept, (n,), mode.dtype)

    def walk(log_ratios: Array, uniform: Array) -> tuple[Array, Array]:
        """Which proposal the chains of all datasets are at, and how often they moved."""

        def step(state: tuple[Array, Array], new: tuple[Array, Array, Array]) -> Any:
            current, ratio = state
            index, new_ratio, log_u = new
            moves = log_u < new_ratio - ratio
            state = (jnp.where(moves, index, current), jnp.where(moves, new_ratio, ratio))
            return state, (state[0], moves)

        ratios = jnp.moveaxis(log_ratios.reshape(-1, chains, steps), 2, 0)
        log_u = jnp.moveaxis(jnp.log(uniform).reshape(-1, chains, steps), 2, 0)
        start = (jnp.zeros(ratios.shape[1:], jnp.int32), jnp.full(ratios.shape[1:], -jnp.inf))
        start = (start[0], start[1].astype(ratios.dtype))
        _, (visited, moves) = jax.lax.scan(
            step, start, (jnp.arange(steps, dtype=jnp.int32), ratios, log_u)
        )
        kept = visited[BURN_IN + THINNING - 1 :: THINNING]
        return jnp.moveaxis(kept, 0, 2), moves[BURN_IN:].mean(axis=(0, 2))

    def chunk(*arrays: Array) -> tuple[Array, Array, Array]:
        theta, log_ratios, uniform = jax.lax.map(lambda dataset: propose(*dataset), arrays)
        # A ratio that is not a number belongs to a point outside the support.
        log_ratios = jnp.nan_to_num(log_ratios, nan=-jnp.inf, posinf=jnp.inf, neginf=-jnp.inf)
        kept, accepted = walk(log_ratios, uniform)
        by_chain = theta.reshape(theta.shape[0], chains, steps, model.size)
        chosen = jnp.take_along_axis(by_chain, kept[..., None], axis=2)
        constrain = jax.vmap(jax.vmap(jax.vmap(model.constrain)))
        return constrain(chosen), log_ratios, accepted

    return jax.jit(chunk)


def _divisor(number: int, most: int) -> int:
    """The largest divisor up to `most`: blocks of one size are compiled once, not twice."""
    return max(d for d in range(1, max(1, min(most, number)) + 1) if number % d == 0)
