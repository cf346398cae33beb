"""Matplotlib's SVG made small draws the same things in the same places."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.sensitivity.specifications import PAPER
from selfinterp_stats.reporting import svg
from selfinterp_stats.reporting.sensitivity.figures import write_figures
from selfinterp_stats.reporting.svgpaths import shortened

NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")


def drawn(outline):
    """Every place where the pen goes, as the specification of SVG 1.1 (8.3) reads an outline."""
    pen = begun = np.zeros(2)
    places = []
    for letter, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", outline):
        given = [float(number) for number in NUMBER.findall(numbers)]
        kind, before = letter.upper(), pen if letter.islower() else np.zeros(2)
        if kind == "Z":
            pen = begun
        elif kind in "HV":
            pen = pen.copy()
            pen["HV".index(kind)] = before["HV".index(kind)] + given[0]
        else:
            found = np.reshape(given, (-1, 2)) + before
            places += [(kind, *place) for place in found[:-1]]
            pen = found[-1]
        begun = pen if kind == "M" else begun
        places.append(("L" if kind in "HV" else kind, *pen))
    return places


def plotted(seed=0):
    """A figure with letters, markers and outlines of every kind."""
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot()
    rng = np.random.default_rng(seed)
    axes.plot(rng.normal(size=200), linewidth=0.5)
    axes.fill_between(range(5), rng.random(5))
    axes.set_title("Figure of 5 letters: Qg&")
    written = io.StringIO()
    figure.savefig(written, format="svg")
    return written.getvalue()


@pytest.mark.parametrize(
    ("outline", "short"),
    [
        ("M 126.512288 85.188171 \nL 126.512288 66.579899 \n", "M126.51 85.19V66.58"),
        ("M 10 10 \nL 20 10 \nL 20 9.5 \nL 10 9.5 \nz\n", "M10 10H20V9.5H10z"),
        ("M 100.5 100.5 \nL 101 100 \nz\nM 100.5 100.4 \nL 1 1 \n", "M100.5 100.5l.5-.5zm0-.1L1 1"),
        ("M 0 -0.001 \nQ 0.5 1 -2 3 \nC 1 2 3 4 5 6 \n", "M0 0Q.5 1-2 3C1 2 3 4 5 6"),
    ],
)
def test_an_outline_is_written_in_the_fewest_letters(outline, short):
    assert shortened(outline) == short


def test_every_outline_of_a_drawing_stays_where_it_was_to_a_hundredth():
    outlines = re.findall(r' d="([^"]*)"', plotted())
    assert len(outlines) > 20
    assert {letter for outline in outlines for letter in re.findall("[A-Z]", outline)} == set("MLQ")
    for outline in outlines:
        before, after = drawn(outline), drawn(shortened(outline))
        assert [kind for kind, *_ in before] == [kind for kind, *_ in after]
        gaps = np.array([place[1:] for place in before]) - [place[1:] for place in after]
        # Half a hundredth, and what adding floats up costs.
        assert np.abs(gaps).max() < 0.005 + 1e-9
    assert sum(map(len, map(shortened, outlines))) < 0.6 * sum(map(len, outlines))


def letters(drawing):
    """Where every letter and mark stands: its outline, and the numbers that place it."""
    root = ElementTree.fromstring(drawing[drawing.index("<svg") :])
    outlines = {
        path.get("id"): path.get("d", "") for path in root.iter("{http://www.w3.org/2000/svg}path")
    }
    found = []
    for use in root.iter("{http://www.w3.org/2000/svg}use"):
        moved = NUMBER.findall(use.get("transform", "")) or [use.get("x", 0), use.get("y", 0)]
        outline = outlines[use.get("{http://www.w3.org/1999/xlink}href")[1:]]
        found.append((drawn(outline)[:3], [round(float(number), 2) for number in moved]))
    return found


def test_letters_stand_where_they_stood():
    before, after = letters(plotted()), letters(svg.compacted(plotted(), "one"))
    assert len(before) == len(after) > 30
    for (outline, place), (same_outline, same_place) in zip(before, after, strict=True):
        assert np.allclose([p[1:] for p in outline], [p[1:] for p in same_outline], atol=0.0051)
        assert np.allclose(place, same_place, atol=0.01)


def test_a_page_has_each_letter_once_and_no_drawing_lacks_one():
    drawings = [svg.themed(svg.compacted(plotted(seed), f"d{seed}"), {}) for seed in range(3)]
    apart = f"<body>{''.join(drawings)}</body>"
    page = svg.sharing_outlines(apart)
    outlines = re.findall(r'<path id="[^"]+" ([^>]*)/>', page)
    assert len(outlines) == len(set(outlines)) > 10
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) == set(ids)
    assert letters(f"<svg>{page}</svg>") == letters(f"<svg>{apart}</svg>")


def test_neighbours_with_an_option_are_one_line_with_a_dash_for_each(tmp_path):
    """A third as many lines as there are marks, and marks where they would be one by one."""
    total = 60
    rows = pd.DataFrame([vars(PAPER)] * total).assign(
        id="e1_report_r_4o", estimate=np.linspace(0.1, 0.2, total), hdi_low=0.05, hdi_high=0.25,
        reference=0.0, hdi_reaches_zero="no", paper_specification=["yes"] + ["no"] * (total - 1),
    )  # fmt: skip
    rows["exclusion"] = np.repeat(["none", "both", "none"], [1, 9, 50])
    found = SimpleNamespace(table=rows, weights=SimpleNamespace(settings=Settings()))
    drawing = write_figures(found, tmp_path)["e1_report_r_4o"]
    dashed = re.findall(r'd="([^"]+)"[^>]*style="[^"]*stroke-dasharray: 3,([\d.]+)', drawing)
    counted = []
    for outline, gap in dashed:
        ends = [across for _, across, _ in drawn(outline)]
        lengths = np.subtract(ends[1::2], ends[::2])
        counted.append((lengths + float(gap)) / (3 + float(gap)))
    # Both ends of a line are rounded to a hundredth of a point; dashes are six points apart.
    none, both = counted
    assert none == pytest.approx([1, 50], abs=0.005)
    assert both == pytest.approx([9], abs=0.005)
