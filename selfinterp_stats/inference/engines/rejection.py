"""Proposals made into a Markov chain of nearly independent, equally weighted draws.

A rejection-sampling chain (Tierney 1994, "Markov chains for exploring posterior distributions"):
a proposal of importance ratio w is rejected outright with probability 1 - w / c, and what passes
is proposed to an independence Metropolis chain for which its ratio is max(w / c, 1). Were no
ratio above c, that would be rejection sampling and all draws independent; those above it make
the chain stay. It targets the posterior exactly whatever c is, and what staying costs shows in
the effective sample size as any function computes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Share of the proposals that are to pass. A lower one makes draws more independent and needs
# more proposals; a proposal costs half of what the summaries of a draw cost.
PASSING = 0.7
# Proposals at the start of each chain that settle c, and then are forgotten.
PILOT = 64
# Proposals more than expected to be needed; see `_places`.
MARGIN = 1.06
# Steps come in so many, so that their number can be divided into blocks.
ROUND = 50

_HALVINGS = 20


def steps_for(draws: int) -> int:
    """How many proposals a chain of so many draws takes."""
    needed = PILOT + MARGIN * draws / PASSING
    return -(-int(needed) // ROUND) * ROUND


def walk(log_ratios: Array, log_uniform: Array, draws: int) -> tuple[Array, Array]:
    """Tell which proposals the draws of each chain are, and how often the chains moved.

    Parameters
    ----------
    log_ratios, log_uniform : (dataset, chain, step) array
        Log importance ratios of the proposals, and logs of uniform numbers.
    draws : int

    Returns
    -------
    kept : (dataset, chain, draw) array of int
        Steps.
    accepted : (dataset,) array
        Share of the proposals that a chain moved to.
    """
    import jax
    import jax.numpy as jnp

    excess = log_ratios - _bound(log_ratios[..., :PILOT])[:, None, None]
    passes = log_uniform < excess
    # Of a uniform number below w / c, its ratio to w / c is uniform again.
    log_uniform = log_uniform - jnp.minimum(excess, 0)
    ratios = jnp.where(passes, jnp.maximum(excess, 0), -jnp.inf)

    def step(state: tuple[Array, Array], new: tuple[Array, Array, Array]) -> Any:
        current, ratio = state
        index, new_ratio, log_u = new
        moves = log_u < new_ratio - ratio
        state = (jnp.where(moves, index, current), jnp.where(moves, new_ratio, ratio))
        return state, (state[0], moves)

    steps = ratios.shape[2]
    by_step = (jnp.moveaxis(ratios, 2, 0), jnp.moveaxis(log_uniform, 2, 0))
    start = (jnp.zeros(ratios.shape[:2], jnp.int32), jnp.full_like(by_step[0][0], -jnp.inf))
    _, (visited, moves) = jax.lax.scan(step, start, (jnp.arange(steps, dtype=jnp.int32), *by_step))
    places = jax.vmap(jax.vmap(lambda of_chain: _places(of_chain, draws)))(passes)
    kept = jnp.take_along_axis(jnp.moveaxis(visited, 0, 2), places, axis=2)
    return kept, moves[PILOT:].mean(axis=(0, 2))


def _bound(log_ratios: Array) -> Array:
    """Log of the bound c of each dataset with which the wanted share of its pilot passes."""
    import jax
    import jax.numpy as jnp

    flat = log_ratios.reshape(len(log_ratios), -1)
    largest = flat.max(axis=1, keepdims=True)
    ratios = jnp.exp(flat - largest)

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        too_low = jnp.minimum(ratios / middle, 1).mean(axis=1, keepdims=True) > PASSING
        return jnp.where(too_low, middle, low), jnp.where(too_low, high, middle)

    # With the bound at this quantile more than the wanted share passes.
    low = jnp.quantile(ratios, 1 - PASSING, axis=1, keepdims=True)
    low, high = jax.lax.fori_loop(0, _HALVINGS, halve, (low, jnp.ones_like(low)))
    return (largest + jnp.log(high))[:, 0]


def _places(passes: Array, draws: int) -> Array:
    """Choose as many of the steps at which a proposal passed as there are draws, evenly.

    Should fewer have passed than are wanted, some are chosen twice in a row.
    """
    import jax.numpy as jnp

    count = jnp.cumsum(passes[PILOT:])
    wanted = jnp.floor(jnp.arange(draws) * (count[-1] / draws)).astype(count.dtype)
    found = jnp.searchsorted(count, jnp.minimum(wanted, count[-1] - 1) + 1)
    return PILOT + jnp.minimum(found, len(count) - 1)
