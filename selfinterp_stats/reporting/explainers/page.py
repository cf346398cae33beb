"""`index.html` of `selfinterp explainers`, self-contained as the report's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from selfinterp_stats.estimates.explainers.results import ExplainerResults
from selfinterp_stats.reporting import html
from selfinterp_stats.reporting.explainers.tables import reading_rows, reading_table
from selfinterp_stats.reporting.rounding import percent
from selfinterp_stats.reporting.sections import Drawing

if TYPE_CHECKING:
    from selfinterp_stats.reporting.methods_section import MethodsSection

_FEW: Final = 3


def render_page(
    results: ExplainerResults,
    drawings: Sequence[Drawing],
    methods: MethodsSection,
) -> str:
    """Write the page.

    Parameters
    ----------
    results : ExplainerResults
    drawings : sequence of Drawing
        What `write_figures` returned.
    methods : MethodsSection

    Returns
    -------
    str
        A whole HTML document.
    """
    return html.render(
        "explainers.html.jinja",
        results.run,
        methods,
        headline=headline(results.table),
        table=reading_table(results.table, results.hdi_prob),
        drawings=drawings,
        run_prior=results.run["run_prior"],
        read=results.run["data"]["read"],
        tipping=_tipping(results.tipping),
        hdi=f"{percent(results.hdi_prob)} HDI",
        left_out=results.study.left_out_table().to_dict("records"),
        notices=[
            {"kind": notice.kind, "message": notice.message, "file": ""}
            for notice in results.study.notices
            if notice.kind != "left out"
        ],
    )


def headline(table: pd.DataFrame) -> list[str]:
    """Say what the self effect of the first tasks is, in these runs and with others in view."""
    deltas = table[table["median"].notna()]
    scale = "points" if (deltas["scale"] == "points").any() else "logit"
    of_scale = deltas[deltas["scale"] == scale]
    told = {
        quantity: {
            row["task"]: row for row in reading_rows(of_scale[of_scale["quantity"] == quantity])
        }
        for quantity in ("delta", "delta_new_run")
    }
    unit = "points" if scale == "points" else "on the logit scale"
    sentences = []
    for task, row in list(told["delta"].items())[:_FEW]:
        other = told["delta_new_run"].get(task)
        others = f", and {other['hdi']} with other runs in view" if other else ""
        sentences.append(f"{task}: a self effect of {row['median']} {row['hdi']} {unit}{others}.")
    return sentences or ["The study holds no pair of self and cross cells."]


def _tipping(tipping: pd.DataFrame) -> list[tuple[str, str]]:
    if not len(tipping):
        return []
    first = tipping.groupby(["task", "condition"], sort=False)["tipping_point"].first()
    return [(" / ".join(filter(None, key)), f"{value:.1f}") for key, value in first.items()]
