"""From a model of crossed cells to draws: by importance, and by NUTS where that is not trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from selfinterp_stats.inference.density.graph_model import lift_graph
from selfinterp_stats.inference.density.steadied import SteadiedModel, steadied
from selfinterp_stats.inference.summary.summaries import ess_bulk, rhat
from selfinterp_stats.models.explainers.crossed import Part

if TYPE_CHECKING:
    import pymc as pm

    from selfinterp_stats.inference.engines.draws import Draws

CHAINS: Final = 4
# Proposals cost far less than trajectories: many are made, and one state in so many is kept.
EVERY: Final = 5
NUTS_AT_ONCE: Final = 4
_GOOD_K: Final = 0.7
# A little stricter than what is asked of everything reported: ESS 400 and R-hat 1.01.
ENOUGH: Final = 450
_ALIKE: Final = 1.009
_WIDE: Final = {"half-normal": 10.0, "log-normal": 3.0}


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
        Shape of the tail of the importance ratios.
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
    free = [part for part in parts if part.prior != "fixed"]
    fixed = [part for part in parts if part.prior == "fixed"]
    zero = np.zeros((len(parts[0].matrix),) * 2)
    return SteadiedModel(
        graph=lift_graph(model, data),
        squares=np.array([part.matrix @ part.matrix.T for part in free]),
        fixed=sum((p.numbers[0] ** 2 * p.matrix @ p.matrix.T for p in fixed), start=zero),
        log_prior=lambda at: sum(
            part.log_prior(float(value)) for part, value in zip(free, at, strict=True)
        ),
        wide=np.log([_WIDE[part.prior] for part in free]),
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
        Effective draws of every parameter below which importance is given up for NUTS.
    """
    import jax

    from selfinterp_stats.inference.engines.importance import importance
    from selfinterp_stats.inference.engines.nuts import nuts

    batch, around = steadied(model, data, tuple((label,) for label in labels), wide)
    how: dict[str, Any] = {"chains": CHAINS, "draws": draws // CHAINS, "seed": seed, "x64": True}
    taken: Any = batch  # the engines ask of a batch no more than this one has
    graph: Any = model
    many = how | {"draws": EVERY * how["draws"]}
    with jax.enable_x64(True):
        drawn, again = importance(graph, taken, around, **many)
        drawn = _thinned(drawn)
        poor = _poor(drawn, enough)
        if poor.any():
            second = _thinned(importance(graph, taken, again, heavy=True, **many)[0])
            still = _poor(second, enough)
            drawn = drawn.put(np.flatnonzero(poor), second.select(np.flatnonzero(poor)))
            poor = poor & still
        # So many at a time, whatever their number: one compilation serves all.
        size = min(len(batch), NUTS_AT_ONCE)
        for start in range(0, int(poor.sum()), size):
            which = np.flatnonzero(poor)[start : start + size]
            filled = which[np.minimum(np.arange(size), len(which) - 1)]
            taken = batch.select(filled)
            exact = nuts(graph, taken, around.select(filled), **how).select(range(len(which)))
            drawn = drawn.put(which, exact)
    diverging = drawn.per_draw.get("diverging", np.zeros((len(batch), 1)))
    return [
        Sampled(
            values=model.graph.split(drawn.values[i]),
            engine="nuts" if poor[i] else "importance",
            pareto_k=float(drawn.per_dataset["pareto_k"][i]),
            accepted=float(drawn.per_dataset["proposals_accepted"][i]),
            diverging=int(diverging[i].sum()),
        )
        for i in range(len(batch))
    ]


def _thinned(drawn: Draws) -> Draws:
    return replace(drawn, values=drawn.values[:, :, ::EVERY])


def _poor(drawn: Draws, enough: float) -> np.ndarray:
    """Which datasets' draws are not to be trusted, or too few are worth something."""
    n, chains, length, size = drawn.values.shape
    flat = np.moveaxis(drawn.values, 3, 1).reshape(n * size, chains, length)
    worth = ess_bulk(flat).reshape(n, size).min(axis=1)
    # R-hat is noisy where effective draws are few.
    alike = _ALIKE if enough >= ENOUGH else 1.03
    apart = rhat(flat).reshape(n, size).max(axis=1)
    trusted: np.ndarray = (
        (drawn.per_dataset["pareto_k"] <= _GOOD_K) & (worth >= enough) & (apart <= alike)
    )
    return ~trusted
