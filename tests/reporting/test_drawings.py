"""Every figure that a command draws: as wide as a column, readable, told apart by anybody."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from selfinterp_stats.estimates.calibration.ranks import Ranks
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.sensitivity.specifications import PAPER
from selfinterp_stats.reporting import drawing, figures, html
from selfinterp_stats.reporting.calibration.figures import draw_ranks
from selfinterp_stats.reporting.explainers import figures as of_explainers
from selfinterp_stats.reporting.planning.figures import draw_curves
from selfinterp_stats.reporting.priors import figures as of_priors
from selfinterp_stats.reporting.propagation import figures as of_propagation
from selfinterp_stats.reporting.sensitivity import figures as of_sensitivity

REPORTS = Path(__file__).resolve().parents[2] / "reports"
PALETTE = (drawing.BEFORE, drawing.AFTER, drawing.GREY, drawing.INK)

# What cones that are missing leave of linear light: Machado, Oliveira & Fernandes 2009, table 1.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def lab(colour: str, deficiency) -> np.ndarray:
    """A colour in CIELAB (white of D65), as somebody with the deficiency sees it."""
    coded = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(deficiency) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    relative = np.array(to_xyz) @ seen / [0.9505, 1, 1.089]
    x, y, z = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def palettes():
    """The colours of figures in print and of both themes of the page."""
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", html.resource("page.css"))
    names = ("before", "after", "shelf", "ink")
    themes = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[at])) for at in (0, 2)]
    return [PALETTE, *(tuple(theme[name] for name in names) for theme in themes)]


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("palette", palettes(), ids=("print", "light", "dark"))
def test_colours_are_told_apart_with_any_colour_vision(palette, deficiency):
    seen = [lab(colour, DEFICIENCIES[deficiency]) for colour in palette]
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    # A difference of 2.3 is just seen with fields side by side; small marks apart need far more.
    assert min(distances) > 20


def committed(name: str) -> pd.DataFrame:
    return pd.read_csv(REPORTS / name, keep_default_na=True)


def priors_figures(folder):
    table = committed("priors/tables/priors.csv")
    few = table[table["id"].isin(table["id"].unique()[[0, 7]])]
    of_priors.write_figures(SimpleNamespace(table=few, settings=Settings()), folder)
    return drawing.ONE_COLUMN


def propagation_figures(folder):
    found = SimpleNamespace(table=committed("propagation/tables/propagated.csv"))
    of_propagation.write_figures(found, folder)
    return drawing.TWO_COLUMNS


def plan_figures(folder):
    table = committed("plan/tables/plan.csv")
    wanted = SimpleNamespace(width=0.15, rope=(0.0, 0.0))
    few = table[table["assumed"].isin(table["assumed"].unique()[:2])]
    with mpl.rc_context(drawing.STYLE):
        figure = draw_curves(SimpleNamespace(table=few, wanted=wanted, settings=Settings()))
        drawing.save(figure, folder, "curves")
    return drawing.TWO_COLUMNS


def calibration_figures(folder):
    names = ("Intercept", "d1", "d2", "sigma", "log-likelihood")
    ranks = np.random.default_rng(1).integers(0, 101, size=(60, len(names)))
    found = Ranks(SimpleNamespace(), names, ranks, 100, {}, np.ones(60), np.array(["nuts"] * 60), 0)
    with mpl.rc_context(drawing.STYLE):
        figure = draw_ranks([("weights, 50 choices", found), ("another, of $many", found)])
        drawing.save(figure, folder, "ranks")
    return drawing.TWO_COLUMNS


def sensitivity_figures(folder):
    rng = np.random.default_rng(2)
    rows = pd.DataFrame([vars(PAPER)] * 40)
    rows["exclusion"] = np.tile(["none", "both"], 20)
    rows["left_out"] = np.repeat([PAPER.left_out, "a_$cenario"], 20)
    rows = rows.assign(
        id="e1_report_r_4o", estimate=rng.normal(0.1, 0.05, 40), reference=0.0,
        paper_specification=["yes"] + ["no"] * 39,
    )  # fmt: skip
    rows["hdi_low"], rows["hdi_high"] = rows["estimate"] - 0.08, rows["estimate"] + 0.08
    rows["hdi_reaches_zero"] = np.where(rows["hdi_low"] < 0, "yes", "no")
    found = SimpleNamespace(table=rows, weights=SimpleNamespace(settings=Settings()))
    of_sensitivity.write_figures(found, folder)
    return drawing.TWO_COLUMNS


def explainers_figures(folder):
    models = ("model-$a", "model_b")
    cells = pd.DataFrame(
        [
            {"explainer": who, "target": whom, "scale": "points", "measure": "", "median": 50.0}
            for who in models
            for whom in models
        ]
    ).assign(task="patching", condition="", training_items=np.nan, hdi_low=45.0, hdi_high=55.0)
    cells["median"] += np.arange(4)
    rows = [
        (task, quantity, size)
        for task in ("patching", "hints of $5")
        for quantity in ("delta", "delta_new_run")
        for size in (100.0, 1000.0)
    ]
    table = pd.DataFrame(rows, columns=["task", "quantity", "training_items"]).assign(
        condition="", scale="points", median=8.0, hdi_low=6.0, hdi_high=10.0
    )
    tipping = pd.DataFrame({"run_sd": np.linspace(0, 10, 5), "median": 8.4, "sd": 4.0}).assign(
        task="patching",
        condition="",
        training_items=np.nan,
        hdi_low=0.6,
        hdi_high=16.2,
        tipping_point=4.2,
    )
    results = SimpleNamespace(table=table, cells=cells, tipping=tipping, hdi_prob=0.95)
    drawn = of_explainers.write_figures(results, folder)
    assert [one.name for one in drawn] == ["cells", "deltas", "tipping", "learning"]
    return drawing.TWO_COLUMNS


@pytest.fixture
def saved(monkeypatch):
    """Figures as they are saved."""
    figures_saved = []
    really = drawing.save

    def save(figure, folder, name):
        figures_saved.append((name, figure))
        return really(figure, folder, name)

    monkeypatch.setattr(drawing, "save", save)
    return figures_saved


COMMANDS = (
    priors_figures, propagation_figures, plan_figures, calibration_figures, sensitivity_figures,
    explainers_figures,
)  # fmt: skip


def checked(saved, folder, width):
    assert saved
    for name, figure in saved:
        texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
        sizes = {text.get_text(): text.get_fontsize() for text in texts}
        assert len(sizes) > 4
        assert {text: size for text, size in sizes.items() if size < drawing.SMALLEST_TYPE} == {}
        assert not [text for text in texts if text.get_parse_math()]
        assert figure.get_figwidth() == width
        markup = (folder / f"{name}.svg").read_text()
        points = re.search(r'width="([\d.]+)pt"', markup)[1]
        assert float(points) == pytest.approx(72 * width, abs=0.01)
        # Drawn, not painted: a vector at any size.
        assert "<image" not in markup
        with Image.open(folder / f"{name}.png") as image:
            pixels = np.asarray(image.convert("L"))
        assert pixels.shape[1] == pytest.approx(width * drawing.DOTS_PER_INCH, abs=1)
        # Text that is cut off would leave ink on the edge.
        edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
        assert min(edge.min() for edge in edges) > 250, name


@pytest.mark.parametrize("draw", COMMANDS, ids=lambda draw: draw.__name__)
def test_figures_of_a_command_are_for_print(draw, saved, tmp_path):
    checked(saved, tmp_path, draw(tmp_path))


def test_figures_of_a_report_are_for_print(paper, saved, tmp_path):
    figures.write_figures(paper, tmp_path)
    assert [name for name, _ in saved] == ["figure2", "figure3"]
    checked(saved, tmp_path, drawing.TWO_COLUMNS)


def test_a_report_beyond_the_scale_stands_at_the_edge_and_leaves_the_others_room(paper, tmp_path):
    agreement = paper.agreement.copy()
    shown = (agreement["set"] == "native") & (agreement["condition"] == "weight-trained")
    agreement.loc[agreement.index[shown][:2], "reported"] = [249.0, -150.0]
    told = figures.write_figures(
        SimpleNamespace(
            agreement=agreement, correlations=paper.correlations, settings=paper.settings
        ),
        tmp_path,
    )
    assert (
        "Triangles at the edge: mean reports beyond it; they are 249, −150."
        in (told.captions["figure3"])
    )
    assert "Triangles" not in told.captions["figure2"]
    assert told.svg["figure3"].count("<!-- 100 -->") == told.svg["figure2"].count("<!-- 100 -->")
    assert "<!-- 200 -->" not in told.svg["figure3"]
