"""`index.html` of `selfinterp sensitivity`, self-contained as the report's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from selfinterp_stats.estimates.sensitivity import Sensitivity
from selfinterp_stats.reporting import html, svg
from selfinterp_stats.reporting.drawing import PAGE_VARIABLES
from selfinterp_stats.reporting.sensitivity import figures, tables
from selfinterp_stats.reporting.sensitivity.methods import choices

if TYPE_CHECKING:
    from selfinterp_stats.reporting.methods_section import MethodsSection

_OPEN: Final = ("e1_report_r", "e2_training_effect", "e3_training_effect")


def render_page(found: Sensitivity, drawings: Mapping[str, str], methods: MethodsSection) -> str:
    """Write the page.

    Parameters
    ----------
    found : Sensitivity
    drawings : mapping of str to str
        What `write_figures` returned.
    methods : MethodsSection

    Returns
    -------
    str
        A whole HTML document.
    """
    study = found.weights.study
    return html.render(
        "sensitivity.html.jinja",
        found.run,
        methods,
        source=html.without_folders("source", study.source),
        headline=headline(found),
        ranges=tables.ranges_table(found),
        overturned=tables.overturned_table(found),
        curves=_curves(found, drawings),
        choices=choices(found),
        notices=html.notices_of(study),
    )


def headline(found: Sensitivity) -> list[str]:
    """Say in two sentences how many conclusions hold whatever is chosen."""
    ranges = found.ranges
    firm = (ranges["flips"] == 0) & (ranges["reaches"] == 0) & ranges["estimate"].notna()
    first = (
        f"{int(firm.sum())} of {len(ranges)} conclusions keep their sign, with HDIs clear of "
        f"zero, in every one of their specifications ({len(found.table):,} in all)."
    )
    weak = ranges[~firm & ranges["estimate"].notna()]
    names = [f"{row['quantity']} ({row['base_model']})" for row in weak.to_dict("records")]
    return [first, f"Not so: {'; '.join(names)}."] if names else [first]


def _curves(found: Sensitivity, drawings: Mapping[str, str]) -> list[dict[str, Any]]:
    from markupsafe import Markup

    prob = found.weights.settings.hdi_prob
    return [
        {
            "title": f"{row['section']}: {row['quantity']} · {row['base_model']}",
            "verdict": row["verdict"],
            "name": figures.file_name(str(row["id"])),
            "caption": figures.caption(row, prob),
            "open": str(row["id"]).startswith(_OPEN),
            # Our own drawing; Matplotlib has escaped the names in it.
            "svg": Markup(svg.themed(drawings[row["id"]], PAGE_VARIABLES))
            if row["id"] in drawings
            else "",
        }
        for _, row in found.ranges.iterrows()
    ]
