"""`hdi_table` summarises any posterior, in memory or on disk."""

from __future__ import annotations

import arviz_stats
import numpy as np
import pytest
import xarray as xr

from selfinterp_stats.errors import InputError
from selfinterp_stats.reporting import draws, hdi_table, reading


@pytest.fixture(scope="module")
def tree():
    rng = np.random.default_rng(2)
    posterior = xr.Dataset(
        {
            "slope": (("chain", "draw", "scenario", "attribute"), rng.normal(size=(4, 500, 3, 2))),
            "sigma": (("draw", "chain"), rng.gamma(4, size=(500, 4))),
            "note": ((), 1.0),
        },
        coords={"scenario": ["tea", "car", "flat"], "attribute": ["attr1", "attr2"]},
    )
    sample_stats = xr.Dataset({"lp": (("chain", "draw"), np.ones((4, 500)))})
    return xr.DataTree.from_dict({"/posterior": posterior, "/sample_stats": sample_stats})


def test_one_row_per_scalar_with_its_labels(tree):
    table = hdi_table(tree)
    assert len(table) == 7
    assert list(table.columns[:3]) == ["variable", "scenario", "attribute"]
    row = table[(table["scenario"] == "car") & (table["attribute"] == "attr2")].iloc[0]
    drawn = tree["posterior"]["slope"].sel(scenario="car", attribute="attr2").to_numpy()
    assert row["mean"] == pytest.approx(drawn.mean(), rel=1e-12)
    assert table.loc[table["variable"] == "sigma", "scenario"].item() == ""
    assert (table["n_draws"] == 2000).all()


def test_agrees_with_arviz_on_the_labelled_tree(tree):
    table = hdi_table(tree, hdi_prob=0.9, var_names=["slope"])
    theirs = arviz_stats.hdi(tree["posterior"].to_dataset()[["slope"]], prob=0.9)["slope"]
    low, high = (np.moveaxis(theirs.to_numpy(), -1, 0)).reshape(2, -1)
    np.testing.assert_array_equal(table["hdi_low"], low)
    np.testing.assert_array_equal(table["hdi_high"], high)
    rhat = arviz_stats.rhat(tree["posterior"].to_dataset()[["slope"]])["slope"]
    np.testing.assert_allclose(table["rhat"], rhat.to_numpy().reshape(-1), rtol=1e-9)


def test_saved_draws_give_the_same_table(tree, tmp_path):
    (path,) = draws.write_netcdf({"weights": tree}, tmp_path / "posterior")
    assert hdi_table(path).equals(hdi_table(tree))


def test_a_dataset_will_do(tree):
    dataset = tree["posterior"].to_dataset()
    assert hdi_table(dataset, var_names="sigma").equals(hdi_table(tree, var_names=["sigma"]))


def test_for_reading_the_head_says_what_the_intervals_are(tree):
    table = reading.summary_table(
        hdi_table(tree, hdi_prob=0.89, rope=(-1, 1)), hdi_prob=0.89, rope=(-1, 1)
    )
    assert {"89% HDI", "89% ETI", "scenario", "attribute"} <= set(table.header)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hdi_prob": 95}, "probability of an interval cannot be this .*found 95.*between 0 and 1"),
        ({"rope": (0.1, -0.1)}, "upside down"),
        ({"var_names": ["slopes"]}, "no such variable .*'slopes'.*Allowed: slope, sigma"),
    ],
)
def test_calls_that_make_no_sense_are_refused(tree, options, message):
    with pytest.raises(InputError, match=message):
        hdi_table(tree, **options)


def test_files_that_are_no_posterior_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        hdi_table(tmp_path / "nowhere.nc")
    (tmp_path / "text.nc").write_text("not netCDF")
    with pytest.raises(InputError, match="not a netCDF file of draws"):
        hdi_table(tmp_path / "text.nc")
