"""Draws by importance: proposals around the Laplace fit, weighted, and made a Markov chain.

Importance ratios are judged by the Pareto shape k of the largest ones (Vehtari et al. 2024,
"Pareto smoothed importance sampling"). Draws with weights would hide from any function of ArviZ
what the weights cost, so that equally weighted ones are made of them: see `rejection`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.density.batch import Batch, Data
from selfinterp_stats.inference.density.lift import LiftedModel
from selfinterp_stats.inference.engines import mixture, rejection
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.laplace import Laplace
from selfinterp_stats.inference.engines.pareto import effective_share, pareto_k
from selfinterp_stats.inference.engines.seeds import keys_data
from selfinterp_stats.inference.running.traces import traced

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Log-densities evaluated at a time, in values of the linear predictor: fits the CPU's cache.
BLOCK_VALUES = 40_000


def importance(
    model: LiftedModel,
    batch: Batch,
    approximation: Laplace,
    *,
    chains: int,
    draws: int,
    seed: int,
    heavy: bool = False,
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
    heavy : bool
        All proposals are to come from the t.
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
    share = np.full(len(batch), mixture.ALL if heavy else mixture.FEW, np.uint32)
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
            share,
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
    return chains * rejection.steps_for(draws)


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
    size = model.size

    def propose(
        numbers: mixture.RandomNumbers, mode: Array, scale: Array, share: Array, data: Data
    ) -> tuple[Array, Array]:
        """Proposals of one dataset and their log-ratios."""
        stretch = mixture.stretch(numbers, share).astype(mode.dtype)
        normal = numbers.normal.astype(mode.dtype)
        theta = mode + (scale @ normal * stretch).T

        def log_posteriors(data: Data) -> Array:
            density = jax.vmap(lambda one: model.log_density(one, data))
            return jax.lax.map(density, theta.reshape(-1, block, size)).ravel()

        log_posterior = (
            _without_padding(log_posteriors, data) if one_by_one else log_posteriors(data)
        )
        squared = (normal**2).sum(axis=0) * stretch**2
        return theta, log_posterior - mixture.log_density(squared, size, share)

    @traced
    def chunk(keys: Array, *arrays: Any) -> tuple[Array, ...]:
        # A loop of its own: XLA would otherwise make numbers anew wherever they are used.
        numbers = jax.lax.map(lambda key: mixture.random_numbers(key, size, n), keys)
        of_datasets = (numbers, *arrays)
        if one_by_one:
            theta, log_ratios = jax.lax.map(lambda of: propose(*of), of_datasets)
        else:
            theta, log_ratios = jax.vmap(propose)(*of_datasets)
        # A ratio that is not a number belongs to a point outside the support.
        log_ratios = jnp.nan_to_num(log_ratios, nan=-jnp.inf, posinf=jnp.inf, neginf=-jnp.inf)
        by_chain = (len(keys), chains, n // chains)
        kept, accepted = rejection.walk(
            log_ratios.reshape(by_chain),
            numbers.log_uniform.astype(log_ratios.dtype).reshape(by_chain),
            draws,
        )
        chosen = jnp.take_along_axis(theta.reshape(*by_chain, size), kept[..., None], axis=2)
        constrain = jax.vmap(jax.vmap(jax.vmap(model.constrain, (0, None)), (0, None)))
        flat = chosen.reshape(len(chosen), -1, size)
        mean = flat.mean(axis=1)
        apart = flat - mean[:, None, :]
        covariance = jnp.einsum("dij,dik->djk", apart, apart) / flat.shape[1]
        return constrain(chosen, arrays[-1]), mean, covariance, log_ratios, accepted

    return jax.jit(chunk)


def _without_padding(of: Callable[[Data], Array], data: Data) -> Array:
    """Compute something of one dataset, from half its rows where the other half is padding."""
    import jax

    if not isinstance(data, Data) or len(data.mask) == 1:
        return of(data)
    half = -(-len(data.mask) // 2)
    return jax.lax.cond(data.mask[half:].any(), of, lambda data: of(data.first_rows(half)), data)


def _divisor(number: int, most: int) -> int:
    """The largest divisor up to `most`: blocks of one size are compiled once, not twice."""
    return max(d for d in range(1, max(1, min(most, number)) + 1) if number % d == 0)
