"""`fit_many`: what comes back, and that it is what was asked for."""

from __future__ import annotations

import bambi
import numpy as np
import pytest
from batches import NORMAL, datasets, draws, fit

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.many import fit_many
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models import Prior, brms_priors

N = 10


@pytest.fixture(scope="module")
def tree():
    return fit(datasets(N))


def test_draws_have_the_dimensions_and_labels_of_the_data(tree):
    posterior = tree["posterior"].dataset
    assert set(posterior.data_vars) == {"Intercept", "x"}
    for values in posterior.data_vars.values():
        assert dict(values.sizes) == {"chain": 4, "draw": 100, "dataset": N}
    assert posterior["dataset"].to_numpy().tolist() == [f"g{i:04}" for i in range(N)]


def test_summaries_are_those_of_the_draws(tree):
    flat = np.moveaxis(draws(tree), 3, 1).reshape(2 * N, 4, 100)
    expected = summarise(flat, hdi_prob=0.95)
    summary = tree["summary"].dataset.sel(parameter=list(tree["posterior"].data_vars))
    assert set(summary.data_vars) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(summary[name].to_numpy().ravel(), values)


def test_the_tree_says_where_it_comes_from(tree):
    for group in ("posterior", "summary", "sample_stats"):
        attrs = tree[group].attrs
        assert attrs["formula"] == "y ~ x"
        assert attrs["family"] == "bernoulli"
        assert attrs["seed"] == 0
        assert attrs["priors"] == (
            "common ~ Normal(mu=0, sigma=1); Intercept ~ StudentT(nu=3, mu=0, sigma=2.5)"
        )


def test_each_dataset_has_the_posterior_of_its_own_rows():
    """Against conjugate theory: a normal response of known residual sd and normal priors."""
    data = datasets(N).assign(r=lambda data: 2 * data["x"] + 1)
    rng = np.random.default_rng(3)
    data["r"] += rng.normal(size=len(data))
    flat = {"common": Prior.of("Normal", mu=0, sigma=100), "Intercept": Prior.of("Flat")}
    fitted = fit(data, "r ~ x", family="gaussian", priors=flat, draws=4000)["summary"].dataset
    for label, rows in data.groupby("g"):
        X = np.column_stack([np.ones(len(rows)), rows["x"]])
        (_, slope), *_ = np.linalg.lstsq(X, rows["r"])
        mean = fitted["mean"].sel(dataset=label, parameter="x")
        mcse = fitted["mcse_mean"].sel(dataset=label, parameter="x")
        # Under priors this wide and a residual sd of any size the mean is the least-squares slope,
        # up to the 10^-4 of it that the slope's prior takes off.
        assert abs(float(mean) - slope) < 4.5 * float(mcse) + 1e-4


def test_several_columns_tell_the_datasets_apart():
    data = datasets(N).assign(h=lambda data: data["g"].str[-1].astype(int) % 2)
    tree = fit_many(
        "y ~ x", data, ["g", "h"], family="bernoulli", priors=NORMAL,
        engine="importance", draws=400, batch_size=4,
    )  # fmt: skip
    assert tree["posterior"]["dataset"].to_numpy()[:2].tolist() == ["g0000 / 0", "g0001 / 1"]


def test_summaries_alone_are_the_same_and_bring_no_draws(tree):
    alone = fit(datasets(N), keep="summaries")
    assert "posterior" not in alone
    assert alone["summary"].dataset.equals(tree["summary"].dataset)


def test_a_bambi_model_brings_its_formula_family_and_priors(tree):
    data = datasets(N)
    priors = {
        "x": bambi.Prior("Normal", mu=0, sigma=1),
        "Intercept": bambi.Prior("StudentT", nu=3, mu=0, sigma=2.5),
    }
    numbers = data[["y", "x"]]  # of a column of text Bambi 0.17 says what pandas 4 will change
    model = bambi.Model("y ~ x", numbers, family="bernoulli", priors=priors)
    settings = {"engine": "importance", "draws": 400, "batch_size": 4}
    np.testing.assert_array_equal(draws(fit_many(model, data, "g", **settings)), draws(tree))
    with pytest.raises(InputError) as caught:
        fit_many(model, data, "g", priors=NORMAL)
    assert str(caught.value) == (
        "a Bambi model brings its own priors (found ['common']). Set them on the model, or give "
        "its formula instead."
    )


COUNTS = {"formula": "c ~ x", "family": "poisson", "priors": None}


class TestDefaultPriors:
    """brms' defaults follow the response: of one dataset, or of each its own."""

    @pytest.fixture(scope="class")
    @classmethod
    def data(cls):
        data = datasets(3)
        size = data["g"].map({"g0000": 1, "g0001": 40, "g0002": 3000})
        return data.assign(c=size * (1 + data.groupby("g").cumcount() % 4))

    def test_they_are_frozen_to_the_first_dataset_unless_another_is_named(self, data):
        for label, settings in (("g0000", {}), ("g0002", {"frozen_to": "g0002"})):
            said = fit(data, **COUNTS, **settings)["summary"].attrs["priors"]
            of_one = brms_priors("poisson", data.loc[data["g"] == label, "c"].to_numpy())
            assert f"Intercept ~ {of_one['Intercept']}" in said

    def test_per_dataset_each_is_fitted_as_if_it_were_frozen_to_itself(self, data):
        whole = fit(data, default_priors="per_dataset", **COUNTS)
        for i, label in enumerate(data["g"].unique()):
            own = fit(data, frozen_to=label, **COUNTS)
            np.testing.assert_array_equal(draws(whole)[i], draws(own)[i])
