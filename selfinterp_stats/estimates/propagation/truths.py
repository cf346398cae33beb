"""Draws of what the joint model says of single scenarios: true weights and expected reports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from selfinterp_stats.estimates.propagation.joint import Joint
from selfinterp_stats.estimates.propagation.latent import LatentModel
from selfinterp_stats.estimates.propagation.sampling import chosen, random_keys
from selfinterp_stats.estimates.propagation.scenarios import LatentData, max_scaled

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Draws of the parameters for each of which every scenario's truth is drawn once, over all chains.
DRAWS: Final = 2000
_TOGETHER: Final = 50


@dataclass(frozen=True)
class Truths:
    """True weights and expected reports of one base model's scenarios.

    Attributes
    ----------
    weights : (chain, draw, scenario, attribute) array
        The largest of a scenario is +-1.
    expected : (chain, draw, condition, scenario, attribute) array
        On the scale on which the reports are standardised.
    """

    weights: np.ndarray
    expected: np.ndarray


def draw_truths(
    joint: Joint, study: int, which: np.ndarray, seed: int, label: tuple[str, ...]
) -> Truths:
    """Draw every scenario's truth from its posterior.

    Parameters
    ----------
    joint : Joint
    study : int
        Whose, among the joint posterior's studies.
    which : (scenario,) array of int
        Its scenarios among those of the slopes.
    seed : int
    label : tuple of str
        It and the seed settle the random numbers.
    """
    import jax

    model, values = joint.model, joint.values[study]
    chains, length, size = values.shape
    taken = np.linspace(0, length - 1, min(DRAWS // chains, length)).round().astype(int)
    theta = model.unconstrain(values[:, taken].reshape(-1, size)).astype(np.float32)
    data = joint.data[study].astype(np.float32)
    weights = max_scaled(joint.slopes.slopes[which])[0].astype(np.float32)
    compiled = _compiled(model)
    keys = random_keys(seed, len(theta), "truths", *label)
    parts = [
        jax.device_get(compiled(keys[i : i + _TOGETHER], theta[i : i + _TOGETHER], data, weights))
        for i in range(0, len(theta), _TOGETHER)
    ]
    drawn, expected = (np.concatenate([part[i] for part in parts]) for i in range(2))
    shape = (chains, len(taken))
    return Truths(
        drawn.reshape(*shape, *drawn.shape[1:]), expected.reshape(*shape, *expected.shape[1:])
    )


@lru_cache(maxsize=16)
def _compiled(model: LatentModel) -> Any:
    import jax

    return jax.jit(
        jax.vmap(lambda key, theta, *about: _one(model, key, theta, *about), (0, 0, None, None))
    )


def _one(
    model: LatentModel, key: Any, theta: Array, data: LatentData, weights: Any
) -> tuple[Array, Array]:
    """True weights and expected reports of every scenario, given the parameters."""
    import jax
    import jax.numpy as jnp

    of_draw, of_error, of_noise = jax.random.split(key, 3)
    at = chosen(of_draw, model.log_weights(theta, data))
    w = jnp.take_along_axis(weights, at[:, None, None], axis=1)[:, 0]
    slope, start, precision, _ = model.regression(theta, data)
    line = start[:, None, None] + slope[:, None, None] * w
    # A draw of residual and noise, put right by what the reports show of their sum (Matheron).
    common = model.residual_covariance(theta)
    here = (data.counts > 0).astype(w.dtype)
    factor = jnp.linalg.cholesky(common)
    residual = jnp.einsum("cd,dsk->csk", factor, jax.random.normal(of_error, line.shape))
    omega = model.constrain(theta, data)[4 + 3 * model.conditions : 4 + 4 * model.conditions]
    sd = omega[:, None] / jnp.sqrt(jnp.maximum(data.counts.T, 1))
    noise = sd[:, :, None] * jax.random.normal(of_noise, line.shape)
    seen = jnp.moveaxis(data.reports, 1, 0)
    surprise = (seen - line - residual - noise) * here.T[:, :, None]
    shared = common[None] * here[:, None, :]
    gain = jnp.einsum("scd,sde->sce", shared, precision)
    return w, line + residual + jnp.einsum("sce,esk->csk", gain, surprise)
