"""What came of an explainer study: the hand-over to reporting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.diagnostics import MAX_RHAT, MIN_ESS
from selfinterp_stats.estimates.explainers.cells import CellDraws
from selfinterp_stats.estimates.provenance import provenance
from selfinterp_stats.models.explainers.runs import RunPrior
from selfinterp_stats.study.explainers import ExplainerStudy


@dataclass(frozen=True)
class ExplainerResults:
    """What came of a study.

    Attributes
    ----------
    table : pandas.DataFrame
        Columns `TABLE_COLUMNS`.
    cells : pandas.DataFrame
        Every cell of every measure: `task`, `condition`, `training_items`, `outcome`, `measure`
        (empty for the outcome as a whole), `explainer`, `target`, `items`, `runs`, `mean`, `se`
        (points; of the outcome as a whole), `scale`, `median`, `hdi_low`, `hdi_high`.
    tipping : pandas.DataFrame
        Per task: `run_sd`, `median`, `sd`, `hdi_low`, `hdi_high`, `p_positive` of delta in points,
        taken as normal, for a row of run-to-run sds, and the `tipping_point`, the sd from which on
        the HDI holds zero.
    draws : dict of str to CellDraws
        By task: draws of every cell of the design and of its effects.
    study : ExplainerStudy
        What was fitted.
    runs : RunPrior
        What was believed of the run-to-run sd.
    seed : int
        The same seed and study give the same draws.
    hdi_prob : float
        Probability of the highest-density intervals.
    run : dict
        Provenance, as written to ``run.json``.
    """

    table: pd.DataFrame
    cells: pd.DataFrame
    tipping: pd.DataFrame
    draws: dict[str, CellDraws]
    study: ExplainerStudy
    runs: RunPrior
    seed: int
    hdi_prob: float
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def failing(self) -> pd.DataFrame:
        """Rows of `table` whose R-hat or bulk ESS says that they are not settled."""
        return self.table[(self.table["rhat"] > MAX_RHAT) | (self.table["ess_bulk"] < MIN_ESS)]


def run_of(results: ExplainerResults, seconds: dict[str, float]) -> dict[str, Any]:
    """What ``run.json`` says of an explainer study."""
    study, table = results.study, results.table
    about = ["task", "condition", "quantity", "target", "scale", "rhat", "ess_bulk"]
    return {
        **provenance(),
        "seed": results.seed,
        "hdi_prob": results.hdi_prob,
        "run_prior": str(results.runs),
        "data": {
            "hashes": study.sources,
            "read": {"items": len(study.items), "published_cells": len(study.cells)},
        },
        "left_out": study.left_out_table().to_dict("records"),
        "notices": [str(notice) for notice in study.notices],
        "models": {
            label: {
                "priors": it.priors,
                "engine": it.sampled.engine,
                "pareto_k": _or_none(it.sampled.pareto_k),
                "divergences": it.sampled.diverging,
            }
            for label, it in results.draws.items()
        },
        "diagnostics": {
            "failing": results.failing[about].to_dict("records"),
            "max_rhat": _or_none(table["rhat"].max()),
            "min_ess_bulk": _or_none(table["ess_bulk"].min()),
        },
        "seconds": seconds,
    }


def _or_none(value: float) -> float | None:
    """JSON knows no NaN."""
    return None if np.isnan(value) else float(value)
