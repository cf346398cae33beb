"""Gibbs sampling of slopes whose normal priors have widths that are drawn as well.

Scenarios whose widths are drawn together are a group. A sweep draws the widths given the slopes and
moves the slopes given the widths (`hamiltonian`). Many short chains run at once, one in every lane.
Half of them start where slopes are nearly zero, half where they are hardly shrunk: R-hat, which
compares these halves, tells whether chains have forgotten it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from selfinterp_stats.estimates.diagnostics import has_settled
from selfinterp_stats.estimates.priors import hamiltonian
from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.group import Group
from selfinterp_stats.estimates.priors.posterior import FIGURES
from selfinterp_stats.estimates.results import CHAINS
from selfinterp_stats.inference.density.batch import bucket_lengths
from selfinterp_stats.inference.engines.lane_random import split
from selfinterp_stats.inference.engines.seeds import keys_data
from selfinterp_stats.inference.running.compiled import keep_compiled
from selfinterp_stats.inference.running.devices import devices, on_devices
from selfinterp_stats.inference.running.traces import traced
from selfinterp_stats.inference.summary.summaries import summarise

if TYPE_CHECKING:
    import jax

    Array = jax.Array

ENGINE: Final = "gibbs"
# Sweeps between two estimates of how far slopes are to be moved; so many times without and then
# with draws kept. What has not settled is drawn again with four times as many sweeps, and then
# sixteen, of which every fourth or sixteenth is kept.
_SWEEPS: Final = 10
_UNKEPT: Final = 2
_KEPT: Final = 4
_TIMES: Final = (1, 4, 16)
# So many draws are judged by R-hat and ESS as everywhere.
_USUAL_DRAWS: Final = 4000
# Scenarios computed by one call: their draws are a few MiB.
_TOGETHER: Final = 16
# Counts of random numbers in a sweep: one is for the slopes, the others for the widths.
_COUNTS: Final = 4


class Widths(Hashable, Protocol):
    """How the widths of the slopes' priors are drawn; what is compiled hangs on it."""

    @property
    def starts(self) -> tuple[float, float]:
        """Two widths: chains start at the modes of the posteriors under them."""
        ...

    @property
    def first(self) -> tuple[float, ...]:
        """First values of the numbers that the next widths hang on besides the slopes."""
        ...

    def draw(
        self, theta: Array, numbers: Array, group: Group, count: Array
    ) -> tuple[Array, Array, Array]:
        """Draw the widths, and move the slopes where that is part of it.

        Parameters
        ----------
        theta : (scenario, parameter, lane) array
            The intercept first.
        numbers : (number, scenario, lane) array
        group : Group
        count : uint32 scalar
            This and the two after it are for these draws.

        Returns
        -------
        theta, numbers
            The new ones.
        precision : (scenario, slope, lane) array
            Of the slopes' priors.
        """
        ...


@dataclass(frozen=True)
class Drawn:
    """Draws of all scenarios.

    Attributes
    ----------
    values : (scenario, chain, draw, parameter) array
        The draws of one lane follow each other.
    numbers : (scenario, chain, draw, number) array
        What the widths hang on.
    summaries : dict of str to (scenario, slope) array
        `FIGURES`.
    """

    values: np.ndarray
    numbers: np.ndarray
    summaries: dict[str, np.ndarray]

    @classmethod
    def empty(cls, shape: tuple[int, int, int], size: int, numbers: int) -> Drawn:
        """Room for draws."""
        return cls(
            np.empty((*shape, size), np.float32),
            np.empty((*shape, numbers), np.float32),
            {name: np.empty((shape[0], size - 1)) for name in FIGURES},
        )

    def put(self, which: np.ndarray, other: Drawn, of_other: slice) -> None:
        """Fill in some scenarios."""
        self.values[which] = other.values[of_other]
        self.numbers[which] = other.numbers[of_other]
        for name, figures in self.summaries.items():
            figures[which] = other.summaries[name][of_other]

    @property
    def settled(self) -> np.ndarray:
        """Which scenarios' draws are worth enough, (scenario,) of bool."""
        share = min(1, self.values.shape[1] * self.values.shape[2] / _USUAL_DRAWS)
        figures = (self.summaries[name] for name in ("rhat", "ess_bulk", "ess_tail"))
        return np.asarray(has_settled(*figures, share=share).all(axis=1))


@dataclass(frozen=True)
class _Task:
    """Groups that are computed together, padded to one shape.

    Attributes
    ----------
    groups : list of (scenario,) array of int
        Positions of each group's scenarios.
    keys : (group, scenario, 2) uint32 array
    rows : (group, scenario, choice, parameter) array
    real : (group, scenario) array
    """

    groups: list[np.ndarray]
    keys: np.ndarray
    rows: np.ndarray
    real: np.ndarray


def sample(scenarios: Scenarios, groups: Sequence[np.ndarray], widths: Widths) -> Drawn:
    """Draw from the posteriors of all scenarios.

    Parameters
    ----------
    scenarios : Scenarios
    groups : sequence of (scenario,) array of int
        Positions of those whose widths are drawn together; together they are all scenarios.
    widths : Widths
    """
    keep_compiled()
    length = scenarios.settings.draws // CHAINS
    size, numbers = len(scenarios.slopes) + 1, len(widths.first)
    found = Drawn.empty((len(scenarios), CHAINS, length), size, numbers)
    widest = max(len(group) for group in groups)
    shape = (min(max(1, _TOGETHER // widest), len(groups)), widest)
    counts = np.diff(scenarios.starts)
    lengths = bucket_lengths(np.array([counts[group].max() for group in groups]))
    left = list(groups)
    for times in _TIMES:
        for task, drawn in on_devices(
            partial(_of_task, widths=widths, scenarios=scenarios, times=times),
            _tasks(scenarios, left, shape, lengths),
            devices(scenarios.settings.running.device),
            shape=lambda task: (ENGINE, widths, length, task.rows.shape),
        ):
            for place, group in enumerate(task.groups):
                at = place * task.rows.shape[1]
                found.put(group, drawn, slice(at, at + len(group)))
        settled = found.settled
        left = [group for group in left if not settled[group].all()]
        if not left:
            break
    return found


def _tasks(
    scenarios: Scenarios, groups: Sequence[np.ndarray], shape: tuple[int, int], lengths: np.ndarray
) -> list[_Task]:
    """Groups of about as many choices together.

    Parameters
    ----------
    scenarios : Scenarios
    groups : sequence of (scenario,) array of int
    shape : (int, int)
        Groups of a task, and scenarios of a group.
    lengths : (bucket,) array of int
        What a scenario's choices are padded to.
    """
    counts = np.diff(scenarios.starts)
    longest = [counts[group].max() for group in groups]
    bucket = np.searchsorted(lengths, longest)
    together, size = shape
    labels = list(scenarios.labels.itertuples(index=False, name=None))
    keys = keys_data(scenarios.settings.seed, ENGINE, labels)[:, :2]
    signs = 2.0 * scenarios.y - 1
    signed = np.column_stack([signs, signs[:, None] * scenarios.X]).astype(np.float32)
    tasks = []
    for place, length in enumerate(lengths):
        members = np.flatnonzero(bucket == place)
        for start in range(0, len(members), together):
            some = [groups[i] for i in members[start : start + together]]
            rows = np.zeros((together, size, length, signed.shape[1]), np.float32)
            of_keys, real = np.zeros((together, size, 2), np.uint32), np.zeros((together, size))
            for i, group in enumerate(some):
                real[i, : len(group)], of_keys[i, : len(group)] = 1, keys[group]
                for j, scenario in enumerate(group):
                    rows[i, j, : counts[scenario]] = signed[scenarios.rows(scenario)]
            tasks.append(_Task(some, of_keys, rows, real.astype(np.float32)))
    return tasks


def _of_task(task: _Task, widths: Widths, scenarios: Scenarios, times: int) -> Drawn:
    """Draw for a task, with those that fill it up; of `times` sweeps one is kept."""
    length = scenarios.settings.draws // CHAINS
    begin, go_on = _compiled(widths, CHAINS * -(-length // (_SWEEPS * _KEPT)))
    state, kept = begin(task.rows), []
    for call in range((_UNKEPT + _KEPT) * times):
        done = np.uint32(call * _SWEEPS)
        state, drawn = go_on(task.keys, task.rows, task.real, state, done)
        if call >= _UNKEPT * times:
            kept.append(drawn)
    values, numbers = (
        _by_chain(np.concatenate(parts)[::times], length) for parts in zip(*kept, strict=True)
    )
    n, _, _, size = values.shape
    flat = np.moveaxis(values[..., 1:], 3, 1).reshape(-1, CHAINS, length)
    figures = summarise(flat, **scenarios.asked)
    return Drawn(values, numbers, {name: figures[name].reshape(n, size - 1) for name in FIGURES})


def _by_chain(drawn: np.ndarray, length: int) -> np.ndarray:
    """(sweep, group, scenario, number, lane) to (scenario, chain, draw, number)."""
    sweeps, groups, scenarios, size, lanes = drawn.shape
    parts = drawn.reshape(sweeps, groups * scenarios, size, CHAINS, lanes // CHAINS)
    return parts.transpose(1, 3, 4, 0, 2).reshape(groups * scenarios, CHAINS, -1, size)[
        :, :, :length
    ]


@lru_cache(maxsize=16)
def _compiled(widths: Widths, lanes: int) -> tuple[Any, Any]:
    """Programs that begin chains, and that go on for some sweeps."""
    import jax
    import jax.numpy as jnp

    def begin_one(rows: Array) -> tuple[Array, Array]:
        modes = [
            jax.vmap(hamiltonian.mode, (0, None))(rows, jnp.float32(width**-2.0))
            for width in widths.starts
        ]
        # Chains are the outer part of the lanes.
        theta = jnp.repeat(jnp.stack(modes, axis=-1), lanes // 2, axis=-1)
        first = jnp.asarray(widths.first, theta.dtype)[:, None, None]
        return theta, jnp.broadcast_to(first, (len(first), len(rows), lanes))

    def go_on_one(
        keys: Array, rows: Array, real: Array, state: tuple[Array, Array], done: Array
    ) -> tuple[Any, Any]:
        theta = state[0]
        about = jax.lax.map(lambda of: hamiltonian.information(*of), (rows, theta))
        slopes = theta.at[:, 0].set(0)
        about_factor = jnp.einsum("spl,spq,sql->l", slopes, about, slopes).mean()
        of_lanes = jnp.moveaxis(split(keys.T, lanes), 0, 1)
        group = Group(of_lanes, rows, real, about, about_factor)

        def sweep(state: tuple[Array, Array], number: Array) -> tuple[Any, Any]:
            count = (done + number) * jnp.uint32(_COUNTS)
            theta, numbers, precision = widths.draw(*state, group, count + 1)

            def moved(of: tuple[Array, Array, Array, Array, Array]) -> Array:
                return hamiltonian.step(*of, count)

            theta = jax.lax.map(moved, (rows, theta, precision, about, of_lanes))
            return (theta, numbers), (theta, numbers.swapaxes(0, 1))

        return jax.lax.scan(sweep, state, jnp.arange(_SWEEPS, dtype="uint32"))

    @traced
    def begin(rows: Array) -> tuple[Array, Array]:
        return jax.vmap(begin_one)(rows)

    @traced
    def go_on(
        keys: Array, rows: Array, real: Array, state: tuple[Array, Array], done: Array
    ) -> tuple[Any, Any]:
        def of_group(of: tuple[Array, Array, Array, tuple[Array, Array]]) -> tuple[Any, Any]:
            return go_on_one(*of, done)

        state, drawn = jax.lax.map(of_group, (keys, rows, real, state))
        return state, jax.tree.map(lambda one: jnp.moveaxis(one, 1, 0), drawn)

    return jax.jit(begin), jax.jit(go_on)
