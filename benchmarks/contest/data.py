"""The datasets that everyone fits: the paper's scenarios, or simulated ones of any size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCENARIO = ("base_model", "set", "scenario")


@dataclass(frozen=True)
class Datasets:
    """Logistic regressions to be fitted, with the same predictors in each.

    Attributes
    ----------
    frame : pandas.DataFrame
        All rows: labels, the response ``chose_a`` and the predictors ``d1``, ``d2``, ...
    by : tuple of str
        The columns that hold the labels.
    predictors : int
    """

    frame: Any
    by: tuple[str, ...]
    predictors: int

    @property
    def slopes(self) -> list[str]:
        """Names of the predictors."""
        return [f"d{i}" for i in range(1, self.predictors + 1)]

    @property
    def formula(self) -> str:
        """The model in Bambi's notation."""
        return f"chose_a ~ {' + '.join(self.slopes)}"

    def spread(self, n: int) -> Datasets:
        """About `n` of them from all parts of the list, so that sizes occur as in the whole."""
        labels = self.frame[list(self.by)].drop_duplicates().sort_values(list(self.by))
        step = max(1, math.ceil(len(labels) / n))
        return Datasets(
            self.frame.merge(labels.iloc[::step], on=list(self.by)), self.by, self.predictors
        )

    def __len__(self) -> int:
        return len(self.frame[list(self.by)].drop_duplicates())

    def arrays(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Mean-centred predictors and response of each, for models that are written by hand."""
        pairs = []
        for _, rows in self.frame.groupby(list(self.by), sort=True):
            X = rows[self.slopes].to_numpy(float)
            pairs.append((X - X.mean(axis=0), rows["chose_a"].to_numpy(float)))
        return pairs


def paper_scenarios(folder: Path) -> Datasets:
    """The 400 scenarios of the paper's released choices."""
    from selfinterp_stats.study import load_study

    study = load_study(folder)
    predictors = [f"d{i}" for i in range(1, len(study.attributes) + 1)]
    frame = study.choices[[*SCENARIO, "chose_a", *predictors]].astype({"chose_a": int})
    return Datasets(frame, SCENARIO, len(predictors))


def simulated(n: int, rows: int, predictors: int, seed: int = 0) -> Datasets:
    """Datasets like the paper's: differences of two uniform attributes, standard normal slopes.

    Parameters
    ----------
    n : int
        How many.
    rows : int
        Trials in each.
    predictors : int
    seed : int
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    d = rng.uniform(size=(n, rows, predictors))
    d -= rng.uniform(size=d.shape)
    utility = np.einsum("nrp,np->nr", d, rng.normal(size=(n, predictors)))
    chose_a = rng.uniform(size=(n, rows)) < 1 / (1 + np.exp(-utility))
    frame = pd.DataFrame(
        d.reshape(n * rows, predictors), columns=[f"d{i}" for i in range(1, predictors + 1)]
    )
    frame["chose_a"] = chose_a.ravel().astype(int)
    frame["dataset"] = np.repeat(np.arange(n), rows)
    return Datasets(frame, ("dataset",), predictors)


def simulated_scenarios(n: int) -> Datasets:
    """As many datasets as the paper has, half of them of 50 and half of 100 trials."""
    import pandas as pd

    short, long = simulated(n // 2, 50, 5), simulated(n - n // 2, 100, 5, seed=1)
    long.frame["dataset"] += n // 2
    return Datasets(pd.concat([short.frame, long.frame], ignore_index=True), short.by, 5)
