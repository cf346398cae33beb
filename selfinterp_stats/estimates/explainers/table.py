"""Rows of the table of an explainer study: one quantity of one design on one scale."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.across import Comparison
from selfinterp_stats.estimates.explainers.closed_form import (
    CONDITIONAL,
    NEW_RUN,
    cell_means,
    closed_form,
)
from selfinterp_stats.estimates.explainers.contrasts import DELTA, Contrast, contrasts
from selfinterp_stats.estimates.explainers.measures import Measure
from selfinterp_stats.estimates.explainers.new_pair import NEW_PAIR, new_pair_cells
from selfinterp_stats.estimates.explainers.runs import RunSd, half_width, would_be_comparison
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models.explainers.runs import RunPrior

TABLE_COLUMNS: Final = (
    "task",
    "quantity",
    "target",
    "scale",
    "median",
    "hdi_low",
    "hdi_high",
    "p_positive",
    "rope_share",
    "identified",
    "note",
    "condition",
    "training_items",
    "outcome",
    "ess_bulk",
    "ess_tail",
    "rhat",
    "mcse_median",
)
ROPES: Final = {"logit": (-0.1, 0.1), "points": (-2.5, 2.5)}
"""Regions of practical equivalence; 2.5 points are a tenth of a logit at one half."""

NAIVE: Final = "naive_accuracy_gap"
RUN_SD: Final = "run_sd"

Row = dict[str, Any]


class Rows:
    """Makes rows of one table.

    Parameters
    ----------
    hdi_prob : float
    """

    def __init__(self, hdi_prob: float) -> None:
        self.hdi_prob = hdi_prob

    def drawn(self, quantity: str, scale: str, draws: np.ndarray, **more: Any) -> Row:
        """A row of a (chain, draw) array."""
        rope = ROPES[scale]
        figures = summarise(draws[None], hdi_prob=self.hdi_prob, rope=rope)
        wanted = ("median", "hdi_low", "hdi_high", "rope_share", "ess_bulk", "ess_tail", "rhat")
        return {
            "quantity": quantity,
            "target": "",
            "scale": scale,
            "identified": "yes",
            "note": "",
            **{name: float(figures[name][0]) for name in (*wanted, "mcse_median")},
            "p_positive": float((draws > 0).mean()),
            **more,
        }

    def of_measure(
        self,
        measure: Measure,
        runs: RunPrior | RunSd,
        similarity: np.ndarray | None,
        rng: np.random.Generator,
    ) -> list[Row]:
        """All that is concluded of one measure.

        Parameters
        ----------
        measure : Measure
        runs : RunPrior or RunSd
            What is known of the run-to-run sd.
        similarity : (pair,) array, optional
            Of explainer and target.
        rng : numpy.random.Generator
            For runs and models that were not seen.
        """
        fitted = measure.fitted
        rows = []
        for scale, draws in fitted.scales.items():
            for contrast in contrasts(fitted.pairs, similarity):
                rows.append(self._contrast(contrast, scale, draws, measure))
                if contrast.quantity == DELTA and contrast.weights is not None:
                    rows.append(self._new_run(measure, contrast.weights, scale, runs, rng))
        # Above all of the outcome as a whole: a population of its parts would say less.
        identified = any(row["quantity"] == DELTA and row["identified"] == "yes" for row in rows)
        if not measure.prefix and fitted.parts and identified:
            rows += self._new_pair(measure, rng)
        return rows

    def _contrast(self, contrast: Contrast, scale: str, draws: np.ndarray, measure: Measure) -> Row:
        quantity = measure.prefix + contrast.quantity
        note = contrast.note or (CONDITIONAL if contrast.quantity == DELTA else "")
        note = "; ".join(filter(None, (note, measure.note)))
        if contrast.weights is None:
            return not_identified(quantity, scale, note, contrast.target)
        return self.drawn(
            quantity, scale, draws @ contrast.weights, target=contrast.target, note=note
        )

    def _new_run(
        self,
        measure: Measure,
        weights: np.ndarray,
        scale: str,
        runs: RunPrior | RunSd,
        rng: np.random.Generator,
    ) -> Row:
        """Delta where each cell is moved as far as another run may move it."""
        fitted = measure.fitted
        draws = fitted.scales[scale]
        sd = runs.draw(draws.shape[:2], rng)[..., None] * _slope(measure, scale)
        moved = draws + sd * rng.standard_normal(draws.shape) / np.sqrt(fitted.runs)
        estimated = isinstance(runs, RunSd)
        note = (
            f"run-to-run sd estimated from runs, median {runs.median:.1f} points"
            if estimated
            else f"one run per cell: {runs}"
        )
        quantity = measure.prefix + NEW_RUN
        identified = "yes" if estimated else "no"
        return self.drawn(quantity, scale, moved @ weights, note=note, identified=identified)

    def _new_pair(self, measure: Measure, rng: np.random.Generator) -> list[Row]:
        """Two models that are not in the study."""
        note = "predicted for two models that are not in the study, one run each as these"
        return [
            self.drawn(quantity, scale, cells @ weights, note=note)
            for scale, cells in new_pair_cells(measure.fitted, rng).items()
            for quantity, weights in NEW_PAIR.items()
        ]

    def of_comparison(self, found: Comparison) -> Row:
        """A contrast of designs."""
        return {
            **found.names,
            **self.drawn(found.quantity, found.scale, found.draws, note=found.note),
        }

    def of_runs(self, sd: RunSd, rng: np.random.Generator) -> list[Row]:
        """The run-to-run sd, and what it does to a comparison of two cells."""
        draws = sd.draw((4, 1000), rng)
        item_se = float(np.sqrt((sd.cells["item_se"] ** 2).mean()))
        would = would_be_comparison(item_se, draws, hdi_prob=self.hdi_prob)
        interval = f"{100 * self.hdi_prob:g}% intervals"
        runs = ", ".join(map(str, sd.cells["runs"]))
        notes = {
            RUN_SD: f"of {len(sd.cells)} cells with {runs} runs",
            "smallest_difference_by_items": "of two cells with one run each, told by items alone "
            f"({interval})",
            "smallest_difference_with_runs": "the same with the run-to-run sd",
            "false_alarms": "share of comparisons, in percent, in which items alone would find a "
            f"difference ({interval}) between two cells that differ in nothing but their runs",
        }
        rows = [
            self.drawn(name, "points", values, note=notes[name])
            for name, values in ({RUN_SD: draws} | would).items()
        ]
        # No sign is asked of these, and no region around zero.
        return [row | {"p_positive": np.nan, "rope_share": np.nan} for row in rows]


def not_identified(quantity: str, scale: str, note: str, target: str = "") -> Row:
    """A row that says why there is no number."""
    found = {"quantity": quantity, "target": target, "scale": scale}
    return {**found, "identified": "no", "note": note}


def naive_gaps(rows: pd.DataFrame, hdi_prob: float) -> list[Row]:
    """The gap in accuracy, which says how readily a model says yes rather than what it knows."""
    means, covariance = cell_means(rows)
    found = closed_form(means, covariance).query("quantity == 'self_cross_gap'")
    z = half_width(hdi_prob)
    note = "misleading: a model that says yes readily is right about itself and wrong of others"
    return [
        {
            "quantity": NAIVE,
            "target": row.target,
            "scale": "points",
            "median": row.estimate,
            "hdi_low": row.estimate - z * row.se,
            "hdi_high": row.estimate + z * row.se,
            "identified": "yes",
            "note": note,
        }
        for row in found[found["scale"] == "points"].itertuples(index=False)
    ]


def _slope(measure: Measure, scale: str) -> np.ndarray:
    """How far each cell moves on a scale per percentage point."""
    scales = measure.fitted.scales
    if scale == "points":
        return np.ones(len(measure.fitted.pairs))
    if "points" in scales:
        share = np.clip(scales["points"].mean(axis=(0, 1)) / 100, 0.02, 0.98)
        return np.asarray(1 / (100 * share * (1 - share)))
    # Of log-odds that are no share of right answers: a point at one half.
    return np.full(len(measure.fitted.pairs), 1 / 25)
