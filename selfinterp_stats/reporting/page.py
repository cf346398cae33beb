"""`index.html`: one self-contained page that tells what a refit found.

The page asks no other host for anything: style, script, figures and data are in it. What it shows
is assembled here as plain values; the template only places them, with everything escaped.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from selfinterp_stats.reporting import cells, findings, html, reading, rounding, svg
from selfinterp_stats.reporting.drawing import PAGE_VARIABLES
from selfinterp_stats.reporting.figures import DrawnFigures

if TYPE_CHECKING:
    from selfinterp_stats.estimates.results import Results
    from selfinterp_stats.reporting.methods_section import MethodsSection

_KINDS_IN_QUANTITY: Final = ("share", "count")  # these quantities say themselves what they are
_FAILING_SHOWN: Final = 200
_SHORT: Final = 24  # letters of a remark that fits under a base model's name
_LINE: Final = (-0.2, 1.0)


def render_page(results: Results, drawn: DrawnFigures, methods: MethodsSection) -> str:
    """Write the page.

    Parameters
    ----------
    results : Results
    drawn : DrawnFigures
        What `write_figures` returned for the same results.
    methods : MethodsSection
        How they were got.

    Returns
    -------
    str
        A whole HTML document.
    """
    from markupsafe import Markup

    prob = results.settings.hdi_prob
    correlations = cells.in_order(results.correlations)
    slopes = findings.main_slopes(correlations)
    numbers = _paper_numbers(results)
    figures = [
        {
            "name": name,
            "caption": drawn.captions[name],
            # Our own drawing; Matplotlib has escaped the names in it.
            "svg": Markup(svg.themed(drawing, PAGE_VARIABLES)),
        }
        for name, drawing in drawn.svg.items()
    ]
    return html.render(
        "page.html.jinja",
        results.run,
        methods,
        scripts=(*html.SCRIPTS, "weights.js"),
        paper=reading.has_published(results.paper_numbers),
        source=html.without_folders("source", results.study.source),
        base_models=list(results.study.base_models),
        headline=findings.headline(results),
        glance=findings.glance(results),
        hdi=f"{rounding.percent(prob)} HDI",
        eti=f"{rounding.percent(prob)} ETI",
        rope=rounding.region(results.settings.rope),
        numbers=numbers,
        cut=_any_cut(numbers),
        figures=figures,
        skipped=list(drawn.skipped.values()),
        slopes=_correlations(slopes, prob),
        other_terms_count=len(correlations) - len(slopes),
        other_terms=_correlations(correlations.drop(slopes.index), prob),
        correlation_priors=_priors(results.correlations),
        weight_priors=_priors(results.weights),
        weights_json=Markup(_embedded(weights_data(results.weights, prob))),
        weights_count=len(results.weights),
        engines=_diagnostics(results.diagnostics),
        failing=_failing(results.diagnostics),
        failing_shown=_FAILING_SHOWN,
        notices=html.notices_of(results.study),
        read=_counts_read(results),
        counts=_collected(results.study.counts),
        released=results.released_comparison.to_dict("records"),
    )


def weights_data(weights: pd.DataFrame, prob: float) -> dict[str, Any]:
    """Give the weights in the few characters that a page of thousands of rows can afford.

    Labels stand once in lists and rows refer to them by place. Figures are rounded by their Monte
    Carlo error and come with their number of decimals, which the script needs to write them.
    """
    labels: dict[str, dict[str, int]] = {
        name: {} for name in ("models", "sets", "scenarios", "names")
    }
    flags: dict[str, int] = {}

    def place(kind: str, text: str) -> int:
        return labels[kind].setdefault(text, len(labels[kind]))

    rows = []
    for row in weights.to_dict("records"):
        of_mean = cells.decimals_of(row, "mean")
        of_ends = min(rounding.supported_decimals(e) for e in cells.interval_errors(row, prob))
        flag = ", ".join(cells.flags_of(row))
        rows.append(
            [
                place("models", str(row["base_model"])),
                place("sets", str(row["set"])),
                place("scenarios", str(row["scenario"])),
                place("names", cells.text(row["attribute_name"]) or str(row["attribute"])),
                _json_number(cells.figure(row, "weight"), 0),
                of_mean,
                _json_number(cells.figure(row, "mean"), of_mean),
                of_ends,
                _json_number(cells.figure(row, "hdi_low"), of_ends),
                _json_number(cells.figure(row, "hdi_high"), of_ends),
                rounding.share(cells.figure(row, "pd"), cells.figure(row, "ess_bulk")),
                rounding.share(cells.figure(row, "rope_share"), cells.figure(row, "ess_bulk")),
                _json_number(cells.figure(row, "ess_bulk"), 0),
                _json_number(cells.figure(row, "rhat"), 3),
                flags.setdefault(flag, len(flags)),
            ]
        )
    return {
        **{name: list(texts) for name, texts in labels.items()},
        "flags": list(flags),
        "rows": rows,
    }


def _json_number(value: float, decimals: int) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = round(value, decimals)
    return int(short) if short == int(short) else short


def _embedded(data: object) -> str:
    """Write JSON that no content can make end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _paper_numbers(results: Results) -> list[dict[str, Any]]:
    """Give the paper's numbers by section, and in each by quantity."""
    errors = cells.errors_by_id(results.correlations)
    sections: dict[str, dict[str, dict[str, Any]]] = {}
    for row in results.paper_numbers.to_dict("records"):
        kind = cells.text(row.get("kind"))
        quantity = sections.setdefault(str(row["section"]), {}).setdefault(
            str(row["quantity"]),
            {
                "quantity": str(row["quantity"]),
                "kind": kind if kind not in _KINDS_IN_QUANTITY else "",
                "rows": [],
                "notes": {},
            },
        )
        note, agrees = cells.text(row.get("note")), cells.text(row["agrees"])
        if note and agrees == "no":
            quantity["notes"].setdefault(note, []).append(str(row["base_model"]))
        quantity["rows"].append(
            {
                "base_model": str(row["base_model"]),
                "estimate": cells.estimate(row, errors),
                "hdi": cells.hdi(row, errors),
                "published": cells.published(row),
                "published_hdi": cells.published_hdi(row),
                "agrees": agrees,
                "remark": "" if agrees == "no" or len(note) > _SHORT else note,
                "sentence": "" if agrees == "no" or len(note) <= _SHORT else note,
                "drawn": _drawn(row, ("estimate", "hdi_low", "hdi_high")),
                "published_drawn": _drawn(
                    row, ("published", "published_hdi_low", "published_hdi_high")
                ),
            }
        )
    return [
        {"name": name, "quantities": list(quantities.values())}
        for name, quantities in sections.items()
    ]


def _drawn(row: cells.Row, columns: tuple[str, str, str]) -> dict[str, str]:
    """Give the places of an estimate and its interval on a line from -.2 to 1, in percent.

    An interval that goes on beyond an end of the line is cut there; ``cut`` names those ends.
    """
    middle, low, high = (cells.figure(row, name) for name in columns)
    if cells.text(row.get("kind")) == "count":
        return {}
    start, end = _LINE

    def place(value: float) -> float:
        return 100 * (min(max(value, start), end) - start) / (end - start)

    drawn = {}
    if start <= middle <= end:
        drawn["middle"] = f"{place(middle):.1f}%"
    if not math.isnan(low):
        cut = ["left"] * (low < start) + ["right"] * (high > end)
        drawn["low"] = f"{place(low):.1f}%"
        drawn["width"] = f"{place(high) - place(low):.1f}%"
        drawn["cut"] = " ".join(cut)
    return drawn


def _any_cut(numbers: list[dict[str, Any]]) -> bool:
    rows = (row for section in numbers for one in section["quantities"] for row in one["rows"])
    return any(row[which].get("cut") for row in rows for which in ("drawn", "published_drawn"))


def _correlations(frame: pd.DataFrame, prob: float) -> list[dict[str, Any]]:
    """Give the regressions' terms by experiment."""
    return [
        {"name": str(name), "rows": _correlation_rows(rows, prob)}
        for name, rows in frame.groupby("experiment", sort=True)
    ]


def _correlation_rows(frame: pd.DataFrame, prob: float) -> list[dict[str, Any]]:
    return [
        {
            "conditions": cells.text(row["condition"]).split(" - "),
            "base_models": cells.text(row["base_model"]).split(" - "),
            "term": cells.term_words(str(row["term"])),
            "contrast": str(row["term"]).startswith("slope"),
            "median": cells.rounded(row, "median"),
            "hdi": cells.interval(row, "hdi", prob),
            "eti": cells.interval(row, "eti", prob),
            "pd": rounding.share(cells.figure(row, "pd"), cells.figure(row, "ess_bulk")),
            "rope": rounding.share(cells.figure(row, "rope_share"), cells.figure(row, "ess_bulk")),
            "n": rounding.whole(cells.figure(row, "n")),
            "ess_bulk": rounding.whole(cells.figure(row, "ess_bulk")),
            "ess_tail": rounding.whole(cells.figure(row, "ess_tail")),
            "rhat": rounding.written(cells.figure(row, "rhat"), 3),
            "flag": ", ".join(cells.flags_of(row)),
        }
        for row in frame.to_dict("records")
    ]


def _priors(frame: pd.DataFrame) -> list[str]:
    return reading.priors_notes(frame) if "prior" in frame else []


def _diagnostics(diagnostics: pd.DataFrame) -> list[dict[str, str]]:
    """Give the worst figure of each diagnostic, engine by engine."""
    worst = (
        ("rhat", "max", 3),
        ("ess_bulk", "min", 0),
        ("ess_tail", "min", 0),
        ("mcse_over_sd", "max", 3),
        ("divergences", "sum", 0),
        ("ebfmi", "min", 2),
        ("pareto_k", "max", 2),
    )
    engines = []
    for engine, fits in diagnostics.groupby("engine", sort=True):
        told = {"engine": str(engine), "fits": f"{len(fits):,}"}
        told["failing"] = f"{int((~fits['ok'].astype(bool)).sum()):,}"
        for name, way, decimals in worst:
            known = pd.to_numeric(fits[name], errors="coerce").dropna()
            value = float(getattr(known, way)()) if len(known) else math.nan
            told[name] = rounding.written(value, decimals) if decimals else rounding.whole(value)
        engines.append(told)
    return engines


def _failing(diagnostics: pd.DataFrame) -> list[dict[str, str]]:
    failing = diagnostics[~diagnostics["ok"].astype(bool)]
    return [
        {"fit": str(row["fit"]), "reason": cells.text(row["reason"])}
        for row in failing.to_dict("records")
    ]


def _counts_read(results: Results) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), rounding.whole(count))
        for name, count in results.study.counts_read.items()
        if count
    ]


def _collected(counts: pd.DataFrame) -> dict[str, Any]:
    """Give the counts of a collection as heads and rows of text, incomplete rows marked."""
    if not counts["fold"].any():
        counts = counts.drop(columns="fold")
    told = counts.copy()
    for name in told.select_dtypes("int"):
        told[name] = told[name].map(rounding.whole)
    rows = [
        {"cells": [html.plain(value) for value in row], "flagged": not row.complete}
        for row in told.itertuples(index=False)
    ]
    return {"head": [str(name).replace("_", " ") for name in counts], "rows": rows}
