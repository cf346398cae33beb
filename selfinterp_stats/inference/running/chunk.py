"""A few datasets from arrays to draws and figures: the unit of work, wherever it is done.

What comes out depends on the datasets, the seed and the settings alone, so that a chunk may be
computed by any thread, device or machine, again or for the first time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from selfinterp_stats.inference.density.batch import Batch
from selfinterp_stats.inference.density.lift import LiftedModel
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.importance import importance
from selfinterp_stats.inference.engines.laplace import Laplace, laplace
from selfinterp_stats.inference.engines.nuts import nuts
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import summarise

# Below this share of accepted proposals, this worth of their weights, or this many posterior sds
# from a mode, importance sampling is not believed whatever its Pareto k: that sees a heavy tail
# only where proposals have reached it.
FEWEST_ACCEPTED = 0.2
LEAST_WORTH = 0.6
# Proposals of this worth and with a tail as light as this are tried once more, around the moments
# of the draws, before NUTS is.
WORTH_ANOTHER = 0.2
LIGHT_TAIL = 0.5
NEAR_MODE = 1e-3
# So many datasets that are not to be trusted are fitted by NUTS together, or else as many as the
# chunk has: two widths to compile, whatever their number.
FEW_POOR = 8
# What `Draws` calls `Batch.left_to_prior`.
LEFT_TO_PRIOR = "left_to_prior"
# Acceptance aimed at where NUTS diverged at its usual steps.
CAREFUL = 0.9


@dataclass(frozen=True)
class Chunk:
    """What came of a few datasets.

    Attributes
    ----------
    draws : Draws
        The intercept is the one at zero of all predictors (brms' ``b_Intercept``).
    engines : (dataset,) array of str
        Which engine made each posterior.
    problems : (dataset,) array of str
        Why a dataset has no draws; empty where it has.
    summaries : dict of str to (dataset, parameter) array
        What `summarise` says of the draws.
    """

    draws: Draws
    engines: np.ndarray
    problems: np.ndarray
    summaries: dict[str, np.ndarray] = field(default_factory=dict)

    def effective(self) -> float:
        """Effective draws of all its datasets together; missing where none were summarised."""
        if "ess_bulk" not in self.summaries:
            return float("nan")
        return float(np.nansum(self.summaries["ess_bulk"].mean(axis=1)))

    def summarised(self, options: Mapping[str, Any]) -> Chunk:
        """The same with summaries.

        Parameters
        ----------
        options : mapping
            For `summarise`.
        """
        n, chains, draws, parameters = self.draws.values.shape
        flat = np.moveaxis(self.draws.values, 3, 1).reshape(n * parameters, chains, draws)
        with np.errstate(over="ignore", invalid="ignore"):  # of draws too large to be squared
            figures = summarise(flat, **options)
        return replace(
            self, summaries={name: it.reshape(n, parameters) for name, it in figures.items()}
        )


def fit_chunk(
    model: LiftedModel,
    batch: Batch,
    sampling: Sampling,
    *,
    size: int,
    x64: bool,
    intercept: int | None,
) -> Chunk:
    """Fit a few datasets with a batched engine.

    Parameters
    ----------
    model : LiftedModel
    batch : Batch
    sampling : Sampling
    size : int
        Datasets are computed so many at a time, whatever their number: what is compiled for one
        chunk serves all, and each is computed alike.
    x64 : bool
        Sample in 64-bit floats (the Laplace fit always does).
    intercept : int or None
        Its place among the parameters, where the predictors were centred.
    """
    import jax

    n = len(batch)
    batch = batch.filled(size)
    approximation = laplace(model, batch)
    with jax.enable_x64(x64):
        drawn, engines = _draw(model, batch, approximation, sampling, n, x64=x64)
    drawn, engines = drawn.select(range(n)), engines[:n]
    if intercept is not None:
        _to_zero(drawn.values, batch, intercept)
    lost = ~np.isfinite(drawn.values).all(axis=(1, 2, 3))
    drawn.values[lost] = np.nan
    problems = np.where(lost, "no point with a finite density was found", "")
    return Chunk(drawn, engines, problems.astype(object))


def _draw(
    model: LiftedModel,
    batch: Batch,
    approximation: Laplace,
    sampling: Sampling,
    n: int,
    *,
    x64: bool,
) -> tuple[Draws, np.ndarray]:
    """Draw with a batched engine and do again, with more effort, what is not to be trusted."""
    how: dict[str, Any] = {
        "chains": sampling.chains,
        "draws": sampling.draws // sampling.chains,
        "seed": sampling.seed,
        "x64": x64,
    }
    if sampling.engine == "nuts":
        drawn = _with_nuts(model, batch, approximation, how)
        return drawn, np.full(len(batch), "nuts", dtype="U10")
    drawn, around = importance(model, batch, approximation, **how)
    drawn.per_dataset[LEFT_TO_PRIOR] = batch.left_to_prior
    engines = np.full(len(batch), "importance", dtype="U10")
    poor = _poor(drawn, approximation, n)
    if not len(poor):
        return drawn, engines
    alone = sampling.engine == "importance"
    worth = drawn.per_dataset["effective_share"][poor] >= WORTH_ANOTHER
    light = drawn.per_dataset["pareto_k"][poor] <= LIGHT_TAIL
    light &= ~drawn.per_dataset[LEFT_TO_PRIOR][poor]
    # Where proposals may have missed a tail, those made after what they have seen miss it as well.
    once_more = poor if alone else poor[worth & light]
    if len(once_more):
        again, _ = importance(
            model,
            batch.select(once_more).filled(len(batch)),
            around.select(once_more).filled(len(batch)),
            heavy=alone,
            **how,
        )
        drawn = _better(drawn, again.select(range(len(once_more))), once_more)
        poor = _poor(drawn, approximation, n)
    if alone or not len(poor):
        return drawn, engines
    width = FEW_POOR if len(poor) <= FEW_POOR <= len(batch) else len(batch)
    again = _with_nuts(
        model, batch.select(poor).filled(width), approximation.select(poor).filled(width), how
    )
    engines[poor] = "nuts"
    # The Pareto k of the first fits stays on record.
    drawn = drawn.put(poor, again.select(range(len(poor))))
    return drawn, engines


def _with_nuts(
    model: LiftedModel, batch: Batch, approximation: Laplace, how: dict[str, Any]
) -> Draws:
    """Draw with NUTS, and with smaller steps where trajectories diverged."""
    drawn = nuts(model, batch, approximation, **how)
    astray = np.flatnonzero(drawn.per_draw["diverging"].any(axis=(1, 2)))
    if not len(astray):
        return drawn
    size = len(batch)
    careful = nuts(
        model,
        batch.select(astray).filled(size),
        approximation.select(astray).filled(size),
        target=CAREFUL,
        **how,
    )
    return drawn.put(astray, careful.select(range(len(astray))))


def _poor(drawn: Draws, approximation: Laplace, n: int) -> np.ndarray:
    """Positions among the first `n` where importance may not be taken.

    It may where proposals lie around a mode and their ratios have a thin tail. A thin tail alone
    proves nothing where the proposals are far from the posterior, as they are when no mode was
    found; then hardly any of them is accepted. Nor where the intercept's tail is its prior's: too
    few proposals reach it, and what they miss shows in no figure of theirs.
    """
    trusted = (
        ~drawn.per_dataset[LEFT_TO_PRIOR]
        & (drawn.per_dataset["pareto_k"] <= GOOD_K)
        & (drawn.per_dataset["proposals_accepted"] >= FEWEST_ACCEPTED)
        & (drawn.per_dataset["effective_share"] >= LEAST_WORTH)
        & (approximation.gradient <= NEAR_MODE)
    )
    return np.flatnonzero(~trusted[:n])


def _better(drawn: Draws, again: Draws, which: np.ndarray) -> Draws:
    """Take the second attempt where its proposals are worth more and their tail is believable."""
    before, after = (one.per_dataset["effective_share"] for one in (drawn, again))
    tail = again.per_dataset["pareto_k"] <= GOOD_K
    better = np.flatnonzero(tail & ~(after <= before[which]))
    return drawn.put(which[better], again.select(better))


def _to_zero(values: np.ndarray, batch: Batch, intercept: int) -> None:
    """Move the intercept from the centre of the predictors to their zero."""
    n, columns = len(values), batch.centres.shape[1]
    # Bambi lays out the slopes after the intercept, in the order of the design's columns.
    slopes = values[..., intercept + 1 : intercept + 1 + columns]
    centres = batch.centres[:n, None, None, :].astype(values.dtype)
    values[..., intercept] -= (slopes * centres).sum(axis=-1)
