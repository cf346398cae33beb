"""Draws depend on the seed and a dataset's labels, not on what is fitted beside it.

In one layout (batch size and padding) they are the same bit for bit. In another one, sums run in
another order. Importance: log-densities of size 14 (20 rows of log 2) move by some
14 * 2^-24 * sqrt(20), 4e-6, and positions of size 5 by some 1e-6, so that draws agree to `ROUNDING`
but for the step in 10^5 whose acceptance hangs on such a difference. NUTS, whose trajectories
amplify rounding, agrees within Monte Carlo error.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from batches import BATCH, NORMAL, datasets, fit

from selfinterp_stats.inference.fit import fit_datasets
from selfinterp_stats.inference.settings import Running, Sampling
from selfinterp_stats.models import ModelSpec, Prior

N = 20
OTHER = 7
ROUNDING = 1e-5
FLIPPED = 1e-3


def drawn(data, engine, **options):
    """Draws (chain, draw, parameter) by label, and the whole posterior tree."""
    tree = fit(data, engine=engine, **options)
    values = tree["posterior"].dataset.to_array("parameter")
    values = values.transpose("dataset", "chain", "draw", "parameter")
    return dict(zip(values["dataset"].to_numpy().tolist(), values.to_numpy(), strict=True)), tree


@pytest.fixture(scope="module")
def whole():
    return {engine: drawn(datasets(N), engine) for engine in ("importance", "nuts")}


@pytest.mark.parametrize("engine", ["importance", "nuts"])
class TestOneLayout:
    def test_the_same_call_gives_the_same_draws(self, whole, engine):
        again, _ = drawn(datasets(N), engine)
        for label, draws in whole[engine][0].items():
            np.testing.assert_array_equal(again[label], draws)

    def test_the_order_of_datasets_does_not_matter(self, whole, engine):
        # Rows of a dataset stay in their order, datasets come in another.
        data = datasets(N)
        order = np.random.default_rng(1).permutation(data["g"].unique())
        shuffled = data.set_index("g", drop=False).loc[order].reset_index(drop=True)
        assert list(shuffled["g"].unique()) != list(data["g"].unique())
        again, _ = drawn(shuffled, engine)
        for label, draws in whole[engine][0].items():
            np.testing.assert_array_equal(again[label], draws)

    def test_the_other_datasets_do_not_matter(self, whole, engine):
        # They move to other places of other batches.
        data = datasets(N)
        some, _ = drawn(data[~data["g"].isin(["g0000", "g0007", "g0019"])], engine)
        assert len(some) == N - 3
        for label, draws in some.items():
            np.testing.assert_array_equal(draws, whole[engine][0][label])

    def test_another_seed_gives_other_draws(self, whole, engine):
        for label, draws in drawn(datasets(N), engine, seed=1)[0].items():
            assert (draws != whole[engine][0][label]).mean() > 0.99

    def test_other_labels_give_other_draws(self, whole, engine):
        before, _ = whole[engine]
        renamed, _ = drawn(datasets(N).replace({"g": {"g0003": "h0003"}}), engine)
        assert (renamed["h0003"] != before["g0003"]).mean() > 0.99
        np.testing.assert_array_equal(renamed["g0004"], before["g0004"])


@pytest.mark.parametrize("engine", ["importance", "nuts"])
def test_every_part_of_a_label_counts(engine):
    """The same rows under labels of two parts."""
    data = datasets(2)
    spec = ModelSpec.of(
        "y ~ x",
        "bernoulli",
        NORMAL | {"Intercept": Prior.of("StudentT", nu=3, mu=0, sigma=2.5)},
    )
    one, other, again = (
        fit_datasets(
            spec,
            data.assign(model=model),
            ["model", "g"],
            Sampling(engine, draws=400),
            running=Running(batch_size=BATCH),
        ).draws.values
        for model in ("m1", "m2", "m1")
    )
    assert (one != other).mean() > 0.99
    np.testing.assert_array_equal(one, again)


def largely_equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Equal to rounding but for a share of draws whose acceptance was a matter of rounding."""
    apart = [(np.abs(draws - other[label]) > ROUNDING).any(axis=-1) for label, draws in one.items()]
    return float(np.mean(apart)) <= FLIPPED


class TestOtherLayouts:
    @pytest.fixture(scope="class")
    @classmethod
    def longer(cls):
        """The same datasets and two longer ones, which the others are padded for."""
        more = datasets(2, rows=30, seed=1).replace({"g": {"g0000": "h0000", "g0001": "h0001"}})
        return pd.concat([datasets(N), more], ignore_index=True)

    def test_importance_is_the_same_to_rounding_alone(self, whole):
        data = datasets(N)
        some = data[data["g"].isin(["g0002", "g0014"])]
        assert largely_equal(drawn(some, "importance", batch_size=1)[0], whole["importance"][0])

    def test_importance_is_the_same_to_rounding_beside_longer_ones(self, whole, longer):
        beside, _ = drawn(longer, "importance", batch_size=OTHER)
        assert beside.keys() - whole["importance"][0].keys() == {"h0000", "h0001"}
        old = {label: beside[label] for label in whole["importance"][0]}
        assert largely_equal(old, whole["importance"][0])

    def test_importance_is_the_same_to_rounding_whatever_the_order_of_rows(self, whole):
        shuffled = datasets(N).sample(frac=1, random_state=0)
        assert largely_equal(drawn(shuffled, "importance")[0], whole["importance"][0])

    def test_nuts_is_the_same_within_monte_carlo_error_beside_longer_ones(self, whole, longer):
        draws, tree = drawn(longer, "nuts", batch_size=OTHER)
        a, b = tree["summary"].dataset, whole["nuts"][1]["summary"].dataset
        a = a.sel(dataset=b["dataset"])
        z = (a["mean"] - b["mean"]) / np.hypot(a["mcse_mean"], b["mcse_mean"])
        # 40 means: the largest of as many standard normals exceeds 4.5 once in 3,700 runs.
        assert float(abs(z).max()) < 4.5
        # The layouts do differ: trajectories part.
        assert any((draws[label] != old).any() for label, old in whole["nuts"][0].items())
