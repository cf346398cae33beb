"""`selfinterp explainers` writes its contract's table, whole or not at all."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from commandline import selfinterp

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
    done = selfinterp(
        "explainers", "--data", folder / "cells.csv", "--out", folder / "out", "--strict"
    )
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
    for name in ("cells", "deltas", "tipping"):
        assert (out / "figures" / f"{name}.png").stat().st_size > 0
        assert (out / "figures" / f"{name}.svg").read_text().count("<svg") == 1
    assert len(list((out / "posterior").glob("*.nc"))) == 1
    run = json.loads((out / "run.json").read_text())
    assert run["package"] == "selfinterp-stats"
    assert run["diagnostics"]["rhat_largest"] <= 1.01
    tipping = pd.read_csv(out / "tables" / "tipping.csv")
    assert tipping["tipping_point"].iloc[0] == pytest.approx(4.2, abs=0.1)


def test_a_mistake_is_one_message_and_changes_nothing(tmp_path):
    (tmp_path / "cells.csv").write_text(CELLS.replace("b,a", "a2,a").replace("a,b", "b2,b"))
    (tmp_path / "bad.csv").write_text("explainer,target,task,value,se\na,b,t,50,1\n")
    done = selfinterp("explainers", "--data", tmp_path / "bad.csv", "--out", tmp_path / "out")
    assert done.status == 2
    assert done.err.startswith("selfinterp: task 't' has no self cell")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [("--run-sd", "-1"), ("--run-sd-spread", "-1")])
def test_a_prior_that_makes_no_sense_is_refused(tmp_path, option):
    done = selfinterp("explainers", "--data", "x.csv", "--out", tmp_path / "out", *option)
    assert done.status == 2
    assert "out of range" in done.err
