"""Draws depend on the seed and a dataset's labels, not on what is fitted beside it.

In one layout (chunk and padding) they are the same bit for bit. Across layouts sums run in
another order: importance differs by rounding, NUTS, whose trajectories amplify it, within Monte
Carlo error.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from selfinterp_stats.inference.fit import Sampling, fit_datasets
from selfinterp_stats.inference.summary import summaries
from selfinterp_stats.models import weights_model

DRAWS = 1000
N = 20


def frames(n: int = N, trials: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.uniform(-1, 1, size=(n * trials, 3)), columns=["d1", "d2", "d3"])
    share = expit(2 * rows["d1"] - rows["d2"])
    return rows.assign(
        chose_a=(rng.uniform(size=len(rows)) < share).astype(int),
        model=np.repeat(["m1", "m2"], n * trials // 2),
        scenario=np.repeat([f"s{i:02}" for i in range(n)], trials),
    )


def fit(data, engine, seed=0, draws=DRAWS):
    fits = fit_datasets(
        weights_model(3), data, ["model", "scenario"], Sampling(engine, 4, draws, seed)
    )
    return dict(zip(fits.labels, fits.draws.values, strict=True))


@pytest.fixture(scope="module")
def whole():
    data = frames()
    return {engine: fit(data, engine) for engine in ("importance", "nuts")}


@pytest.mark.parametrize("engine", ["importance", "nuts"])
class TestOneLayout:
    def test_the_same_call_gives_the_same_draws(self, whole, engine):
        again = fit(frames(), engine)
        for label, draws in whole[engine].items():
            np.testing.assert_array_equal(again[label], draws)

    def test_the_order_of_datasets_does_not_matter(self, whole, engine):
        # Rows of a dataset stay in their order, datasets come in another.
        data = frames()
        order = np.random.default_rng(1).permutation(N)
        shuffled = pd.concat([data[data["scenario"] == f"s{i:02}"] for i in order])
        for label, draws in fit(shuffled, engine).items():
            np.testing.assert_array_equal(draws, whole[engine][label])

    def test_the_other_datasets_do_not_matter(self, whole, engine):
        # 20 datasets, then 17 of them: both fill chunks of the same size.
        data = frames()
        some = data[~data["scenario"].isin(["s00", "s07", "s19"])]
        fitted = fit(some, engine)
        assert len(fitted) == 17
        if engine == "nuts":  # its chunks hold 16 datasets in either case
            for label, draws in fitted.items():
                np.testing.assert_array_equal(draws, whole[engine][label])
        else:
            # The size of a chunk follows the number of datasets.
            assert all(
                largely_equal(draws, whole[engine][label]) for label, draws in fitted.items()
            )

    def test_another_seed_gives_other_draws(self, whole, engine):
        for label, draws in fit(frames(), engine, seed=1).items():
            assert (draws != whole[engine][label]).mean() > 0.99

    def test_other_labels_give_other_draws(self, whole, engine):
        renamed = frames().replace({"scenario": {"s03": "t03"}})
        fitted = fit(renamed, engine)
        assert (fitted["m1", "t03"] != whole[engine]["m1", "s03"]).mean() > 0.99
        np.testing.assert_array_equal(fitted["m1", "s04"], whole[engine]["m1", "s04"])


# 32-bit sums of 40 terms in another order move the mode (64-bit) not at all and a proposal's
# log-ratio by some 1e-5: draws are the same proposals, to the last digits, but for the step in
# 10^5 whose acceptance hangs on that difference.
ROUNDING = 1e-4
FLIPPED = 1e-3


def largely_equal(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal to rounding but for a share of draws whose acceptance was a matter of rounding."""
    return float((np.abs(a - b) > ROUNDING).any(axis=-1).mean()) <= FLIPPED


class TestOtherLayouts:
    def test_importance_is_the_same_to_rounding_alone(self, whole):
        data = frames()
        for name in ("s02", "s15"):
            one = data[data["scenario"] == name]
            for label, draws in fit(one, "importance").items():
                assert largely_equal(draws, whole["importance"][label])

    def test_importance_is_the_same_to_rounding_beside_a_longer_dataset(self, whole):
        longer = frames(2, 170).assign(model="m3")
        data = pd.concat([frames(), longer])
        fitted = fit(data, "importance")
        for label, draws in whole["importance"].items():
            assert largely_equal(fitted[label], draws)

    def test_importance_is_the_same_to_rounding_whatever_the_order_of_rows(self, whole):
        shuffled = frames().sample(frac=1, random_state=0)
        for label, draws in fit(shuffled, "importance").items():
            assert largely_equal(draws, whole["importance"][label])

    def test_nuts_is_the_same_within_monte_carlo_error(self, whole):
        data = frames()
        few = data[data["scenario"].isin(["s02", "s03"])]
        for label, draws in fit(few, "nuts").items():
            a, b = (
                summaries.summarise(np.moveaxis(d, 2, 0)) for d in (draws, whole["nuts"][label])
            )
            z = (a["mean"] - b["mean"]) / np.hypot(a["mcse_mean"], b["mcse_mean"])
            assert np.abs(z).max() < 4.5
