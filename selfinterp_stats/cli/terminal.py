"""Tables for a terminal, on stdout: narrow, grouped, and saying what their intervals are."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from selfinterp_stats.cli import show

if TYPE_CHECKING:
    import pandas as pd

# A terminal's own width is kept to; a file or a pipe gets whole lines.
_UNBOUNDED: Final = 1_000
# What stands for several base models together.
_TOGETHER: Final = {"both", "all"}

# What a table says for the quantity of an id, in few words; longer stems first.
_SHORT: Final = {
    "e1_learned_target_r": "learned and target weights",
    "e1_target_agreement": "share of choices as targets prescribe",
    "e1_invalid_choices": "invalid choices",
    "e1_report_r": "reported and learned, weight-trained",
    "e1_offshelf_r": "reported and learned, off-the-shelf",
    "all_invalid_reports": "share of invalid reports",
    "e2_report_r": "reported and learned, introspection-trained",
    "e2_training_effect": "change through introspection training",
    "e3_native_r_before": "reported and native, before training",
    "e3_native_r_after": "reported and native, after training",
    "e3_training_effect": "change through introspection training",
    "e3_choice_accuracy": "share of choices that weights predict",
    "d_exclude_extremes_max_change": "largest change without reports of ±100",
    "exclude_extremes_reading_both": "... where both weights are ±100",
    "exclude_extremes_reading_fitted": "... where the fitted weight is ±100",
    "exclude_extremes_reading_either": "... where either is ±100",
    "d_e1_report_target_r": "reported and target, weight-trained",
    "d_e2_report_target_r": "reported and target, introspection-trained",
    "d_trained_on_learned_r": "trained on learned weights",
}
_NOTE: Final = (
    "Correlations, unless something else is said. Beside an interval stands the posterior median; "
    "HDI: highest-density interval."
)

# Ids that a comparison leaves to --json: they follow from those shown, or few ask for them.
_ALSO_COMPARED: Final = ("coefficient_", "intercept_of_", "sigma_of_")

Row = dict[str, Any]


def paper_numbers(numbers: pd.DataFrame, hdi_prob: float) -> None:
    """Print the paper's numbers beside the refit; elsewhere the same quantities of a study.

    Parameters
    ----------
    numbers : pandas.DataFrame
        ``paper_numbers`` of the results.
    hdi_prob : float
    """
    beside = bool((numbers["agrees"] != "").any())
    columns = [("refit", "right"), (_hdi(hdi_prob), "right")]
    if beside:
        columns += [("paper", "right"), ("95% HDI", "right"), ("agrees", "left")]

    def cells(row: Row) -> list[str]:
        shown = [
            _number(row["estimate"], row["decimals"]),
            _interval(row["hdi_low"], row["hdi_high"], row["decimals"]),
        ]
        if beside:
            shown += [
                _number(row["published"], row["decimals"]),
                _interval(row["published_hdi_low"], row["published_hdi_high"], row["decimals"]),
                row["agrees"],
            ]
        return shown

    title = "The paper's numbers beside the refit" if beside else "The paper's quantities"
    _by_quantity(title, numbers.to_dict("records"), columns, cells)
    say(_NOTE)
    if beside:
        _agreement(numbers)


def _agreement(numbers: pd.DataFrame) -> None:
    judged = numbers[numbers["agrees"] != ""]
    agreeing = int((judged["agrees"] == "yes").sum())
    say(f"\n{agreeing} of {len(judged)} numbers that the paper prints agree.")
    for row in judged[judged["agrees"] == "no"].to_dict("records"):
        about = f"{row['section']}, {_label(row)}, {row['base_model']}"
        say(f"- {about}: {row['note'] or 'differs from the paper'}")


def released(comparison: pd.DataFrame) -> None:
    """Say how the refit compares with the authors' rounded weights."""
    if len(comparison):
        click.echo("\nAgainst the authors' own rounded weights, in points of 100:")
    for row in comparison.to_dict("records"):
        say(
            f"- {row['base_model']}, {row['set']}: at most {row['max_abs_difference']:.0f} apart "
            f"({row['scenario']}, {row['attribute']}), {row['share_within_1']:.1%} within 1, "
            f"r = {row['correlation']:.5f}"
        )


def beside_truth(beside: pd.DataFrame, hdi_prob: float) -> None:
    """Print estimates of a simulated study beside its truth.

    Parameters
    ----------
    beside : pandas.DataFrame
        As from `run_demo`.
    hdi_prob : float
    """
    columns = [
        ("estimate", "right"),
        (_hdi(hdi_prob), "right"),
        ("expected", "right"),
        ("within", "left"),
        ("truth", "right"),
    ]

    def cells(row: Row) -> list[str]:
        return [
            _number(row["estimate"], 2),
            _interval(row["hdi_low"], row["hdi_high"], 2),
            _number(row["expected_estimate"], 2),
            row["covered"],
            _number(row["truth"], 2),
        ]

    title = "Estimates of the simulated experiment beside its truth"
    _by_quantity(title, beside.to_dict("records"), columns, cells)
    inside, judged = (beside["covered"] == "yes").sum(), (beside["covered"] != "").sum()
    say(_NOTE)
    say(
        f"\n{inside} of {judged} HDIs hold the expected estimate: what a refit finds on average "
        "from as many choices. The truth is what endless choices and reports would give. Chance "
        "in the choices blurs fitted weights and chance in the reports blurs reports, so most "
        "correlations of either lie nearer to zero than their truth."
    )


def propagated(table: pd.DataFrame, hdi_prob: float) -> None:
    """Print each correlation plugged in, carried through and latent.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `propagate_uncertainty`.
    hdi_prob : float
    """
    estimators = {"plug_in": "plug-in", "carried_through": "carried", "latent": "latent"}
    columns = [
        head
        for words in estimators.values()
        for head in ((words, "right"), (_hdi(hdi_prob), "right"))
    ]
    by = {(row["id"], row["estimator"]): row for row in table.to_dict("records")}

    def cells(row: Row) -> list[str]:
        shown = []
        for name in estimators:
            found = by.get((row["id"], name))
            shown += (
                [_number(found["median"], 2), _interval(found["hdi_low"], found["hdi_high"], 2)]
                if found
                else ["", ""]
            )
        return shown

    rows = table.drop_duplicates("id").to_dict("records")
    _by_quantity("Correlations three ways", rows, columns, cells)
    say(
        "Plug-in: the paper's. Carried: with the weights' uncertainty carried through, which "
        "attenuates further. Latent: true weights with expected reports (or targets), by the joint "
        "model."
    )


def explainers(table: pd.DataFrame, hdi_prob: float) -> None:
    """Print the table of an explainer study, task by task.

    Parameters
    ----------
    table : pandas.DataFrame
        As ``ExplainerResults.table``.
    hdi_prob : float
    """
    columns = [("median", "right"), (_hdi(hdi_prob), "right"), ("P(> 0)", "right")]
    lines: list[tuple[str, list[str]] | str] = []
    for design, rows in groupby(table.to_dict("records"), key=_design):
        lines.append(design)
        for row in rows:
            label = f" {row['quantity']} {row['target']}".rstrip() + f" ({row['scale']})"
            decimals = 1 if row["scale"] == "points" else 2
            if math.isnan(row["median"]):
                lines.append((label, ["not identified", "", ""]))
                continue
            cells = [
                _number(row["median"], decimals),
                _interval(row["hdi_low"], row["hdi_high"], decimals),
                _number(row["p_positive"], 3),
            ]
            lines.append((label, cells))
    _table("Self and cross explanations", [("", "left"), *columns], lines)
    say(
        "delta: the self effect with skill and difficulty removed, conditional on these runs; "
        "delta_new_run: the same with run-to-run variance. points: percentage points."
    )


def _design(row: dict[str, Any]) -> str:
    """What a row is about: task, condition, training size."""
    size = row["training_items"]
    parts = (row["task"], row["condition"], "" if math.isnan(size) else f"{size:,.0f} items")
    return " / ".join(filter(None, parts))


def compared(both: pd.DataFrame, first: str, second: str) -> None:
    """Print two runs side by side.

    Parameters
    ----------
    both : pandas.DataFrame
        As from `compare_runs`.
    first, second : str
        The runs, as their user named them.
    """
    columns = [
        ("first", "right"),
        ("second", "right"),
        ("difference", "right"),
        ("in MC errors", "right"),
    ]
    numbers = set(both.loc[both["table"] == "paper_numbers", "id"])
    of_little_use = both["id"].str.startswith(_ALSO_COMPARED) | (
        (both["table"] != "paper_numbers") & both["id"].isin(numbers)
    )
    shown = both[~of_little_use]
    lines: list[tuple[str, list[str]] | str] = []
    for name, rows in groupby(shown.to_dict("records"), key=lambda row: row["table"]):
        lines.append(name.replace("_", " "))
        lines += [
            (
                row["id"],
                [
                    _number(row["a"], 4),
                    _number(row["b"], 4),
                    _number(row["difference"], 4),
                    _number(row["in_mcse"], 1),
                ],
            )
            for row in rows
        ]
    _table(f"{first} (first) and {second} (second)", [("id", "left"), *columns], lines)
    in_both = both["a"].notna() & both["b"].notna()
    say(
        f"{in_both.sum()} of {len(both)} figures are in both runs; --json also gives those not "
        "shown here. Differences are second less first, also in their Monte Carlo errors: beyond "
        "4 or so of these, more than the draws differ."
    )


def files(out: str) -> None:
    """Say where everything is."""
    folder = Path(out)
    click.echo()
    page = folder / "index.html"
    if page.exists():
        click.echo(f"The report: {page}")
    names = {
        "tables": "",
        "figures": "",
        "posterior": "draws",
        "draws": "draws as Parquet",
        "methods.tex": "methods for a paper",
        "study": "the study collected",
        "collection": "training files, models and the journal",
        "run.json": "provenance",
    }
    there = [
        f"{name} ({what})" if what else name
        for name, what in names.items()
        if (folder / name).exists()
    ]
    say(f"In {folder}: {', '.join(there)}")


def say(text: str) -> None:
    """Print running text, at a terminal broken between words."""
    click.echo(show.wrapped(text, sys.stdout))


def _by_quantity(
    title: str,
    rows: Sequence[Row],
    columns: list[tuple[str, str]],
    cells: Callable[[Row], list[str]],
) -> None:
    """Print rows under their sections and quantities, one line for each base model."""
    own = {row["base_model"] for row in rows} - _TOGETHER
    lines: list[tuple[str, list[str]] | str] = []
    for section, of_section in groupby(rows, key=lambda row: row["section"]):
        lines.append(section)
        for label, group in groupby(of_section, key=_label):
            members = list(group)
            alone = len(members) == 1 and (len(own) <= 1 or members[0]["base_model"] in _TOGETHER)
            if alone:
                lines.append((f" {label}", cells(members[0])))
                continue
            lines.append((f" {label}", [""] * len(columns)))
            lines += [(f"   {row['base_model']}", cells(row)) for row in members]
    about = f"{title}, {own.pop()}" if len(own) == 1 else title
    _table(about, [("", "left"), *columns], lines)


def _table(
    title: str,
    columns: list[tuple[str, str]],
    lines: Sequence[tuple[str, list[str]] | str],
) -> None:
    """Print a table; a line that is text alone is a heading."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for header, justify in columns:
        drawn.add_column(header, justify="right" if justify == "right" else "left", overflow="fold")
    for line in lines:
        if isinstance(line, str):
            drawn.add_row(Text(line, style="bold"))
        else:
            label, cells = line
            drawn.add_row(Text(label), *(Text(cell) for cell in cells))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _UNBOUNDED)
    with console.capture() as captured:
        console.print(drawn)
    # Rich fills every line up to the table's width, which says nothing and wraps when copied.
    text = captured.get()
    click.echo("\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n") + "\n")


def _label(row: Row) -> str:
    for stem, words in _SHORT.items():
        if row["id"] == stem or row["id"].startswith(f"{stem}_"):
            return words
    return str(row["quantity"])


def _hdi(probability: float) -> str:
    return f"{probability * 100:.6g}% HDI"


def _number(value: float, decimals: float) -> str:
    if value is None or math.isnan(value):
        return ""
    text = f"{value:.{int(decimals)}f}"
    # A difference of nothing has no sign.
    return text.removeprefix("-") if float(text) == 0 else text


def _interval(low: float, high: float, decimals: float) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{_number(low, decimals)}, {_number(high, decimals)}]"
