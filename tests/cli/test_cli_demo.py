"""The embedded default: an experiment collected over HTTP, refitted and set beside its truth."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from commandline import selfinterp

from selfinterp_stats.study import load_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "demo"
    return selfinterp("demo", "--out", out, "--strict"), out


def test_it_leaves_a_report_and_the_study_that_it_is_about(demo):
    ran, out = demo
    assert ran.status == 0
    assert f"The report: {out}/index.html" in ran.out
    assert "study (the study collected)" in ran.out
    assert {path.name for path in out.iterdir()} == {
        "index.html",
        "run.json",
        "methods.md",
        "methods.tex",
        "references.bib",
        "tables",
        "figures",
        "posterior",
        "study",
        "collection",
    }
    assert {path.name for path in (out / "collection").iterdir()} >= {
        "training",
        "models.json",
        "journal.sqlite",
    }
    study = load_study(out / "study")
    assert study.base_models == ("model-a", "model-b")
    assert study.choices.groupby(["base_model", "set"])["scenario"].nunique().tolist() == [20] * 4


def test_estimates_stand_beside_the_truth(demo):
    ran, out = demo
    truth = pd.read_csv(out / "tables" / "truth.csv").set_index("id")
    numbers = pd.read_csv(out / "tables" / "paper_numbers.csv").set_index("id")
    assert truth["estimate"].equals(numbers.loc[truth.index, "estimate"])
    assert truth["truth"].notna().all()
    # Eight intervals of 95%: one seed in 170 leaves fewer than six that hold what they should.
    judged = truth["covered"].dropna()
    assert len(judged) == 8
    assert (judged == "yes").sum() >= 6
    assert re.search(r"\d of 8 HDIs hold the expected estimate", ran.out)
    table = ran.out.partition("\n\nCorrelations, ")[0]
    assert "model-b" in table
    assert max(map(len, table.splitlines())) <= 100


def test_the_effect_of_training_is_found(demo):
    _, out = demo
    numbers = pd.read_csv(out / "tables" / "paper_numbers.csv").set_index("id")
    effects = numbers.loc[["e2_training_effect", "e3_training_effect"]]
    assert (effects["hdi_low"] > 0).all()
    assert numbers["published"].isna().all()
