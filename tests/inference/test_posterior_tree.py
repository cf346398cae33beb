"""The posterior container is one that ArviZ takes as it is, and that files give back."""

from __future__ import annotations

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from studies import write_study

from selfinterp_stats import fit_many
from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates import fit_weights
from selfinterp_stats.inference.summary import summaries
from selfinterp_stats.models import Prior
from selfinterp_stats.study import load_study

PRIORS = {
    "common": Prior.of("Normal", mu=0, sigma=1),
    "Intercept": Prior.of("StudentT", nu=3, mu=0, sigma=2.5),
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = write_study(
        tmp_path_factory.mktemp("tree") / "study", scenarios=3, trials=20, attributes=3
    )
    return {engine: fit_weights(load_study(folder), engine=engine) for engine in ("auto", "nuts")}


@pytest.fixture(params=["auto", "nuts"])
def tree(weights, request):
    return weights[request.param].posteriors["weights_model-a_instilled"]


class TestWeights:
    def test_groups_dims_and_labels(self, tree):
        assert isinstance(tree, xr.DataTree)
        assert set(tree.children) == {"posterior", "sample_stats"}
        posterior = tree["posterior"]
        assert posterior["weight"].dims == ("chain", "draw", "scenario", "attribute")
        assert posterior["intercept"].dims == ("chain", "draw", "scenario")
        assert posterior["scenario"].values.tolist() == ["item_1", "item_2", "item_3"]
        assert posterior["attribute"].values.tolist() == ["attr1", "attr2", "attr3"]
        assert dict(posterior["weight"].sizes)["chain"] == 4
        assert dict(posterior["weight"].sizes)["draw"] == 1000

    def test_where_it_came_from(self, tree):
        attrs = tree["posterior"].attrs
        assert attrs["base_model"] == "model-a"
        assert attrs["set"] == "instilled"
        assert attrs["scale"] == "logit"
        assert attrs["seed"] == 0
        assert attrs["formula"] == "chose_a ~ d1 + d2 + d3"
        assert "Normal(mu=0, sigma=1)" in attrs["priors"]

    def test_statistics_of_the_sampler_have_the_same_labels(self, tree):
        statistics = tree["sample_stats"]
        assert statistics["engine"].dims == ("scenario",)
        for name in statistics.data_vars:
            assert statistics[name].dims in (("scenario",), ("chain", "draw", "scenario"))
        if (statistics["engine"] == "nuts").all():
            assert {"diverging", "energy", "acceptance_rate"} <= set(statistics.data_vars)

    def test_arviz_summarises_it_as_it_is(self, tree):
        table = arviz_stats.summary(tree, ci_prob=0.95, ci_kind="hdi", round_to="none")
        assert len(table) == 3 * 3 + 3
        draws = np.moveaxis(tree["posterior"]["weight"].values, (0, 1), (2, 3)).reshape(9, 4, 1000)
        ours = summaries.summarise(draws)
        theirs = table.loc[[name for name in table.index if name.startswith("weight")]]
        for name in ("mean", "sd", "ess_bulk"):
            # 32-bit draws; and ArviZ 0.x divides squares by n, not by n - 1.
            np.testing.assert_allclose(ours[name], theirs[name].astype(float), rtol=1 / 4000)

    def test_arviz_diagnoses_it_as_it_is(self, tree):
        for function in (arviz_stats.ess, arviz_stats.rhat, arviz_stats.mcse):
            result = function(tree)
            assert result["weight"].dims == ("scenario", "attribute")
            assert np.isfinite(result["weight"]).all()
        ends = arviz_stats.hdi(tree, prob=0.95)
        assert ends["weight"].sizes["ci_bound"] == 2

    def test_the_arviz_of_this_python_takes_it_too(self, tree):
        arviz = pytest.importorskip("arviz")
        old = arviz.__version__.startswith("0.")
        # ArviZ 0.x, which knows InferenceData, takes a dataset of it.
        table = arviz.summary(tree["posterior"].to_dataset() if old else tree)
        assert len(table) == 3 * 3 + 3

    def test_a_file_gives_it_back(self, tree, tmp_path):
        path = tmp_path / "weights.nc"
        tree.to_netcdf(path, engine="h5netcdf")
        with xr.open_datatree(path, engine="h5netcdf") as again:
            xr.testing.assert_equal(again["posterior"].to_dataset(), tree["posterior"].to_dataset())
            assert again["posterior"].attrs == tree["posterior"].attrs
            assert set(again.children) == set(tree.children)


def binary() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"g": np.repeat(["a", "b", "c"], 40), "h": ["x", "y"] * 60})
    data["z"] = rng.normal(size=120)
    data["kind"] = np.where(rng.uniform(size=120) < 0.5, "left", "right")
    data["y"] = (rng.normal(size=120) < data["z"]).astype(int)
    return data


class TestFitMany:
    def test_one_variable_per_parameter_one_label_per_dataset(self):
        tree = fit_many("y ~ z", binary(), "g", family="bernoulli", priors=PRIORS)
        posterior = tree["posterior"]
        assert set(posterior.data_vars) == {"Intercept", "z"}
        assert posterior["z"].dims == ("chain", "draw", "dataset")
        assert posterior["dataset"].values.tolist() == ["a", "b", "c"]
        assert dict(posterior["z"].sizes) == {"chain": 4, "draw": 1000, "dataset": 3}
        assert arviz_stats.rhat(tree)["z"].max() < 1.01

    def test_several_columns_tell_datasets_apart(self):
        tree = fit_many("y ~ z", binary(), ["g", "h"], family="bernoulli", priors=PRIORS)
        assert tree["posterior"]["dataset"].values.tolist() == [
            f"{g} / {h}" for g in "abc" for h in "xy"
        ]

    def test_a_dataset_alone_and_in_company_has_the_same_posterior(self):
        # The same formula, categories and all, on data of one group: 64-bit draws differ by
        # rounding, 1e-16 enlarged by some hundred terms and a Newton search to 1e-8.
        data, formula = binary(), "y ~ z * kind"
        options = {"family": "bernoulli", "priors": PRIORS, "engine": "importance"}
        together = fit_many(formula, data, "g", **options)["posterior"].sel(dataset="b")
        alone = fit_many(formula, data[data["g"] == "b"], "g", **options)["posterior"]
        for name in together.data_vars:
            difference = np.abs(alone[name].isel(dataset=0) - together[name])
            assert float((difference > 1e-6).mean()) < 1e-3

    def test_mistakes_are_named(self):
        data = binary()
        with pytest.raises(InputError, match="stan"):
            fit_many("y ~ z", data, "g", engine="stan")
        with pytest.raises(InputError, match="group"):
            fit_many("y ~ z", data, "group")
        with pytest.raises(InputError, match="no dataset"):
            fit_many("y ~ z", data.assign(g=data["g"].where(data["g"] != "a")), "g")
