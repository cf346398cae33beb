"""The page: one file that asks nobody for anything, escapes everything and says what it shows."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sample import HOSTILE, sample_results

from selfinterp_stats.reporting import cells, figures, findings, html, page
from selfinterp_stats.reporting.methods import methods


def rendered(results, folder):
    drawn = figures.write_figures(results, folder)
    return page.render_page(results, drawn, methods(results))


@pytest.fixture(scope="module")
def paper_page(paper, tmp_path_factory):
    return rendered(paper, tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def hostile_page(other_study, tmp_path_factory):
    return rendered(other_study, tmp_path_factory.mktemp("figures"))


class Elements(HTMLParser):
    """Collects tags with their attributes, and the text of the embedded data."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.open = []
        self.feed(text)

    VOID = frozenset({"meta", "link", "br", "input"})

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_element_is_closed(paper_page, hostile_page):
    for text in (paper_page, hostile_page):
        assert Elements(text).open == []


def test_both_figures_share_their_letters(paper_page):
    outlines = [found["d"] for tag, found in Elements(paper_page).found if "d" in found]
    named = re.findall(r'<path id="o-\d+" d="([^"]+)"', paper_page)
    assert len(named) > 20
    assert all(outlines.count(outline) == 1 for outline in named)


def test_no_request_goes_to_any_host(paper_page):
    for tag, attributes in Elements(paper_page).found:
        for name in ("src", "href", "xlink:href", "data", "action", "poster", "srcset"):
            address = attributes.get(name) or ""
            assert not re.match(r"(https?:)?//", address), (tag, name, address)
    assert "@import" not in paper_page
    assert not re.search(r"url\((?!#)", paper_page)
    # What remains of http are the names of SVG's namespaces.
    assert set(re.findall(r"https?://[^\"' ]*", paper_page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_ids_are_unique_and_links_inside_the_page_lead_somewhere(paper_page):
    found = Elements(paper_page).found
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in found:
        target = attributes.get("href") or attributes.get("xlink:href") or ""
        if target.startswith("#"):
            assert target[1:] in ids
        for label in (attributes.get("aria-labelledby") or "").split():
            assert label in ids


def test_hostile_names_are_shown_as_they_are(hostile_page):
    scripts = [tag for tag, _ in Elements(hostile_page).found if tag == "script"]
    assert len(scripts) == 2
    assert "<script>alert" not in hostile_page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;_%$#" in hostile_page
    assert embedded(hostile_page)["models"] == [HOSTILE, "plain"]


def embedded(text):
    return json.loads(
        re.search(r'<script type="application/json" id="weights-data">(.*?)</script>', text)[1]
    )


def test_embedded_weights_are_those_of_the_table(paper, paper_page):
    data = embedded(paper_page)
    assert len(data["rows"]) == len(paper.weights)
    for row, expected in zip(data["rows"], paper.weights.to_dict("records"), strict=True):
        assert data["scenarios"][row[2]] == expected["scenario"]
        assert data["models"][row[0]] == expected["base_model"]
        assert row[4] == expected["weight"]
        assert row[6] == pytest.approx(expected["mean"], abs=0.5 * 10 ** -row[5] + 1e-12)
        assert row[8] == pytest.approx(expected["hdi_low"], abs=0.5 * 10 ** -row[7] + 1e-12)
    flagged = {data["scenarios"][row[2]] for row in data["rows"] if data["flags"][row[14]]}
    assert flagged == {"loose_leaf_tea_1", "loose_leaf_tea_2"}


def test_a_posterior_that_is_not_finite_is_an_empty_cell(paper):
    broken = paper.weights.head(5).copy()
    broken[["mean", "hdi_low", "hdi_high", "ess_bulk", "rhat", "mcse_mean"]] = np.nan
    broken["weight"] = pd.array([pd.NA] * 5, dtype="Int64")
    rows = page.weights_data(broken, 0.95)["rows"]
    assert rows[0][4] is None
    assert rows[0][6] is None
    json.dumps(rows, allow_nan=False)


def test_the_paper_s_numbers_are_marked_where_they_differ(paper_page, paper):
    differing = (paper.paper_numbers["agrees"] == "no").sum()
    assert paper_page.count('<span class="badge differs">differs</span>') == differing - 2
    assert paper_page.count('<span class="badge differs">not released</span>') == 2
    assert "released weights predict 85.4%" in paper_page
    assert '<span class="minor">34 of 5,000</span>' in paper_page


def test_an_interval_that_goes_on_beyond_the_axis_is_cut_there(paper, tmp_path):
    cut = {"estimate": -0.05, "hdi_low": -0.22, "hdi_high": 0.12}
    numbers = paper.paper_numbers.copy()
    slope = numbers.index[numbers["id"].str.startswith("e1_offshelf_r")][0]
    numbers.loc[slope, list(cut)] = list(cut.values())
    text = rendered(replace(paper, paper_numbers=numbers), tmp_path)
    assert '<i class="ours left" style="left:0.0%;width:26.7%"></i>' in text
    assert '<b class="ours" style="left:12.5%"></b>' in text
    assert text.count("An arrow: the interval goes on beyond the drawing.") == 1


def test_no_arrow_is_explained_where_none_is_drawn(paper_page):
    assert "An arrow:" not in paper_page
    assert '<i class="ours"' in paper_page


def test_another_study_has_no_published_columns(hostile_page):
    assert "Paper’s 95% HDI" not in hostile_page
    assert "Agrees" not in hostile_page
    assert "The paper’s quantities in this study" in hostile_page


def test_what_was_left_out_and_what_failed_is_said(paper_page):
    assert "the off-the-shelf set of one base model is left out" in paper_page
    assert "weights gpt-4o-2024-08-06 instilled loose_leaf_tea_1" in paper_page
    assert "R-hat 1.03 is above 1.01" in paper_page


def test_the_headline_is_computed(paper):
    first, second, third = findings.headline(paper)
    assert "0.52 [0.45, 0.60] before introspection training" in first
    assert "gpt-4o-mini-2024-07-18" in first
    assert "by 0.22 [0.16, 0.29] for learned weights" in second
    assert third == (
        "Of the 28 numbers that the paper prints, 24 agree with the refit; 2 differ and 2 cannot "
        "be computed from what was released."
    )


def test_the_headline_of_many_base_models_is_a_range():
    many = sample_results(tuple("abcde"), scenarios=2, paper=False)
    told = findings.headline(many)
    assert told[0].startswith("In 5 base models, reported weights correlate")
    assert len(told) == 2


def test_a_study_without_reports_still_has_a_page(paper, tmp_path):
    bare = replace(
        paper,
        correlations=paper.correlations.head(0),
        agreement=paper.agreement.head(0),
        paper_numbers=paper.paper_numbers.head(0),
        released_comparison=paper.released_comparison.head(0),
    )
    text = rendered(bare, tmp_path)
    assert "The study holds no reports" in text
    assert "Figure 2 is left out" in text


def test_contrasts_stand_with_the_slopes_and_coefficients_apart(paper, paper_page):
    correlations = cells.in_order(paper.correlations)
    assert list(correlations["experiment"]) == sorted(correlations["experiment"])
    slopes = findings.main_slopes(correlations)
    assert len(slopes) == 2 * 5 + 2 * 3
    assert f"The other {len(correlations) - len(slopes)} terms" in paper_page
    assert "reports × trained" in paper_page
    assert "change of the slope" in paper_page


def luminance(colour):
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 2])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "sheet"),
        ("soft", "sheet"),
        ("link", "sheet"),
        ("ink", "panel"),
        ("ink", "tint"),
        ("soft", "tint"),
        ("agree-ink", "agree"),
        ("differ-ink", "differ"),
    ],
)
def test_text_is_legible_in_both_themes(theme, text, ground):
    styles = html.resource("page.css")
    block = re.findall(r":root[^{]*\{([^}]*)\}", styles)[theme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_counts_of_the_collection_are_shown_and_what_is_incomplete_is_marked(paper, tmp_path):
    study = copy.copy(paper.study)
    columns = ["base_model", "set", "task", "condition", "fold", "wanted", "asked", "valid"]
    columns += ["invalid", "refused", "truncated", "failed", "complete"]
    whole = ["model-a", "native", "choices", "", "", 1200, 1200, 1198, 1, 1, 0, 0, True]
    part = ["model-a", "native", "reports", "weight-trained", "", 50, 40, 30, 4, 3, 2, 1, False]
    study.counts = pd.DataFrame([whole, part], columns=columns)
    text = rendered(replace(paper, study=study), tmp_path)
    table = text[text.index("<h3>Asked and valid</h3>") :]
    rows = re.findall(r"<tr(.*?)>(<t[dh].*?)</tr>", table[: table.index("</table>")])
    assert [re.findall(r">([^<]*)</t[dh]>", row) for _, row in rows] == [
        # Folds have no column where there are none.
        [name.replace("_", " ") for name in columns if name != "fold"],
        ["model-a", "native", "choices", "", "1,200", "1,200", "1,198", *"1100", "yes"],
        ["model-a", "native", "reports", "weight-trained", "50", "40", "30", *"4321", "no"],
    ]
    assert ["flagged" in attributes for attributes, _ in rows] == [False, False, True]
    assert "Rows that are marked are incomplete" in text
    study.counts = pd.DataFrame([whole], columns=columns)
    assert "are marked are incomplete" not in rendered(replace(paper, study=study), tmp_path)


def test_the_page_does_not_tell_where_the_data_lay(paper, tmp_path):
    moved = copy.copy(paper.study)
    moved.source = "/somebody/private/paper_data"
    run = {**paper.run, "data": {"source": moved.source}}
    text = rendered(replace(paper, study=moved, run=run), tmp_path)
    assert "somebody" not in text
    assert "<dd>paper_data</dd>" in text


def test_the_paper_s_page_is_small(tmp_path):
    text = rendered(sample_results(scenarios=100), tmp_path)
    assert len(embedded(text)["rows"]) == 2000
    assert len(text.encode()) < 1_000_000


@pytest.mark.browser
@pytest.mark.skipif(
    not (shutil.which("chromium") or shutil.which("chromium-browser")), reason="no Chromium"
)
def test_a_browser_fills_the_table(hostile_page, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(hostile_page, encoding="utf-8")
    shown = subprocess.run(
        [
            shutil.which("chromium") or shutil.which("chromium-browser"),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    rows = re.search(r'<tbody id="w-rows">(.*?)</tbody>', shown, flags=re.DOTALL)[1]
    assert rows.count("<tr") == 50
    assert "80 of 80 weights" in shown
    assert "page 1 of 2" in shown
    assert "<script>alert" not in shown
