"""What every engine hands back: draws of a batch and how the sampling went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Draws:
    """Equally weighted posterior draws of many datasets.

    Attributes
    ----------
    values : (dataset, chain, draw, parameter) array
        Parameters on their own scale, in the order of `LiftedModel.parameters`. Draws that stay
        in a folder are an xarray variable, which reads what is taken of it.
    per_draw : dict of str to (dataset, chain, draw) array
        Sampler statistics under ArviZ's names: ``diverging``, ``energy``, ...
    per_dataset : dict of str to (dataset,) array
        Statistics of a whole fit: ``pareto_k``, ``proposals_accepted``, ...
    """

    values: Any
    per_draw: dict[str, np.ndarray] = field(default_factory=dict)
    per_dataset: dict[str, np.ndarray] = field(default_factory=dict)

    def select(self, which: Sequence[int] | np.ndarray) -> Draws:
        """The draws of the datasets at the given positions."""
        chosen = np.asarray(which, dtype=int)
        return Draws(
            self.values[chosen],
            {name: values[chosen] for name, values in self.per_draw.items()},
            {name: values[chosen] for name, values in self.per_dataset.items()},
        )

    def put(self, which: np.ndarray, other: Draws) -> Draws:
        """The same with other draws at the given positions.

        A statistic that one side lacks is missing (zero or False, where it is no float) where
        that side's draws are, and one of whole fits stays as it was where only this side has it.
        """
        values = self.values.copy()
        values[which] = other.values
        per_draw = {name: old.copy() for name, old in self.per_draw.items()}
        for name, new in other.per_draw.items():
            missing = np.nan if np.issubdtype(new.dtype, np.floating) else 0
            empty = np.full(values.shape[:3], missing, new.dtype)
            per_draw.setdefault(name, empty)[which] = new
        per_dataset = {name: old.copy() for name, old in self.per_dataset.items()}
        for name, new in other.per_dataset.items():
            per_dataset[name][which] = new
        return Draws(values, per_draw, per_dataset)
