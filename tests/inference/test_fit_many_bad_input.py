"""Bad input has an answer, word for word, and one bad dataset never costs the others.

What is wrong with a dataset is found before anything is compiled: that is tested of every case.
That the others are fitted as if it were not there is tested of those that share a few programs,
and of all by ``python -m pytest tests/inference --full``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from batches import NORMAL, draws, fit

from selfinterp_stats.errors import InputError, SelfInterpError
from selfinterp_stats.inference.fit import prepare_groups
from selfinterp_stats.inference.many import DatasetWarning
from selfinterp_stats.inference.prepare import DefaultPriors
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models import ModelSpec, Prior

GOOD = ["a", "b", "d", "e"]
DEPENDENT = "its posterior is improper: its predictors are linearly dependent and their priors flat"
SEPARATED = (
    "its posterior is improper: its predictors separate the responses and their priors are flat"
)
NOT_FINITE = "a term of the formula is not finite in some of its rows"


def frame() -> pd.DataFrame:
    """Five datasets of 20 rows, a to e, with responses for every family."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"g": np.repeat(list("abcde"), 20), "f": ["u", "v"] * 50})
    data["x"], data["z"], data["more"] = rng.normal(size=(3, 100))
    data["y"] = (rng.normal(size=100) < data["x"]).astype(int)
    data["word"] = np.where(data["y"] == 1, "yes", "no")
    data["count"], data["trials"] = rng.poisson(3, size=100), 12
    data["share"], data["size"] = rng.beta(2, 2, size=100), data["x"] + rng.normal(size=100)
    return data


def with_bad(dataset="c", rows=slice(None), **columns) -> pd.DataFrame:
    """The same with other values in some rows of one dataset."""
    data = frame()
    where = data.index[data["g"] == dataset][rows]
    for name, values in columns.items():
        new = pd.Series(values, index=where)
        data[name] = data[name].where(~data.index.isin(where), new)
    return data


def with_fewer(rows: int, dataset="c") -> pd.DataFrame:
    """The same with the first rows alone of one dataset."""
    data = frame()
    return data[(data["g"] != dataset) | (data.groupby("g").cumcount() < rows)]


def problems(tree) -> dict[str, str]:
    said = tree["sample_stats"]["problem"]
    return dict(zip(said["dataset"].to_numpy(), said.to_numpy(), strict=True))


def separated() -> pd.DataFrame:
    data = frame()
    x = data.loc[data["g"] == "c", "x"]
    return with_bad(y=(x > x.mean()).astype(int).to_numpy())


FLAT = {"priors": None}
COUNTS = "a whole number of 0 or more"
BAD = {
    "separation": (separated(), FLAT, SEPARATED),
    "constant predictor": (with_bad(x=1.0), FLAT, DEPENDENT),
    "constant predictor, standardised": (with_bad(x=1.0), {"formula": "y ~ scale(x)"}, NOT_FINITE),
    "more predictors than rows": (with_fewer(3), FLAT | {"formula": "y ~ x + z + more"}, DEPENDENT),
    "one row": (with_fewer(1), FLAT, DEPENDENT),
    "one row, standardised": (with_fewer(1), {"formula": "y ~ scale(x)"}, NOT_FINITE),
    "missing predictor": (
        with_bad(rows=[3, 7], x=np.nan),
        {},
        "column 'x' is missing or not finite in 2 of its rows",
    ),
    "infinite predictor": (
        with_bad(rows=[3], x=np.inf),
        {},
        "column 'x' is missing or not finite in 1 of its rows",
    ),
    "missing response": (
        with_bad(rows=[3], y=np.nan),
        {},
        "column 'y' is missing or not finite in 1 of its rows",
    ),
    "missing level": (
        with_bad(f="u"),
        {"formula": "y ~ f"},
        "it lacks f = 'v', which the datasets that can be fitted have",
    ),
    "other level": (
        with_bad(rows=[3], f="w"),
        {"formula": "y ~ f"},
        "it has f = 'w', which the datasets that can be fitted lack",
    ),
    "missing value of a factor": (
        with_bad(rows=[3], f=None),
        {"formula": "y ~ f"},
        "column 'f' is missing or not finite in 1 of its rows",
    ),
    "logarithm of a negative number": (
        with_bad(rows=[3], share=-1.0),
        {"formula": "y ~ np.log(share)"},
        NOT_FINITE,
    ),
    "response of 2": (
        with_bad(rows=[3], y=2),
        {},
        "Bambi refuses it: Numeric response must be all 0 and 1 for 'bernoulli' family",
    ),
    "more successes than trials": (
        with_bad(rows=[3], count=13),
        {"formula": "p(count, trials) ~ x", "family": "binomial"},
        "Bambi refuses it: 'successes' cannot be greater than 'trials'",
    ),
    "negative count": (
        with_bad(rows=[3], count=-1),
        {"formula": "count ~ x", "family": "poisson"},
        f"its response is -1 in a row, not {COUNTS}",
    ),
    "half a count": (
        with_bad(rows=[3], count=0.5),
        {"formula": "count ~ x", "family": "poisson"},
        f"its response is 0.5 in a row, not {COUNTS}",
    ),
    "share of 1": (
        with_bad(rows=[3], share=1.0),
        {"formula": "share ~ x", "family": "beta"},
        "its response is 1 in a row, not a number between 0 and 1, both excluded",
    ),
    "exact fit": (
        with_bad(size=2.0),
        {"formula": "size ~ x", "family": "gaussian"},
        (
            "its posterior is improper: its response is fitted exactly, which leaves the residual "
            "sd no posterior"
        ),
    ),
}


def found(data, formula="y ~ x", family="bernoulli", priors=NORMAL) -> dict[str, str]:
    """What is wrong with each dataset, without a fit."""
    spec = ModelSpec.of(formula, family, priors or {})
    prepared = prepare_groups(spec, data, ["g"], Sampling("bambi"), DefaultPriors())
    datasets = prepared.datasets
    return {label: why for (label,), why in zip(datasets.labels, datasets.problems, strict=True)}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("bad", ["a", "c", "e"], ids=["first", "middle", "last"])
def test_a_bad_dataset_is_found_wherever_it_is(case, bad):
    data, settings, why = BAD[case]
    renamed = data.assign(g=data["g"].replace({"c": bad, bad: "c"}))
    assert found(renamed, **settings) == dict.fromkeys("abcde", "") | {bad: why}


# Cases of other models than the rest, each of which takes seconds to compile.
OWN_PROGRAMS = (
    "more predictors than rows",
    "more successes than trials",
    "negative count",
    "half a count",
    "share of 1",
    "exact fit",
)


@pytest.mark.parametrize(
    "case",
    [pytest.param(it, marks=pytest.mark.full if it in OWN_PROGRAMS else ()) for it in BAD],
)
def test_a_bad_dataset_is_set_aside_and_costs_the_others_nothing(case):
    data, settings, why = BAD[case]
    with pytest.warns(DatasetWarning) as told:
        tree = fit(data, **settings)
    assert [str(one.message) for one in told] == [
        f"1 of 5 datasets could not be fitted; the first, 'c': {why}. See sample_stats['problem']."
    ]
    assert problems(tree) == dict.fromkeys(GOOD, "") | {"c": why}
    assert np.isnan(draws(tree)[2]).all()
    assert tree["sample_stats"]["engine"].to_numpy().tolist() == [
        "importance" if label in GOOD else "" for label in "abcde"
    ]
    alone = fit(data[data["g"] != "c"], **settings)
    np.testing.assert_array_equal(np.delete(draws(tree), 2, axis=0), draws(alone))


@pytest.mark.parametrize("case", ["constant predictor", "response of 2"])
@pytest.mark.parametrize("bad", ["a", "e"], ids=["first", "last"])
def test_the_others_are_fitted_wherever_the_bad_one_is(case, bad):
    data, settings, why = BAD[case]
    renamed = data.assign(g=data["g"].replace({"c": bad, bad: "c"}))
    with pytest.warns(DatasetWarning, match="1 of 5 datasets"):
        tree = fit(renamed, **settings)
    assert problems(tree) == dict.fromkeys("abcde", "") | {bad: why}


@pytest.mark.parametrize(
    "data",
    [separated(), with_bad(x=1.0), with_bad("a", x=1.0), with_fewer(1), with_fewer(1, "a")],
    ids=["separation", "constant", "first constant", "one row", "first has one row"],
)
def test_with_proper_priors_it_is_fitted(data):
    tree = fit(data, engine="auto")
    assert set(problems(tree).values()) == {""}
    assert (tree["summary"]["rhat"] < 1.05).all()


def test_with_proper_priors_more_predictors_than_rows_are_fitted():
    tree = fit(with_fewer(3), "y ~ x + z + more")
    assert set(problems(tree).values()) == {""}
    # Three rows leave a standard normal prior about as wide as it was.
    assert (tree["summary"]["sd"].sel(dataset="c", parameter=["x", "z", "more"]) > 0.6).all()


def test_a_constant_predictor_has_its_prior_for_a_posterior():
    # In four datasets, whose 400 draws each are 1,600 of one prior.
    data = frame()
    data.loc[data["g"] != "a", "x"] = 1.0
    values = draws(fit(data))[1:, ..., 1]
    figures = {name: it[0] for name, it in summarise(values.reshape(1, 16, 100)).items()}
    assert abs(figures["mean"]) < 4.5 * figures["mcse_mean"]
    assert abs(figures["sd"] - 1) < 4.5 * figures["mcse_sd"]


def test_several_bad_datasets_of_several_kinds():
    data = with_bad(rows=[3], y=2)
    data.loc[data["g"] == "a", "x"] = np.nan
    data.loc[data["g"] == "e", "y"] = (data["x"] > 0).astype(int)
    with pytest.warns(DatasetWarning, match="^3 of 5 datasets could not be fitted; the first, 'a'"):
        tree = fit(data, priors=None)
    assert [label for label, why in problems(tree).items() if not why] == ["b", "d"]


def test_where_two_sets_of_levels_are_as_frequent_the_larger_one_is_fitted():
    data = frame()
    data = data[data["g"].isin(["a", "b"])]
    data.loc[data.index[3], "f"] = "w"
    with pytest.warns(DatasetWarning):
        told = problems(fit(data, "y ~ f"))
    assert told == {"a": "", "b": "it lacks f = 'w', which the datasets that can be fitted have"}


def test_a_word_means_the_same_in_a_dataset_that_has_no_other():
    data = with_bad(word="yes", y=1)
    # Bambi models the first of two words, as the alphabet has them.
    in_words, in_numbers = fit(data, "word ~ x"), fit(data.assign(y=1 - data["y"]))
    np.testing.assert_array_equal(draws(in_words), draws(in_numbers))


def test_bambi_loses_no_more_than_the_datasets_that_it_refuses():
    data = with_bad(x=1.0)
    data = data[data["g"].isin(["b", "c"])]
    with pytest.warns(DatasetWarning):
        tree = fit(data, engine="bambi", draws=200)
    assert problems(tree) == {"b": "", "c": "Bambi cannot fit it: The term 'x' is constant"}
    assert np.isfinite(draws(tree)[0]).all()


ALLOWED = "g, f, x, z, more, y, word, count, trials, share, size"
WRONG = {
    "all datasets bad": (
        {"data": frame().assign(x=np.nan)},
        (
            "no dataset can be fitted; the first: column 'x' is missing or not finite in 20 of its "
            "rows."
        ),
    ),
    "no rows": ({"data": frame()[:0]}, "there are no rows to fit."),
    "unknown column": (
        {"formula": "y ~ nope"},
        f"the formula names a column that is not there (found 'nope'). Allowed: {ALLOWED}.",
    ),
    "no response": (
        {"formula": "y x"},
        "the formula has no response (found 'y x'). Allowed: y ~ x.",
    ),
    "no formula": (
        {"formula": "y ~ x $ z"},
        "the formula cannot be read: Unexpected character: $ (found 'y ~ x $ z').",
    ),
    "unknown function": (
        {"formula": "y ~ nope(x)"},
        "Bambi cannot read the model: 'nope'.",
    ),
    "unknown family": (
        {"family": "nope"},
        "Bambi cannot read the model: 'nope' is not a valid built-in family name.",
    ),
    "group-level terms": (
        {"formula": "y ~ x + (1 | f)"},
        (
            "this model cannot be fitted to many datasets at once: it has group-level terms (1|f). "
            "Fit it to one dataset after the other with Bambi itself."
        ),
    ),
    "unknown prior": (
        {"priors": {"z": NORMAL["common"]}},
        (
            "a prior is named for what the model does not have (found 'z'). Allowed: common, x, "
            "Intercept."
        ),
    ),
    "unknown distribution": (
        {"priors": {"common": Prior.of("Nope")}},
        "Bambi cannot build the model: The Distribution 'Nope' was not found in PyMC.",
    ),
    "unknown engine": (
        {"engine": "stan"},
        "unknown engine (found 'stan'). Allowed: auto, importance, nuts, bambi.",
    ),
    "unknown device": ({"device": "tpu"}, "unknown device (found 'tpu'). Allowed: cpu, gpu."),
    "a device of a cluster": (
        {"device": "gpu", "cluster": "local"},
        (
            "the work goes to a cluster (cluster='local'), and a device (device='gpu') is one of "
            "this machine. Leave the device out: each worker uses what it finds."
        ),
    ),
    "unknown keep": ({"keep": "all"}, "unknown keep (found 'all'). Allowed: draws, summaries."),
    "unknown default priors": (
        {"default_priors": "mine"},
        (
            "default priors are frozen to one dataset or made per dataset (found 'mine'). Allowed: "
            "frozen, per_dataset."
        ),
    ),
    "unknown dataset to freeze to": (
        {"frozen_to": "z"},
        (
            "the dataset that the default priors are to be frozen to is not there (found 'z'). "
            "Allowed: a dataset such as 'a'."
        ),
    ),
    "bad dataset to freeze to": (
        {"data": with_bad(x=np.nan), "frozen_to": "c"},
        (
            "the default priors cannot be frozen to this dataset: column 'x' is missing or not "
            "finite in 20 of its rows (found 'c')."
        ),
    ),
    "draws that cannot be shared out": (
        {"draws": 402},
        (
            "the number of draws cannot be shared out (found 402). Allowed: a positive multiple of "
            "the 4 chains."
        ),
    ),
    "no draws": (
        {"draws": 0},
        (
            "the number of draws cannot be shared out (found 0). Allowed: a positive multiple of "
            "the 4 chains."
        ),
    ),
    "no batch": ({"batch_size": 0}, "a batch holds at least one dataset (found 0)."),
    "row of no dataset": (
        {"data": frame().assign(g=[None, *frame()["g"][1:]])},
        "column 'g': a row belongs to no dataset. Every row needs a value in the grouping columns.",
    ),
    "the same name twice": (
        {"data": frame().assign(g=[1, "1"] * 50)},
        "two datasets have the same name once their labels are text.",
    ),
    "a parameter called chain": (
        {"formula": "y ~ chain", "data": frame().rename(columns={"x": "chain"})},
        "a parameter has the name of a dimension (found 'chain'). Rename the column.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_call_that_makes_no_sense(case):
    settings, says = WRONG[case]
    with pytest.raises(SelfInterpError) as caught:
        fit(**({"data": frame()} | settings))
    assert str(caught.value) == says
    assert caught.value.exit_code == 2


def test_a_column_to_group_by_that_is_not_there():
    with pytest.raises(InputError) as caught:
        fit(frame().drop(columns="g"))
    assert str(caught.value) == (
        "there is no such column to group by (found 'g'). Allowed: " + ALLOWED[3:] + "."
    )


def test_a_gpu_that_is_not_there():
    import jax

    if any(device.platform == "gpu" for device in jax.devices()):
        pytest.skip("there is one")
    with pytest.raises(InputError) as caught:
        fit(frame(), device="gpu")
    assert str(caught.value) == (
        "JAX finds no GPU on this machine (found 'gpu'). Allowed: cpu. With an NVIDIA GPU and its "
        "driver: pip install 'selfinterp-stats[cuda]'."
    )


def test_draws_that_memory_cannot_hold(monkeypatch):
    from selfinterp_stats.inference.running import plan

    monkeypatch.setattr(plan, "bytes_free", lambda: 2**20)
    with pytest.raises(InputError) as caught:
        fit(frame(), draws=2**16)
    assert str(caught.value) == (
        "the draws of 5 datasets take 0.0 GiB. Allowed: half of the 0.0 GiB that are free. Keep "
        "summaries alone (keep='summaries'), or write the draws to a folder (store=...)."
    )
