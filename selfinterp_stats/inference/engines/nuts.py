"""NumPyro's NUTS over all datasets at once, in the space whitened by the Laplace fit.

There every posterior is roughly a standard normal, so a step size is all that has to be learnt
and trajectories are short; each chain of each dataset learns its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.inference.density.batch import Batch, Data
from selfinterp_stats.inference.density.lift import LiftedModel
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.laplace import Laplace
from selfinterp_stats.inference.engines.seeds import keys_data
from selfinterp_stats.inference.running.traces import traced

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Iterations that adapt the step size; there is no mass matrix to learn.
WARMUP = 150
FIRST_STEP = 0.8
TARGET_ACCEPTANCE = 0.8
# 63 leapfrog steps: a trajectory across a standard normal takes 3 or 7. The kernel's working
# arrays grow with this number, and with them its time.
MAX_TREE_DEPTH = 6
# Datasets whose chains advance together: enough to fill the vector units, few enough that one
# long trajectory does not hold up many others.
CHUNK = 16


def nuts(
    model: LiftedModel,
    batch: Batch,
    approximation: Laplace,
    *,
    chains: int,
    draws: int,
    seed: int,
    x64: bool = False,
) -> Draws:
    """Sample every dataset with NUTS.

    Parameters are those of `importance`.

    Returns
    -------
    Draws
        With ``diverging``, ``energy``, ``n_steps``, ``reached_max_treedepth`` and
        ``acceptance_rate`` per draw.
    """
    import jax

    kind = np.float64 if x64 else np.float32
    values, per_draw = jax.device_get(
        _compiled(model, chains, draws)(
            keys_data(seed, "nuts", batch.labels)[:, :2],
            approximation.mode.astype(kind),
            approximation.scale.astype(kind),
            batch.data.astype(kind),
        )
    )
    return Draws(values=values, per_draw=per_draw)


@lru_cache(maxsize=32)
def _compiled(model: LiftedModel, chains: int, draws: int) -> Any:
    import jax
    from numpyro.infer.hmc import hmc

    def potential(mode: Array, scale: Array, data: Data) -> Callable[[Array], Array]:
        return lambda z: -model.log_density(mode + scale @ z, data)

    def chain(key: Array, mode: Array, *data: Any) -> tuple[Array, dict[str, Array]]:
        key_start, key_run = jax.random.split(key)
        target = (mode, *data)
        start, advance = hmc(potential_fn_gen=potential, algo="NUTS")
        state = start(
            jax.random.normal(key_start, mode.shape, mode.dtype),
            WARMUP,
            step_size=FIRST_STEP,
            adapt_mass_matrix=False,
            max_tree_depth=MAX_TREE_DEPTH,
            target_accept_prob=TARGET_ACCEPTANCE,
            rng_key=key_run,
            model_args=target,
        )

        def step(state: Any, _: None) -> Any:
            state = advance(state, model_args=target)
            statistics = {
                "diverging": state.diverging,
                "energy": state.energy,
                "n_steps": state.num_steps,
                "reached_max_treedepth": state.num_steps >= 2**MAX_TREE_DEPTH - 1,
                "acceptance_rate": state.accept_prob,
            }
            return state, (state.z, statistics)

        # NumPyro's kernel knows by its own count when the warm-up is over. One loop over all
        # iterations is compiled in half the time of two.
        _, drawn = jax.lax.scan(step, state, None, length=WARMUP + draws)
        return jax.tree.map(lambda leaf: leaf[WARMUP:], drawn)

    def dataset(key_data: Array, mode: Array, scale: Array, data: Data) -> Any:
        keys = jax.random.split(jax.random.wrap_key_data(key_data), chains)
        z, statistics = jax.vmap(lambda key: chain(key, mode, scale, data))(keys)
        constrain = jax.vmap(jax.vmap(lambda theta: model.constrain(theta, data)))
        return constrain(mode + z @ scale.T), statistics

    @traced
    def chunk(*arrays: Any) -> Any:
        return jax.vmap(dataset)(*arrays)

    # Compiled in two thirds of the time for code that is as fast.
    return jax.jit(chunk, compiler_options={"xla_backend_optimization_level": 1})
