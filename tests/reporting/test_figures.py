"""Figures 2 and 3: drawn for what a study has, the same bytes every time."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from sample import HOSTILE

from selfinterp_stats.reporting import drawing, figures, svg


@pytest.fixture(scope="module")
def drawn(paper, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    return figures.write_figures(paper, folder), folder


def test_both_figures_in_both_formats(drawn):
    _, folder = drawn
    assert sorted(path.name for path in folder.iterdir()) == [
        "figure2.png",
        "figure2.svg",
        "figure3.png",
        "figure3.svg",
    ]
    for path in folder.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    for path in folder.glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_a_second_drawing_is_the_same_to_the_byte(paper, drawn, tmp_path):
    _, folder = drawn
    figures.write_figures(paper, tmp_path)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_every_point_is_drawn(paper, drawn):
    told, _ = drawn
    points = paper.agreement[
        (paper.agreement["set"] == "instilled") & (paper.agreement["condition"] != "off-the-shelf")
    ]
    root = ElementTree.fromstring(told.svg["figure2"].split("?>", 1)[1].split(">", 1)[1])
    clipped = [
        group for group in root.iter("{http://www.w3.org/2000/svg}g") if "clip-path" in group.attrib
    ]
    drawn_points = sum(
        len(group.findall("{http://www.w3.org/2000/svg}use"))
        for group in clipped
        if "fill-opacity: 0.45" in group.get("style", "")
    )
    assert drawn_points == len(points)


def test_every_reference_in_a_compact_figure_has_its_target(drawn):
    told, _ = drawn
    for name, markup in told.svg.items():
        targets = set(re.findall(r' id="([^"]+)"', markup))
        referred = set(re.findall(r'(?:href="#|url\(#)([^")]+)', markup))
        assert referred == targets
        assert all(target.startswith(f"{name}-") for target in targets)


def test_on_the_page_colours_are_variables(drawn):
    told, _ = drawn
    themed = svg.themed(told.svg["figure2"], drawing.PAGE_VARIABLES)
    assert themed.startswith("<svg")
    for colour in ("#22262b", "#d55e00", "#0072b2", "#ffffff"):
        assert f": {colour}" not in themed


def test_captions_name_the_interval(paper, drawn):
    told, _ = drawn
    assert "95% HDIs" in told.captions["figure2"]
    assert "off-the-shelf" in told.captions["figure2"]
    assert "off-the-shelf" not in told.captions["figure3"]


def test_a_study_without_native_scenarios_has_figure_2_alone(paper, tmp_path):
    narrowed = replace(
        paper,
        agreement=paper.agreement[paper.agreement["set"] == "instilled"],
        correlations=paper.correlations[paper.correlations["set"] == "instilled"],
    )
    told = figures.write_figures(narrowed, tmp_path)
    assert set(told.svg) == {"figure2"}
    assert "no reports on native weights" in told.skipped["figure3"]
    assert not (tmp_path / "figure3.svg").exists()


def test_a_missing_condition_leaves_its_place_empty(paper, tmp_path):
    model = paper.study.base_models[0]
    keep = ~(
        (paper.agreement["base_model"] == model)
        & (paper.agreement["condition"] == "weight-trained")
    )
    rows = ~(
        (paper.correlations["base_model"] == model)
        & (paper.correlations["condition"] == "off-the-shelf")
    )
    narrowed = replace(
        paper, agreement=paper.agreement[keep], correlations=paper.correlations[rows]
    )
    told = figures.write_figures(narrowed, tmp_path)
    assert "<!-- no reports -->" in told.svg["figure2"]
    assert "<!-- off-the-shelf: no reports -->" in told.svg["figure2"]


def test_names_of_base_models_are_text_and_nothing_else(other_study, tmp_path):
    told = figures.write_figures(other_study, tmp_path)
    assert "<script" not in told.svg["figure2"]
    assert (
        HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        in (told.svg["figure2"])
    )
