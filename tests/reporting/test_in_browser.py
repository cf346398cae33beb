"""The page in a real browser: sorted, filtered, dark, printed, on a telephone, by keyboard."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from browser import CHROMIUM, browsing
from sample import sample_results

from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.reporting import figures, html, page
from selfinterp_stats.reporting.methods import methods
from selfinterp_stats.reporting.priors import tables as of_priors

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium"),
]
REPORTS = Path(__file__).resolve().parents[2] / "reports"
COMMITTED = sorted(path.parent.name for path in REPORTS.glob("*/index.html"))
# A4 less the margins that the style sheet asks for, in CSS pixels.
PAPER_WIDE = round((210 - 2 * 14) / 25.4 * 96)

CONTRASTS = """
(() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const over = (top, under) => {
    const a = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map(i => a * top[i] + (1 - a) * under[i]);
  };
  const ground = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(channels(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const found = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    if (["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const under = ground(element);
    const colour = over(channels(getComputedStyle(element).color), under);
    const [dark, light] = [luminance(colour), luminance(under)].sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    const name = element.tagName + "." + element.className;
    if (!(name in found) || ratio < found[name]) found[name] = ratio;
  }
  return found;
})()
"""
WIDER_THAN = """
(wide => [...document.querySelectorAll("table, figure, svg, p, h1, h2, dl")]
  .filter(it => it.checkVisibility() && it.getBoundingClientRect().right > wide + 1)
  .map(it => it.tagName + " " + (it.closest("section") || {}).id + " " + it.className))
"""
SHOWN = """
[...document.querySelectorAll("#w-rows tr")].map(
  row => [...row.cells].map(cell => cell.textContent))
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """The page of a sampled report, in a folder of its own."""
    folder = tmp_path_factory.mktemp("report")
    results = sample_results(scenarios=6)
    drawn = figures.write_figures(results, folder)
    path = folder / "index.html"
    path.write_text(page.render_page(results, drawn, methods(results)), encoding="utf-8")
    return browser, path


def test_a_click_on_a_head_sorts_up_down_and_back(opened):
    browser, path = opened
    browser.open(path)
    before = browser.run(SHOWN)
    assert len(before) == 50
    for order in ("ascending", "descending", None):
        browser.run('document.querySelector("[data-key=\\"6\\"] button").click()')
        assert browser.run('document.querySelector("[data-key=\\"6\\"]").ariaSort') == order
        means = [float(row[5].replace("−", "-")) for row in browser.run(SHOWN)]
        if order:
            assert means == sorted(means, reverse=order == "descending")
    assert browser.run(SHOWN) == before


def test_filters_narrow_the_weights_together(opened):
    browser, path = opened
    browser.open(path)
    browser.run('document.getElementById("w-text").focus()')
    browser.write("aroma tea 1")
    rows = browser.run(SHOWN)
    assert {(row[0], row[1]) for row in rows} == {("loose leaf tea 1", "aroma")}
    assert len(rows) == 4
    browser.run(
        'const set = document.getElementById("w-set"); set.value = "1";'
        'set.dispatchEvent(new Event("change"))'
    )
    rows = browser.run(SHOWN)
    assert len(rows) == 2
    assert {row[3] for row in rows} == {"native"}
    assert browser.run('document.getElementById("w-count").textContent') == "2 of 120 weights"


def test_a_table_written_whole_is_sorted_group_by_group_and_filtered(opened):
    browser, path = opened
    browser.open(path)
    texts = """
    [...document.querySelector("#correlations table").tBodies].map(
      body => [...body.rows].filter(row => row.checkVisibility()).map(
        row => row.cells[Math.min(2, row.cells.length - 1)].textContent))
    """
    heads = '[...document.querySelector("#correlations table").tHead.rows[0].cells]'
    before = browser.run(texts)
    browser.run(f"{heads}[2].querySelector('button').click()")
    after = browser.run(texts)
    assert [group[0] for group in after] == ["Experiment 1", "Experiment 2", "Experiment 3"]
    for old, new in zip(before, after, strict=True):
        assert new[1:] == sorted(old[1:], key=float)
    assert browser.run(f"{heads}.map(head => head.ariaSort)")[:3] == [None, None, "ascending"]
    browser.run('document.querySelector("#correlations .filters input").focus()')
    browser.write("off-the-shelf mini")
    assert [len(group) for group in browser.run(texts)] == [2, 0, 0]
    said = browser.run('document.querySelector("#correlations .count").textContent')
    assert said == "1 of 16 rows"


def test_the_keyboard_reaches_every_control_and_enter_sorts(opened):
    browser, path = opened
    browser.open(path)
    reached = []
    for _ in range(120):
        browser.press("Tab")
        told = browser.run(
            "(it => [it.id || it.textContent.trim(), it.tagName, getComputedStyle(it).outlineStyle,"
            " parseFloat(getComputedStyle(it).outlineWidth)])(document.activeElement)"
        )
        reached.append(told[0])
        if told[1] in {"A", "BUTTON", "INPUT", "SELECT", "SUMMARY", "DIV"}:
            assert told[2] == "solid", told
            assert told[3] >= 2, told
        if told[0] == "Scenario":
            break
    expected = ["Skip to the results", "theme", "w-text", "w-model", "w-set", "w-flag", "Scenario"]
    assert [name for name in reached if name in expected] == expected
    browser.press("Enter")
    assert browser.run('document.querySelector("[data-key=\\"2\\"]").ariaSort') == "ascending"
    browser.press("Enter")
    assert browser.run('document.querySelector("[data-key=\\"2\\"]").ariaSort') == "descending"
    assert browser.run("document.activeElement.textContent") == "Scenario"


def pages(opened, name):
    browser, path = opened
    return browser, path if name == "sample" else REPORTS / name / "index.html"


@pytest.mark.parametrize("name", ["sample", *COMMITTED])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_can_be_read_in_both_themes(opened, name, theme):
    browser, path = pages(opened, name)
    browser.open(path, theme=theme)
    browser.run('document.querySelectorAll("details").forEach(it => { it.open = true; })')
    ratios = browser.run(CONTRASTS)
    assert len(ratios) > 10
    assert {what: ratio for what, ratio in ratios.items() if ratio < 4.5} == {}
    ground = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", ground)[0]) > 128) == (theme == "light")


@pytest.mark.parametrize("name", ["sample", *COMMITTED])
def test_a_narrow_screen_is_never_scrolled_sideways(opened, name):
    browser, path = pages(opened, name)
    browser.open(path, width=390, height=844)
    browser.run('document.querySelectorAll("details").forEach(it => { it.open = true; })')
    assert browser.run("document.documentElement.scrollWidth") == 390


def committed(table):
    frame = pd.read_csv(REPORTS / "priors" / "tables" / f"{table}.csv")
    texts = frame.select_dtypes(exclude="number").columns
    return frame.assign(**{name: frame[name].fillna("") for name in texts})


def test_tables_of_priors_fit_a_window_of_1200_pixels(opened, tmp_path):
    """With the names and figures of the paper's data and this package's ten sets of priors."""
    browser, _ = opened
    found = SimpleNamespace(
        conclusions=committed("prior_verdicts"),
        sets=committed("prior_sets"),
        table=committed("priors"),
        settings=Settings(),
    )
    written = html.template("parts.html.jinja").module.reading_table
    made = (of_priors.verdicts_table, of_priors.sets_table, of_priors.priors_table)
    body = "".join(written(table, table.name) for table in (make(found) for make in made))
    (tmp_path / "priors.html").write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><style>{html.resource("page.css")}</style>'
        f"<main>{body}</main><script>{html.resource('tables.js')}</script>",
        encoding="utf-8",
    )
    # The window's own scroll bar takes 15 of them.
    browser.open(tmp_path / "priors.html", width=1185)
    tables = browser.run(
        '[...document.querySelectorAll(".scroll")].map('
        "it => [it.getAttribute('aria-label'), it.scrollWidth <= it.clientWidth])"
    )
    assert dict(tables) == {"prior_verdicts": True, "prior_sets": True, "priors": True}


@pytest.mark.parametrize("name", ["sample", *COMMITTED])
def test_print_has_every_section_no_control_and_no_table_cut_off(opened, name):
    browser, path = pages(opened, name)
    browser.open(path, width=PAPER_WIDE, medium="print")
    controls = browser.run(
        '[...document.querySelectorAll("button, input, select, nav, .pager")].filter('
        'it => it.checkVisibility() && !it.closest("thead")).map(it => it.outerHTML)'
    )
    assert controls == []
    assert browser.run(f"({WIDER_THAN})({PAPER_WIDE})") == []
    titles = browser.run('[...document.querySelectorAll("h2")].map(it => it.textContent)')
    pdf = browser.printed()
    assert pdf.startswith(b"%PDF")
    outline = [bytes(found) for found in re.findall(rb"/Title \((.*?)(?<!\\)\)", pdf)]
    assert len(outline) >= len(titles) > 2


@pytest.mark.parametrize("name", ["sample", *COMMITTED])
def test_opened_from_disk_it_asks_no_host_and_raises_no_error(opened, name):
    browser, path = pages(opened, name)
    browser.requested.clear()
    browser.complaints.clear()
    browser.open(path)
    assert browser.requested
    assert {address.split(":")[0] for address in browser.requested} <= {"file", "data"}
    assert browser.complaints == []
