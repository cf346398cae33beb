"""Stage 2: how far reported weights agree with fitted ones, and what training changes.

One regression per report set and base model, and one interaction model per set of scenarios
from which slopes, their differences between base models and the training-effect contrast are
read. Averages over base models give each the same weight (emmeans' ``weights = "equal"``).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.diagnostics import diagnose
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.results import CHAINS, Settings
from selfinterp_stats.inference.fit import Fits, Sampling, prepare, sample
from selfinterp_stats.inference.posterior import tree_of
from selfinterp_stats.inference.summaries import mcse_hdi, summarise
from selfinterp_stats.models import ModelSpec, correlation_model, training_effect_model
from selfinterp_stats.models.regressions import BASE_MODEL, REPORTS, RESPONSE, TRAINED
from selfinterp_stats.study.study import (
    INTROSPECTION_TRAINED,
    WEIGHT_TRAINED,
)

if TYPE_CHECKING:
    import xarray as xr

    from selfinterp_stats.inference.devices import Progress

BY: Final = ("set", "condition", "base_model")
TRAINING: Final = {WEIGHT_TRAINED: "FALSE", INTROSPECTION_TRAINED: "TRUE"}
CONTRAST: Final = f"slope: {INTROSPECTION_TRAINED} - {WEIGHT_TRAINED}"
COLUMNS: Final = (
    "id",
    "experiment",
    "condition",
    "base_model",
    "term",
    "median",
    "hdi_low",
    "hdi_high",
    "eti_low",
    "eti_high",
    "pd",
    "rope_share",
    "ess_bulk",
    "ess_tail",
    "rhat",
    "mcse_median",
    "n",
    "set",
    "mean",
    "sd",
    "mcse_mean",
    "mcse_hdi_low",
    "mcse_hdi_high",
    "pareto_k",
    "engine",
    "prior",
    "family",
    "ok",
)


@dataclass(frozen=True)
class Correlations:
    """Standardised regressions of a study.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per term, slope, difference and contrast; `COLUMNS`.
    posteriors : dict of str to xarray.DataTree
        One per regression.
    diagnostics : pandas.DataFrame
        One row per regression.
    """

    table: pd.DataFrame
    posteriors: dict[str, xr.DataTree]
    diagnostics: pd.DataFrame


@dataclass
class _Collected:
    """Quantities with their labels, summarised together at the end."""

    labels: list[dict[str, Any]] = field(default_factory=list)
    draws: list[np.ndarray] = field(default_factory=list)

    def add(self, draws: np.ndarray, **labels: Any) -> None:
        self.labels.append(labels)
        self.draws.append(draws)


def fit_correlations(
    agreement: pd.DataFrame,
    *,
    settings: Settings | None = None,
    names: Names | None = None,
    progress: Progress | None = None,
) -> Correlations:
    """Regress standardised weights on standardised reports.

    Parameters
    ----------
    agreement : pandas.DataFrame
        As `agreement_of` gives it: ``base_model, set, condition, standardized_b,
        standardized_reports``.
    settings : Settings, optional
    names : Names, optional
        How ids are written; by the base models' own names unless given.
    progress : callable, optional
        Called with the number of regressions that have just been finished.

    Returns
    -------
    Correlations

    References
    ----------
    Plunkett, Morris, Reddy & Morales (2025), arXiv:2505.17120, Experiments 1 to 3.
    """
    settings = settings or Settings()
    names = names or Names()
    collected = _Collected()
    posteriors: dict[str, xr.DataTree] = {}
    diagnostics = []
    # The same order whichever sets are asked for, so that the frozen prior is the first one's.
    agreement = agreement.sort_values(["set", "condition", "base_model"], kind="stable")
    for kind, fits in _fit_all(agreement, settings, progress):
        keys = _keys(fits, kind, names)
        judged = _judge(fits, keys)
        diagnostics.append(judged)
        for position, key in enumerate(keys.to_dict("records")):
            about = {
                "experiment": key["experiment"],
                "set": key["set"],
                "n": int(fits.rows[position]),
                "pareto_k": judged["pareto_k"].iloc[position],
                "engine": fits.engines[position],
                "prior": fits.spec.describe_priors(),
                "family": fits.spec.family,
                "ok": bool(judged["ok"].iloc[position]),
            }
            quantities = _simple if kind == "correlation" else _interaction
            for draws, labels in quantities(fits, position, key, names):
                collected.add(draws, **about, **labels)
            posteriors[key["name"]] = _tree(fits, position, settings.seed)
    return Correlations(
        table=_table(collected, settings),
        posteriors=posteriors,
        diagnostics=pd.concat(diagnostics, ignore_index=True) if diagnostics else pd.DataFrame(),
    )


def _fit_all(
    agreement: pd.DataFrame, settings: Settings, progress: Progress | None
) -> Iterator[tuple[str, Fits]]:
    """Fit all regressions, models of different shape side by side."""
    # 64-bit floats: a log-likelihood of thousands of rows has too few digits left in 32.
    sampling = Sampling(settings.engine, CHAINS, settings.regression_draws, settings.seed, x64=True)
    prepared = [
        (kind, prepare(spec, data, by, settings.engine))
        for kind, spec, data, by in (*_correlations(agreement), *_training_effects(agreement))
    ]
    with ThreadPoolExecutor() as pool:
        # PyMC runs processes of its own, one dataset after the other.
        run = map if settings.engine == "bambi" else pool.map
        fitted = run(lambda pair: sample(pair[1], sampling, progress), prepared)
        for (kind, _), fits in zip(prepared, fitted, strict=True):
            yield kind, fits


Regression = tuple[str, ModelSpec, pd.DataFrame, tuple[str, ...]]


def _correlations(agreement: pd.DataFrame) -> Iterator[Regression]:
    """One regression per report set and base model."""
    if agreement.empty:
        return
    first = agreement.groupby(list(BY), sort=True).ngroup() == 0
    spec = correlation_model(agreement.loc[first, RESPONSE].to_numpy())
    yield "correlation", spec, agreement[[*BY, RESPONSE, REPORTS]], BY


def _training_effects(agreement: pd.DataFrame) -> Iterator[Regression]:
    """One interaction model per set, of the base models that have both conditions."""
    trained = agreement[agreement["condition"].isin(list(TRAINING))]
    trained = trained.assign(**{TRAINED: trained["condition"].map(TRAINING)})
    conditions = trained.groupby(["set", "base_model"])[TRAINED].transform("nunique")
    trained = trained[conditions == len(TRAINING)]
    # Sets with the same base models share one model, and so one compilation.
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, rows in trained.groupby("set", sort=True):
        alike.setdefault(tuple(sorted(rows[BASE_MODEL].unique())), []).append(str(name))
    for base_models, sets in alike.items():
        rows = trained[trained["set"].isin(sets)]
        first = rows.loc[rows["set"] == sets[0], RESPONSE].to_numpy()
        spec = training_effect_model(first, several_base_models=len(base_models) > 1)
        data = rows[["set", RESPONSE, REPORTS, TRAINED, BASE_MODEL]]
        yield "training effect", spec, data, ("set",)


def _keys(fits: Fits, kind: str, names: Names) -> pd.DataFrame:
    """What each regression is about."""
    rows = []
    for label in fits.labels:
        if kind == "correlation":
            set_, condition, base_model = label
            row = {
                "condition": condition,
                "base_model": base_model,
                "experiment": names.experiment(set_, condition),
                "name": f"correlation_{set_}_{condition}_{base_model}",
                "fit": f"correlation {set_} / {condition} / {base_model}",
            }
        else:
            (set_,) = label
            row = {
                "condition": "",
                "base_model": "",
                "experiment": names.experiment(set_, INTROSPECTION_TRAINED),
                "name": f"training_effect_{set_}",
                "fit": f"training effect {set_}",
            }
        rows.append({"set": set_, "scenario": "", **row})
    return pd.DataFrame(rows)


def _judge(fits: Fits, keys: pd.DataFrame) -> pd.DataFrame:
    values = np.moveaxis(fits.draws.values, 3, 1)
    flat = summarise(values.reshape(-1, *values.shape[2:]))
    summaries = {name: figures.reshape(values.shape[:2]) for name, figures in flat.items()}
    return diagnose(fits, summaries, keys[["fit", "base_model", "set", "scenario"]])


Quantity = tuple[np.ndarray, dict[str, str]]


def _simple(fits: Fits, at: int, key: dict[str, str], names: Names) -> Iterator[Quantity]:
    """The three parameters of one report set's regression."""
    where = {"condition": key["condition"], "base_model": key["base_model"]}
    for parameter in (REPORTS, "Intercept", "sigma"):
        identifier = names.regression_id(key["set"], key["condition"], key["base_model"], parameter)
        yield fits.of(parameter)[at], {"id": identifier, "term": parameter, **where}


def _interaction(fits: Fits, at: int, key: dict[str, str], names: Names) -> Iterator[Quantity]:
    """Slopes of an interaction model, what training changes, and how base models differ."""
    data = fits.model.data
    base_models = sorted(map(str, data[BASE_MODEL].unique()))
    stem, everyone = names.training_effect(key["set"]), names.together(base_models)
    slopes = {}
    for condition, level in TRAINING.items():
        draws = fits.difference(at, *_unit_step(base_models, level))
        slopes[condition] = dict(zip(base_models, draws, strict=True))
    before, after = slopes[WEIGHT_TRAINED], slopes[INTROSPECTION_TRAINED]

    effects = {model: after[model] - before[model] for model in base_models}
    overall = np.mean(list(effects.values()), axis=0)
    both = f"{INTROSPECTION_TRAINED} - {WEIGHT_TRAINED}"
    yield (
        overall,
        {"id": stem, "term": CONTRAST, "condition": both, "base_model": everyone},
    )
    for condition, by_model in slopes.items():
        yield (
            np.mean(list(by_model.values()), axis=0),
            {
                "id": f"mean_slope_{stem}_{condition}",
                "term": "slope, mean over base models" if len(base_models) > 1 else "slope",
                "condition": condition,
                "base_model": everyone,
            },
        )
    if len(base_models) > 1:
        for model, draws in effects.items():
            identifier = f"effect_of_one_{stem}_{names.of_base_model(model)}"
            yield (
                draws,
                {"id": identifier, "term": CONTRAST, "condition": both, "base_model": model},
            )
    for first, second in combinations(base_models, 2):
        pair = f"{names.of_base_model(first)}-{names.of_base_model(second)}"
        differences = {
            **{
                condition: slopes[condition][first] - slopes[condition][second]
                for condition in slopes
            },
            both: effects[first] - effects[second],
        }
        for condition, draws in differences.items():
            suffix = "change" if condition == both else condition
            yield (
                draws,
                {
                    "id": f"difference_{stem}_{suffix}_{pair}",
                    "term": "slope: difference between base models",
                    "condition": condition,
                    "base_model": f"{first} - {second}",
                },
            )
    for parameter in fits.parameters:
        identifier = f"coefficient_{stem}_{parameter}"
        where = {"condition": "", "base_model": everyone}
        yield fits.of(parameter)[at], {"id": identifier, "term": parameter, **where}


def _unit_step(base_models: list[str], level: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictors whose linear predictors differ by the slope of the reports."""
    low = pd.DataFrame({REPORTS: 0.0, TRAINED: level, BASE_MODEL: base_models})
    return low.assign(**{REPORTS: 1.0}), low


def _table(collected: _Collected, settings: Settings) -> pd.DataFrame:
    if not collected.draws:
        return pd.DataFrame(columns=list(COLUMNS))
    draws = np.stack(collected.draws)
    summaries = summarise(draws, hdi_prob=settings.hdi_prob, rope=settings.rope)
    low, high = mcse_hdi(draws, settings.hdi_prob)
    frame = pd.DataFrame(collected.labels).assign(
        **{name: values for name, values in summaries.items() if name in COLUMNS},
        mcse_hdi_low=low,
        mcse_hdi_high=high,
    )
    return frame[list(COLUMNS)]


def _tree(fits: Fits, at: int, seed: int) -> xr.DataTree:
    posterior = {name: (("chain", "draw"), fits.of(name)[at]) for name in fits.parameters}
    return tree_of(
        fits,
        posterior,
        {},
        None,
        seed=seed,
        which=np.array([at]),
        attrs={"dataset": " / ".join(fits.labels[at]), "scale": "standardised"},
    )
