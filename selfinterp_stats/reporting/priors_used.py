"""The table of the priors of a run: every model, parameter by parameter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import pandas as pd

from selfinterp_stats.models import (
    ModelSpec,
    correlation_model,
    training_effect_model,
    weights_model,
)
from selfinterp_stats.reporting import cells, layout, rounding

if TYPE_CHECKING:
    from selfinterp_stats.estimates.results import Results

Row = tuple[str | int, ...]

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
    return table_of(rows)


def _rows(name: str, spec: ModelSpec, fits: pd.DataFrame) -> Iterator[Row]:
    for written, count in fits["prior"].value_counts(sort=False).items():
        yield from rows_of(name, spec.formula, spec.family, str(written), int(count))


def rows_of(model: str, formula: str, family: str, written: str, fits: int) -> Iterator[Row]:
    """Take priors written in a line apart, parameter by parameter.

    Parameters
    ----------
    model : str
        Its name in the table.
    formula, family : str
        Empty for a model that is not a regression.
    written : str
        As ``"common ~ Normal(mu=0, sigma=1); Intercept ~ Flat()"``.
    fits : int
        How many fits have these priors.
    """
    for part in written.split("; "):
        term, _, prior = part.partition(" ~ ")
        yield model, formula, family, _PARAMETERS.get(term, term), prior, fits


def regressions_rows(alone: int, effects: int, *, several: bool) -> Iterator[Row]:
    """Rows of the paper's linear regressions with the paper's own priors.

    Parameters
    ----------
    alone : int
        How many regressions of one report set there are.
    effects : int
        How many of training effects.
    several : bool
        Whether an effect is that in several base models.
    """
    effect = training_effect_model(several_base_models=several)
    models = (("correlations", correlation_model(), alone), ("training effect", effect, effects))
    for name, spec, fits in models:
        if fits:
            yield from rows_of(name, spec.formula, spec.family, spec.describe_priors(), fits)


def table_of(rows: Iterable[Row]) -> pd.DataFrame:
    """Put rows together under `COLUMNS`."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS))


def priors_table(priors: pd.DataFrame) -> layout.ReadingTable:
    """Lay out what `priors_used` returns."""
    improper = "; Flat is improper" if priors["prior"].str.startswith("Flat").any() else ""
    return layout.ReadingTable(
        "priors_used",
        "Priors used",
        "model",
        ("parameter", "prior", "fits"),
        "plr",
        [
            (
                _heading(row),
                (str(row["parameter"]), str(row["prior"]), rounding.whole(row["fits"])),
            )
            for row in priors.to_dict("records")
        ],
        (f"Distributions and their parameters are named as PyMC names them{improper}.",),
    )


def _heading(row: cells.Row) -> str:
    family = f" ({row['family']})" if row["family"] else ""
    return f"{row['model']}: {row['formula']}{family}" if row["formula"] else f"{row['model']}"
