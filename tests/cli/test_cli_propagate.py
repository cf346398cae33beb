"""``selfinterp propagate``: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from commandline import contents, selfinterp
from pages import PRIORS, WRITTEN, checked_page, told_methods
from studies import write_study
from typesetting import check_latex, needs_latex

ESTIMATORS = ["plug_in", "carried_through", "latent"]
FIRST = ["id", "estimator", "median", "hdi_low", "hdi_high", "rhat", "ess_bulk"]
NAME = "model <b>&_$"
READ = ("propagated", "reliability", "beyond", "heterogeneity", "pooling")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run on choices and reports of known weights, into a folder with an earlier result.

    One scenario has no valid report by the weight-trained model.
    """
    folder = tmp_path_factory.mktemp("propagate")
    study = write_study(
        folder / "study",
        base_models=(NAME,),
        scenarios=16,
        trials=30,
        repeats=4,
        sets=("instilled",),
        conditions=("weight-trained", "introspection-trained"),
    )
    reports = study / f"{NAME}_instilled_weight_reports.csv"
    lines = reports.read_text().splitlines(keepends=True)
    reports.write_text("".join(line for line in lines if ",item_3," not in line))
    out = folder / "out"
    out.mkdir()
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    (out / "earlier.txt").touch()
    ran = selfinterp(
        "propagate", "--data", study, "--out", out, "--draws", 400, "--hdi-prob", 0.9, "--json"
    )
    return ran, out


def table(out, name="propagated"):
    return pd.read_csv(out / "tables" / f"{name}.csv", keep_default_na=False, na_values=[""])


def test_an_earlier_result_is_replaced_whole(made):
    ran, out = made
    assert ran.status == 0, ran.err
    assert {path.name for path in out.iterdir()} == {*WRITTEN, "tables", "figures"}
    assert {path.name for path in (out / "tables").iterdir()} == {
        *PRIORS,
        "latent.csv",
        "pooled_weights.csv",
        "slopes_by_scenario.csv",
        *(f"{name}.{end}" for name in READ for end in ("csv", "md", "tex")),
    }
    assert {path.name for path in (out / "figures").iterdir()} == {
        "propagated.png",
        "propagated.svg",
    }


def test_every_correlation_of_reports_has_all_three_estimators(made):
    _, out = made
    found = table(out)
    assert list(found.columns[: len(FIRST)]) == FIRST
    by = found.groupby("id")["estimator"].apply(list).to_dict()
    stems = ("e1_report_r", "e2_report_r")
    assert {f"{stem}_{NAME}" for stem in stems} <= set(by)
    for name in [*(f"{stem}_{NAME}" for stem in stems), "e2_training_effect"]:
        assert by[name] == ESTIMATORS
    assert not found[FIRST[:5]].isna().any(axis=None)
    # Plug-in is computed without drawing, and so are reports with targets: nothing is carried.
    carried_nothing = found["id"].str.startswith("d_") & (found["estimator"] == "carried_through")
    exact = carried_nothing | (found["estimator"] == "plug_in")
    assert (found[FIRST[5:]].isna().all(axis=1) == exact).all()


def test_noise_attenuates_and_the_latent_model_takes_it_out(made):
    """Reports are the true weights with noise: the truth is a correlation of very nearly 1."""
    _, out = made
    found = table(out).set_index(["id", "estimator"])["median"]
    for stem in ("e1_report_r", "e2_report_r"):
        carried, plug_in, latent = (
            found[f"{stem}_{NAME}", name] for name in ("carried_through", "plug_in", "latent")
        )
        assert carried < plug_in < latent
    latent = table(out)[table(out)["estimator"] == "latent"].set_index("id")
    assert (latent["hdi_high"].filter(like="report_r") > 0.95).all()
    # Reports before and after training are drawn alike.
    effect = latent.loc["e2_training_effect"]
    assert effect["hdi_low"] < 0 < effect["hdi_high"]


def test_every_table_is_about_both_conditions(made):
    _, out = made
    for name in ("reliability", "beyond", "heterogeneity", "slopes_by_scenario"):
        own = table(out, name)
        assert set(own["condition"]) == {"weight-trained", "introspection-trained"}
    assert len(table(out, "slopes_by_scenario")) == 2 * 16 - 1
    by_condition = table(out, "beyond").groupby("condition")["n_scenarios"].unique()
    assert list(by_condition["weight-trained"]) == [15]
    assert list(by_condition["introspection-trained"]) == [16]
    weights = table(out, "pooled_weights")
    assert len(weights) == 16 * 3
    assert np.corrcoef(weights["weight"], weights["pooled"])[0, 1] > 0.9
    assert weights["pooled"].abs().max() <= 100
    shares = table(out, "beyond").set_index("quantity")[["measured", "median"]]
    for name in ("sign_agreement", "most_important_named"):
        assert shares.loc[name].stack().between(0.5, 1).all()


def test_stdout_is_json_and_run_json_says_how_it_went(made):
    ran, out = made
    assert [row["id"] for row in ran.json["propagated"]] == list(table(out)["id"])
    run = json.loads((out / "run.json").read_text())
    assert set(run["propagated"]) == set(ESTIMATORS) - {"plug_in"}
    steps = {"weights", "carried through", "latent model", "reliability", "report"}
    assert steps <= set(run["seconds"])


def test_every_posterior_quantity_of_every_table_has_its_diagnostics(made):
    _, out = made
    run = json.loads((out / "run.json").read_text())["settled"]
    tables = ("latent", "reliability", "beyond", "heterogeneity", "slopes_by_scenario")
    assert set(run) == {"propagated", *tables, "pooled_weights", "pooling"}
    for name, about in run.items():
        rows = table(out, name)
        known = rows[rows["rhat"].notna()]
        assert about["quantities"] == len(known) > 0
        poor = (known["rhat"] > 1.01) | (known["ess_bulk"] < 400)
        assert about["unsettled"] == poor.sum()
        assert about["max_rhat"] == pytest.approx(known["rhat"].max())
    assert table(out, "slopes_by_scenario")["rhat"].notna().all()


def test_readers_tables_say_what_their_intervals_are(made):
    _, out = made
    for name in ("propagated", "beyond", "heterogeneity"):
        for ending in ("md", "tex"):
            assert re.search(r"90\\?% HDI", (out / "tables" / f"{name}.{ending}").read_text())


def test_the_page_stands_alone_and_its_links_lead_somewhere(made):
    _, out = made
    page, tags = checked_page(out)
    assert "model &lt;b&gt;&amp;_$" in page
    assert "model <b>" not in page
    assert "b" not in tags


def refusal(tmp_path, study):
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    before = contents(out)
    ran = selfinterp("propagate", "--data", study, "--out", out, "--draws", 400)
    assert ran.status == 2
    assert ran.out == ""
    assert contents(out) == before
    return ran.err.splitlines()[-1]


def test_reports_without_repeats_are_refused(tmp_path):
    study = write_study(tmp_path / "study", repeats=1, scenarios=6)
    assert refusal(tmp_path, study) == (
        f"selfinterp: {study}: reports were asked for only once per scenario, so their "
        "reliability is unknown (found 'model-a / instilled / introspection-trained'). Allowed: "
        "report sets in which some scenario has two valid reports or more. Ask for several "
        "reports per scenario, or leave this report set out."
    )


def test_a_study_without_reports_is_refused(tmp_path):
    study = write_study(tmp_path / "study", conditions=())
    assert refusal(tmp_path, study) == (
        f"selfinterp: {study}: the study holds no reports on scenarios with choices, so there is "
        "no correlation. Add reports, several per scenario, on the scenarios with choices."
    )


def test_its_methods_are_told_from_the_run(made):
    _, out = made
    told = told_methods(out)
    joint = table(out, "latent")[["base_model", "set", "model"]].drop_duplicates()
    assert f"{len(joint)} such models were sampled" in told
    run = json.loads((out / "run.json").read_text())["settled"].values()
    assert f"for {sum(one['quantities'] for one in run)} posterior quantities" in told
    assert "15 of 16 scenarios have a report" in told
    priors = table(out, "priors_used").set_index(["model", "parameter"])["fits"]
    assert priors["joint model of choices and reports", "mean of expected reports"] == len(joint)
    assert priors["joint model without reports"].index.str.contains("reports").sum() == 0


@needs_latex
def test_its_methods_and_tables_compile_and_fit_the_page(made, tmp_path):
    check_latex(made[1], tmp_path)
