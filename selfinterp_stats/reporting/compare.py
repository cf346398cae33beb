"""Two runs side by side: what moved, and whether by more than Monte Carlo error.

Reads output folders only; nothing is refitted.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.reporting.output import is_ours

_COLUMNS = {
    "paper_numbers": ("id", "quantity", "base_model", "estimate", "hdi_low", "hdi_high"),
    "correlations": ("id", "term", "base_model", "median", "hdi_low", "hdi_high"),
}


_AGAIN = "Make the run again with selfinterp reproduce."


def compare_runs(run_a: str | PathLike[str], run_b: str | PathLike[str]) -> pd.DataFrame:
    """Set the paper numbers and the correlations of two output folders side by side.

    Parameters
    ----------
    run_a, run_b : path
        Folders that `reproduce` wrote.

    Returns
    -------
    DataFrame
        One row per figure in either run: ``table, id, quantity, base_model, a, b, difference,
        hdi_low_a, hdi_low_b, hdi_high_a, hdi_high_b, mcse, in_mcse``. ``difference`` is b - a,
        ``mcse`` the Monte Carlo standard error of that difference (of the medians; NaN for
        figures without one) and ``in_mcse`` the one in units of the other. Figures that one run
        lacks are NaN there.

    Raises
    ------
    InputError
        If a folder does not hold a run.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), doi:10.1214/20-BA1221 (MCSE of medians).

    Examples
    --------
    >>> from selfinterp_stats import compare_runs
    >>> table = compare_runs("results", "results")
    >>> float(table["difference"].abs().max())
    0.0
    """
    correlations = _side_by_side("correlations", run_a, run_b)
    numbers = _side_by_side("paper_numbers", run_a, run_b)
    # A paper number may be one of the slopes, and is known by its id alone.
    known = correlations.drop_duplicates("id").set_index("id")["mcse"]
    numbers["mcse"] = numbers["mcse"].fillna(numbers["id"].map(known))
    both = pd.concat([numbers, correlations], ignore_index=True)
    # No error at all means the same draws: then a difference of nothing is nothing.
    both["in_mcse"] = both["difference"] / both["mcse"].where(both["mcse"] > 0)
    return both


def _read(run: str | PathLike[str], table: str) -> pd.DataFrame:
    folder = Path(run)
    if not folder.is_dir() or not is_ours(folder):
        raise InputError(
            "this is not the output of a run: there is no run.json of selfinterp-stats in it",
            file=run,
            remedy="Give a folder that selfinterp reproduce has written.",
        )
    path = folder / "tables" / f"{table}.csv"
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(
            "the run's table is missing or cannot be read",
            file=path,
            remedy=_AGAIN,
        ) from error
    missing = [name for name in _COLUMNS[table] if name not in frame]
    if missing:
        raise InputError(
            "the run's table lacks a column", file=path, column=missing[0], remedy=_AGAIN
        )
    for name in (_COLUMNS[table][3], "hdi_low", "hdi_high", "mcse_median"):
        if name in frame and not pd.api.types.is_numeric_dtype(frame[name]):
            raise InputError(
                "the run's table holds text where numbers belong",
                file=path,
                column=name,
                remedy=_AGAIN,
            )
    labels = frame[["id"]].astype("str")
    named = pd.DataFrame(
        {
            "id": labels["id"],
            "quantity": frame[_COLUMNS[table][1]].astype("str"),
            "base_model": frame["base_model"].astype("str").fillna(""),
            "estimate": frame[_COLUMNS[table][3]],
            "hdi_low": frame["hdi_low"],
            "hdi_high": frame["hdi_high"],
            "mcse": frame.get("mcse_median", np.nan),
        }
    )
    named["key"] = (
        named["id"] if table == "paper_numbers" else named["id"] + " " + named["quantity"]
    )
    return named.drop_duplicates("key")


def _side_by_side(
    table: str, run_a: str | PathLike[str], run_b: str | PathLike[str]
) -> pd.DataFrame:
    a, b = (_read(run, table).set_index("key") for run in (run_a, run_b))
    keys = list(dict.fromkeys([*a.index, *b.index]))
    a, b = a.reindex(keys), b.reindex(keys)
    compared = pd.DataFrame({"table": table}, index=keys)
    for name in ("id", "quantity", "base_model"):
        compared[name] = a[name].fillna(b[name])
    compared["a"], compared["b"] = a["estimate"], b["estimate"]
    compared["difference"] = compared["b"] - compared["a"]
    for end in ("hdi_low", "hdi_high"):
        compared[f"{end}_a"], compared[f"{end}_b"] = a[end], b[end]
    compared["mcse"] = np.hypot(a["mcse"].astype(float), b["mcse"].astype(float))
    return compared
