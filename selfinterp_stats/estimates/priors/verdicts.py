"""What all sets of priors together leave of each conclusion, in a sentence."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.models.prior_sets import PAPER

_ABOUT: Final = ("id", "section", "quantity", "base_model", "kind", "reference")
# Changes are told with so many decimals; a smaller one is none.
_DECIMALS: Final = 3


def verdicts_of(table: pd.DataFrame) -> pd.DataFrame:
    """One row per conclusion.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `conclusions_under`.

    Returns
    -------
    pandas.DataFrame
        What the conclusion is; ``estimate, hdi_low, hdi_high`` under the paper's priors; how many
        sets of priors there are (``sets``), and how many give no estimate (``without_estimate``);
        ``lowest, lowest_under, highest, highest_under``; ``largest_change, changed_by``,
        ``changed_same`` (the same on the scenarios that are left in, where some are not) and
        ``relative_change``, in halves of the paper's HDI; ``flips, reaches``: in how many sets the
        sign flips and the HDI holds the reference; ``paper_reaches``; ``verdict``: a sentence.
    """
    rows = [_row(rows) for _, rows in table.groupby("id", sort=False)]
    return pd.DataFrame(rows)


def _row(rows: pd.DataFrame) -> dict[str, Any]:
    paper = rows[rows["prior"] == PAPER].iloc[0]
    known = rows.dropna(subset="median").set_index("prior")
    middle, change = known["median"], known["change"].dropna()
    largest = change.abs().idxmax() if len(change) else ""
    half = (paper["hdi_high"] - paper["hdi_low"]) / 2
    found = {name: paper[name] for name in _ABOUT} | {
        "estimate": paper["median"],
        "hdi_low": paper["hdi_low"],
        "hdi_high": paper["hdi_high"],
        "sets": len(rows),
        "without_estimate": len(rows) - len(known),
        "lowest": middle.min(),
        "lowest_under": middle.idxmin() if len(known) else "",
        "highest": middle.max(),
        "highest_under": middle.idxmax() if len(known) else "",
        "largest_change": change[largest] if largest else np.nan,
        "changed_by": largest,
        "changed_same": known.loc[largest, "change_same_scenarios"]
        if largest and known.loc[largest, "left_out"]
        else np.nan,
        "relative_change": abs(change[largest]) / half if largest and half > 0 else np.nan,
        "flips": int((rows["flips_sign"] == "yes").sum()),
        "reaches": int((rows["hdi_reaches_zero"] == "yes").sum()),
        "reached_under": ", ".join(rows.loc[rows["hdi_reaches_zero"] == "yes", "prior"]),
        "flipped_under": ", ".join(rows.loc[rows["flips_sign"] == "yes", "prior"]),
        "paper_reaches": paper["hdi_reaches_zero"],
    }
    return {**found, "verdict": verdict(found)}


def verdict(found: dict[str, Any]) -> str:
    """Say in a sentence or two what the priors leave of a conclusion."""
    estimated = found["sets"] - found["without_estimate"]
    if not estimated or np.isnan(found["estimate"]):
        return "The study has too few rows for it under the paper’s priors."
    if estimated == 1:
        return "No other set of priors gives an estimate."
    every = "both" if estimated == 2 else f"all {estimated}"
    if round(abs(found["largest_change"]), _DECIMALS) == 0:
        return f"It is {_figure(found['estimate'])} under {every} sets of priors."
    share = found["reference"] != 0
    zero, sign = ("chance", "side of chance") if share else ("zero", "sign")
    if found["flips"]:
        held = f"The {sign} flips under {found['flipped_under']}"
    else:
        held = f"The {sign} holds under {every} sets of priors"
    if found["reaches"] == 0:
        held += f" and no HDI reaches {zero}"
    elif found["reaches"] == estimated:
        held += f", and every HDI reaches {zero}"
    elif found["paper_reaches"] == "yes":
        held += f"; the HDI reaches {zero} under {found['reached_under']}"
    else:
        held += f", but the HDI reaches {zero} under {found['reached_under']}"
    said = (
        f"{held}. The estimate lies between {_figure(found['lowest'])} ({found['lowest_under']}) "
        f"and {_figure(found['highest'])} ({found['highest_under']})"
    )
    if not np.isnan(found["relative_change"]):
        same = found["changed_same"]
        kept = "" if np.isnan(same) else f" ({_signed(same)} on the scenarios that it leaves in)"
        said += (
            f"; its largest change, {_signed(found['largest_change'])} under "
            f"{found['changed_by']}{kept}, is {found['relative_change']:.1f} times the half-width "
            "of the paper’s HDI"
        )
    said += "."
    if found["without_estimate"]:
        said += f" {found['without_estimate']} more sets give no estimate."
    return said


def _figure(value: float) -> str:
    return f"{value:.{_DECIMALS}f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.{_DECIMALS}f}".replace("-", "−")
