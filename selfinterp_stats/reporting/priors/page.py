"""`index.html` of `selfinterp priors`, self-contained as the report's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from selfinterp_stats.estimates.priors import PriorComparison
from selfinterp_stats.reporting import cells, html, svg
from selfinterp_stats.reporting.drawing import PAGE_VARIABLES
from selfinterp_stats.reporting.priors import figures, tables

if TYPE_CHECKING:
    from selfinterp_stats.reporting.methods_section import MethodsSection

_OPEN: Final = ("e1_report_r", "e2_training_effect", "e3_training_effect")


def render_page(
    found: PriorComparison, drawings: Mapping[str, str], methods: MethodsSection
) -> str:
    """Write the page.

    Parameters
    ----------
    found : PriorComparison
    drawings : mapping of str to str
        What `write_figures` returned.
    methods : MethodsSection

    Returns
    -------
    str
        A whole HTML document.
    """
    return html.render(
        "priors.html.jinja",
        found.run,
        methods,
        source=html.without_folders("source", found.study.source),
        headline=headline(found),
        verdicts=tables.verdicts_table(found),
        sets=tables.sets_table(found),
        long=tables.priors_table(found),
        improper=_improper(found),
        forests=_forests(found, drawings),
        notices=html.notices_of(found.study),
    )


def headline(found: PriorComparison) -> list[str]:
    """Say in two sentences how many conclusions hold under every set of priors."""
    verdicts = found.conclusions
    firm = (verdicts["flips"] == 0) & (verdicts["reaches"] == 0) & verdicts["estimate"].notna()
    first = (
        f"{int(firm.sum())} of {len(verdicts)} conclusions keep their sign, with HDIs clear of "
        f"zero, under all {len(found.sets)} sets of priors."
    )
    weak = verdicts[~firm & verdicts["estimate"].notna()]
    names = [f"{row['quantity']} ({row['base_model']})" for row in weak.to_dict("records")]
    return [first, f"Not so: {'; '.join(names)}."] if names else [first]


def _improper(found: PriorComparison) -> list[tuple[str, str, list[str]]]:
    """Which scenarios have no posterior, by set of priors and reason."""
    lost = found.scenarios[found.scenarios["problem"] != ""]
    return [
        (
            str(prior),
            str(problem),
            [f"{row['base_model']} · {cells.spaced(row['scenario'])}" for row in rows],
        )
        for (prior, problem), group in lost.groupby(["prior", "problem"], sort=False)
        for rows in [group.to_dict("records")]
    ]


def _forests(found: PriorComparison, drawings: Mapping[str, str]) -> list[dict[str, Any]]:
    from markupsafe import Markup

    prob = found.settings.hdi_prob
    return [
        {
            "title": f"{row['section']}: {row['quantity']} · {row['base_model']}",
            "verdict": row["verdict"],
            "name": figures.name_of(str(row["id"])),
            "caption": figures.caption(row, prob),
            "open": str(row["id"]).startswith(_OPEN),
            # Our own drawing; Matplotlib has escaped the names in it.
            "svg": Markup(svg.themed(drawings[row["id"]], PAGE_VARIABLES))
            if row["id"] in drawings
            else "",
        }
        for _, row in found.conclusions.iterrows()
    ]
