"""The inference room's engines for densities of our own.

They ask of a model that it has a size, a log-density and a way to its own scale, and of data that
they come in batches; the joint model and the scenarios it is made of do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, cast

import numpy as np

from selfinterp_stats.estimates.diagnostics import has_settled
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.laplace import laplace
from selfinterp_stats.inference.engines.seeds import key_data
from selfinterp_stats.inference.running.chunk import Chunk, fit_chunk
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import summarise

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# How many times as many draws are made of a posterior that has not settled, try after try.
TIMES: Final = (4, 16)


class Stackable(Protocol):
    """Arrays about one dataset, or about many along a first axis: a tuple, nested or not."""

    def astype(self, kind: type) -> Any:
        """The same in another precision."""


D = TypeVar("D", bound=Stackable)


@dataclass(frozen=True)
class Stacked(Generic[D]):
    """Datasets of one shape, stacked along a first axis.

    Attributes
    ----------
    labels : tuple of tuple of str
        They and the seed settle the random numbers.
    data : tuple of arrays
    length : int
        Numbers that one evaluation of the density goes through.
    """

    labels: tuple[tuple[str, ...], ...]
    data: D
    length: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def left_to_prior(self) -> np.ndarray:
        """None of these densities has an intercept that outcomes leave to its prior."""
        return np.zeros(len(self), dtype=bool)

    def select(self, which: np.ndarray) -> Stacked[D]:
        """The datasets at the given positions."""
        import jax

        labels = tuple(self.labels[i] for i in which)
        return Stacked(labels, jax.tree.map(lambda a: a[which], self.data), self.length)

    def filled(self, size: int) -> Stacked[D]:
        """The same with the last dataset repeated until there are `size`."""
        if size == len(self):
            return self
        return self.select(np.minimum(np.arange(size), len(self) - 1))


def stack(data: Sequence[D]) -> D:
    """Datasets of one shape along a first axis."""
    import jax

    return cast(D, jax.tree.map(lambda *arrays: np.stack(arrays), *data))


def draw(
    model: object,
    batch: Stacked[Any],
    sampling: Sampling,
    *,
    size: int | None = None,
    reported: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Chunk:
    """Sample every dataset of a batch, and with more draws again what has not settled.

    Parameters
    ----------
    model : object
        With ``size``, ``log_density(theta, data)`` and ``constrain(theta, data)``.
    batch : Stacked
    sampling : Sampling
        As many draws are kept of every dataset, evenly spaced where more were made.
    size : int, optional
        Datasets computed at a time; all of them unless given.
    reported : callable, optional
        From draws of parameters to those of what will be reported, and so has to settle: of
        (..., parameter) arrays, to (..., quantity). The parameters unless given.
    """
    from selfinterp_stats.inference.running.compiled import keep_compiled

    keep_compiled()
    chunk = _drawn(model, batch, sampling, size or len(batch))
    for times in TIMES:
        values = chunk.draws.values if reported is None else reported(chunk.draws.values)
        poor = np.flatnonzero((chunk.problems == "") & ~settled(values))
        if not len(poor):
            break
        more = replace(sampling, draws=times * sampling.draws)
        again = _drawn(model, batch.select(poor), more, 1).draws
        kept = Draws(again.values[:, :, ::times], per_dataset=again.per_dataset)
        chunk = replace(chunk, draws=chunk.draws.put(poor, kept))
    return chunk


def settled(values: np.ndarray) -> np.ndarray:
    """Whether R-hat and bulk ESS of all parameters say so.

    Parameters
    ----------
    values : (dataset, chain, draw, parameter) array
        A parameter that is constant has settled.

    Returns
    -------
    (dataset,) array of bool
    """
    n, chains, length, parameters = values.shape
    flat = np.moveaxis(values, 3, 1).reshape(n * parameters, chains, length)
    found = summarise(flat)
    good = has_settled(found["rhat"], found["ess_bulk"])
    return np.asarray(good.reshape(n, parameters).all(axis=1))


def _drawn(model: object, batch: Stacked[Any], sampling: Sampling, size: int) -> Chunk:
    """Sample every dataset once, so many at a time."""
    size = min(size, len(batch))
    parts = [
        fit_chunk(
            cast(Any, model),
            cast(Any, batch.select(np.arange(start, min(start + size, len(batch))))),
            sampling,
            size=size,
            x64=False,
            intercept=None,
        )
        for start in range(0, len(batch), size)
    ]
    return _joined(parts)


def _joined(parts: list[Chunk]) -> Chunk:
    if len(parts) == 1:
        return parts[0]
    names = parts[0].draws.per_dataset
    drawn = Draws(
        values=np.concatenate([part.draws.values for part in parts]),
        per_dataset={
            name: np.concatenate([part.draws.per_dataset[name] for part in parts]) for name in names
        },
    )
    engines, problems = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("engines", "problems")
    )
    return Chunk(drawn, engines, problems)


def chosen(key: Array, log_weights: Array) -> Array:
    """Pick one draw of every scenario by its weight, a (scenario,) array of places.

    Parameters
    ----------
    key : random key
    log_weights : (scenario, draw) array
    """
    import jax
    import jax.numpy as jnp

    # One random number a scenario, where a categorical draw would take one for each of its draws.
    below = jnp.cumsum(jax.nn.softmax(log_weights, axis=1), axis=1)
    at = jax.random.uniform(key, (len(below), 1)) * below[:, -1:]
    return jnp.minimum((below < at).sum(axis=1), below.shape[1] - 1)


def random_keys(seed: int, number: int, *labels: str) -> Array:
    """So many random keys, settled by the seed and by what they are for."""
    import jax
    import jax.numpy as jnp

    words = jnp.asarray(key_data(seed, *labels)[:2])
    return jax.random.split(jax.random.wrap_key_data(words), number)


def modes(model: object, batch: Stacked[Any]) -> np.ndarray:
    """Posterior modes on the real line, (dataset, parameter)."""
    return laplace(cast(Any, model), cast(Any, batch)).mode
