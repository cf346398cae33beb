"""NUTS over all datasets at once, in the space whitened by the Laplace fit.

There every posterior is roughly a standard normal, so a step size is all that has to be learnt
and trajectories are short; each chain of each dataset learns its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.density.batch import Batch, Data
from selfinterp_stats.inference.density.lift import LiftedModel
from selfinterp_stats.inference.engines import no_u_turn
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.lane_random import split, standard_normal, uniform
from selfinterp_stats.inference.engines.laplace import Laplace
from selfinterp_stats.inference.engines.seeds import keys_data
from selfinterp_stats.inference.engines.step_size import TARGET_ACCEPTANCE
from selfinterp_stats.inference.running.traces import traced

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Every third trajectory gives a draw. Draws of neighbouring ones are antithetic: means gain by
# that, but squares, and with them sds, repeat themselves. Tails as heavy as those of the priors
# behind separable data need the length in any case.
THINNING = 3


def nuts(
    model: LiftedModel,
    batch: Batch,
    approximation: Laplace,
    *,
    chains: int,
    draws: int,
    seed: int,
    target: float = TARGET_ACCEPTANCE,
    x64: bool = False,
) -> Draws:
    """Sample every dataset with NUTS.

    Parameters are those of `importance`; `target` is the acceptance that step sizes are adapted
    to.

    Returns
    -------
    Draws
        With ``diverging``, ``energy``, ``n_steps``, ``reached_max_treedepth`` and
        ``acceptance_rate`` per draw.
    """
    import jax

    kind = np.float64 if x64 else np.float32
    # Rows last: products with the design matrix then run along its many rows and not along its
    # few columns, which takes a quarter of the time.
    data = batch.data._replace(X=np.ascontiguousarray(np.moveaxis(batch.data.X, 1, 2)))
    values, per_draw = jax.device_get(
        _compiled(model, chains, draws)(
            keys_data(seed, "nuts", batch.labels)[:, :2],
            approximation.mode.astype(kind),
            approximation.scale.astype(kind),
            data.astype(kind),
            np.full(len(batch), target, kind),
        )
    )
    return Draws(values=values, per_draw=per_draw)


@lru_cache(maxsize=32)
def _compiled(model: LiftedModel, chains: int, draws: int) -> Any:
    import jax
    import jax.numpy as jnp

    def potential(z: Array, mode: Array, scale: Array, data: Data) -> Array:
        return -model.log_density(mode + scale @ z, data._replace(X=data.X.T))

    @traced
    def run(key_data: Array, mode: Array, scale: Array, data: Data, target: Array) -> Any:
        lanes = jax.tree.map(lambda leaf: jnp.repeat(leaf, chains, axis=0), (mode, scale, data))
        evaluate = jax.vmap(jax.value_and_grad(potential), in_axes=(-1, 0, 0, 0), out_axes=(0, -1))
        keys = split(split(key_data.T, chains).reshape(2, -1), 2)
        start = standard_normal(uniform(keys[..., 0], 0, model.size, mode.dtype))
        drawn = no_u_turn.sample(
            lambda z: evaluate(z, *lanes),
            keys[..., 1],
            start,
            draws=draws,
            thinning=THINNING,
            target=jnp.repeat(target, chains),
        )
        z, statistics = jax.tree.map(
            lambda leaf: leaf.reshape(len(mode), chains, *leaf.shape[1:]), drawn
        )
        theta = jax.vmap(lambda z, mode, scale: mode + z @ scale.T)(z, mode, scale)
        constrain = jax.vmap(jax.vmap(model.constrain, (0, None)), (0, None))
        return jax.vmap(constrain)(theta, data), statistics

    # Compiled in two thirds of the time for code that is as fast.
    return jax.jit(run, compiler_options={"xla_backend_optimization_level": 1})
