"""``selfinterp calibrate``: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from commandline import contents, selfinterp
from pages import PRIORS, WRITTEN, checked_page, told_methods
from studies import write_study
from typesetting import check_latex, needs_latex

FIRST = ["check", "model", "quantity", "statistic", "value", "expected", "low", "high"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of one model, with a study's data, in a folder that holds an earlier result."""
    folder = tmp_path_factory.mktemp("calibrate")
    study = write_study(folder / "study", base_models=("model <b>&_$",), scenarios=9, trials=12)
    out = folder / "out"
    out.mkdir()
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    (out / "earlier.txt").touch()
    ran = selfinterp(
        "calibrate", "--out", out, "--data", study, "--model", "correlation",
        "--simulations", 60, "--studies", 0, "--draws", 400, "--json",
    )  # fmt: skip
    return ran, out


def test_an_earlier_result_is_replaced_whole(made):
    ran, out = made
    assert ran.status == 0, ran.err
    assert {path.name for path in out.iterdir()} == {*WRITTEN, "tables", "figures"}
    assert {path.name for path in (out / "tables").iterdir()} == {
        *PRIORS,
        *(f"calibration.{end}" for end in ("csv", "md", "tex")),
    }
    assert {path.name for path in (out / "figures").iterdir()} == {"ranks.png", "ranks.svg"}


def test_the_table_has_a_row_for_every_verdict(made):
    ran, out = made
    table = pd.read_csv(out / "tables" / "calibration.csv", keep_default_na=False)
    assert list(table.columns[: len(FIRST)]) == FIRST
    counts = table["check"].value_counts()
    assert counts["sbc"] == 4  # slope, intercept, residual sd, likelihood
    assert counts["coverage"] == 3 * 6
    assert counts["broken"] == 2
    assert counts["loo_pit"] == 2 + 5
    judged = table["check"].isin(["sbc", "coverage", "broken"])
    assert set(table.loc[judged, "passes"]) <= {"yes", "no"}
    assert set(table.loc[~judged, "passes"]) == {""}
    assert [row["statistic"] for row in ran.json["checks"]] == list(table["statistic"])


def test_the_run_says_what_failed(made):
    _, out = made
    run = json.loads((out / "run.json").read_text())
    table = pd.read_csv(out / "tables" / "calibration.csv", keep_default_na=False)
    assert len(run["failing"]) == (table["passes"] == "no").sum()
    assert run["level"] == 0.01
    assert "simulations: correlation" in run["seconds"]


def test_the_page_stands_alone_and_its_links_lead_somewhere(made):
    _, out = made
    page, tags = checked_page(out)
    assert "model &lt;b&gt;&amp;_$" in page
    assert "b" not in tags
    for title in ("Ranks", "A broken model", "Coverage", "The models and the data"):
        assert f">{title}</h2>" in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--model", "weights under horshoe"),
            "(found 'weights under horshoe'). Allowed: weights under horseshoe; ",
        ),
        (("--simulations", 0), "so few simulations show nothing (found 0). Allowed: 20 and more."),
        (("--level", 2), "a level cannot be this (found 2.0). Allowed: between 0 and 1."),
        (("--data", "nowhere"), "nowhere"),
    ],
)
def test_a_call_that_makes_no_sense_changes_nothing(tmp_path, options, message):
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    before = contents(out)
    data = () if "--data" in options else ("--data", write_study(tmp_path / "study"))
    ran = selfinterp("calibrate", "--out", out, *data, *options)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err.splitlines()[-1]
    assert contents(out) == before


def test_its_methods_are_told_from_the_run(made):
    _, out = made
    told = told_methods(out)
    assert "Parameters of 1 model were drawn" in told
    assert "60 times each; parameters and log-likelihoods were ranked among 100 draws" in told
    assert "in 4 tests" in told
    assert "18 checks compare" in told
    assert "Known correlations" not in told  # no study was simulated
    assert "LOO-PIT" in told
    priors = pd.read_csv(out / "tables" / "priors_used.csv").set_index("parameter")
    assert priors.loc["residual sd", "prior"] == "Gamma(alpha=10, beta=15)"


@needs_latex
def test_its_methods_and_tables_compile_and_fit_the_page(made, tmp_path):
    check_latex(made[1], tmp_path)
