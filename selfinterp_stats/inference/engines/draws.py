"""What every engine hands back: draws of a batch and how the sampling went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Draws:
    """Equally weighted posterior draws of many datasets.

    Attributes
    ----------
    values : (dataset, chain, draw, parameter) array
        Parameters on their own scale, in the order of `LiftedModel.names`.
    per_draw : dict of str to (dataset, chain, draw) array
        Sampler statistics under ArviZ's names: ``diverging``, ``energy``, ...
    per_dataset : dict of str to (dataset,) array
        Statistics of a whole fit: ``pareto_k``, ``acceptance_rate``, ...
    """

    values: np.ndarray
    per_draw: dict[str, np.ndarray] = field(default_factory=dict)
    per_dataset: dict[str, np.ndarray] = field(default_factory=dict)

    def select(self, which: Sequence[int]) -> Draws:
        """The draws of the datasets at the given positions."""
        chosen = list(which)
        return Draws(
            self.values[chosen],
            {name: values[chosen] for name, values in self.per_draw.items()},
            {name: values[chosen] for name, values in self.per_dataset.items()},
        )
