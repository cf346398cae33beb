"""The step size of each lane, found by dual averaging (Hoffman & Gelman 2014, section 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# The averages are pulled towards the first step: in a whitened space it is a good one.
FIRST_STEP = 1.1
# Near the acceptance at which HMC's cost is least, 0.65 (Beskos et al. 2013). In a standard normal
# of a few dimensions nearly every trajectory then takes 3 steps, where 0.8 makes many take 7 that
# are worth no more.
TARGET_ACCEPTANCE = 0.6


class StepSize(NamedTuple):
    """State of the adaptation; (lane,) arrays.

    Attributes
    ----------
    log_step
        Of the step in use.
    log_average
        The average of its trials in which late ones count most.
    shortfall
        How far acceptance has been below its target.
    """

    log_step: Array
    log_average: Array
    shortfall: Array


def first(zero: Array) -> StepSize:
    """The state before any trajectory, laid out as an array of zeros."""
    import jax.numpy as jnp

    return StepSize(zero + jnp.log(FIRST_STEP), zero, zero)


def adapted(
    now: StepSize,
    completed: Array,
    ended: Array,
    rate: Array,
    warmup: int,
    target: Array | float,
) -> StepSize:
    """The state after a trajectory; it stays as it is elsewhere and after the warm-up.

    Parameters
    ----------
    now : StepSize
    completed : (lane,) array of int
        Trajectories before this one.
    ended : (lane,) array of bool
        Where one ended.
    rate : (lane,) array
        Its mean acceptance.
    warmup : int
        Trajectories that adapt. From then on the average is the step.
    target : (lane,) array or float
        The acceptance to aim at.
    """
    import jax.numpy as jnp

    time = completed + 1.0
    shortfall = now.shortfall + (target - rate - now.shortfall) / (time + 10)
    log_step = jnp.log(FIRST_STEP) - jnp.sqrt(time) / 0.05 * shortfall
    weight = 1 / jnp.sqrt(time * jnp.sqrt(time))  # time ** -0.75, in cheap operations
    log_average = now.log_average + weight * (log_step - now.log_average)
    log_step = jnp.where(completed == warmup - 1, log_average, log_step)
    adapting = ended & (completed >= 0) & (completed < warmup)
    return StepSize(
        *(
            jnp.where(adapting, new, old)
            for new, old in zip((log_step, log_average, shortfall), now, strict=True)
        )
    )
