"""What every engine hands back: draws of a batch and how the sampling went."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Draws:
    """Equally weighted posterior draws of many datasets.

    Attributes
    ----------
    values : (dataset, chain, draw, parameter) array
        Parameters on their own scale, in the order of `LiftedModel.names`. The intercept is
        that of the centred predictors.
    per_draw : dict of str to (dataset, chain, draw) array
        Sampler statistics under ArviZ's names: ``diverging``, ``energy``, ...
    per_dataset : dict of str to (dataset,) array
        Statistics of a whole fit: ``pareto_k``, ``acceptance_rate``, ...
    """

    values: np.ndarray
    per_draw: dict[str, np.ndarray] = field(default_factory=dict)
    per_dataset: dict[str, np.ndarray] = field(default_factory=dict)
