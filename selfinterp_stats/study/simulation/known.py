"""The true value of every quantity that a refit of a simulated study estimates.

It may use anything that the simulation knows and none of the code that analyses a study, so that a
mistake there cannot hide here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.study.simulation.cells import Cell
from selfinterp_stats.study.simulation.mixing import pearson
from selfinterp_stats.study.simulation.streams import stream
from selfinterp_stats.study.simulation.trials import Floats, agreement, blurred_weights
from selfinterp_stats.study.study import (
    INSTILLED,
    INTROSPECTION_TRAINED,
    NATIVE,
    OFF_THE_SHELF,
    WEIGHT_TRAINED,
)

# (id stem, quantity, set, condition)
_REPORT_CORRELATIONS: Final = (
    ("e1_report_r", "correlation of reported with learned weights", INSTILLED, WEIGHT_TRAINED),
    ("e1_offshelf_r", "correlation of reported with learned weights", INSTILLED, OFF_THE_SHELF),
    (
        "e2_report_r",
        "correlation of reported with learned weights",
        INSTILLED,
        INTROSPECTION_TRAINED,
    ),
    ("e3_native_r_before", "correlation of reported with native weights", NATIVE, WEIGHT_TRAINED),
    (
        "e3_native_r_after",
        "correlation of reported with native weights",
        NATIVE,
        INTROSPECTION_TRAINED,
    ),
)
_TARGET_CORRELATIONS: Final = (
    ("d_e1_report_target_r", WEIGHT_TRAINED),
    ("d_e2_report_target_r", INTROSPECTION_TRAINED),
)
# Fits of fresh choices that go into an expected estimate; beyond this many its Monte Carlo error
# is far below the width of any interval.
_FITS_FOR_EXPECTATION = 1_000


@dataclass(frozen=True)
class _View:
    """Weights, reports (NaN where missing) and outcomes from which quantities are computed."""

    weights: Mapping[tuple[str, str], Floats]
    reports: Mapping[tuple[str, str, str], Floats]
    outcomes: Mapping[tuple[str, str], Floats]
    invalid: Mapping[str, float]


def known_quantities(cells: Sequence[Cell], seed: int = 0) -> pd.DataFrame:
    """True values of what a refit estimates.

    Correlations are Pearson's r over scenarios x attributes with weights on the +-100 scale; a
    training effect is the mean over base models of the difference between two least-squares
    slopes of standardised weights on standardised reports (each explaining model's reports
    standardised by themselves); shares are of choices or of reports.

    Columns: id, quantity, base_model ("both" for all of them together), set, condition, and

    truth
        True weights and expected reports (no noise on either side), over the scenarios that have
        a valid report; for shares, the expected value of the share.
    truth_all
        The same over all scenarios, those without a valid report too.
    in_data
        True weights with what the data hold: mean valid reports, realised choices. Differs from
        truth by the noise in the reports.
    expected_estimate
        What a refit should find, on average over fresh choices: as in_data, with weights
        estimated from as many choices as the study has. Estimated weights are blurred, so it is
        nearer to zero than in_data; the accuracy of choices is higher, since weights are fitted to
        the very choices that they predict. A refit that works gives this value within its
        interval; truth is what it would give with endless choices and reports.
    """
    truth = _View(
        weights={(c.base_model, c.set): c.weights.scaled for c in cells},
        reports={
            (c.base_model, c.set, name): np.where(r.any_valid[:, None], r.expected, np.nan)
            for c in cells
            for name, r in c.reports.items()
        },
        outcomes={(c.base_model, c.set): c.probability for c in cells},
        invalid=_invalid_shares(cells, realised=False),
    )
    everywhere = _View(
        truth.weights,
        {(c.base_model, c.set, name): r.expected for c in cells for name, r in c.reports.items()},
        truth.outcomes,
        truth.invalid,
    )
    in_data = _View(
        truth.weights,
        {(c.base_model, c.set, name): r.mean for c in cells for name, r in c.reports.items()},
        {(c.base_model, c.set): c.chose_a.astype(float) for c in cells},
        _invalid_shares(cells, realised=True),
    )
    frame = pd.DataFrame(
        list(_quantities(cells, truth)),
        columns=["id", "quantity", "base_model", "set", "condition", "truth"],
    )
    frame["truth_all"] = [row[-1] for row in _quantities(cells, everywhere)]
    frame["in_data"] = [row[-1] for row in _quantities(cells, in_data)]
    frame["expected_estimate"] = _expected(cells, in_data, seed)
    return frame


def _expected(cells: Sequence[Cell], in_data: _View, seed: int) -> Floats:
    """Average of every quantity over refits of fresh choices, shape (quantity,)."""
    fits = sum(len(cell.scenarios) for cell in cells)
    repeats = int(np.clip(_FITS_FOR_EXPECTATION // fits, 1, 8))
    totals = []
    for repeat in range(repeats):
        weights, outcomes = {}, {}
        for cell in cells:
            key = (cell.base_model, cell.set)
            random = stream(seed, *key, "fresh choices", str(repeat))
            outcomes[key] = (random.random(cell.probability.shape) < cell.probability).astype(float)
            weights[key] = blurred_weights(cell.d, outcomes[key])
        view = _View(weights, in_data.reports, outcomes, in_data.invalid)
        totals.append([row[-1] for row in _quantities(cells, view)])
    return np.mean(totals, axis=0)


def _quantities(
    cells: Sequence[Cell], view: _View
) -> Iterator[tuple[str, str, str, str, str, float]]:
    """Rows (id, quantity, base model, set, condition, value) of every quantity."""
    for cell in cells:
        base, weights = cell.base_model, view.weights[cell.base_model, cell.set]
        chose_a = view.outcomes[base, cell.set]
        if cell.targets is not None:
            name = "correlation of learned with target weights"
            value = pearson(weights, cell.targets)
            yield f"e1_learned_target_r_{base}", name, base, cell.set, "", value
            name = "share of choices that the target weights prescribe"
            value = agreement(cell.d, cell.targets, chose_a)
            yield f"e1_target_agreement_{base}", name, base, cell.set, "", value
        else:
            name = "share of native choices that the weights predict"
            value = agreement(cell.d, weights, chose_a)
            yield f"e3_choice_accuracy_{base}", name, base, cell.set, "", value
        for stem, name, set_name, condition in _REPORT_CORRELATIONS:
            if set_name == cell.set:
                value = pearson(view.reports[base, set_name, condition], weights)
                yield f"{stem}_{base}", name, base, set_name, condition, value
        if cell.targets is not None:
            for stem, condition in _TARGET_CORRELATIONS:
                name = "correlation of reported with target weights"
                value = pearson(view.reports[base, cell.set, condition], cell.targets)
                yield f"{stem}_{base}", name, base, cell.set, condition, value
    yield "e1_invalid_choices", "invalid or ambiguous choices", "both", "", "", 0.0
    for base, share in view.invalid.items():
        name = "share of invalid self-reports over all report sets"
        yield f"all_invalid_reports_{base}", name, base, "", "", share
    for identifier, set_name in (("e2_training_effect", INSTILLED), ("e3_training_effect", NATIVE)):
        members = [cell for cell in cells if cell.set == set_name]
        if members:
            name = "change of the slope through introspection training, mean over base models"
            value = float(np.mean([_training_effect(cell, view) for cell in members]))
            yield identifier, name, "both", set_name, INTROSPECTION_TRAINED, value


def _training_effect(cell: Cell, view: _View) -> float:
    """Slope after training minus slope before it, both variables standardised."""
    weights = view.weights[cell.base_model, cell.set]
    slopes = {}
    for condition in (WEIGHT_TRAINED, INTROSPECTION_TRAINED):
        reports = view.reports[cell.base_model, cell.set, condition]
        folds = cell.folds(condition)
        x = np.full_like(reports, np.nan)
        for fold in np.unique(folds):
            x[folds == fold] = _standardised(reports[folds == fold])
        slopes[condition] = _slope(x, _standardised(weights))
    return slopes[INTROSPECTION_TRAINED] - slopes[WEIGHT_TRAINED]


def _standardised(values: Floats) -> Floats:
    """Centred and divided by the sample standard deviation (n - 1) of what is not NaN."""
    known = values[~np.isnan(values)]
    if known.size < 2 or np.ptp(known) == 0:
        return np.full_like(values, np.nan)
    return (values - known.mean()) / known.std(ddof=1)


def _slope(x: Floats, y: Floats) -> float:
    both = ~(np.isnan(x) | np.isnan(y))
    if both.sum() < 2:
        return float("nan")
    centred = x[both] - x[both].mean()
    return float(centred @ y[both] / (centred @ centred))


def _invalid_shares(cells: Sequence[Cell], *, realised: bool) -> dict[str, float]:
    """Share of invalid reports over all of a base model's reports, expected or realised."""
    asked: dict[str, int] = {}
    lost: dict[str, float] = {}
    for cell in cells:
        for condition, reports in cell.reports.items():
            total = reports.valid.size
            missing = (
                total - int(reports.valid.sum()) if realised else total * cell.invalid[condition]
            )
            asked[cell.base_model] = asked.get(cell.base_model, 0) + total
            lost[cell.base_model] = lost.get(cell.base_model, 0.0) + missing
    return {base: lost[base] / asked[base] for base in asked}
