"""Every conclusion of the paper under every combination of the choices that bear on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.analysis import Steps, analyse_weights
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.numbers import QUANTITIES
from selfinterp_stats.estimates.results import Results, Settings
from selfinterp_stats.estimates.sensitivity.arrays import weighed_of
from selfinterp_stats.estimates.sensitivity.conclusions import (
    REFERENCES,
    Case,
    Conclusion,
    conclusions_of,
    estimate,
)
from selfinterp_stats.estimates.sensitivity.ranges import ranges_of
from selfinterp_stats.estimates.sensitivity.specifications import (
    COLUMNS,
    NOBODY,
    PAPER,
    Options,
    fewest_reports,
)
from selfinterp_stats.study.study import NATIVE

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

TABLE_COLUMNS: Final = (
    "id",
    *COLUMNS,
    "estimate",
    "hdi_low",
    "hdi_high",
    "n",
    "flips_sign",
    "hdi_reaches_zero",
    "section",
    "quantity",
    "base_model",
    "kind",
    "reference",
    "paper_specification",
)


@dataclass
class Sensitivity:
    """What became of the conclusions.

    Attributes
    ----------
    weights : Results
        Stage 1, which all specifications share.
    table : pandas.DataFrame
        One row per conclusion and specification: ``sensitivity.csv``, and what is the same for all
        rows of a conclusion. A choice that does not bear on a conclusion stands at the paper's.
        ``flips_sign``: the estimate is on the other side of the reference than under the paper's
        specification; ``hdi_reaches_zero``: the HDI holds the reference, which is 0, and .5 for a
        share of choices. Both are empty where a specification leaves too few rows for an estimate.
    left_out : pandas.DataFrame
        The paper's specification with each scenario left out in turn: ``id, scenario, estimate,
        hdi_low, hdi_high, n, change, flips_sign, hdi_reaches_zero``.
    ranges : pandas.DataFrame
        One row per conclusion: how far estimates and HDIs range, and a ``verdict``.
    options : Options
        What could be chosen.
    run : dict
        Provenance, as written to ``run.json``.
    """

    weights: Results
    table: pd.DataFrame
    left_out: pd.DataFrame
    ranges: pd.DataFrame
    options: Options
    run: dict[str, Any] = field(default_factory=dict)


def compare_specifications(
    study: Study,
    settings: Settings | None = None,
    *,
    min_reports: Sequence[int] | None = None,
    steps: Steps | None = None,
) -> Sensitivity:
    """Re-estimate every conclusion of the paper under every specification.

    Parameters
    ----------
    study : Study
        With native choices, or instilled ones with target weights or reports.
    settings : Settings, optional
        Of stage 1 (engine, draws, seed), and the probability of the HDIs. Stage 2 is computed
        without drawing.
    min_reports : sequence of int, optional
        Minimum numbers of valid reports to try; one, half of the most that a scenario has, and
        that most, unless given.
    steps : Steps, optional
        Where seconds and progress go.

    Returns
    -------
    Sensitivity
        Estimate and HDI of every conclusion under every combination of choices.

    Raises
    ------
    InputError
        A minimum number of reports makes no sense, or the study holds none of the conclusions.

    References
    ----------
    Steegen, Tuerlinckx, Gelman & Vanpaemel (2016), doi:10.1177/1745691616658637 (multiverse);
    Simonsohn, Simmons & Nelson (2020), doi:10.1038/s41562-020-0912-z (specification curve).

    Examples
    --------
    >>> from selfinterp_stats import Settings, compare_specifications, load_study
    >>> found = compare_specifications(load_study("study"), Settings(draws=1000))
    >>> row = found.table.query("paper_specification == 'yes'").set_index("id")
    >>> bool(row.loc["e2_report_r_model-a", "estimate"] > 0)
    True
    """
    settings, steps = settings or Settings(), steps or Steps()
    options = Options(min_reports=fewest_reports(_most_reports(study), min_reports))
    _refuse_without_conclusions(study)
    results = analyse_weights(study, settings, steps)
    weighed = weighed_of(study, results.weights, intercepts_of(results))
    conclusions = conclusions_of(weighed, Names.of(study))
    with steps.step("scenarios left out", len(conclusions)):
        left_out = _each_left_out(conclusions, settings.hdi_prob)
    with steps.step("specifications", len(conclusions)):
        table = _specifications(conclusions, options, left_out, settings.hdi_prob)
    found = Sensitivity(results, table, left_out, ranges_of(table, left_out), options)
    found.run = _run(found, steps)
    return found


def _refuse_without_conclusions(study: Study) -> None:
    """Refuse what holds too little for any conclusion, before anything is fitted."""
    choices = study.choices
    cells = [set(zip(f["base_model"], f["set"], strict=True)) for f in (choices, study.reports)]
    with_targets = choices["scenario"].isin(study.targets["scenario"])
    if not ((choices["set"] == NATIVE).any() or with_targets.any() or cells[0] & cells[1]):
        raise InputError(
            "the study holds none of the paper's conclusions",
            file=study.source,
            allowed="native choices, or instilled choices with target weights or reports",
            remedy="Add reports (or target weights) for the scenarios with choices.",
        )


def _most_reports(study: Study) -> int:
    if study.reports.empty:
        return 0
    keys = ["base_model", "set", "condition", "fold", "explaining_model", "scenario"]
    return int(study.reports.groupby(keys).size().max())


def intercepts_of(results: Results) -> dict[tuple[str, str, str], float]:
    """Posterior means of the intercepts at no difference of the options, logit scale."""
    found = {}
    for tree in results.posteriors.values():
        about = tree.attrs or tree["posterior"].attrs
        means = tree["posterior"]["intercept"].mean(("chain", "draw")).to_series()
        for scenario, mean in means.items():
            found[about["base_model"], about["set"], str(scenario)] = float(mean)
    return found


def _each_left_out(conclusions: list[Conclusion], prob: float) -> pd.DataFrame:
    """The paper's specification without each scenario in turn, the whole first."""
    cases = [Case(one, PAPER, _names([NOBODY, *one.scenarios])) for one in conclusions]
    table = _table(cases, prob)
    whole = table[table["paper_specification"] == "yes"].set_index("id")["estimate"]
    table["change"] = table["estimate"] - table["id"].map(whole)
    table = table[table["left_out"] != NOBODY].rename(columns={"left_out": "scenario"})
    columns = ("estimate", "hdi_low", "hdi_high", "n", "change", "flips_sign", "hdi_reaches_zero")
    return table[["id", "scenario", *columns]].reset_index(drop=True)


def _specifications(
    conclusions: list[Conclusion], options: Options, left_out: pd.DataFrame, prob: float
) -> pd.DataFrame:
    """All combinations, each also without the two scenarios that matter most."""
    cases = []
    for one in conclusions:
        changes = left_out[left_out["id"] == one.id].set_index("scenario")["change"].dropna()
        extreme = sorted({changes.idxmin(), changes.idxmax()}) if len(changes) else []
        names = _names([NOBODY, *extreme])
        cases += [Case(one, choices, names) for choices in one.options(options).combinations()]
    return _table(cases, prob)


def _names(names: Sequence[str]) -> np.ndarray:
    return np.array(names, dtype=object)


def _table(cases: list[Case], prob: float) -> pd.DataFrame:
    estimates = estimate(cases, prob)
    rows = [
        {
            "id": case.conclusion.id,
            **asdict(case.specification),
            "left_out": name,
            "section": QUANTITIES[case.conclusion.stem][0],
            "quantity": QUANTITIES[case.conclusion.stem][1],
            "base_model": case.conclusion.base_model,
            "kind": case.conclusion.kind,
            "reference": REFERENCES[case.conclusion.kind],
            "paper_specification": "yes" if case.specification == PAPER and not name else "no",
        }
        for case in cases
        for name in case.left_out
    ]
    table = pd.DataFrame(rows).assign(
        estimate=estimates.estimate,
        hdi_low=estimates.low,
        hdi_high=estimates.high,
        n=pd.array(np.where(np.isnan(estimates.n), -1, estimates.n).astype(int), dtype="Int64"),
    )
    table.loc[table["n"] < 0, "n"] = pd.NA
    paper = table[table["paper_specification"] == "yes"].set_index("id")["estimate"]
    side = np.sign(table["estimate"] - table["reference"])
    of_paper = np.sign(table["id"].map(paper) - table["reference"])
    known = table["estimate"].notna()
    table["flips_sign"] = _yes(side * of_paper < 0, known & table["id"].map(paper).notna())
    reaches = (table["hdi_low"] <= table["reference"]) & (table["hdi_high"] >= table["reference"])
    table["hdi_reaches_zero"] = _yes(reaches, table["hdi_low"].notna())
    return table[list(TABLE_COLUMNS)]


def _yes(holds: pd.Series, known: pd.Series) -> np.ndarray:
    return np.where(known, np.where(holds, "yes", "no"), "")


def _run(found: Sensitivity, steps: Steps) -> dict[str, Any]:
    """What `analyse_weights` says of the run, and how many regressions came after it."""
    # The specifications draw nothing: what was drawn are the weights.
    engines = {"weights": found.weights.run["engines"]["weights"], "specifications": "quadrature"}
    return {
        **found.weights.run,
        "engines": engines,
        "options": asdict(found.options),
        "estimates": {
            "conclusions": len(found.ranges),
            "specifications": len(found.table),
            "one_scenario_left_out": len(found.left_out),
            "without_estimate": int(found.table["estimate"].isna().sum()),
        },
        "seconds": steps.seconds,
    }
