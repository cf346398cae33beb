"""From a model of crossed cells to draws: by importance, and by NUTS where that is not trusted.

Importance proposes around the Laplace fit first, and then, where its draws are poor, around their
own mean and spread: a few rounds of that cost less than the shortest run of NUTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from selfinterp_stats.inference.density.graph_model import lift_graph
from selfinterp_stats.inference.density.steadied import SteadiedModel, steadied
from selfinterp_stats.inference.summary.summaries import ess_bulk, rhat
from selfinterp_stats.models.explainers.crossed import Part
from selfinterp_stats.models.explainers.spreads import FIXED

if TYPE_CHECKING:
    import pymc as pm

    from selfinterp_stats.inference.engines.draws import Draws
    from selfinterp_stats.inference.engines.laplace import Laplace

CHAINS: Final = 4
# Proposals cost far less than trajectories: many are made, and one state in so many is kept.
EVERY: Final = 3
# Each attempt proposes around the mean and spread of the last one's draws; from the fourth on
# they hardly change.
ATTEMPTS: Final = 4
# So many datasets at a time, whatever their number: one compilation serves all.
AT_ONCE: Final = 4
# Where NUTS's draws are too few it makes so many times more, and keeps one in so many.
LONGER: Final = (1, 4)
_GOOD_K: Final = 0.7
# A little stricter than what is asked of everything reported: ESS 400 and R-hat 1.01.
ENOUGH: Final = 450
_ALIKE: Final = 1.009


@dataclass(frozen=True)
class Sampled:
    """Draws of one model's parameters and how they were made.

    Attributes
    ----------
    values : dict of str to (chain, draw, ...) array
        Parameters on their own scale.
    engine : str
        ``importance`` or ``nuts``.
    pareto_k : float
        Shape of the tail of the importance ratios, at the last attempt.
    accepted : float
        Share of the proposals that were taken.
    diverging : int
    """

    values: dict[str, np.ndarray]
    engine: str
    pareto_k: float
    accepted: float
    diverging: int = 0


def steadied_model(model: pm.Model, data: Sequence[str], parts: Sequence[Part]) -> SteadiedModel:
    """Lift a model of crossed cells, in steady coordinates.

    Parameters
    ----------
    model : pymc.Model
        Its first parameters are the sds of `parts`, its next the effects under them.
    data : sequence of str
        Names of its data.
    parts : sequence of Part
        Of the effects' prior covariance, fixed ones among them.
    """
    free = [part for part in parts if part.prior != FIXED]
    fixed = [part for part in parts if part.prior == FIXED]
    zero = np.zeros((len(parts[0].matrix),) * 2)
    return SteadiedModel(
        graph=lift_graph(model, data),
        squares=np.array([part.matrix @ part.matrix.T for part in free]),
        fixed=sum((p.numbers[0] ** 2 * p.matrix @ p.matrix.T for p in fixed), start=zero),
        sds_at=lambda at: np.array([p.sd_at(x) for p, x in zip(free, at, strict=True)]),
    )


def sample(
    model: SteadiedModel,
    data: Any,
    labels: Sequence[str],
    *,
    draws: int,
    seed: int,
    wide: Any = None,
    enough: float = ENOUGH,
) -> list[Sampled]:
    """Sample many datasets of one model.

    Parameters
    ----------
    model : SteadiedModel
    data : tuple of arrays
        With a first axis of datasets.
    labels : sequence of str
        What each dataset is called; with the seed it settles the draws.
    draws : int
        Over all chains.
    seed : int
    wide : object, optional
        See `steadied`.
    enough : float
        Effective draws of every parameter below which the next attempt is made.
    """
    import jax

    batch, around = steadied(model, data, tuple((label,) for label in labels), wide)
    around = replace(around, mode=around.mode.copy(), scale=around.scale.copy())
    found: dict[int, Sampled] = {}
    poor = list(range(len(batch)))
    with jax.enable_x64(True):
        for step in _steps(model, draws // CHAINS, seed):
            for some, filled in _in_turn(poor, min(len(batch), AT_ONCE)):
                drawn, moments = step(batch.select(filled), around.select(filled))
                for place, i in enumerate(some):
                    found[i] = _sampled(model, drawn.select([place]), found.get(i))
                    around.mode[i], around.scale[i] = moments.mode[place], moments.scale[place]
            poor = [i for i in poor if _poor(found[i], enough)]
            if not poor:
                break
    return [found[i] for i in range(len(batch))]


def _steps(model: SteadiedModel, draws: int, seed: int) -> Iterator[Callable[..., Any]]:
    """What is tried in turn on datasets whose draws are still poor; `draws` are of each chain."""
    from selfinterp_stats.inference.engines.importance import importance
    from selfinterp_stats.inference.engines.nuts import nuts

    graph: Any = model  # the engines ask of a model and a batch no more than these have
    how: dict[str, Any] = {"chains": CHAINS, "seed": seed, "x64": True}

    def by_importance(batch: Any, around: Laplace) -> tuple[Draws, Laplace]:
        drawn, moments = importance(graph, batch, around, draws=EVERY * draws, **how)
        return _thinned(drawn, EVERY), moments

    def by_nuts(batch: Any, around: Laplace, longer: int) -> tuple[Draws, Laplace]:
        return _thinned(nuts(graph, batch, around, draws=longer * draws, **how), longer), around

    yield from [by_importance] * ATTEMPTS
    yield from [partial(by_nuts, longer=longer) for longer in LONGER]


def _in_turn(which: Sequence[int], size: int) -> Iterator[tuple[Sequence[int], np.ndarray]]:
    """So many at a time, and the same with the last one repeated: one compilation serves all."""
    for start in range(0, len(which), size):
        some = which[start : start + size]
        yield some, np.array(some)[np.minimum(np.arange(size), len(some) - 1)]


def _thinned(drawn: Draws, every: int) -> Draws:
    return replace(
        drawn,
        values=drawn.values[:, :, ::every],
        per_draw={name: values[:, :, ::every] for name, values in drawn.per_draw.items()},
    )


def _sampled(model: SteadiedModel, drawn: Draws, before: Sampled | None) -> Sampled:
    """The draws of one dataset; what importance told stays where it was given up."""
    values = model.graph.split(drawn.values[0])
    if before is not None and "pareto_k" not in drawn.per_dataset:
        diverging = int(drawn.per_draw["diverging"].sum())
        return replace(before, values=values, engine="nuts", diverging=diverging)
    return Sampled(
        values=values,
        engine="importance",
        pareto_k=float(drawn.per_dataset["pareto_k"][0]),
        accepted=float(drawn.per_dataset["proposals_accepted"][0]),
    )


def _poor(found: Sampled, enough: float) -> bool:
    """Whether draws are not to be trusted, or too few are worth something."""
    flat = np.concatenate(
        [np.moveaxis(v.reshape(*v.shape[:2], -1), 2, 0) for v in found.values.values()]
    )
    # R-hat is noisy where effective draws are few.
    alike = _ALIKE if enough >= ENOUGH else 1.03
    trusted = found.engine == "nuts" or found.pareto_k <= _GOOD_K
    return not trusted or ess_bulk(flat).min() < enough or rhat(flat).max() > alike
