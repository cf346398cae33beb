"""Bambi's own fits: PyMC's NUTS and NumPyro's agree with each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from selfinterp_stats.inference.engines.one_by_one import one_by_one
from selfinterp_stats.inference.summary.summaries import mcse_mean
from selfinterp_stats.models import weights_model

CHAINS, DRAWS = 2, 500


def test_pymc_and_numpyro_find_the_same_posterior_through_bambi():
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.uniform(-1, 1, size=(50, 2)), columns=["d1", "d2"])
    data["chose_a"] = (rng.uniform(size=50) < 1 / (1 + np.exp(-2 * data["d1"]))).astype(int)
    means, errors = [], []
    for method in ("pymc", "numpyro"):
        drawn = one_by_one(
            [weights_model(2)],
            [data],
            (("a scenario",),),
            chains=CHAINS,
            draws=DRAWS,
            seed=1,
            method=method,
        )
        flat = np.moveaxis(drawn.values[0], 2, 0)
        means.append(flat.mean(axis=(1, 2)))
        errors.append(mcse_mean(flat))
        assert set(drawn.per_draw) == {"diverging", "energy", "n_steps", "acceptance_rate"}
    # Three quantities, each beyond four Monte Carlo errors once in 15,000 times.
    apart = np.abs(means[0] - means[1]) / np.hypot(*errors)
    assert (apart < 4).all()
