"""``selfinterp plan``: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from commandline import contents, selfinterp
from pages import PRIORS, WRITTEN, checked_page, told_methods
from studies import write_study
from typesetting import check_latex, needs_latex

FIRST = ["scenarios", "attributes", "trials", "reports", "correlation", "cost", "hdi_width"]
GRID = (
    "--scenarios", 20, "--scenarios", 60, "--trials", 10, "--trials", 20, "--reports", 2,
    "--attributes", 3,
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A plan from a pilot study."""
    folder = tmp_path_factory.mktemp("plan")
    study = write_study(
        folder / "study", base_models=("model <b>&_$",), sets=("native",), scenarios=9, trials=12
    )
    out = folder / "out"
    wanted = ("--width", 0.35, "--hdi-prob", 0.9, "--cost-per-report", 2.5)
    ran = selfinterp("plan", "--out", out, "--pilot", study, *GRID, *wanted, "--json")
    return ran, out


def test_everything_is_written(made):
    ran, out = made
    assert ran.status == 0, ran.err
    assert {path.name for path in out.iterdir()} == {*WRITTEN, "tables", "figures"}
    assert {path.name for path in (out / "tables").iterdir()} == {
        *PRIORS,
        *(f"{name}.{end}" for name in ("plan", "cheapest", "own") for end in ("csv", "md", "tex")),
    }
    assert {path.name for path in (out / "figures").iterdir()} == {"curves.png", "curves.svg"}


def test_every_design_is_planned_with_what_the_pilot_says(made):
    ran, out = made
    table = pd.read_csv(out / "tables" / "plan.csv")
    assert list(table.columns[: len(FIRST)]) == FIRST
    own = pd.read_csv(out / "tables" / "own.csv")
    assert len(table) == 4 * len(own)
    assert set(table["correlation"]) == set(own["correlation"])
    cost = table["scenarios"] * (table["trials"] + 2.5 * table["reports"])
    assert (table["cost"] == cost).all()
    assert [row["cost"] for row in ran.json["designs"]] == list(table["cost"])
    assert own[["found_r", "found_width", "predicted_r", "predicted_width"]].notna().all(axis=None)


def test_the_cheapest_is_one_of_them(made):
    _, out = made
    table = pd.read_csv(out / "tables" / "plan.csv")
    cheapest = pd.read_csv(out / "tables" / "cheapest.csv").dropna(subset="scenarios")
    assert len(cheapest)
    for row in cheapest.to_dict("records"):
        same = table[(table["assumed"] == row["assumed"]) & (table["reaches"] == "yes")]
        assert row["cost"] == same["cost"].min()
    assert json.loads((out / "run.json").read_text())["wanted"]["width"] == 0.35


def test_the_page_stands_alone_and_its_links_lead_somewhere(made):
    _, out = made
    page, tags = checked_page(out)
    assert "model &lt;b&gt;&amp;_$" in page
    assert "b" not in tags
    assert "90% HDI" in page


def test_without_a_pilot_the_cheapest_design_is_said(tmp_path):
    ran = selfinterp("plan", "--out", tmp_path / "out", *GRID, "--correlation", 0.5, "--width", 0.5)
    assert ran.status == 0, ran.err
    assert ran.out.splitlines()[0].startswith(
        "Of 4 designs the cheapest with an HDI of width 0.5 or less: 20 scenarios, 10 trials, "
        "2 reports (240 calls)"
    )
    # Nothing was fitted: there is no model, no engine and no prior to tell of.
    assert not re.search("Pilot|PyMC|JAX|Pareto", told_methods(tmp_path / "out"))
    assert not (tmp_path / "out" / "tables" / "priors_used.csv").exists()
    none = selfinterp("plan", "--out", tmp_path / "out", *GRID, "--width", 0.001)
    assert none.status == 0
    assert none.out.splitlines()[0] == (
        "None of the 12 designs reaches an HDI of width 0.001 or less."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--trials", 0),
            "a design cannot have this number of trials (found 0). Allowed: a whole number from 1.",
        ),
        (
            ("--correlation", 1.5),
            "a design cannot have this correlation (found 1.5). Allowed: -1 to 1.",
        ),
        (
            ("--pilot", "nowhere", "--report-noise", 3),
            (
                "a pilot study and what it is asked for are both given (found '--report-noise'). "
                "Leave out one of the two."
            ),
        ),
    ],
)
def test_a_design_that_cannot_be_changes_nothing(tmp_path, options, message):
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    before = contents(out)
    ran = selfinterp("plan", "--out", out, *options)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[-1] == f"selfinterp: {message}"
    assert contents(out) == before


def test_its_methods_are_told_from_the_run(made):
    _, out = made
    told = told_methods(out)
    assert "4 designs of one report set" in told
    assert "scenarios 20 or 60; attributes 3; trials 10 or 20; reports 2" in told
    assert "an expected HDI no wider than 0.35" in told
    assert "a choice costs 1 and a report 2.5" in told
    run = json.loads((out / "run.json").read_text())
    assert sum(run["engines"].values()) == run["diagnostics"]["fits"] == 9
    assert "all 9 fits pass" in told or "of 9 fits fail" in told
    assert set(pd.read_csv(out / "tables" / "priors_used.csv")["model"]) == {
        "weights",
        "correlations",
    }


@needs_latex
def test_its_methods_and_tables_compile_and_fit_the_page(made, tmp_path):
    check_latex(made[1], tmp_path)
