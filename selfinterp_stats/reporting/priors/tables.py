"""The tables of `selfinterp priors`: long ones for machines, three for readers.

`priors.csv` has every conclusion under every set of priors, `prior_weights.csv` every weight,
`prior_scenarios.csv` every scenario's diagnostics; `prior_sets` tells of the sets themselves and
`prior_verdicts` sums up each conclusion.
"""

from __future__ import annotations

import math
from pathlib import Path

from selfinterp_stats.estimates.priors import PriorComparison
from selfinterp_stats.models.prior_sets import PAPER, PRIOR_SETS
from selfinterp_stats.reporting import cells, layout, rounding
from selfinterp_stats.reporting.tables import csv_text, readers_texts, write_texts

# What a percentage of trials, and an expected log density, can be told to.
_ELPD_DECIMALS = 1


def write_tables(found: PriorComparison, folder: Path) -> None:
    """Write every table into an existing folder."""
    first = ("prior", "id", "median", "hdi_low", "hdi_high", "change")
    keys = ("prior", "base_model", "set", "scenario")
    texts = {
        "priors.csv": csv_text(found.table, first),
        "prior_sets.csv": csv_text(found.sets, ("prior",)),
        "prior_verdicts.csv": csv_text(found.conclusions, ("id",)),
        "prior_weights.csv": csv_text(found.weights, (*keys, "attribute")),
        "prior_scenarios.csv": csv_text(found.scenarios, keys),
    }
    tables = (priors_table(found), sets_table(found), verdicts_table(found))
    texts |= readers_texts({table.name: table for table in tables})
    write_texts(texts, folder)


def priors_table(found: PriorComparison) -> layout.ReadingTable:
    """Give every conclusion under every set of priors."""
    prob = rounding.percent(found.settings.hdi_prob)
    header = (
        "prior",
        "estimate",
        f"{prob} HDI",
        "change from\nthe paper’s",
        "same\nscenarios",
        "per doubling of\nthe prior’s power",
        "of the\nlikelihood’s",
        "n",
        "HDI\nreaches 0",
    )
    rows = [
        (f"{row['quantity']} · {row['base_model']}", _cells(row))
        for identifier in found.conclusions["id"]
        for row in found.table[found.table["id"] == identifier].to_dict("records")
    ]
    return layout.ReadingTable(
        "priors",
        "The paper’s conclusions under other priors of the weights",
        "conclusion",
        header,
        "lrrrrrrrl",
        rows,
        (estimates_note(found), changes_note()),
    )


def _cells(row: cells.Row) -> tuple[str, ...]:
    same = "" if not row["left_out"] else signed(cells.figure(row, "change_same_scenarios"))
    return (
        str(row["prior"]),
        rounding.written(cells.figure(row, "median")),
        rounding.interval(cells.figure(row, "hdi_low"), cells.figure(row, "hdi_high")),
        "" if row["prior"] == PAPER else signed(cells.figure(row, "change")),
        same,
        signed(cells.figure(row, "per_doubling_prior")),
        signed(cells.figure(row, "per_doubling_likelihood")),
        rounding.whole(row["n"]),
        "yes" if row["hdi_reaches_zero"] == "yes" else "",
    )


def signed(value: float, decimals: int = rounding.MOST_DECIMALS) -> str:
    """Write a change with its sign; nothing where there is none."""
    text = rounding.written(value, decimals)
    return f"+{text}" if text and value > 0 and float(text) > 0 else text


def verdicts_table(found: PriorComparison) -> layout.ReadingTable:
    """Give each conclusion's range over the sets of priors, and whether it holds."""
    prob = rounding.percent(found.settings.hdi_prob)
    header = (
        "quantity",
        "base model",
        "holds",
        "paper’s\npriors",
        f"its\n{prob} HDI",
        "lowest",
        "highest",
        "largest\nchange",
    )
    rows: list[tuple[str, tuple[str, ...]]] = [
        (
            str(row["section"]),
            (
                str(row["quantity"]),
                str(row["base_model"]),
                _in_short(row),
                rounding.written(cells.figure(row, "estimate")),
                rounding.interval(cells.figure(row, "hdi_low"), cells.figure(row, "hdi_high")),
                _under(row, "lowest"),
                _under(row, "highest"),
                _largest_change(row),
            ),
        )
        for row in found.conclusions.to_dict("records")
    ]
    holds = (
        "A conclusion holds where its sign (or side of chance) is the same under all sets of "
        "priors and no HDI reaches zero. In brackets after the largest change: how many times the "
        "half-width of the paper’s HDI it is. Each verdict in full is in prior_verdicts.csv."
    )
    return layout.ReadingTable(
        "prior_verdicts",
        "What other priors leave of each conclusion",
        "section",
        header,
        "plprrrrr",
        rows,
        (holds, estimates_note(found)),
    )


def _in_short(row: cells.Row) -> str:
    """Say whether a conclusion holds; under which sets it does not is told in its verdict."""
    estimated = int(row["sets"] - row["without_estimate"])
    if math.isnan(cells.figure(row, "estimate")):
        return "too few rows"
    if estimated == 1:
        return "no other estimate"
    if not row["flips"] and not row["reaches"]:
        return "yes"
    sign, zero = ("side", "chance") if row["reference"] else ("sign", "zero")
    told = [f"{sign} flips under {row['flips']} of {estimated}"] if row["flips"] else []
    if row["reaches"] == estimated:
        told.append(f"every HDI reaches {zero}")
    elif row["reaches"]:
        told.append(f"HDI reaches {zero} under {row['reaches']} of {estimated}")
    return "; ".join(told)


def _under(row: cells.Row, which: str) -> str:
    value = rounding.written(cells.figure(row, which))
    return f"{value} ({row[f'{which}_under']})" if value else ""


def _largest_change(row: cells.Row) -> str:
    change = signed(cells.figure(row, "largest_change"))
    relative = rounding.written(cells.figure(row, "relative_change"), 1)
    return f"{change} ({relative})" if relative else change


def sets_table(found: PriorComparison) -> layout.ReadingTable:
    """Give what each set of priors is, how it predicts and how much it matters."""
    header = (
        "prior",
        "near-certain\na priori",
        "without\nposterior",
        "fits that\nfail",
        "elpd (LOO)",
        "against\nthe paper’s",
        "effective\nparameters",
        "choices,\nk > 0.7",
        "prior moves\nweights",
        "likelihood\ndoes not",
        "scaling’s\nworst k",
        "largest\nchange",
    )
    sets = found.sets.to_dict("records")
    rows = [
        ("this package’s" if row["prior"] in PRIOR_SETS else "given", _set_cells(row))
        for row in sets
    ]
    before = (
        "Near-certain a priori: share of the scenarios’ own trials in which, drawn from the prior, "
        "one option has a probability above .99; an improper prior has none. Without posterior: "
        "scenarios whose posterior is improper; they are left out."
    )
    after = (
        "elpd: PSIS-LOO summed over choices, with its standard error; against the paper’s priors "
        "on the same choices. Prior moves weights: share of weights with a power-scaling "
        "sensitivity to the prior above .05; likelihood does not: to the likelihood below .05. "
        "The largest change is that of any weight, in points of ±100."
    )
    listed = "The priors themselves are in priors_used."
    learned = (f"{row['prior']}: {row['note']}" for row in sets if row["note"])
    return layout.ReadingTable(
        "prior_sets",
        "The sets of priors",
        "origin",
        header,
        "lrrrrrrrrrrr",
        rows,
        (before, after, listed, *learned),
    )


def _set_cells(row: cells.Row) -> tuple[str, ...]:
    elpd = _with_error(row, "elpd_loo", "elpd_se")
    against = "" if row["prior"] == PAPER else _with_error(row, "elpd_change", "elpd_change_se")
    return (
        str(row["prior"]),
        _percent(cells.figure(row, "near_certain")),
        rounding.whole(row["improper"]),
        rounding.whole(row["failing"]),
        elpd,
        against,
        rounding.written(cells.figure(row, "p_loo"), _ELPD_DECIMALS),
        rounding.whole(row["loo_k_above"]),
        _percent(cells.figure(row, "prior_sensitive")),
        _percent(cells.figure(row, "likelihood_weak")),
        rounding.written(cells.figure(row, "power_scaling_k"), 2),
        rounding.whole(cells.figure(row, "weight_change")),
    )


def _with_error(row: cells.Row, value: str, error: str) -> str:
    figures = (cells.figure(row, value), cells.figure(row, error))
    texts = [rounding.written(figure, _ELPD_DECIMALS) for figure in figures]
    return " ± ".join(text for text in texts if text)


def _percent(share: float) -> str:
    text = rounding.written(100 * share, 1)
    return f"{text}%" if text else ""


def estimates_note(found: PriorComparison) -> str:
    """Say what estimates and intervals are."""
    prob = rounding.percent(found.settings.hdi_prob)
    return (
        "Only the priors of the weights differ; the regressions keep the paper’s. Estimates are "
        f"posterior medians of slopes and contrasts, Pearson’s r, or shares; intervals are {prob} "
        "HDIs. For a share of choices zero stands for .5, choices at random."
    )


def changes_note() -> str:
    """Say what the columns of changes mean."""
    return (
        "Same scenarios: change from the paper’s priors on those scenarios that have a posterior "
        "under both. Per doubling: how far the estimate moves when prior, or likelihood, of the "
        "weights is raised to a power, found by weighing the draws."
    )
