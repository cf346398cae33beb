"""The page of an explainer study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from selfinterp_stats.estimates.explainers.analysis import ExplainerResults
from selfinterp_stats.estimates.explainers.table import ROPES
from selfinterp_stats.reporting.explainers.tables import reading_rows
from selfinterp_stats.reporting.rounding import percent


def render_page(
    results: ExplainerResults, drawings: Mapping[str, str], run: Mapping[str, Any], hdi_prob: float
) -> str:
    """Write the page.

    Parameters
    ----------
    results : ExplainerResults
    drawings : mapping of str to str
        SVG by the figure's caption.
    run : mapping
        What ``run.json`` will hold.
    hdi_prob : float
    """
    from importlib.resources import files

    import jinja2

    templates = files("selfinterp_stats.reporting") / "templates"
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((templates / "explainers.html.jinja").read_text("utf-8"))
    page: str = template.render(
        style=(templates / "page.css").read_text("utf-8"),
        rows=reading_rows(results.table),
        hdi=f"{percent(hdi_prob)} HDI",
        ropes=ROPES,
        drawings=drawings,
        run=run,
        tipping=_tipping(results.tipping),
        left_out=results.study.left_out_table().to_dict("records"),
        notices=[notice for notice in results.study.notices if notice.kind != "left out"],
    )
    return page


def _tipping(tipping: pd.DataFrame) -> list[tuple[str, str]]:
    if not len(tipping):
        return []
    first = tipping.groupby(["task", "condition"], sort=False)["tipping_point"].first()
    return [(" / ".join(filter(None, key)), f"{value:.1f}") for key, value in first.items()]
