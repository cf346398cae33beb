"""The joint model fitted: slopes drawn where its posterior is, then its parameters sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from selfinterp_stats.estimates.propagation.choices import Around, Choices
from selfinterp_stats.estimates.propagation.latent import LatentModel
from selfinterp_stats.estimates.propagation.sampling import Stacked, draw, modes, stack
from selfinterp_stats.estimates.propagation.scenarios import LatentData, Reported, latent_data
from selfinterp_stats.estimates.propagation.slopes import SlopeDraws, draw_slopes
from selfinterp_stats.inference.settings import Sampling

# Draws of every scenario's slopes: while looking for the mode, and in the end. (What is compiled
# for one number serves both.)
PARTICLES: Final = (500, 500)
# Rounds of looking for the mode, each with draws that the one before has tilted.
ROUNDS: Final = 2
# How much of the reports' pull the draws feel: all of it would leave them too narrow where the
# parameters are not at their mode.
TEMPER: Final = 0.7
# How much wider the slopes' sizes are taken to differ, and how much flatter the weights.
WIDER: Final = 1.25


@dataclass(frozen=True)
class Posed:
    """One study that the joint model is asked about.

    Attributes
    ----------
    label : tuple of str
        It and the seed settle the random numbers.
    which : (scenario,) array of int
        Its scenarios among those of the choices.
    reported : tuple of Reported
        One for each condition.
    """

    label: tuple[str, ...]
    which: np.ndarray
    reported: tuple[Reported, ...]


@dataclass(frozen=True)
class Joint:
    """Posteriors of several studies.

    Attributes
    ----------
    model : LatentModel
    slopes : SlopeDraws
        Of all scenarios of the choices.
    data : tuple of LatentData
        By study.
    values : (study, chain, draw, parameter) array
        Parameters on their own scale, in the order of ``model.parameters``.
    engines : (study,) array of str
    pareto_k : (study,) array
    """

    model: LatentModel
    slopes: SlopeDraws
    data: tuple[LatentData, ...]
    values: np.ndarray
    engines: np.ndarray
    pareto_k: np.ndarray

    def of(self, name: str, study: int = 0) -> np.ndarray:
        """Draws of one parameter of one study, (chain, draw)."""
        return np.asarray(self.values[study, ..., self.model.parameters.index(name)])

    def effective_particles(self, study: int = 0) -> np.ndarray:
        """How many of each scenario's particles stay effective at the parameters' medians.

        Returns
        -------
        (scenario,) array
        """
        import jax

        theta = self.model.unconstrain(np.median(self.values[study], axis=(0, 1)))
        with jax.enable_x64(True):
            log_weights = _log_weights(self.model)(theta, self.data[study])
            shares = np.asarray(jax.nn.softmax(log_weights, axis=1))
        return np.asarray(1 / (shares**2).sum(axis=1))


def fit_joint(
    model: LatentModel,
    labels: Sequence[tuple[str, ...]],
    choices: Choices,
    studies: Sequence[Posed],
    *,
    draws: int,
    seed: int,
    particles: tuple[int, int] = PARTICLES,
) -> Joint:
    """Fit the joint model to studies of one shape.

    Parameters
    ----------
    model : LatentModel
    labels : sequence of tuple of str
        Of the scenarios of the choices.
    choices : Choices
        Of all studies' scenarios.
    studies : sequence of Posed
    draws : int
        Of the parameters, over all chains.
    seed : int
    particles : (int, int)
        Draws of every scenario's slopes, while looking for the mode and in the end.
    """
    around = Around.anywhere(len(labels), model.attributes)
    drawn = draw_slopes(labels, choices, around, particles[0], seed)
    for last in range(ROUNDS):
        around = _around(model, _batch(drawn, studies), studies, around)
        size = particles[last == ROUNDS - 1]
        drawn = draw_slopes(labels, choices, around, size, seed)
    batch = _batch(drawn, studies)
    chunk = draw(model, batch, Sampling("importance", draws=draws, seed=seed))
    return Joint(
        model=model,
        slopes=drawn,
        data=tuple(latent_data(drawn.only(one.which), one.reported) for one in studies),
        values=np.asarray(chunk.draws.values, dtype=float),
        engines=chunk.engines,
        pareto_k=chunk.draws.per_dataset["pareto_k"],
    )


def _batch(drawn: SlopeDraws, studies: Sequence[Posed]) -> Stacked[LatentData]:
    data = stack([latent_data(drawn.only(one.which), one.reported) for one in studies])
    length = int(np.prod(data.squares.shape[1:]))
    return Stacked(tuple(one.label for one in studies), data, length)


def _around(
    model: LatentModel,
    batch: Stacked[LatentData],
    studies: Sequence[Posed],
    before: Around,
) -> Around:
    """Where to draw slopes next: near the mode of the parameters, with the reports' pull there."""
    import jax

    with jax.enable_x64(True):
        at = modes(model, batch)
        pulls, curves = jax.device_get(_tilts(model)(at, batch.data))
    after = Around(*(a.copy() for a in before))
    for one, mode, pull, curve in zip(studies, at, pulls, curves, strict=True):
        ell, log_nu, delta, logit_pi = mode[:4]
        new = (ell, WIDER * np.exp(log_nu), delta / WIDER, logit_pi, TEMPER * pull, TEMPER * curve)
        for array, values in zip(after, new, strict=True):
            array[one.which] = values
    return after


@lru_cache(maxsize=16)
def _log_weights(model: LatentModel) -> Any:
    import jax

    return jax.jit(model.log_weights)


@lru_cache(maxsize=16)
def _tilts(model: LatentModel) -> Any:
    import jax

    return jax.jit(jax.vmap(model.tilt))
