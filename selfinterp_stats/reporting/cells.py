"""What stands in the cells of tables: one row of a data frame in, text out.

Knows the columns of `Results` and how figures are rounded; nothing of tables and files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from selfinterp_stats.reporting import rounding

Row = Mapping[str, Any]

_CONDITIONS: Final = ("off-the-shelf", "weight-trained", "introspection-trained")
_TERMS: Final = {
    "standardized_reports": "slope of reported weight",
    "Intercept": "intercept",
    "sigma": "residual sd",
}
_FLAGS: Final = {
    "ok": (False, "diagnostic failed", "f"),
    "all_same_choice": (True, "one option always chosen", "o"),
}
FLAG_LETTERS_NOTE: Final = (
    "Flags: " + ", ".join(f"{letter}: {words}" for _, words, letter in _FLAGS.values()) + "."
)


def text(value: object) -> str:
    """Give a cell's text; a missing value is no text."""
    return "" if value is None or pd.isna(value) else str(value)


def figure(row: Row, name: str) -> float:
    """Give a cell's figure; one that is missing, or whose column is, is NaN."""
    value = row.get(name)
    return math.nan if value is None or pd.isna(value) else float(value)


def decimals_of(row: Row, statistic: str) -> int:
    """Give the decimals that the Monte Carlo error of a row's mean, median or sd supports."""
    mcse = figure(row, f"mcse_{statistic}")
    if math.isnan(mcse):
        mcse = figure(row, "mcse_mean")
    return rounding.supported_decimals(mcse)


def rounded(row: Row, statistic: str) -> str:
    """Write a row's mean, median or sd."""
    return rounding.written(figure(row, statistic), decimals_of(row, statistic))


def interval(row: Row, kind: str, prob: float) -> str:
    """Write a row's interval of a kind, ``"hdi"`` or ``"eti"``."""
    return rounding.interval(
        figure(row, f"{kind}_low"), figure(row, f"{kind}_high"), *interval_errors(row, prob)
    )


def interval_errors(row: Row, prob: float = 0.95) -> tuple[float, float]:
    """Give the Monte Carlo errors of an HDI's ends, from the normal where none were kept."""
    low, high = figure(row, "mcse_hdi_low"), figure(row, "mcse_hdi_high")
    if not math.isnan(low):
        return low, high
    error = rounding.quantile_mcse(figure(row, "sd"), figure(row, "ess_tail"), prob)
    return error, error


def flags_of(row: Row) -> list[str]:
    """Say in words what is odd about a row."""
    return [words for name, (when, words, _) in _FLAGS.items() if name in row and row[name] == when]


def flag_letters(row: Row) -> str:
    """Say it in one letter each."""
    return "".join(
        letter for name, (when, _, letter) in _FLAGS.items() if name in row and row[name] == when
    )


def errors_by_id(correlations: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Give the Monte Carlo errors of median and HDI ends of every regression term with an id."""
    known = correlations[correlations["id"].notna() & (correlations["id"] != "")]
    return {
        str(row["id"]): (figure(row, "mcse_median"), *interval_errors(row))
        for row in known.to_dict("records")
    }


def estimate(row: Row, errors: Mapping[str, tuple[float, float, float]]) -> str:
    """Write a paper number's estimate; an exact one with a decimal more than the paper has."""
    if _is_count(row):
        return rounding.whole(figure(row, "estimate"))
    mcse = _own_error(row, "mcse", errors, 0)
    most = max(rounding.MOST_DECIMALS, _decimals(row))
    return rounding.written(figure(row, "estimate"), rounding.supported_decimals(mcse, most=most))


def hdi(row: Row, errors: Mapping[str, tuple[float, float, float]]) -> str:
    """Write a paper number's HDI."""
    return rounding.interval(
        figure(row, "hdi_low"),
        figure(row, "hdi_high"),
        _own_error(row, "mcse_hdi_low", errors, 1),
        _own_error(row, "mcse_hdi_high", errors, 2),
    )


def published(row: Row) -> str:
    """Write a published number with the decimals that the paper prints."""
    if str(row["id"]).startswith("d_exclude_extremes"):
        return f"≤ {rounding.written(figure(row, 'published'), _decimals(row, default=2))}"
    return rounding.written(figure(row, "published"), _decimals(row, default=2))


def published_hdi(row: Row) -> str:
    """Write a published HDI with the decimals that the paper prints."""
    low, high = figure(row, "published_hdi_low"), figure(row, "published_hdi_high")
    if math.isnan(low) or math.isnan(high):
        return ""
    decimals = _decimals(row, default=2)
    return f"[{rounding.written(low, decimals)}, {rounding.written(high, decimals)}]"


def _own_error(
    row: Row, column: str, errors: Mapping[str, tuple[float, float, float]], place: int
) -> float:
    own = figure(row, column)
    if not math.isnan(own):
        return own
    return errors.get(str(row["id"]), (math.nan,) * 3)[place]


def _is_count(row: Row) -> bool:
    return text(row.get("kind")) == "count" or str(row["id"]).startswith("e1_invalid_choices")


def _decimals(row: Row, *, default: int = 0) -> int:
    decimals = figure(row, "decimals")
    return default if math.isnan(decimals) else int(decimals)


def regression_words(row: Row) -> str:
    """Name a regression: experiment, condition and base model."""
    parts = (text(row["experiment"]), text(row["condition"]), text(row["base_model"]))
    return " · ".join(with_minus(part) for part in parts if part)


def term_words(term: str) -> str:
    """Name a regression's term as the paper would."""
    if term.startswith("slope: ") and " - " in term:
        return "change of the slope"
    if term.startswith("slope"):
        return term.removeprefix("slope: ")
    if term in _TERMS:
        return _TERMS[term]
    # A base model's name in the brackets may hold a colon of its own.
    factors = re.split(r":(?![^\[]*\])", term)
    return " × ".join(_factor_words(factor) for factor in factors)


def _factor_words(factor: str) -> str:
    name, _, level = factor.removesuffix("]").partition("[")
    if name == "itrained":
        return "trained"
    return level or {"standardized_reports": "reports"}.get(name, name)


def with_minus(difference: str) -> str:
    """Write the sign of a difference between two names as a minus."""
    return difference.replace(" - ", f" {rounding.MINUS} ")


def spaced(name: str) -> str:
    """Write a name with spaces where a file has underscores."""
    return name.replace("_", " ")


def in_order(correlations: pd.DataFrame) -> pd.DataFrame:
    """Sort regressions as the paper tells them: by experiment, then as training goes on."""
    conditions = {name: place for place, name in enumerate(_CONDITIONS)}
    keys = pd.DataFrame(
        {
            "experiment": correlations["experiment"].astype(str),
            "condition": [conditions.get(text(name), 9) for name in correlations["condition"]],
        },
        index=correlations.index,
    )
    return correlations.loc[keys.sort_values(["experiment", "condition"], kind="stable").index]


def short_interval(row: Row, prob: float) -> str:
    """Write a row's HDI with two decimals at the most, for a sentence."""
    low, high = figure(row, "hdi_low"), figure(row, "hdi_high")
    if math.isnan(low) or math.isnan(high):
        return ""
    decimals = min(2, *(rounding.supported_decimals(end) for end in interval_errors(row, prob)))
    return f"[{rounding.written(low, decimals)}, {rounding.written(high, decimals)}]"
