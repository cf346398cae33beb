"""What the specifications of a conclusion say together: range, signs, zeros, what moves it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.sensitivity.specifications import COLUMNS, PAPER

_ABOUT: Final = ("id", "section", "quantity", "base_model", "kind", "reference")


def ranges_of(table: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """One row per conclusion.

    Parameters
    ----------
    table, left_out : pandas.DataFrame
        As in `Sensitivity`.

    Returns
    -------
    pandas.DataFrame
        What the conclusion is; ``estimate, hdi_low, hdi_high`` under the paper's specification;
        ``specifications`` and how many ``without_estimate``; ``lowest, highest`` estimate,
        ``lowest_end, highest_end`` of any HDI, ``lowest_under, highest_under`` (the choices that
        differ from the paper's); ``flips, reaches``: in how many specifications the sign flips
        and the HDI holds the reference; ``paper_reaches``; ``moved_most_by, moved_by``: the
        choice whose options' mean estimates lie farthest apart, and how far; ``left_out_low,
        left_out_high``: range with any one scenario left out under the paper's specification,
        ``left_out_flips, left_out_reaches, left_out_either`` how many of these do that;
        ``verdict``: a sentence.
    """
    rows = [
        _range(rows, left_out[left_out["id"] == identifier])
        for identifier, rows in table.groupby("id", sort=False)
    ]
    return pd.DataFrame(rows)


def _range(rows: pd.DataFrame, left_out: pd.DataFrame) -> dict[str, Any]:
    flips, reaches = left_out["flips_sign"] == "yes", left_out["hdi_reaches_zero"] == "yes"
    paper = rows[rows["paper_specification"] == "yes"].iloc[0]
    known = rows.dropna(subset="estimate")
    choice, moved = _moved_most(known)
    found = {name: paper[name] for name in _ABOUT} | {
        "estimate": paper["estimate"],
        "hdi_low": paper["hdi_low"],
        "hdi_high": paper["hdi_high"],
        "specifications": len(rows),
        "without_estimate": len(rows) - len(known),
        "lowest": known["estimate"].min(),
        "lowest_under": _extreme(known, lowest=True),
        "highest": known["estimate"].max(),
        "highest_under": _extreme(known, lowest=False),
        "lowest_end": known["hdi_low"].min(),
        "highest_end": known["hdi_high"].max(),
        "flips": int((rows["flips_sign"] == "yes").sum()),
        "reaches": int((rows["hdi_reaches_zero"] == "yes").sum()),
        "paper_reaches": paper["hdi_reaches_zero"],
        "moved_most_by": choice,
        "moved_by": moved,
        "left_out_low": left_out["estimate"].min(),
        "left_out_high": left_out["estimate"].max(),
        "left_out_flips": int(flips.sum()),
        "left_out_reaches": int(reaches.sum()),
        "left_out_either": int((flips | reaches).sum()),
    }
    return {**found, "verdict": verdict(found)}


def _moved_most(known: pd.DataFrame) -> tuple[str, float]:
    moves = {
        name: float(np.ptp(known.groupby(name)["estimate"].mean()))
        for name in COLUMNS
        if known[name].nunique() > 1
    }
    if not moves:
        return "", float("nan")
    largest = max(moves, key=lambda name: moves[name])
    return largest, moves[largest]


def _extreme(known: pd.DataFrame, *, lowest: bool) -> str:
    if known.empty:
        return ""
    at = known["estimate"].idxmin() if lowest else known["estimate"].idxmax()
    return departures(known.loc[at].to_dict())


def departed(row: dict[str, Any]) -> list[tuple[str, Any]]:
    """Give the choices that differ from the paper's, with what was chosen."""
    return [(name, row[name]) for name in COLUMNS if row[name] != getattr(PAPER, name)]


def departures(row: dict[str, Any]) -> str:
    """In what a specification differs from the paper's, in words."""
    words = {
        "exclusion": f"±100 excluded ({row['exclusion']})",
        "standardising": "reports standardised over all folds",
        "reports": "median of reports",
        "min_reports": f"at least {row['min_reports']} valid reports",
        "weights": "unrounded weights",
        "intercept": "with intercept",
        "scenarios": "complete scenarios only",
        "left_out": f"without {str(row['left_out']).replace('_', ' ')}",
    }
    other = [words[name] for name, _ in departed(row)]
    return "; ".join(other) or "the paper’s own specification"


def verdict(found: dict[str, Any]) -> str:
    """Say in a sentence what the specifications leave of a conclusion."""
    estimated = found["specifications"] - found["without_estimate"]
    if not estimated or np.isnan(found["estimate"]):
        return "The study has too few rows for the paper’s own specification."
    share = found["reference"] != 0
    zero = "chance" if share else "zero"
    sign = f"side of {zero}" if share else "sign"
    flips, reaches = found["flips"], found["reaches"]
    if not flips and not reaches:
        said = f"The {sign} holds in all {estimated:,} specifications, and no HDI reaches {zero}."
    elif found["paper_reaches"] == "yes":
        said = (
            f"The HDI reaches {zero} under the paper’s own specification and in {reaches:,} of all "
            f"{estimated:,}; the {sign} flips in {flips:,}."
        )
    else:
        said = (
            f"The {sign} flips in {flips:,} of {estimated:,} specifications, and the HDI reaches "
            f"{zero} in {reaches:,}."
        )
    one = found["left_out_either"]
    if one and found["paper_reaches"] != "yes":
        said += f" Leaving out one scenario is enough for that ({one:,} scenarios)."
    if found["without_estimate"]:
        said += f" {found['without_estimate']:,} more leave too few rows."
    return said
