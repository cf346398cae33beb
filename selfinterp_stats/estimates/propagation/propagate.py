"""Every correlation of a study three ways: plugged in, carried through, and latent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.analysis import Steps, analyse_weights
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.numbers import QUANTITIES
from selfinterp_stats.estimates.propagation.beyond import beyond_correlation
from selfinterp_stats.estimates.propagation.carried import (
    DRAWS,
    Pooled,
    by_quadrature,
    pooled,
    regressed,
)
from selfinterp_stats.estimates.propagation.cells import Weights, cells_of, imputed, plugged_in
from selfinterp_stats.estimates.propagation.correlations import (
    LatentCorrelations,
    latent_correlations,
)
from selfinterp_stats.estimates.propagation.heterogeneity import (
    Heterogeneity,
    slopes_by_scenario,
)
from selfinterp_stats.estimates.propagation.pooling import pooled_weights
from selfinterp_stats.estimates.propagation.reliability import (
    noise_ceilings,
    report_reliability,
    weight_reliability,
)
from selfinterp_stats.estimates.propagation.reports import refuse_without_repeats
from selfinterp_stats.estimates.propagation.settled import settledness
from selfinterp_stats.estimates.propagation.truths import draw_truths
from selfinterp_stats.estimates.results import Results, Settings
from selfinterp_stats.estimates.sensitivity.arrays import Weighed, weighed_of
from selfinterp_stats.estimates.sensitivity.conclusions import (
    PEARSON,
    SHARE,
    Conclusion,
    conclusions_of,
)
from selfinterp_stats.estimates.sensitivity.multiverse import intercepts_of
from selfinterp_stats.inference.engines.seeds import key_data
from selfinterp_stats.inference.summary.summaries import summarise

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

PLUG_IN: Final = "plug_in"
CARRIED: Final = "carried_through"
LATENT: Final = "latent"
TABLE_COLUMNS: Final = (
    "id",
    "estimator",
    "median",
    "hdi_low",
    "hdi_high",
    "rhat",
    "ess_bulk",
    "ess_tail",
    "mcse_median",
    "pd",
    "within_sd",
    "between_sd",
    "missing_information",
    "section",
    "quantity",
    "base_model",
    "kind",
    "condition",
    "against",
)


@dataclass
class Propagation:
    """What became of the correlations.

    Attributes
    ----------
    weights : Results
        Stage 1 under the paper's prior.
    table : pandas.DataFrame
        One row per correlation (or change of one) and estimator, as in ``propagated.csv``.
        ``plug_in``, and ``carried_through`` where no fitted weight plays a part, come from
        quadrature, as in `compare_specifications`: they have no R-hat, ESS or MCSE. Elsewhere
        R-hat and bulk ESS of ``carried_through`` are the worst over the imputations, each alone
        and all pooled.
        ``within_sd`` and ``between_sd`` are those of multiple imputation, and
        ``missing_information`` the share of variance that comes from between the imputations.
        ``kind, condition, against`` are the conclusion's: how it is estimated, whose reports it
        needs (none where reports play no part), and whether these, or else the fitted weights,
        are set against the fitted weights or the targets.
    latent : LatentCorrelations
        The joint models of choices and single reports, and what they give.
    reliability : pandas.DataFrame
        One row per report set: reliability of weights and of reports, and the highest correlation
        that their noise leaves room for.
    beyond : pandas.DataFrame
        One row per report set and quantity: agreement in sign, in the most important attribute and
        the like.
    heterogeneity : Heterogeneity
        How slopes differ from scenario to scenario.
    pooled : pandas.DataFrame
        Weights pooled in part over scenarios, one row per scenario and attribute, +-100 scale.
    pooled_summary : pandas.DataFrame
        By base model and set: one row per condition, with the correlation that pooled weights have
        with its mean reports, and one per hyperparameter.
    run : dict
        Provenance, as written to ``run.json``.
    """

    weights: Results
    table: pd.DataFrame
    latent: LatentCorrelations
    reliability: pd.DataFrame
    beyond: pd.DataFrame
    heterogeneity: Heterogeneity
    pooled: pd.DataFrame
    pooled_summary: pd.DataFrame
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def diagnostics(self) -> pd.DataFrame:
        """R-hat and bulk ESS of every posterior quantity of every table; see `settledness`."""
        return settledness(
            {
                "propagated": self.table,
                "latent": self.latent.diagnostics,
                "reliability": self.reliability,
                "beyond": self.beyond,
                "heterogeneity": self.heterogeneity.table,
                "slopes_by_scenario": self.heterogeneity.scenarios,
                "pooled_weights": self.pooled,
                "pooling": self.pooled_summary,
            }
        )

    @property
    def untrusted(self) -> pd.DataFrame:
        """Rows of `diagnostics` whose R-hat or bulk ESS says that they are not settled."""
        every = self.diagnostics
        return every[~every["ok"]]


def propagate_uncertainty(
    study: Study, settings: Settings | None = None, *, steps: Steps | None = None
) -> Propagation:
    """Estimate every correlation with measurement uncertainty left out, carried, and modelled.

    Parameters
    ----------
    study : Study
        With reports, and at least two valid ones of some scenario in every report set.
    settings : Settings, optional
        Of stage 1 (engine, draws, seed), and the probability of the HDIs.
    steps : Steps, optional
        Where seconds and progress go.

    Returns
    -------
    Propagation
        Each correlation by three estimators: ``plug_in``, ``carried_through`` and ``latent``.

    Raises
    ------
    InputError
        The study holds no reports that can be set against weights, or a report set has no
        scenario with two valid reports.

    References
    ----------
    Plummer (2015), doi:10.1007/s11222-014-9503-z (cut posteriors); Rubin (1987), Multiple
    imputation for nonresponse in surveys; Spearman (1904), Am. J. Psychol. 15 (attenuation).

    Examples
    --------
    ``propagate_uncertainty(load_study("study")).table`` has three rows for each correlation; the
    models take most of a minute to compile, however small the study. One without reports is
    refused before that:

    >>> from dataclasses import replace
    >>> from selfinterp_stats import InputError, load_study, propagate_uncertainty
    >>> study = load_study("study")
    >>> try:
    ...     propagate_uncertainty(replace(study, reports=study.reports.head(0)))
    ... except InputError as error:
    ...     print(error.problem)
    the study holds no reports on scenarios with choices, so there is no correlation
    """
    settings, steps = settings or Settings(), steps or Steps()
    _refuse_without_reports(study)
    refuse_without_repeats(study)
    results = analyse_weights(study, settings, steps)
    weighed = weighed_of(study, results.weights, intercepts_of(results))
    conclusions = [one for one in conclusions_of(weighed, Names.of(study)) if one.kind != SHARE]
    with steps.step("carried through", len(conclusions)):
        one, many = plugged_in(weighed), imputed(weighed, results.posteriors)
        rows = [
            row
            for conclusion in conclusions
            for row in (
                _two_stages(conclusion, PLUG_IN, one, settings),
                _two_stages(conclusion, CARRIED, many, settings),
            )
        ]
    with steps.step("latent model", len(weighed)):
        latent = latent_correlations(study, weighed, conclusions, settings.seed)
    rows += [_latent(one, latent.draws, settings) for one in conclusions if one.id in latent.draws]
    table = _ordered(pd.DataFrame(rows), conclusions)
    with steps.step("truths", len(weighed)):
        truths = {
            cell: draw_truths(one.joint, one.study, one.places, settings.seed, cell)
            for cell, one in latent.joints.items()
        }
    with steps.step("reliability", 2):
        known = {cell: _recovered(weighed[cell], own.weights) for cell, own in truths.items()}
        reliability = noise_ceilings(
            report_reliability(_with_choices(study, latent), seed=settings.seed),
            weight_reliability(study, settings),
            known,
        )
    with steps.step("heterogeneity", len(weighed)):
        heterogeneity = slopes_by_scenario(
            latent.joints, {cell: one.scenarios for cell, one in weighed.items()}, settings
        )
    with steps.step("pooled weights", len(weighed)):
        pooled_table, summary = pooled_weights(study, results.weights, settings)
    found = Propagation(
        weights=results,
        table=table,
        latent=latent,
        reliability=reliability,
        beyond=beyond_correlation(weighed, latent.joints, truths, settings),
        heterogeneity=heterogeneity,
        pooled=pooled_table,
        pooled_summary=summary,
    )
    found.run = _run(found, steps)
    return found


def _with_choices(study: Study, latent: LatentCorrelations) -> Study:
    """The study with only the report sets that the joint models are about."""
    sets = {
        (*cell, condition) for cell, one in latent.joints.items() for condition in one.conditions
    }
    keys = study.reports.set_index(["base_model", "set", "condition"]).index
    return replace(study, reports=study.reports[keys.isin(sets)].reset_index(drop=True))


def _recovered(weighed: Weighed, truth: np.ndarray) -> np.ndarray:
    """Draws of the correlation of fitted with true weights, (chain, draw)."""
    fitted = weighed.weights["rounded"]
    a = fitted - fitted.mean()
    b = truth - truth.mean(axis=(-2, -1), keepdims=True)
    squares = (a**2).sum() * (b**2).sum(axis=(-2, -1))
    return np.asarray((a * b).sum(axis=(-2, -1)) / np.sqrt(squares))


def _refuse_without_reports(study: Study) -> None:
    """Refuse what has no correlation of reports, before anything is fitted."""
    cells = [
        set(zip(f["base_model"], f["set"], strict=True)) for f in (study.choices, study.reports)
    ]
    if not cells[0] & cells[1]:
        raise InputError(
            "the study holds no reports on scenarios with choices, so there is no correlation",
            file=study.source,
            remedy="Add reports, several per scenario, on the scenarios with choices.",
        )


def _two_stages(
    conclusion: Conclusion, estimator: str, weights: Weights, settings: Settings
) -> dict[str, Any]:
    fits = regressed(*cells_of(conclusion, weights))
    correlation = conclusion.kind == PEARSON
    if len(fits.estimate) == 1:
        exact = by_quadrature(fits, correlation=correlation, prob=settings.hdi_prob)
        return {**_about(conclusion, estimator), **exact}
    random = np.random.default_rng(key_data(settings.seed, estimator, conclusion.id))
    result = pooled(fits, correlation=correlation, draws=DRAWS, random=random)
    return {
        **_of_draws(conclusion, estimator, result.draws, settings),
        "rhat": result.rhat,
        "ess_bulk": result.ess_bulk,
        **_imputation_figures(result),
    }


def _imputation_figures(result: Pooled) -> dict[str, float]:
    between, within = result.between_sd**2, result.within_sd**2
    return {
        "within_sd": result.within_sd,
        "between_sd": result.between_sd,
        "missing_information": between / (between + within),
    }


def _latent(
    conclusion: Conclusion, draws: Mapping[str, np.ndarray], settings: Settings
) -> dict[str, Any]:
    return _of_draws(conclusion, LATENT, draws[conclusion.id], settings)


def _of_draws(
    conclusion: Conclusion, estimator: str, draws: np.ndarray, settings: Settings
) -> dict[str, Any]:
    figures = summarise(draws[None], hdi_prob=settings.hdi_prob, rope=settings.rope)
    return {
        **_about(conclusion, estimator),
        **{name: float(value[0]) for name, value in figures.items() if name in TABLE_COLUMNS},
    }


def _about(conclusion: Conclusion, estimator: str) -> dict[str, Any]:
    section, quantity, _ = QUANTITIES[conclusion.stem]
    return {
        "id": conclusion.id,
        "estimator": estimator,
        "section": section,
        "quantity": quantity,
        "base_model": conclusion.base_model,
        "kind": conclusion.kind,
        "condition": "/".join(conclusion.conditions),
        "against": conclusion.against,
    }


def _ordered(table: pd.DataFrame, conclusions: list[Conclusion]) -> pd.DataFrame:
    place = {one.id: i for i, one in enumerate(conclusions)}
    order = {name: i for i, name in enumerate((PLUG_IN, CARRIED, LATENT))}
    keys = table["id"].map(place) * len(order) + table["estimator"].map(order)
    table = table.iloc[keys.argsort(kind="stable")].reset_index(drop=True)
    for name in TABLE_COLUMNS:
        if name not in table:
            table[name] = np.nan
    return table[list(TABLE_COLUMNS)]


def _run(found: Propagation, steps: Steps) -> dict[str, Any]:
    """What `analyse_weights` says of the run, and the diagnostics of what came after it."""
    drawn = found.table[found.table["rhat"].notna()]
    worst = {name: _worst(rows) for name, rows in drawn.groupby("estimator", sort=False)}
    by_table = found.diagnostics.groupby("table", sort=False)
    return {
        **found.weights.run,
        "engines": {
            "weights": found.weights.run["engines"]["weights"],
            "latent model": found.latent.engines,
        },
        "propagated": worst,
        "settled": {
            name: {"quantities": len(rows), "unsettled": int((~rows["ok"]).sum()), **_worst(rows)}
            for name, rows in by_table
        },
        "latent_model": found.latent.diagnostics.to_dict("records"),
        "seconds": steps.seconds,
    }


def _worst(rows: pd.DataFrame) -> dict[str, float]:
    return {
        "max_rhat": float(rows["rhat"].max()),
        "min_ess_bulk": float(rows["ess_bulk"].min()),
    }
