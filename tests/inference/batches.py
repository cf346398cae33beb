"""Many small datasets, and one way to fit them, for the tests of what runs where."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from selfinterp_stats.inference.many import fit_many
from selfinterp_stats.models import Prior

NORMAL = {"common": Prior.of("Normal", mu=0, sigma=1)}
BATCH = 4
# For memory: numbers of datasets, and draws of each.
FEW, MANY, DRAWS = 40, 640, 8000


def datasets(n: int = 10, rows: int = 20, seed: int = 0) -> pd.DataFrame:
    """`n` datasets of a logistic regression: every third one is a quarter shorter."""
    rng = np.random.default_rng(seed)
    label = np.repeat([f"g{i:04}" for i in range(n)], rows)
    data = pd.DataFrame({"g": label, "x": rng.normal(size=n * rows), "f": "u"})
    data["y"] = (rng.uniform(size=n * rows) < expit(data["x"])).astype(int)
    position = np.arange(n * rows) % rows
    data.loc[position % 2 == 1, "f"] = "v"
    number = np.repeat(np.arange(n), rows)
    return data[(number % 3 > 0) | (position < 0.75 * rows)].reset_index(drop=True)


def fit(data: pd.DataFrame | None = None, formula: str = "y ~ x", **options):
    """`fit_many` with settings that are cheap and fix the layout."""
    settings = {
        "family": "bernoulli",
        "priors": NORMAL,
        "engine": "importance",
        "draws": 400,
        "batch_size": BATCH,
        "progress": False,
    }
    return fit_many(formula, datasets() if data is None else data, "g", **(settings | options))


def draws(tree) -> np.ndarray:
    """All draws of a tree, a (dataset, chain, draw, parameter) array."""
    stacked = tree["posterior"].dataset.to_array("parameter")
    return stacked.transpose("dataset", "chain", "draw", "parameter").to_numpy()
