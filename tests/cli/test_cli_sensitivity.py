"""``selfinterp sensitivity``: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from commandline import contents, selfinterp
from pages import PRIORS, WRITTEN, checked_page, told_methods
from studies import write_study
from typesetting import check_latex, needs_latex

CHOICES = [
    "exclusion",
    "standardising",
    "reports",
    "min_reports",
    "weights",
    "intercept",
    "scenarios",
    "left_out",
]
FIRST = ["id", *CHOICES, "estimate", "hdi_low", "hdi_high", "n", "flips_sign", "hdi_reaches_zero"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run, in an output folder that holds an earlier result."""
    folder = tmp_path_factory.mktemp("sensitivity")
    study = write_study(folder / "study", base_models=("model <b>&_$",), scenarios=8, trials=20)
    out = folder / "out"
    out.mkdir()
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    (out / "earlier.txt").touch()
    ran = selfinterp(
        "sensitivity", "--data", study, "--out", out, "--draws", 400, "--hdi-prob", 0.9, "--json"
    )
    return ran, out


def test_an_earlier_result_is_replaced_whole(made):
    ran, out = made
    assert ran.status == 0, ran.err
    assert {path.name for path in out.iterdir()} == {*WRITTEN, "tables", "figures"}
    assert {path.name for path in (out / "tables").iterdir()} == {
        *PRIORS,
        "left_out.csv",
        *(f"{name}.{end}" for name in ("ranges", "sensitivity") for end in ("csv", "md", "tex")),
    }


def test_the_long_table_begins_with_the_choices(made):
    _, out = made
    table = pd.read_csv(out / "tables" / "sensitivity.csv", keep_default_na=False)
    assert list(table.columns[: len(FIRST)]) == FIRST
    assert set(table["min_reports"]) == {1, 2, 3}
    assert set(table["flips_sign"]) <= {"yes", "no", ""}
    ids = set(table["id"])
    assert {path.stem for path in (out / "figures").glob("*.png")} == {
        path.stem for path in (out / "figures").glob("*.svg")
    }
    assert len(list((out / "figures").glob("*.png"))) == len(ids)


def test_stdout_is_json_and_agrees_with_the_tables(made):
    ran, out = made
    ranges = pd.read_csv(out / "tables" / "ranges.csv")
    assert [row["id"] for row in ran.json["ranges"]] == list(ranges["id"])
    run = json.loads((out / "run.json").read_text())
    table = pd.read_csv(out / "tables" / "sensitivity.csv")
    assert run["estimates"]["specifications"] == len(table)
    assert {"weights", "specifications", "report"} <= set(run["seconds"])


def test_readers_tables_say_what_their_intervals_are(made):
    _, out = made
    for name in ("ranges", "sensitivity"):
        for ending in ("md", "tex"):
            assert re.search(r"90\\?% HDI", (out / "tables" / f"{name}.{ending}").read_text())


def test_the_page_stands_alone_and_its_links_lead_somewhere(made):
    _, out = made
    page, tags = checked_page(out)
    assert "model &lt;b&gt;&amp;_$" in page
    assert "model <b>" not in page
    assert "b" not in tags


def test_a_number_of_reports_that_no_scenario_has_is_refused(tmp_path):
    study = write_study(tmp_path / "study")
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    before = contents(out)
    ran = selfinterp("sensitivity", "--data", study, "--out", out, "--min-reports", 4)
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.splitlines()[-1] == (
        "selfinterp: no scenario can be chosen by this minimum number of valid reports (found 4). "
        "Allowed: 1 to 3, the most valid reports that a scenario of the study has."
    )
    assert contents(out) == before


def test_somebody_elses_folder_is_left_alone(tmp_path):
    study, out = write_study(tmp_path / "study"), tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    ran = selfinterp("sensitivity", "--data", study, "--out", out)
    assert ran.status == 2
    assert "this folder holds files that this program did not write" in ran.err
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_its_methods_are_told_from_the_run(made):
    _, out = made
    told = told_methods(out)
    table = pd.read_csv(out / "tables" / "sensitivity.csv")
    left_out = pd.read_csv(out / "tables" / "left_out.csv")
    assert f"{table['id'].nunique()} conclusions of the paper were estimated" in told
    assert f"{len(table):,} specifications in all" in told
    assert f"left out in turn, in {len(left_out)} estimates" in told
    assert "Fewest valid reports: 1, 2, 3." in told
    assert "90% highest-density intervals" in told


@needs_latex
def test_its_methods_and_tables_compile_and_fit_the_page(made, tmp_path):
    check_latex(made[1], tmp_path)
