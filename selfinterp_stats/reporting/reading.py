"""The tables of a report as a reader gets them: which columns, under which heads, with which notes.

Every head of an interval says its kind and probability. Knows the columns of `Results`; files are
the business of `tables`, markup that of `layout`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from selfinterp_stats.reporting import cells, layout, rounding
from selfinterp_stats.reporting.cells import Row

if TYPE_CHECKING:
    from selfinterp_stats.estimates.results import Results


@dataclass(frozen=True)
class _Column:
    header: str
    cell: Callable[[Row], str]
    align: str = "r"
    in_latex: bool = True


def paper_numbers_table(results: Results, *, narrow: bool = False) -> layout.ReadingTable:
    """Give the paper's numbers beside the refit; for another study the refit alone.

    With `narrow` the reasons stand below the table, under letters.
    """
    prob = rounding.percent(results.settings.hdi_prob)
    numbers = results.paper_numbers
    errors = cells.errors_by_id(results.correlations)
    reasons = [text for text in dict.fromkeys(map(cells.text, numbers["note"])) if text]
    letters = {reason: f"({chr(ord('a') + place)})" for place, reason in enumerate(reasons)}
    comparing = has_published(numbers)
    columns = [
        _Column("quantity", lambda row: str(row["quantity"]), "p"),
        _Column("base model", lambda row: str(row["base_model"]), "l"),
        _Column("refit", lambda row: cells.estimate(row, errors)),
        _Column(f"{prob} HDI", lambda row: cells.hdi(row, errors)),
    ]
    if comparing:
        columns += [
            _Column("paper", cells.published),
            _Column("paper’s\n95% HDI", cells.published_hdi),
            _Column("agrees", lambda row: cells.text(row["agrees"]), "l"),
        ]
    if narrow:
        columns += [_Column("note", lambda row: letters.get(cells.text(row["note"]), ""), "l")]
    else:
        columns += [_Column("note", lambda row: cells.text(row["note"]), "p")]
    return _table(
        "paper_numbers",
        "The paper’s numbers and the refit"
        if comparing
        else "The paper’s quantities, estimated from this study",
        "section",
        lambda row: str(row["section"]),
        columns,
        numbers,
        tuple(f"{letter} {reason}" for reason, letter in letters.items()) if narrow else (),
    ).without_empty_columns()


def correlations_table(results: Results, *, narrow: bool = False) -> layout.ReadingTable:
    """Give every term of the regressions of learned or native on reported weights."""
    prob = results.settings.hdi_prob
    columns = [
        _Column("term", lambda row: cells.term_words(str(row["term"])), "p"),
        _Column("median", lambda row: cells.rounded(row, "median")),
        *_interval_columns(prob),
        *_share_columns(results.settings.rope, prob),
        *_diagnostic_columns(),
        _Column("n", lambda row: rounding.whole(cells.figure(row, "n"))),
        _Column("prior", lambda row: cells.text(row.get("prior")), "l", in_latex=False),
        _Column("engine", lambda row: cells.text(row.get("engine")), "l", in_latex=False),
        _Column("flag", _flag, "l"),
    ]
    if narrow:
        columns = [column for column in columns if column.in_latex]
    notes = [_kinds_note(results)]
    if narrow and "prior" in results.correlations:
        notes += priors_notes(results.correlations)
    table = _table(
        "correlations",
        "Reported against learned and native weights: posterior of each regression, standardised",
        "regression",
        cells.regression_words,
        columns,
        cells.in_order(results.correlations),
        tuple(notes),
    )
    return table.without_empty_columns()


def weights_table(results: Results, *, narrow: bool = False) -> layout.ReadingTable:
    """Give the learned and native weights, one row per scenario and attribute."""
    prob = results.settings.hdi_prob
    columns = [
        _Column(
            "attribute",
            lambda row: cells.spaced(cells.text(row["attribute_name"]) or row["attribute"]),
            "p",
        ),
        _Column("weight\n(±100)", lambda row: rounding.whole(cells.figure(row, "weight"))),
        _Column("mean\n(logit)", lambda row: cells.rounded(row, "mean")),
        _Column("median", lambda row: cells.rounded(row, "median")),
        *_interval_columns(prob),
        *_share_columns(results.settings.rope, prob),
        *_diagnostic_columns(),
        _Column("n", lambda row: rounding.whole(cells.figure(row, "n"))),
        _Column("engine", lambda row: cells.text(row.get("engine")), "l", in_latex=False),
        _Column("flag", cells.flag_letters if narrow else _flag, "l"),
    ]
    notes = [_kinds_note(results)]
    if "prior" in results.weights:
        notes += priors_notes(results.weights)
    if narrow:
        columns = [column for column in columns if column.in_latex]
        notes.append(cells.FLAG_LETTERS_NOTE)
    return _table(
        "weights",
        "Learned (instilled) and native weights by scenario, slopes of the logistic regressions",
        "scenario",
        lambda row: f"{cells.spaced(row['scenario'])} · {row['set']} · {row['base_model']}",
        columns,
        results.weights,
        tuple(notes),
    ).without_empty_columns()


def summary_table(
    frame: pd.DataFrame, *, hdi_prob: float = 0.95, rope: tuple[float, float] = (-0.1, 0.1)
) -> layout.ReadingTable:
    """Lay out what `hdi_table` returns for reading; same `hdi_prob` and `rope` as there."""
    labels = list(frame.columns[1 : list(frame.columns).index("mean")])
    columns = [
        *(_Column(name, _label_of(name), "l") for name in labels),
        _Column("mean", lambda row: cells.rounded(row, "mean")),
        _Column("median", lambda row: cells.rounded(row, "median")),
        _Column("sd", lambda row: cells.rounded(row, "sd")),
        *_interval_columns(hdi_prob),
        *_share_columns(rope, hdi_prob),
        *_diagnostic_columns(),
        _Column("draws", lambda row: rounding.whole(cells.figure(row, "n_draws"))),
    ]
    return _table(
        "hdi_table",
        "Posterior summaries",
        "variable",
        lambda row: str(row["variable"]),
        columns,
        frame,
    )


def has_published(paper_numbers: pd.DataFrame) -> bool:
    """Tell whether the study is the paper's, so that there is something to compare with."""
    ends = ["published", "published_hdi_low", "published_hdi_high"]
    return bool(paper_numbers[ends].notna().any(axis=None))


def priors_notes(frame: pd.DataFrame) -> list[str]:
    """Say which priors were used, each once."""
    priors = [text for text in dict.fromkeys(map(cells.text, frame["prior"])) if text]
    return [f"Prior{'s' if len(priors) > 1 else ''}: {'; '.join(priors)}."] if priors else []


def _kinds_note(results: Results) -> str:
    prob = rounding.percent(results.settings.hdi_prob)
    return (
        f"HDI: highest-density interval; ETI: equal-tailed interval; both hold {prob} of the "
        "posterior. pd: larger share of draws on one side of zero. Figures are rounded by their "
        "Monte Carlo error."
    )


def _table(
    name: str,
    caption: str,
    group_header: str,
    group: Callable[[Row], str],
    columns: list[_Column],
    frame: pd.DataFrame,
    notes: tuple[str, ...] = (),
) -> layout.ReadingTable:
    rows = [
        (group(row), tuple(column.cell(row) for column in columns))
        for row in frame.to_dict("records")
    ]
    return layout.ReadingTable(
        name,
        caption,
        group_header,
        tuple(column.header for column in columns),
        "".join(column.align for column in columns),
        rows,
        notes,
    )


def _interval_columns(prob: float) -> list[_Column]:
    percent = rounding.percent(prob)
    return [
        _Column(f"{percent} HDI", lambda row: cells.interval(row, "hdi", prob)),
        _Column(f"{percent} ETI", lambda row: cells.interval(row, "eti", prob)),
    ]


def _share_columns(rope: tuple[float, float], prob: float) -> list[_Column]:
    return [
        _Column(
            "pd", lambda row: rounding.share(cells.figure(row, "pd"), cells.figure(row, "ess_bulk"))
        ),
        _Column(
            f"share of\n{rounding.percent(prob)} HDI\nin ROPE\n{rounding.region(rope)}",
            lambda row: rounding.share(
                cells.figure(row, "rope_share"), cells.figure(row, "ess_bulk")
            ),
        ),
    ]


def _diagnostic_columns() -> list[_Column]:
    return [
        _Column("R-hat", lambda row: rounding.written(cells.figure(row, "rhat"), 3)),
        _Column("ESS\nbulk", lambda row: rounding.whole(cells.figure(row, "ess_bulk"))),
        _Column("ESS\ntail", lambda row: rounding.whole(cells.figure(row, "ess_tail"))),
        _Column(
            "Pareto\nk",
            lambda row: rounding.written(cells.figure(row, "pareto_k"), 2),
            in_latex=False,
        ),
    ]


def _attribute(row: Row) -> str:
    return cells.spaced(cells.text(row["attribute_name"]) or str(row["attribute"]))


def _flag(row: Row) -> str:
    return ", ".join(cells.flags_of(row))


def _label_of(column: str) -> Callable[[Row], str]:
    return lambda row: cells.text(row[column])
