"""`selfinterp explainers` writes its contract's table, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re

import pandas as pd
import pytest
from commandline import selfinterp
from pages import told_methods
from typesetting import check_latex, needs_latex

CONTRACT = [
    "task", "quantity", "target", "scale", "median", "hdi_low", "hdi_high", "p_positive",
    "rope_share", "identified", "note",
]  # fmt: skip
CELLS = """explainer,target,task,value,se
a,a,patching,64.0,0.4
b,a,patching,54.1,0.4
b,b,patching,48.6,0.7
a,b,patching,41.7,0.7
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explainers")
    (folder / "cells.csv").write_text(CELLS)
    call = ("explainers", "--data", folder / "cells.csv", "--out", folder / "out")
    done = selfinterp(*call, "--hdi-prob", 0.89, "--strict")
    return done, folder / "out"


def test_the_table_has_the_contracts_columns_first_and_its_quantities(ran):
    done, out = ran
    assert done.status == 0, done.err
    table = pd.read_csv(out / "tables" / "explainers.csv", keep_default_na=False)
    assert list(table.columns[: len(CONTRACT)]) == CONTRACT
    for scale in ("logit", "points"):
        rows = table[table["scale"] == scale]
        counts = rows["quantity"].value_counts()
        assert (counts["self_cross_gap"], counts["delta"], counts["delta_new_run"]) == (2, 1, 1)
        assert (rows.loc[rows["quantity"] == "delta", "target"] == "").all()
    delta = table.query("quantity == 'delta' and scale == 'points'").iloc[0]
    assert float(delta["median"]) == pytest.approx(8.4, abs=0.1)
    assert "not identified" in table.query("quantity == 'delta_of_target'")["note"].iloc[0]


def test_page_figures_draws_and_provenance_are_there(ran):
    _, out = ran
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "is the self privileged?" in page
    assert "LogNormal(log 5, 0.25) points" in page
    assert str(out.parent) not in page  # where the data lay is nobody else's business
    assert "cells.csv" in page
    for name in ("cells", "deltas", "tipping"):
        assert (out / "figures" / f"{name}.png").stat().st_size > 0
        assert (out / "figures" / f"{name}.svg").read_text().count("<svg") == 1
    assert len(list((out / "posterior").glob("*.nc"))) == 1
    for ending in ("md", "tex"):
        text = (out / "tables" / f"explainers.{ending}").read_text(encoding="utf-8")
        assert "89% HDI" in text.replace("\\%", "%")
        assert "self effect, other runs in view" in text
    run = json.loads((out / "run.json").read_text())
    assert run["package"] == "selfinterp-stats"
    assert run["diagnostics"]["max_rhat"] <= 1.01
    digest = hashlib.sha256(CELLS.encode()).hexdigest()
    assert run["data"] == {
        "hashes": {"cells.csv": digest},
        "read": {"items": 0, "published_cells": 4},
    }


def test_the_tipping_point_is_that_of_the_intervals_asked_for(ran):
    _, out = ran
    tipping = pd.read_csv(out / "tables" / "tipping.csv")
    # 8.4 points with an se of .57; an 89% interval reaches 1.598 sds, a 95% one would say 4.2.
    assert tipping["tipping_point"].iloc[0] == pytest.approx(5.2, abs=0.1)
    crossed = tipping.loc[tipping["hdi_low"] < 0, "run_sd"].min()
    assert 0 <= crossed - tipping["tipping_point"].iloc[0] < 0.25  # the step of run_sd
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "with a run-to-run sd from 5.2 points on, the 89% HDI of delta holds zero" in page
    assert "mean and 89% HDI" in page
    assert "95%" not in told_methods(out)


def test_no_file_of_the_result_says_where_on_a_machine_the_data_lay(tmp_path):
    head, *rows = CELLS.splitlines()
    for name, some in (("one", rows[:2]), ("two", rows[2:])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cells.csv").write_text("\n".join([head, *some]) + "\n")
    data = [part for name in ("one", "two") for part in ("--data", tmp_path / name / "cells.csv")]
    done = selfinterp("explainers", *data, "--out", tmp_path / "out")
    assert done.status == 0, done.err
    out = tmp_path / "out"
    run = json.loads((out / "run.json").read_text())
    assert list(run["data"]["hashes"]) == ["one/cells.csv", "two/cells.csv"]
    told = [path for path in out.rglob("*") if path.is_file()]
    assert len(told) > 10
    assert not [path for path in told if str(tmp_path).encode() in path.read_bytes()]


def test_a_mistake_is_one_message_and_changes_nothing(tmp_path):
    (tmp_path / "cells.csv").write_text(CELLS.replace("b,a", "a2,a").replace("a,b", "b2,b"))
    (tmp_path / "bad.csv").write_text("explainer,target,task,value,se\na,b,t,50,1\n")
    done = selfinterp("explainers", "--data", tmp_path / "bad.csv", "--out", tmp_path / "out")
    assert done.status == 2
    assert done.err.splitlines()[-1].startswith("selfinterp: task 't' has no self cell")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [("--run-sd", "-1"), ("--run-sd-spread", "-1")])
def test_a_prior_that_makes_no_sense_is_refused(tmp_path, option):
    done = selfinterp("explainers", "--data", "x.csv", "--out", tmp_path / "out", *option)
    assert done.status == 2
    assert "out of range" in done.err


def test_runs_of_one_model_alone_are_compared(tmp_path):
    rows = ["explainer,target,task,item,outcome,run"]
    rows += [f"m,m,hint,{i},{int(i % 10 < 4 + run)},{run}" for i in range(200) for run in range(3)]
    (tmp_path / "runs.csv").write_text("\n".join(rows) + "\n")
    call = ("explainers", "--data", tmp_path / "runs.csv", "--out", tmp_path / "out", "--json")
    done = selfinterp(*call)
    assert done.status == 0, done.err
    assert "only its runs are compared" in done.err
    table = pd.read_csv(tmp_path / "out" / "tables" / "explainers.csv").set_index("quantity")
    # Shares of .4, .5 and .6: an sd of 10 points, of which items explain next to nothing.
    assert table.loc["run_sd", "hdi_low"] < 10 < table.loc["run_sd", "hdi_high"]
    assert table.loc["delta", "identified"] == "no"
    assert table.loc["false_alarms", "median"] > 50
    printed, run = json.loads(done.out), json.loads((tmp_path / "out" / "run.json").read_text())
    assert len(printed["explainers"]) == len(table)
    assert run.pop("seconds").keys() == {"reading", "fitting", "report"}
    assert {name: printed["run"][name] for name in run} == run
    assert (run["seed"], run["hdi_prob"]) == (0, 0.95)
    told = told_methods(tmp_path / "out")
    assert "It was estimated from cells with several runs" in told
    assert not re.search("PyMC|Laplace|one run each|logit scale", told)


def test_an_explainer_study_is_simulated_with_its_truth(tmp_path):
    out = tmp_path / "study"
    design = ("--models", "2", "--items", "20", "--runs", "2", "--self-effect", "1")
    done = selfinterp("simulate", "--kind", "explainers", "--out", out, *design)
    assert (done.status, done.out) == (0, f"{out}\n")
    assert len(pd.read_csv(out / "items.csv")) == 2 * 2 * 2 * 20
    assert len(pd.read_csv(out / "simulation_truth.csv")) == 8
    truth = json.loads((out / "simulation.json").read_text())
    assert truth["parameters"]["self_effect"] == 1
    names = {(one["quantity"], one["scale"]) for one in truth["quantities"]}
    assert names == {(q, s) for q in ("self_cross_gap", "delta") for s in ("logit", "points")}


def test_too_small_a_simulation_is_refused(tmp_path):
    done = selfinterp("simulate", "--kind", "explainers", "--out", tmp_path / "s", "--models", "1")
    assert done.status == 2
    assert done.err == "selfinterp: there are too few models (found 1). Allowed: from 2.\n"
    assert not (tmp_path / "s").exists()


def test_its_methods_are_told_from_the_run(ran):
    _, out = ran
    told = told_methods(out)
    assert "was asked of the task “patching”" in told
    assert "Published cells enter with their standard errors" in told
    assert "1 posterior was sampled by the No-U-Turn sampler" in told
    assert not re.search("Bambi|Laplace|judge|signal detection|items", told)
    priors = pd.read_csv(out / "tables" / "priors_used.csv").set_index("parameter")["prior"]
    assert priors["sd of self"] == "fixed at 1"
    assert priors["sd_explainer"] == "HalfNormal(1.5)"


@needs_latex
def test_its_methods_and_tables_compile_and_fit_the_page(ran, tmp_path):
    check_latex(ran[1], tmp_path)
