"""Draws that stand for what a scenario's choices say of its slopes.

The joint model reweights them, so they may come from any density that is known and wide enough.
They are drawn under the joint model itself with its parameters held somewhere near their mode, a
little widened, and with part of the reports' pull: under a prior that knows nothing of the
reports, reports that agree closely would leave a handful of a thousand draws with all the weight.

Such a density may have several modes (another attribute may be the largest) and edges between
them. So the draws are particles that start as draws of the prior and are led to the posterior in
steps; see `particles`. (Before any parameters are known, the density is wide and has no pull.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from selfinterp_stats.estimates.propagation.choices import Around, Choices
from selfinterp_stats.estimates.propagation.particles import compiled
from selfinterp_stats.inference.engines.seeds import keys_data

# Scenarios computed together: bounds the memory, and what is compiled for one part serves all.
TOGETHER: Final = 100


@dataclass(frozen=True)
class SlopeDraws:
    """Draws of slopes, scenario by scenario.

    Attributes
    ----------
    slopes : (scenario, draw, attribute) array
        Logit scale.
    log_density : (scenario, draw) array
        What the choices' likelihood was multiplied by where they were drawn, as logs.
    """

    slopes: np.ndarray
    log_density: np.ndarray

    def only(self, which: np.ndarray) -> SlopeDraws:
        """Those of some scenarios."""
        return replace(self, slopes=self.slopes[which], log_density=self.log_density[which])


def draw_slopes(
    labels: Sequence[tuple[str, ...]], choices: Choices, around: Around, draws: int, seed: int
) -> SlopeDraws:
    """Draw slopes of every scenario.

    Parameters
    ----------
    labels : sequence of tuple of str
        They and the seed settle the random numbers.
    choices : Choices
    around : Around
    draws, seed : int
    """
    import jax

    from selfinterp_stats.inference.running.compiled import keep_compiled

    keep_compiled()
    n = len(labels)
    size = min(TOGETHER, n)
    keys = keys_data(seed, "slopes", labels)[:, :2]
    start, step = compiled(draws)
    slopes, densities = [], []
    for first in range(0, n, size):
        # The last part is filled up with repeats, so that all have one shape.
        which = np.minimum(np.arange(first, first + size), n - 1)
        given = jax.tree.map(
            lambda a: a.astype(np.float32), (choices.only(which), around.only(which))
        )
        state = start(keys[which], *given)
        while bool((state.heat < 1).any()):
            state = step(state, *given)
        part = jax.device_get((state.slopes, state.density))
        slopes.append(part[0][: n - first].astype(float))
        densities.append(part[1][: n - first].astype(float))
    return SlopeDraws(np.concatenate(slopes), np.concatenate(densities))
