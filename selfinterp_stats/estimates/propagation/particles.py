"""Particles led from a prior to a posterior, all scenarios at once (sequential Monte Carlo).

Each step warms the likelihood up as far as enough particles stay effective, resamples them and
moves them (Del Moral, Doucet & Jasra 2006, J. R. Statist. Soc. B 68). `slopes` says of what.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from selfinterp_stats.estimates.propagation.choices import Around, Choices
from selfinterp_stats.models.weights import WEIGHT_PRIORS

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Rounds of moves after each step; a round has one of each kind.
ROUNDS: Final = 3
# Sizes of moves relative to the largest slope, drawn anew each time from this range of logs.
RELATIVE: Final = (np.log(0.02), np.log(0.5))
# Share of effective particles that a step may leave.
LEAST_EFFECTIVE: Final = 0.5


class Particles(NamedTuple):
    """Particles of every scenario.

    heat says which part of the likelihood and of the reports' pull they have felt.
    """

    key: Any
    intercept: Any
    slopes: Any
    start: Any  # log-density that the particles start from, intercept included
    gained: Any  # log of all that it is multiplied by in the end
    density: Any  # of the slopes: start and gained without intercept and likelihood
    heat: Any


@lru_cache(maxsize=8)
def compiled(draws: int) -> tuple[Any, Any]:
    """So many particles' start, and a step of theirs; both take all scenarios at once.

    Returns
    -------
    start : callable
        ``(keys, choices, around) -> Particles``
    step : callable
        ``(particles, choices, around) -> Particles``; to be taken until all are at heat one.
    """
    import jax

    # Compiled in three fifths of the time for code that is as fast and draws the same.
    quickly = {"xla_backend_optimization_level": 1}
    start = jax.vmap(lambda *of: _start(draws, *of))
    return (
        jax.jit(start, compiler_options=quickly),
        jax.jit(jax.vmap(_step), compiler_options=quickly),
    )


def _start(draws: int, key: Array, choices: Choices, around: Around) -> Particles:
    """Particles from the prior: weights with uniform sizes, slopes of lognormal size."""
    import jax
    import jax.numpy as jnp

    k = choices.d.shape[1]
    of_key, of_size, of_sign, of_which, of_largest, of_intercept = jax.random.split(key, 6)
    sizes = jax.random.uniform(of_size, (draws, k), minval=1e-6)
    which = jax.random.randint(of_which, (draws,), 0, k)
    sizes = jnp.where(jnp.arange(k) == which[:, None], 1.0, sizes)
    positive = jax.random.uniform(of_sign, (draws, k)) < jax.nn.sigmoid(around.logit_pi)
    largest = jnp.exp(around.ell + around.nu * jax.random.normal(of_largest, (draws,)))
    slopes = jnp.where(positive, sizes, -sizes) * largest[:, None]
    nu, _, sd = _intercept_prior()
    intercept = sd * jax.random.t(of_intercept, nu, (draws,))
    densities = _densities(intercept, slopes, choices, around)
    return Particles(of_key, intercept, slopes, *densities, jnp.zeros(()))


def _densities(
    intercept: Array, slopes: Array, choices: Choices, around: Around
) -> tuple[Array, Array, Array]:
    """`start`, `gained` and `density` of particles."""
    import jax
    import jax.numpy as jnp

    k = slopes.shape[1]
    largest = jnp.abs(slopes).max(axis=1)
    weights, log_largest = slopes / largest[:, None], jnp.log(largest)
    prior = (
        -k * log_largest
        - 0.5 * ((log_largest - around.ell) / around.nu) ** 2
        + (weights > 0).sum(axis=1) * around.logit_pi
    )
    square = (weights**2).sum(axis=1)
    pulled = weights @ around.pull - 0.5 * (around.curve * square + around.delta * (square - 1))
    logit = intercept[:, None] + slopes @ choices.d.T
    likelihood = (choices.chose_a * logit - jax.nn.softplus(logit)) @ choices.made
    nu, _, sd = _intercept_prior()
    of_intercept = -(nu + 1) / 2 * jnp.log1p((intercept / sd) ** 2 / nu)
    return prior + of_intercept, pulled + likelihood, prior + pulled


def _intercept_prior() -> tuple[float, float, float]:
    """Degrees of freedom, place and scale: stage 1's own."""
    numbers = dict(WEIGHT_PRIORS["Intercept"].arguments)
    nu, mu, sigma = (float(np.ravel(numbers[name])[0]) for name in ("nu", "mu", "sigma"))
    return nu, mu, sigma


def _step(state: Particles, choices: Choices, around: Around) -> Particles:
    """Warm up as far as enough particles stay effective; resample; move."""
    import jax
    import jax.numpy as jnp

    key, of_resampling, of_moves = jax.random.split(state.key, 3)
    heat = _next_heat(state.heat, state.gained)
    weight = jax.nn.softmax((heat - state.heat) * state.gained)
    n = len(weight)
    ladder = (jnp.arange(n) + jax.random.uniform(of_resampling)) / n
    chosen = jnp.minimum(jnp.searchsorted(jnp.cumsum(weight), ladder), n - 1)
    taken = (state.intercept, state.slopes, state.start, state.gained, state.density)
    particles = tuple(a[chosen] for a in taken)
    others = particles[:2]

    def round_of_moves(particles: Any, key: Array) -> tuple[Any, None]:
        first, second = jax.random.split(key)
        particles = _moved(particles, _along(first, *particles[:2], *others), heat)
        return _moved(particles, _relative(second, *particles[:2]), heat), None

    def _moved(particles: Any, proposed: Any, heat: Array) -> Any:
        intercept, slopes, log_ratio, log_uniform = proposed
        new = (intercept, slopes, *_densities(intercept, slopes, choices, around))
        gain = new[2] + heat * new[3] - particles[2] - heat * particles[3] + log_ratio
        moves = log_uniform < gain
        return tuple(
            jnp.where(moves[:, None] if a.ndim > 1 else moves, a, b)
            for a, b in zip(new, particles, strict=True)
        )

    moves = jax.random.split(of_moves, ROUNDS)
    (intercept, slopes, start, gained, density), _ = jax.lax.scan(round_of_moves, particles, moves)
    return Particles(key, intercept, slopes, start, gained, density, heat)


def _next_heat(heat: Array, gained: Array) -> Array:
    """The highest heat, up to one, that leaves enough particles effective; by bisection."""
    import jax
    import jax.numpy as jnp

    def effective(to: Array) -> Array:
        weight = jax.nn.softmax((to - heat) * gained)
        return 1 / (weight**2).sum() / len(gained)

    def halved(ends: tuple[Array, Array], _: Any) -> tuple[tuple[Array, Array], None]:
        low, high = ends
        middle = (low + high) / 2
        enough = effective(middle) >= LEAST_EFFECTIVE
        return (jnp.where(enough, middle, low), jnp.where(enough, high, middle)), None

    one = jnp.ones_like(heat)
    (low, _), _ = jax.lax.scan(halved, (heat, one), None, length=20)
    # Never so small a step that rounding would undo it.
    least = jnp.minimum(heat + 1e-4, one)
    return jnp.where(effective(one) >= LEAST_EFFECTIVE, one, jnp.maximum(low, least))


def _along(
    key: Array, intercept: Array, slopes: Array, intercepts: Array, others: Array
) -> tuple[Array, ...]:
    """Move along the difference of two other particles, which knows the posterior's shape."""
    import jax
    import jax.numpy as jnp

    n, k = slopes.shape
    of_pair, of_size, of_uniform = jax.random.split(key, 3)
    a, b = jax.random.randint(of_pair, (2, n), 0, n)
    size = 2.38 / np.sqrt(2 * (k + 1)) * jax.random.uniform(of_size, (n,), minval=0.2, maxval=1.2)
    log_uniform = jnp.log(jax.random.uniform(of_uniform, (n,), minval=1e-7))
    return (
        intercept + size * (intercepts[a] - intercepts[b]),
        slopes + size[:, None] * (others[a] - others[b]),
        jnp.zeros(n),
        log_uniform,
    )


def _relative(key: Array, intercept: Array, slopes: Array) -> tuple[Array, ...]:
    """Move each particle by a share of its own largest slope."""
    import jax
    import jax.numpy as jnp

    n, k = slopes.shape
    of_shift, of_stretch, of_size, of_uniform = jax.random.split(key, 4)
    size = jnp.exp(jax.random.uniform(of_size, (n,), minval=RELATIVE[0], maxval=RELATIVE[1]))
    largest = jnp.abs(slopes).max(axis=1)
    shift = (size * largest)[:, None] * jax.random.normal(of_shift, (n, k))
    stretch = jnp.exp(0.3 * jax.random.normal(of_stretch, (n,)))
    moved = slopes + shift
    back = jnp.abs(moved).max(axis=1)
    there, here = (shift / (size * one)[:, None] for one in (largest, back))
    log_ratio = 0.5 * ((there**2).sum(axis=1) - (here**2).sum(axis=1))
    log_ratio += k * (jnp.log(largest) - jnp.log(back)) + k * jnp.log(stretch)
    log_uniform = jnp.log(jax.random.uniform(of_uniform, (n,), minval=1e-7))
    return intercept, moved * stretch[:, None], log_ratio, log_uniform
