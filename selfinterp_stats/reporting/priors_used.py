"""The table of the priors of a run: every model, parameter by parameter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pandas as pd

from selfinterp_stats.models import (
    ModelSpec,
    correlation_model,
    training_effect_model,
    weights_model,
)
from selfinterp_stats.reporting import layout, rounding

if TYPE_CHECKING:
    from selfinterp_stats.estimates.results import Results

COLUMNS: Final = ("model", "formula", "family", "parameter", "prior", "fits")

_PARAMETERS: Final = {
    "common": "slopes",
    "Intercept": "intercept, predictors centred",
    "sigma": "residual sd",
}


def priors_used(results: Results) -> pd.DataFrame:
    """Give the priors of every model, parameter by parameter.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; ``fits`` says how many fits have that prior.
    """
    weights = results.weights.drop_duplicates(["base_model", "set", "scenario"])
    rows = [*_rows("weights", weights_model(len(results.study.attributes)), weights)]
    if len(results.correlations):
        slopes = results.correlations[results.correlations["term"] == "standardized_reports"]
        alone = slopes["condition"] != ""
        several = len(results.study.base_models) > 1
        joint = training_effect_model(several_base_models=several)
        rows += _rows("correlations", correlation_model(), slopes[alone])
        rows += _rows("training effect", joint, slopes[~alone])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(name: str, spec: ModelSpec, fits: pd.DataFrame) -> Iterator[tuple[str | int, ...]]:
    for written, count in fits["prior"].value_counts(sort=False).items():
        for part in str(written).split("; "):
            term, _, prior = part.partition(" ~ ")
            yield name, spec.formula, spec.family, _PARAMETERS.get(term, term), prior, int(count)


def priors_table(priors: pd.DataFrame) -> layout.ReadingTable:
    """Lay out what `priors_used` returns."""
    return layout.ReadingTable(
        "priors_used",
        "Priors used",
        "model",
        ("parameter", "prior", "fits"),
        "plr",
        [
            (
                f"{row['model']}: {row['formula']} ({row['family']})",
                (str(row["parameter"]), str(row["prior"]), rounding.whole(row["fits"])),
            )
            for row in priors.to_dict("records")
        ],
        ("Distributions and their parameters are named as PyMC names them; Flat is improper.",),
    )
