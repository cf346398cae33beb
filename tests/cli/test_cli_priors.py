"""``selfinterp priors``: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from commandline import contents, selfinterp
from pages import PRIORS, WRITTEN, told_methods
from studies import write_study
from typesetting import check_latex, needs_latex

FIRST = ["prior", "id", "median", "hdi_low", "hdi_high", "change"]
TABLES = ("priors", "prior_sets", "prior_verdicts")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run with priors of one's own, in an output folder that holds an earlier result."""
    folder = tmp_path_factory.mktemp("priors")
    study = write_study(folder / "study", base_models=("model <b>&_$",), scenarios=8, trials=12)
    (folder / "mine.toml").write_text(
        '[wide]\ncommon = {name = "Normal", mu = 0, sigma = 4}\n'
        '[nothing_known]\ncommon = {name = "Flat"}\n'
    )
    out = folder / "out"
    out.mkdir()
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    (out / "earlier.txt").touch()
    only = [item for name in ("wide", "nothing_known", "bambi") for item in ("--only", name)]
    ran = selfinterp(
        "priors", "--data", study, "--out", out, "--priors", folder / "mine.toml", *only,
        "--draws", 400, "--hdi-prob", 0.9, "--json",
    )  # fmt: skip
    return ran, out


def test_an_earlier_result_is_replaced_whole(made):
    ran, out = made
    assert ran.status == 0, ran.err
    assert {path.name for path in out.iterdir()} == {*WRITTEN, "tables", "figures"}
    assert {path.name for path in (out / "tables").iterdir()} == {
        *PRIORS,
        "prior_weights.csv",
        "prior_scenarios.csv",
        *(f"{name}.{end}" for name in TABLES for end in ("csv", "md", "tex")),
    }


def test_the_long_table_begins_with_the_contract(made):
    _, out = made
    table = pd.read_csv(out / "tables" / "priors.csv", keep_default_na=False)
    assert list(table.columns[: len(FIRST)]) == FIRST
    assert list(dict.fromkeys(table["prior"])) == ["paper", "bambi", "wide", "nothing_known"]
    ids = set(table["id"])
    assert {"e2_training_effect", "e1_report_r_model <b>&_$"} <= ids
    assert len(table) == 4 * len(ids)
    assert len(list((out / "figures").glob("*.png"))) == len(ids)
    assert {path.stem for path in (out / "figures").glob("*.png")} == {
        path.stem for path in (out / "figures").glob("*.svg")
    }


def test_every_weight_is_there_under_every_set(made):
    _, out = made
    weights = pd.read_csv(out / "tables" / "prior_weights.csv")
    assert len(weights) == 4 * 16 * 3
    assert not weights.duplicated(["prior", "base_model", "set", "scenario", "attribute"]).any()
    paper = weights[weights["prior"] == "paper"]
    assert (paper["change"] == 0).all()
    assert paper.groupby(["set", "scenario"])["weight"].agg(lambda w: w.abs().max()).eq(100).all()


def test_stdout_is_json_and_agrees_with_the_tables(made):
    ran, out = made
    verdicts = pd.read_csv(out / "tables" / "prior_verdicts.csv")
    assert [row["verdict"] for row in ran.json["verdicts"]] == list(verdicts["verdict"])
    run = json.loads((out / "run.json").read_text())
    assert list(run["priors"]) == ["paper", "bambi", "wide", "nothing_known"]
    assert {"preparing", "priors", "conclusions", "report"} <= set(run["seconds"])


def test_scenarios_without_a_posterior_are_counted_and_named(made):
    ran, out = made
    scenarios = pd.read_csv(out / "tables" / "prior_scenarios.csv", keep_default_na=False)
    lost = scenarios[scenarios["problem"] != ""]
    assert set(lost["prior"]) == {"nothing_known"}
    said = f"left out: nothing_known: {len(lost)} of 16 scenarios have no proper posterior"
    assert said in " ".join(ran.err.split())
    page = (out / "index.html").read_text()
    assert f"nothing_known: {len(lost)} scenarios left out" in page
    for name in lost["scenario"]:
        assert name.replace("_", " ") in page


def test_conclusions_stand_together_by_section_and_say_in_short_whether_they_hold(made):
    _, out = made
    verdicts = pd.read_csv(out / "tables" / "prior_verdicts.csv")
    sections = verdicts["section"]
    assert (sections != sections.shift()).sum() == sections.nunique() > 2
    lines = (out / "tables" / "prior_verdicts.md").read_text().splitlines()
    short = [
        line.split(" | ")[3] for line in lines if line.startswith(("| Exp", "| Foot", "| App"))
    ]
    firm = (verdicts["flips"] == 0) & (verdicts["reaches"] == 0)
    assert [one == "yes" for one in short] == list(firm)


def test_readers_tables_say_what_their_intervals_are(made):
    _, out = made
    for name in ("priors", "prior_verdicts"):
        for ending in ("md", "tex"):
            assert re.search(r"90\\?% HDI", (out / "tables" / f"{name}.{ending}").read_text())


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []
        self.tags = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.found += [value for name, value in attrs if name in {"href", "src"}]


def test_the_page_stands_alone_and_its_links_lead_somewhere(made):
    _, out = made
    page = (out / "index.html").read_text()
    links = _Links()
    links.feed(page)
    assert "model &lt;b&gt;&amp;_$" in page
    assert "b" not in links.tags
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    for link in links.found:
        if link.startswith("#"):
            assert link[1:] in ids
        elif link != "data:,":
            assert (out / link).is_file(), link


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[a]\ncommon = {name = "Wishart", nu = 3}',
            (
                ", column 'a.common': this distribution is not known here (found 'Wishart'). "
                "Allowed: Normal, StudentT, Cauchy, Logistic, Laplace, Flat."
            ),
        ),
        (
            '[a]\nd9 = {name = "Normal", mu = 0, sigma = 3}',
            (
                ": the set 'a' names a term that the model does not have (found 'd9'). Allowed: "
                "common, Intercept, d1, d2, d3."
            ),
        ),
    ],
)
def test_a_wrong_file_of_priors_changes_nothing(tmp_path, text, message):
    study, out, file = write_study(tmp_path / "study"), tmp_path / "out", tmp_path / "mine.toml"
    # Of this the study has a notice, which must not come before the message.
    (study / "notes.txt").touch()
    out.mkdir()
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    file.write_text(text)
    before = contents(out)
    ran = selfinterp("priors", "--data", study, "--out", out, "--priors", file)
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err == f"selfinterp: {file}{message}\n"
    assert contents(out) == before


def test_wrong_priors_are_told_before_the_study_is_read(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[paper]\ncommon = {name = "Normal", mu = 0, sigma = 3}')
    nowhere = ("priors", "--data", tmp_path / "nowhere", "--out", tmp_path / "out")
    taken = selfinterp(*nowhere, "--priors", file)
    assert taken.err.startswith(
        f"selfinterp: {file}: this package has a set of priors of this name (found 'paper'). "
    )
    assert selfinterp(*nowhere, "--only", "narrow").err.startswith(
        "selfinterp: there is no set of priors of this name (found 'narrow'). "
    )
    assert not (tmp_path / "out").exists()


def test_somebody_elses_folder_is_left_alone(tmp_path):
    study, out = write_study(tmp_path / "study"), tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    ran = selfinterp("priors", "--data", study, "--out", out)
    assert ran.status == 2
    assert "this folder holds files that this program did not write" in ran.err
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_its_methods_are_told_from_the_run(made):
    _, out = made
    told = told_methods(out)
    lost = pd.read_csv(out / "tables" / "prior_sets.csv").set_index("prior")["improper"]
    assert "This was done under 4 sets of priors, listed in tables/priors_used.csv" in told
    assert f"are left out: {lost['nothing_known']} under nothing_known." in told
    assert "12 conclusions of the paper were estimated" in told
    assert "Each posterior has 400 draws, in 4 chains; the seed was 0." in told
    assert not re.search("horseshoe|learned on a grid|weighing", told)
    priors = pd.read_csv(out / "tables" / "priors_used.csv").set_index(["model", "parameter"])
    assert priors.loc[("weights, wide", "slopes"), "prior"] == "Normal(mu=0, sigma=4)"
    assert priors.loc[("weights, wide", "slopes"), "fits"] == 16
    assert priors.loc[("weights, nothing_known", "slopes"), "fits"] == 16 - lost["nothing_known"]


@needs_latex
def test_its_methods_and_tables_compile_and_fit_the_page(made, tmp_path):
    check_latex(made[1], tmp_path)
