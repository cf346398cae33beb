"""Models that every engine is to fit alike, each with two small datasets.

The package's own models, and one of each family; between them transformations that depend on the
data, interactions, factors, an offset, trials, no intercept and no predictor. Their reference
moments are in ``tests/reference/moments.json``; ``tests/reference/make_moments.py`` makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from selfinterp_stats.models import (
    ModelSpec,
    Prior,
    correlation_model,
    training_effect_model,
    weights_model,
)

# Rows of the datasets, near enough for one padded length.
SIZES = {"few": 30, "more": 38}
WIDE = Prior.of("Normal", mu=0, sigma=2)
T3 = Prior.of("StudentT", nu=3, mu=0, sigma=2.5)
HALF_T3 = Prior.of("HalfStudentT", nu=3, sigma=2.5)
FLAT = Prior.of("Flat")
SHAPE = Prior.of("Gamma", alpha=2, beta=0.1)


def choices(n: int, seed: int) -> pd.DataFrame:
    """Choices between two options with three attributes."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.uniform(-1, 1, size=(n, 3)), columns=["d1", "d2", "d3"])
    share = expit(2 * data["d1"] - data["d2"])
    return data.assign(chose_a=(rng.uniform(size=n) < share).astype(int))


def agreement(n: int, seed: int) -> pd.DataFrame:
    """Standardised weights and reports, before and after training, of two base models."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "standardized_reports": rng.normal(size=n),
            "itrained": np.where(np.arange(n) % 2, "TRUE", "FALSE"),
            "base_model": np.where(np.arange(n) // 2 % 2, "large", "small"),
        }
    )
    return data.assign(
        standardized_b=0.5 * data["standardized_reports"] + rng.normal(0, 0.8, size=n)
    )


def anything(n: int, seed: int) -> pd.DataFrame:
    """Predictors of several kinds, and a response for every family."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "x": rng.normal(3, 1, size=n),
            "z": rng.uniform(-1, 1, size=n),
            "width": rng.uniform(1, 5, size=n),
            "kind": np.array(["u", "v", "w"])[np.arange(n) % 3],
            "trials": rng.integers(2, 9, size=n),
        }
    )
    eta = 0.6 * (data["x"] - 3) + 0.5 * data["z"] - 0.4 * (data["kind"] == "v")
    share = expit(eta)
    return data.assign(
        yes=(rng.uniform(size=n) < share).astype(int),
        hits=rng.binomial(data["trials"], share),
        amount=eta + rng.normal(size=n),
        tailed=eta + rng.standard_t(4, size=n),
        count=rng.poisson(data["width"] * np.exp(0.5 * eta)),
        spread=rng.poisson(3 * np.exp(0.5 * eta) * rng.gamma(2, 0.5, size=n)),
        part=rng.beta(6 * share, 6 * (1 - share)),
    )


@dataclass(frozen=True)
class Case:
    """A model and how its datasets are made.

    Attributes
    ----------
    spec : ModelSpec
    make : callable
        ``(rows, seed) -> data frame``
    """

    spec: ModelSpec
    make: Callable[[int, int], pd.DataFrame] = anything

    def frame(self, sizes: dict[str, int] | None = None) -> pd.DataFrame:
        """Its datasets, told apart by the column ``which``."""
        made = [
            self.make(n, seed).assign(which=name)
            for seed, (name, n) in enumerate((sizes or SIZES).items())
        ]
        return pd.concat(made, ignore_index=True)


CASES = {
    "weights": Case(weights_model(3), choices),
    "correlation": Case(correlation_model(), agreement),
    "training effect": Case(training_effect_model(several_base_models=True), agreement),
    "bernoulli": Case(ModelSpec.of("yes ~ x * z", "bernoulli", {"common": WIDE, "Intercept": T3})),
    "binomial": Case(
        ModelSpec.of("p(hits, trials) ~ x + kind", "binomial", {"common": WIDE, "Intercept": T3})
    ),
    "gaussian": Case(
        ModelSpec.of(
            "amount ~ scale(x) + np.log(width)",
            "gaussian",
            {"common": FLAT, "Intercept": T3, "sigma": HALF_T3},
        )
    ),
    "t": Case(
        ModelSpec.of(
            "tailed ~ I(x - np.mean(x)) * z",
            "t",
            {"common": WIDE, "Intercept": T3, "sigma": HALF_T3, "nu": SHAPE},
        )
    ),
    "poisson": Case(
        ModelSpec.of(
            "count ~ x + offset(np.log(width))", "poisson", {"common": WIDE, "Intercept": T3}
        )
    ),
    "negativebinomial": Case(
        ModelSpec.of(
            "spread ~ kind",
            "negativebinomial",
            {"common": WIDE, "Intercept": T3, "alpha": Prior.of("Gamma", alpha=2, beta=1)},
        )
    ),
    "beta": Case(
        ModelSpec.of("part ~ x", "beta", {"common": WIDE, "Intercept": T3, "kappa": SHAPE})
    ),
    "no intercept": Case(
        ModelSpec.of(
            "amount ~ 0 + z + kind",
            "gaussian",
            {"common": WIDE, "sigma": Prior.of("Exponential", lam=1)},
        )
    ),
    "no predictor": Case(
        ModelSpec.of("amount ~ 1", "gaussian", {"Intercept": T3, "sigma": HALF_T3})
    ),
}


def alone(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of one dataset, as if there were no other."""
    return frame[frame["which"] == name].reset_index(drop=True)
