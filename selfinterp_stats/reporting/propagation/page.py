"""`index.html` of `selfinterp propagate`, self-contained as the report's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.propagation import Propagation
from selfinterp_stats.estimates.propagation.propagate import CARRIED, LATENT, PLUG_IN
from selfinterp_stats.estimates.sensitivity.conclusions import CONTRAST
from selfinterp_stats.reporting import html, rounding, svg
from selfinterp_stats.reporting.drawing import PAGE_VARIABLES
from selfinterp_stats.reporting.propagation import tables

if TYPE_CHECKING:
    from selfinterp_stats.reporting.methods_section import MethodsSection

ORDER: Final = (PLUG_IN, CARRIED, LATENT)


def render_page(found: Propagation, drawings: Mapping[str, str], methods: MethodsSection) -> str:
    """Write the page.

    Parameters
    ----------
    found : Propagation
    drawings : mapping of str to str
        What `write_figures` returned.
    methods : MethodsSection

    Returns
    -------
    str
        A whole HTML document.
    """
    from markupsafe import Markup

    study = found.weights.study
    return html.render(
        "propagate.html.jinja",
        found.run,
        methods,
        source=html.without_folders("source", study.source),
        headline=headline(found),
        why=why(found),
        propagated=tables.propagated_table(found),
        reliability=tables.reliability_table(found),
        beyond=tables.beyond_table(found),
        heterogeneity=tables.heterogeneity_table(found),
        pooling=tables.pooling_table(found),
        # Our own drawing; Matplotlib has escaped the names in it.
        drawing=Markup(svg.themed(drawings["propagated"], PAGE_VARIABLES)),
        caption=f"Medians and {rounding.percent(found.weights.settings.hdi_prob)} HDIs.",
        notices=html.notices_of(study),
    )


def headline(found: Propagation) -> list[str]:
    """Say how the three estimators differ, over all correlations of reports with weights."""
    wide = _of_reports(found).dropna()
    if wide.empty:
        return ["The study holds no correlation of reports with fitted weights."]
    largest = wide[PLUG_IN].abs().idxmax()
    row = wide.loc[largest]
    diagnostics = found.run["settled"].values()
    worst = max(one["max_rhat"] for one in diagnostics)
    least = min(one["min_ess_bulk"] for one in diagnostics)
    number = sum(one["quantities"] for one in diagnostics)
    about = found.table[found.table["id"] == largest].iloc[0]
    name = f"{about['quantity']}, {about['base_model']}"
    plug_in, carried, latent = (rounding.written(row[one], 2) for one in ORDER)
    return [
        (
            f"The largest correlation ({name}) is {plug_in} plugged in, {carried} with the "
            f"weights’ uncertainty carried through, and {latent} between true weights and "
            "expected reports."
        ),
        (
            f"Of {rounding.whole(number)} posterior quantities in all tables the worst R-hat is "
            f"{rounding.written(worst, 3)}, the smallest bulk ESS {rounding.whole(least)}."
        ),
    ]


def why(found: Propagation) -> list[str]:
    """Explain the differences, and which estimator answers which question."""
    wide = _of_reports(found)
    shrunk = (wide[CARRIED] / wide[PLUG_IN])[wide[PLUG_IN].abs() > 0.3].median()
    grown = (wide[LATENT] / wide[PLUG_IN])[wide[PLUG_IN].abs() > 0.3].median()
    factor = f" (here by a factor of {shrunk:.2f})" if np.isfinite(shrunk) else ""
    times = f" (here the estimate is {grown:.2f} times the plug-in)" if np.isfinite(grown) else ""
    return [
        (
            "Plug-in: how strongly the weights as fitted go with the reports as averaged, the "
            "noise of both left in. This is the paper’s number, and the one to compare with "
            "other studies of the same size."
        ),
        (
            "Carried through: the same question with every stage-1 draw in turn taken for the "
            "truth. A draw holds the choices’ noise twice, once in the posterior’s centre and once "
            "in the draw, and the second is unrelated to the reports: the interval becomes wider, "
            f"as it should, but the correlation is attenuated further{factor}. The imputations "
            "know nothing of the reports (a cut posterior), so they cannot undo it. Stage 1’s "
            "narrow prior adds to it: it leaves max-scaled weights less certain than the choices "
            "do. It answers what weights as uncertain as these would correlate at."
        ),
        (
            "Latent: what the correlation would be with endless choices and reports. The joint "
            "model learns the reports’ noise from their repeats and the weights’ from the choices, "
            f"and takes both out{times}. It answers how well a model knows its weights, and rests "
            "on more assumptions: normal residuals, and choices that follow the logistic model."
        ),
    ]


def _of_reports(found: Propagation) -> pd.DataFrame:
    """Medians of the correlations of reports with fitted weights, a column per estimator."""
    table = found.table
    of_reports = table["condition"].ne("") & table["against"].eq("fitted")
    table = table[of_reports & table["kind"].ne(CONTRAST)]
    wide = table.pivot(index="id", columns="estimator", values="median")
    return wide.reindex(columns=list(ORDER))
