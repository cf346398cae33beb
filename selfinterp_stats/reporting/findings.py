"""What a refit found, in sentences and a few figures for the top of the page.

Every word that could be wrong for another study is computed from the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from selfinterp_stats.reporting import cells, rounding

if TYPE_CHECKING:
    from selfinterp_stats.estimates.results import Results

_FEW: Final = 3
_STAGES: Final = (
    ("weight-trained", "before introspection training"),
    ("introspection-trained", "after it"),
)


@dataclass(frozen=True)
class Glance:
    """One figure to see first: what it is, the figure, and a remark under it."""

    label: str
    figure: str
    remark: str = ""


def headline(results: Results) -> list[str]:
    """Say in one to three sentences what was found."""
    sentences = [_correlations_sentence(results), _effects_sentence(results)]
    if results.paper_numbers["agrees"].isin(["yes", "no"]).any():
        sentences.append(_agreement_sentence(results.paper_numbers))
    told = [sentence for sentence in sentences if sentence]
    return told or ["The study holds no reports that can be set against fitted weights."]


def glance(results: Results) -> list[Glance]:
    """Give the figures to see first."""
    figures = []
    verdicts = results.paper_numbers["agrees"]
    compared = int(verdicts.isin(["yes", "no"]).sum())
    if compared:
        figures.append(
            Glance(
                "published numbers met",
                f"{int((verdicts == 'yes').sum())} of {compared}",
                "after rounding; the others are explained below",
            )
        )
    fits = results.diagnostics
    failing = int((~fits["ok"].astype(bool)).sum())
    figures.append(
        Glance(
            "fits that pass every diagnostic",
            f"{len(fits) - failing:,} of {len(fits):,}",
            "the others are kept and named below" if failing else "R-hat, ESS, E-BFMI, Pareto k",
        )
    )
    released = results.released_comparison
    if len(released):
        largest = float(released["max_abs_difference"].max())
        figures.append(
            Glance(
                "the largest difference from the authors’ own weights",
                f"{rounding.whole(largest)} {'point' if largest == 1 else 'points'}",
                "on the ±100 scale",
            )
        )
    read = getattr(results.study, "counts_read", {})
    if read.get("choices"):
        scenarios = results.weights[["base_model", "set", "scenario"]].drop_duplicates()
        figures.append(
            Glance(
                "choices read", f"{read['choices']:,}", f"{len(scenarios):,} fits of one scenario"
            )
        )
    return figures


def main_slopes(correlations: pd.DataFrame) -> pd.DataFrame:
    """Give the rows that are a correlation of reports with weights, or a contrast of such."""
    terms = correlations["term"].astype(str)
    contrast = terms.str.startswith("slope")
    simple = (terms == "standardized_reports") & correlations["condition"].isin(
        ["off-the-shelf", "weight-trained", "introspection-trained"]
    )
    return correlations[contrast | simple]


def _correlations_sentence(results: Results) -> str:
    slopes = results.correlations[results.correlations["term"] == "standardized_reports"]
    slopes = slopes[slopes["set"] == "instilled"]
    stages = [
        (slopes[slopes["condition"] == condition].sort_values("base_model"), when)
        for condition, when in _STAGES
    ]
    models = list(dict.fromkeys(model for rows, _ in stages for model in rows["base_model"]))
    if not models:
        return ""
    if len(models) > _FEW:
        parts = [f"at {_range(rows)} {when}" for rows, when in stages if len(rows)]
        return (
            f"In {len(models)} base models, reported weights correlate with learned ones "
            f"{' and '.join(parts)} (medians)."
        )
    told = [_of_model(stages, model, results.settings.hdi_prob) for model in models]
    return f"Reported weights correlate with learned ones {'; '.join(told)}."


def _of_model(stages: list[tuple[pd.DataFrame, str]], model: str, prob: float) -> str:
    parts = [
        f"at {_short_median(row)} {cells.short_interval(row, prob)} {when}"
        for rows, when in stages
        for row in rows[rows["base_model"] == model].to_dict("records")
    ]
    return f"{' and '.join(parts)} in {model}"


def _range(rows: pd.DataFrame) -> str:
    ordered = [_short_median(row) for row in rows.sort_values("median").to_dict("records")]
    return ordered[0] if ordered[0] == ordered[-1] else f"{ordered[0]} to {ordered[-1]}"


def _short_median(row: cells.Row) -> str:
    return rounding.written(row["median"], min(2, cells.decimals_of(row, "median")))


def _effects_sentence(results: Results) -> str:
    told = []
    for stem, weights in (
        ("e2_training_effect", "learned"),
        ("e3_training_effect", "native"),
    ):
        rows = results.paper_numbers[results.paper_numbers["id"].astype(str).str.startswith(stem)]
        if len(rows) and pd.notna(rows["estimate"].iloc[0]):
            row = rows.iloc[0].to_dict()
            change = rounding.written(row["estimate"], 2)
            told.append(f"{change} {cells.short_interval(row, 0.95)} for {weights} weights")
    if not told:
        return ""
    return (
        "Introspection training changes the correlation by "
        f"{' and by '.join(told)} (median and {rounding.percent(results.settings.hdi_prob)} HDI)."
    )


def _agreement_sentence(numbers: pd.DataFrame) -> str:
    yes, no = ((numbers["agrees"] == verdict).sum() for verdict in ("yes", "no"))
    if not no:
        return f"All {yes} numbers that the paper prints agree with the refit."
    missing = ((numbers["agrees"] == "no") & numbers["estimate"].isna()).sum()
    rest = [
        *([f"{no - missing} differ{'s' * int(no - missing == 1)}"] if no > missing else []),
        *([f"{missing} cannot be computed from what was released"] if missing else []),
    ]
    return (
        f"Of the {yes + no} numbers that the paper prints, {yes} agree with the refit; "
        f"{' and '.join(rest)}."
    )
