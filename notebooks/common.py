"""What every notebook begins with: whether this is a quick run, and a study to look at."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

import pandas as pd
from IPython.display import Markdown, display

from selfinterp_stats import ServiceError, Study, fetch_paper_data, load_study, simulate_study

QUICK = os.environ.get("SELFINTERP_QUICK") == "1"
"""Small simulated data and few draws, to see that everything runs."""

# NumPyro's progress bar says on import that it cannot be drawn as a widget; none is drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")
# Sentences in tables are shown whole.
pd.set_option("display.max_colwidth", None)


def stamp() -> None:
    """Say so where what follows are not results."""
    if QUICK:
        say("> **Quick mode: these are not results.** Small simulated data, few draws.")


def say(text: str) -> None:
    """Show a sentence whose numbers were computed, as Markdown."""
    display(Markdown(text))


def show(frame: pd.DataFrame, decimals: int = 3) -> None:
    """Show a table without its row numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
    decimals : int
        Of numbers that are not whole. Effective sample sizes get none and Monte Carlo errors two
        more.
    """
    frame = frame.rename_axis(columns=None)
    numbers = frame.select_dtypes("float")
    how = {
        "index": False,
        "na_rep": "",
        "formatters": {name: _written(numbers[name], decimals).format for name in numbers},
    }
    whole = {"text/plain": frame.to_string(**how), "text/html": frame.to_html(**how, border=0)}
    display(whole, raw=True)


def _written(column: pd.Series, decimals: int) -> str:
    """How the numbers of a column are written: a format."""
    if "ess" in str(column.name).split("_") or (column.dropna() % 1 == 0).all():
        decimals = 0
    elif "mcse" in str(column.name):
        decimals += 2
    return f"{{:.{decimals}f}}"


def the_study() -> Study:
    """The paper's data, or where they cannot be had a simulated study, which is said.

    The data are those of the folder that ``SELFINTERP_DATA`` names, or a copy that is fetched
    once (15 MB, into the user's cache). In quick mode the study is simulated and nothing is
    fetched.
    """
    named = os.environ.get("SELFINTERP_DATA")
    if not QUICK:
        try:
            study = load_study(named or fetch_paper_data())
        except ServiceError:
            say("> **The paper's data cannot be fetched. What follows is a simulated study.**")
        else:
            if not study.is_paper:
                say("> **This is a study of your own, not the paper's data.**")
            return study
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "study"
        size = {"trained": 12, "native": 12, "trials_native": 50, "reports": 5} if QUICK else {}
        simulate_study(folder, seed=0, **size)
        return load_study(folder)
