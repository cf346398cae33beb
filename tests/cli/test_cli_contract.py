"""What `reproduce` and `weights` promise to write, read back from disk."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from commandline import FEW_DRAWS, selfinterp
from studies import write_study

# What others read these files by: the first columns, in this order.
CONTRACT = {
    "paper_numbers": "id section quantity base_model estimate hdi_low hdi_high published "
    "published_hdi_low published_hdi_high agrees",
    "weights": "base_model set scenario attribute attribute_name mean median sd hdi_low hdi_high "
    "ess_bulk ess_tail rhat mcse_mean pareto_k engine weight",
    "correlations": "id experiment condition base_model term median hdi_low hdi_high eti_low "
    "eti_high pd rope_share ess_bulk ess_tail rhat mcse_median n",
}
# Names as other groups have them: a space, an underscore, letters beyond ASCII.
BASE_MODELS = ("Große Llama_3 instruct", "model-a")
STEMS_OF_ONE = (
    "e1_learned_target_r",
    "e1_target_agreement",
    "e1_report_r",
    "e1_offshelf_r",
    "all_invalid_reports",
    "e2_report_r",
    "e3_native_r_before",
    "e3_native_r_after",
    "e3_choice_accuracy",
    "d_e1_report_target_r",
    "d_e2_report_target_r",
)
OF_ALL = (
    "e1_invalid_choices",
    "e2_training_effect",
    "e3_training_effect",
    "d_exclude_extremes_max_change",
    "exclude_extremes_reading_both",
    "exclude_extremes_reading_fitted",
    "exclude_extremes_reading_either",
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contract") / "study"
    return write_study(folder, base_models=BASE_MODELS, trials=20, released=True)


@pytest.fixture(scope="module")
def made(study):
    """The command's result, and the folder that it wrote."""
    out = study.parent / "results"
    options = ("--rope", "-0.2", "0.3", "--hdi-prob", "0.89", "--seed", "5", "--parquet")
    return selfinterp("reproduce", "--data", study, "--out", out, *FEW_DRAWS, *options), out


@pytest.fixture(scope="module")
def tables(made):
    """The three tables as CSV readers see them."""
    return {
        name: pd.read_csv(made[1] / "tables" / f"{name}.csv")
        for name in ("paper_numbers", "weights", "correlations")
    }


def test_it_succeeds_and_says_where_the_report_is(made):
    ran, out = made
    assert ran.status == 0
    assert f"The report: {out}/index.html" in ran.out
    assert "tables, figures, posterior (draws), draws (draws as Parquet), methods.tex" in ran.out


def test_progress_and_notices_go_to_stderr_and_results_to_stdout(made):
    ran, _ = made
    assert re.search(r"^weights: \d+\.\d s$", ran.err, re.MULTILINE)
    assert "fits of weights: " in ran.err
    assert "fits of" not in ran.out
    assert "learned and target weights" in ran.out
    assert "learned and target weights" not in ran.err
    assert "\x1b" not in ran.out + ran.err


def test_the_table_fits_a_terminal_and_says_what_its_intervals_are(made):
    ran, _ = made
    table = ran.out.partition("\n\n")[2].partition("\n\n")[0]
    assert len(table.splitlines()) > 30
    assert max(map(len, table.splitlines())) <= 100
    assert "89% HDI" in table
    assert "HDI: highest-density interval" in ran.out
    assert "posterior median" in ran.out


def test_how_the_refit_compares_with_released_weights_is_said(made):
    ran, out = made
    for base_model in BASE_MODELS:
        for set_ in ("instilled", "native"):
            assert re.search(rf"- {base_model}, {set_}: at most \d+ apart \(item_\d, ", ran.out)
    released = json.loads((out / "run.json").read_text())["released"]
    assert len(released) == 4


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contracts_columns_come_first_in_their_order(made, tables, name):
    columns = CONTRACT[name].split()
    assert list(tables[name].columns[: len(columns)]) == columns
    assert len(tables[name])
    for ending in ("md", "tex"):
        assert "89" in (made[1] / "tables" / f"{name}.{ending}").read_text()


def test_ids_are_the_papers_and_end_in_a_base_models_own_name(tables):
    expected = {f"{stem}_{base}" for stem in STEMS_OF_ONE for base in BASE_MODELS} | {*OF_ALL}
    assert set(tables["paper_numbers"]["id"]) == expected
    assert tables["paper_numbers"]["id"].is_unique


def test_nothing_is_published_about_another_study(tables):
    numbers = tables["paper_numbers"]
    columns = ["published", "published_hdi_low", "published_hdi_high", "agrees"]
    assert numbers[columns].isna().all(axis=None)


def test_numbers_of_both_base_models_say_so(tables):
    numbers = tables["paper_numbers"].set_index("id")
    assert set(numbers.loc[list(OF_ALL), "base_model"]) == {"both"}


def test_an_id_begins_with_a_stem_only_if_it_is_that_quantity(tables):
    for name in ("paper_numbers", "correlations"):
        ids = tables[name]["id"]
        assert set(ids[ids.str.startswith("e1_report_r_")]) == {
            f"e1_report_r_{base}" for base in BASE_MODELS
        }
        assert list(ids[ids.str.startswith("e2_training_effect")]) == ["e2_training_effect"]


def test_weights_are_slopes_alone_one_row_each(tables):
    weights = tables["weights"]
    keys = ["base_model", "set", "scenario", "attribute"]
    assert len(weights) == 2 * 2 * 4 * 3
    assert not weights.duplicated(keys).any()
    assert set(weights["attribute"]) == {"attr1", "attr2", "attr3"}
    assert set(weights["set"]) == {"instilled", "native"}
    names = weights["attribute_name"]
    expected = "quality " + weights["attribute"].str[4:] + " of " + weights["scenario"]
    assert names.tolist() == expected.tolist()


def test_a_weight_is_the_mean_in_whole_hundredths_of_its_scenarios_largest(tables):
    weights = tables["weights"]
    largest = weights.groupby(["base_model", "set", "scenario"])["mean"].transform(
        lambda means: means.abs().max()
    )
    assert weights["weight"].tolist() == (100 * weights["mean"] / largest).round().tolist()


def test_numbers_keep_their_full_precision(made):
    text = (made[1] / "tables" / "weights.csv").read_text().splitlines()[1]
    assert max(len(cell.partition(".")[2]) for cell in text.split(",")) >= 12


def test_the_slopes_are_those_of_the_papers_numbers(tables):
    numbers = tables["paper_numbers"].set_index("id")
    slopes = tables["correlations"].set_index("id")
    columns = ["hdi_low", "hdi_high"]
    for stem in ("e1_report_r", "e1_offshelf_r", "e2_report_r"):
        for base in BASE_MODELS:
            identifier = f"{stem}_{base}"
            assert numbers.loc[identifier, "estimate"] == slopes.loc[identifier, "median"]
            assert numbers.loc[identifier, columns].tolist() == (
                slopes.loc[identifier, columns].tolist()
            )


def test_run_json_says_where_the_numbers_come_from(made, study):
    run = json.loads((made[1] / "run.json").read_text())
    assert run["package"] == "selfinterp-stats"
    assert run["seed"] == 5
    assert run["settings"]["hdi_prob"] == 0.89
    assert run["settings"]["rope"] == [-0.2, 0.3]
    assert run["settings"]["draws"] == 400
    assert {"version", "commit", "python", "libraries", "device"} <= run.keys()
    assert {"pymc", "bambi", "jax", "numpy"} <= run["libraries"].keys()
    assert run["data"]["read"]["choices"] == 2 * 2 * 4 * 20
    read = {path.name for path in study.iterdir()}
    assert run["data"]["hashes"].keys() == read
    assert sum(run["engines"]["weights"].values()) == 16
    assert run["diagnostics"]["fits"] == 16 + 10 + 2
    assert {"reading", "weights", "correlations", "report"} <= run["seconds"].keys()
    assert run["seconds"]["reading"] > 0


def test_the_page_is_one_file_that_needs_no_other(made):
    page = (made[1] / "index.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    for base in BASE_MODELS:
        assert base in page
    assert not re.search(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="(?!data:)', page)
    assert not re.search(r'<link\b[^>]*\bhref="(?!data:)', page)
    assert "@import" not in page


def test_figures_are_there_as_png_and_svg(made):
    figures = {path.name for path in (made[1] / "figures").iterdir()}
    assert figures == {f"figure{n}.{ending}" for n in (2, 3) for ending in ("png", "svg")}


def test_saved_draws_hold_what_the_tables_say(made, tables):
    files = sorted((made[1] / "posterior").glob("*.nc"))
    assert len(files) == 4 + 10 + 2
    weights = [path for path in files if path.name.startswith("weights_")]
    assert len(weights) == 4
    for path in weights:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            draws = tree["posterior"]["weight"].load()
            attrs = tree.attrs
        assert draws.sizes == {"chain": 4, "draw": 100, "scenario": 4, "attribute": 3}
        rows = tables["weights"].set_index(["base_model", "set", "scenario", "attribute"])
        base = next(base for base in BASE_MODELS if base == attrs.get("base_model", base))
        set_ = "native" if "native" in path.name else "instilled"
        base = BASE_MODELS[1] if "model-a" in path.name else BASE_MODELS[0]
        first = draws.isel(scenario=0, attribute=0)
        mean = rows.loc[(base, set_, str(first["scenario"].item()), "attr1"), "mean"]
        np.testing.assert_allclose(draws.mean(("chain", "draw"))[0, 0], mean, rtol=1e-5)


def test_draws_are_there_as_parquet_when_asked_for(made):
    pytest.importorskip("pyarrow")
    assert len(list((made[1] / "draws").glob("*.parquet"))) == 16


def test_the_same_seed_gives_the_same_tables(made, study, tables):
    out = study.parent / "again"
    options = ("--rope", "-0.2", "0.3", "--hdi-prob", "0.89", "--seed", "5")
    assert (
        selfinterp("weights", "--data", study, "--out", out, *FEW_DRAWS[:2], *options).status == 0
    )
    again = pd.read_csv(out / "tables" / "weights.csv")
    pd.testing.assert_frame_equal(again, tables["weights"])


def test_two_runs_stand_side_by_side(made):
    out = made[1]
    ran = selfinterp("compare", out, out)
    assert ran.status == 0
    assert "paper numbers" in ran.out
    assert "e2_training_effect" in ran.out
    rows = selfinterp("compare", out, out, "--json").json
    differences = [row["difference"] for row in rows if row["a"] is not None]
    assert differences
    assert set(differences) == {0.0}


@pytest.mark.parametrize("layout", ["md", "csv", "tex", "json"])
def test_tables_of_saved_draws_need_no_refit(made, tables, layout):
    (path,) = (made[1] / "posterior").glob("training_effect_native.nc")
    ran = selfinterp("tables", "--posterior", path, "--hdi-prob", "0.89", "--format", layout)
    assert ran.status == 0
    assert ran.err == ""
    row = tables["correlations"].set_index("id").loc["coefficient_e3_training_effect_sigma"]
    if layout == "json":
        (sigma,) = [record for record in ran.json if record["variable"] == "sigma"]
        assert sigma["median"] == pytest.approx(row["median"], rel=1e-6)
        assert sigma["hdi_low"] == pytest.approx(row["hdi_low"], rel=1e-6)
        assert sigma["posterior"] == str(path)
    elif layout == "csv":
        assert ran.out.startswith("posterior,variable,mean,median,sd,hdi_low,hdi_high")
    else:
        assert "HDI" in ran.out
        assert "89" in ran.out


def test_tables_of_several_files_are_one_document(made):
    weights, *_ = (made[1] / "posterior").glob("weights_*.nc")
    effect = made[1] / "posterior" / "training_effect_native.nc"
    files = ("--posterior", weights, "--posterior", effect)
    records = selfinterp("tables", *files, "--json").json
    assert {record["posterior"] for record in records} == {str(weights), str(effect)}
    assert len({tuple(record) for record in records}) == 1
    text = selfinterp("tables", *files, "--var", "weight", "--format", "md")
    assert text.status == 2
    assert "no such variable (found 'weight')" in text.err
    both = selfinterp("tables", *files).out
    assert both.index(str(weights)) < both.index(str(effect))


def test_json_is_all_that_is_printed_when_asked_for(study):
    out = study.parent / "json"
    options = ("--no-posterior", "--json")
    ran = selfinterp("reproduce", "--data", study, "--out", out, *FEW_DRAWS, *options)
    assert ran.status == 0
    assert ran.json["out"] == str(out)
    assert "NaN" not in ran.out
    numbers = pd.read_csv(out / "tables" / "paper_numbers.csv")
    assert [row["id"] for row in ran.json["paper_numbers"]] == numbers["id"].tolist()
    assert ran.json["run"]["package"] == "selfinterp-stats"
    assert not (out / "posterior").exists()


def test_a_failing_fit_is_named_kept_and_fails_the_command_under_strict(made, study, tables):
    # Few fits have 400 effective draws of 400.
    ran, _ = made
    assert ran.status == 0
    named = re.findall(r"^diagnostic: weights (.+?): .*ESS \d+ is below 400", ran.err, re.MULTILINE)
    weights = tables["weights"].query("not ok")
    failing = weights["base_model"] + " / " + weights["set"] + " / " + weights["scenario"]
    assert set(failing) == set(named) != set()
    out = study.parent / "strict"
    options = ("--data", study, "--out", out, "--set", "native", "--strict")
    strict = selfinterp("weights", *options, "--draws", "400")
    assert strict.status == 1
    (count,) = re.findall(r"(\d) of 8 fits fail a diagnostic", strict.err)
    assert strict.err.count("diagnostic: weights ") == int(count) > 0
    assert (out / "tables" / "weights.csv").exists()


def test_stage_1_alone_writes_the_weights_and_no_page(study):
    out = study.parent / "weights"
    options = ("--set", "native", "--json", *FEW_DRAWS[:2])
    ran = selfinterp("weights", "--data", study, "--out", out, *options)
    assert ran.status == 0
    assert {path.name for path in out.iterdir()} == {"tables", "posterior", "run.json"}
    assert {path.name for path in (out / "tables").iterdir()} == {
        "weights.csv",
        "weights.md",
        "weights.tex",
    }
    table = pd.read_csv(out / "tables" / "weights.csv")
    assert set(table["set"]) == {"native"}
    assert len(ran.json["weights"]) == len(table)
    assert ran.json["run"]["seconds"].keys() >= {"reading", "weights"}
    assert json.loads((out / "run.json").read_text())["seconds"].keys() >= {"weights", "report"}
