"""The mode of a posterior is found wherever it begins."""

from __future__ import annotations

import numpy as np
import pandas as pd

from selfinterp_stats.inference.engines.laplace import laplace
from selfinterp_stats.inference.fit import prepare_groups
from selfinterp_stats.inference.running.chunk import NEAR_MODE
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.models import Prior
from selfinterp_stats.models.spec import ModelSpec

DATASETS, ROWS = 2000, 40


def test_a_line_is_found_from_everywhere():
    """Whatever slope and noise: on some ways to the mode the curvature all but vanishes."""
    rng = np.random.default_rng(0)
    intercept, slope = rng.normal(size=(2, DATASETS, 1))
    noise = rng.gamma(10, 1 / 15, size=(DATASETS, 1))
    x = rng.normal(size=(DATASETS, ROWS))
    y = intercept + slope * x + noise * rng.normal(size=x.shape)
    label = np.repeat(np.arange(DATASETS), ROWS)
    data = pd.DataFrame({"which": label, "x": x.ravel(), "y": y.ravel()})
    normal = Prior.of("Normal", mu=0, sigma=1)
    sigma = Prior.of("Gamma", alpha=10, beta=15)
    spec = ModelSpec.of(
        "y ~ x", "gaussian", {"Intercept": normal, "common": normal, "sigma": sigma}
    )
    prepared = prepare_groups(spec, data, ["which"], Sampling())
    found = laplace(prepared.lifted, prepared.batch(np.arange(DATASETS), ROWS))
    assert found.gradient.max() < NEAR_MODE
