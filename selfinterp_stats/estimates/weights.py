"""Stage 1: the weights behind the choices, for every scenario of every set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.diagnostics import diagnose
from selfinterp_stats.estimates.results import CHAINS, Settings
from selfinterp_stats.inference.fit import Fits, fit_datasets
from selfinterp_stats.inference.posterior import tree_of
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.models import ModelSpec, weights_model

if TYPE_CHECKING:
    import xarray as xr

    from selfinterp_stats.inference.settings import Engine, Progress
    from selfinterp_stats.study import Study

BY: Final = ("base_model", "set", "scenario")
LARGEST_WEIGHT: Final = 100
COLUMNS: Final = (
    *BY,
    "attribute",
    "attribute_name",
    "mean",
    "median",
    "sd",
    "hdi_low",
    "hdi_high",
    "ess_bulk",
    "ess_tail",
    "rhat",
    "mcse_mean",
    "pareto_k",
    "engine",
    "weight",
    "eti_low",
    "eti_high",
    "pd",
    "rope_share",
    "mcse_median",
    "mcse_sd",
    "n",
    "all_same_choice",
    "prior",
    "ok",
)


@dataclass(frozen=True)
class Weights:
    """Fitted weights of a study.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per base model, set, scenario and attribute, on the logit scale; ``weight`` is
        the posterior mean on the +-100 scale.
    posteriors : dict of str to xarray.DataTree
        ``weights_{base model}_{set}``: ``weight`` (chain, draw, scenario, attribute) and
        ``intercept`` (chain, draw, scenario), on the logit scale.
    diagnostics : pandas.DataFrame
        One row per scenario.
    """

    table: pd.DataFrame
    posteriors: dict[str, xr.DataTree]
    diagnostics: pd.DataFrame


def fit_weights(
    study: Study,
    *,
    engine: Engine | None = None,
    draws: int | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    spec: ModelSpec | None = None,
    progress: Progress | None = None,
) -> Weights:
    """Fit the paper's logistic regression to every scenario of a study.

    Parameters
    ----------
    study : Study
        Its choices are what is fitted.
    engine, draws, seed
        As in `Settings`, for short, in place of `settings`.
    settings : Settings, optional
        Engine, draws, seed, ROPE, probability of HDIs, and where the work is done.
    spec : ModelSpec, optional
        Another model of ``chose_a`` with the predictors ``d1``, ``d2``, ...; the paper's
        (`weights_model`) unless given.
    progress : callable, optional
        Called with the number of scenarios that have just been finished and their effective
        draws.

    Returns
    -------
    Weights
        Slopes on the logit scale: the change in the log-odds of option A when the options'
        difference in an attribute grows by that attribute's whole range.

    Raises
    ------
    InputError
        The options never differ in an attribute, the engine is unknown, a number of draws
        cannot be, or `settings` and what is short for them are both given.
    ServiceError
        A cluster was named and does not answer.

    References
    ----------
    Plunkett, Morris, Reddy & Morales (2025), arXiv:2505.17120, Experiment 1 (the model). Vehtari,
    Simpson, Gelman, Yao & Gabry (2024), JMLR 25(72) (Pareto k of the importance engine). Hoffman &
    Gelman (2014), JMLR 15 (No-U-Turn sampler).

    Examples
    --------
    >>> from selfinterp_stats import fit_weights, load_study
    >>> weights = fit_weights(load_study("study"), draws=1000, seed=1)
    >>> print(weights.table.loc[:2, ["scenario", "attribute_name"]].to_string(index=False))
    scenario attribute_name
    bookcase    shelf_count
    bookcase load_per_shelf
    bookcase    shelf_depth
    >>> weights.table["weight"].abs().groupby(weights.table["scenario"]).max().unique().tolist()
    [100]
    >>> posterior = weights.posteriors["weights_model-a_native"]["posterior"]
    >>> dict(posterior["weight"].sizes)
    {'chain': 4, 'draw': 250, 'scenario': 6, 'attribute': 3}
    """
    settings = _settings(settings, engine=engine, draws=draws, seed=seed)
    k = len(study.attributes)
    predictors = [f"d{i}" for i in range(1, k + 1)]
    spec = spec or weights_model(k)
    refuse_constant(study, predictors)
    fits = fit_datasets(
        spec,
        study.choices[[*BY, "chose_a", *predictors]].astype({"chose_a": int}),
        BY,
        Sampling(settings.engine, CHAINS, settings.draws, settings.seed),
        progress,
        running=settings.running,
        summary={"hdi_prob": settings.hdi_prob, "rope": settings.rope},
    )
    order = [fits.parameters.index(name) for name in (*predictors, "Intercept")]
    summaries = {name: values[:, order] for name, values in fits.summaries.items()}
    slopes = np.stack([fits.of(name) for name in predictors], axis=1)
    names = pd.DataFrame(list(fits.labels), columns=list(BY))
    names.insert(0, "fit", ["weights " + " / ".join(label) for label in fits.labels])
    diagnostics = diagnose(fits, summaries, names)
    return Weights(
        table=_table(study, fits, summaries, diagnostics),
        posteriors=_posteriors(study, fits, slopes, settings),
        diagnostics=diagnostics,
    )


def _settings(settings: Settings | None, **short: Any) -> Settings:
    """The settings, or the usual ones but for what is given in short."""
    given = {name: value for name, value in short.items() if value is not None}
    if settings is None:
        return Settings(**given)
    if given:
        raise InputError(
            "what settings hold is given a second time",
            value=", ".join(given),
            remedy="Give it in `settings`, or leave `settings` out.",
        )
    return settings


def refuse_constant(study: Study, predictors: list[str]) -> None:
    """Refuse an attribute in which no two options ever differ: nothing speaks of its weight."""
    for attribute, predictor in zip(study.attributes, predictors, strict=True):
        if study.choices[predictor].nunique() < 2:
            raise InputError(
                "the two options never differ in an attribute, so it has no weight to estimate",
                file=study.source,
                column=attribute,
                remedy="Take the attribute out of the study.",
            )


def scaled_weights(means: np.ndarray) -> np.ndarray:
    """Posterior means on the paper's scale: the largest of a scenario is +-100.

    Parameters
    ----------
    means : (scenario, attribute) array
        Logit scale.

    Returns
    -------
    (scenario, attribute) array of whole numbers, missing for a scenario whose fit is not finite
    """
    largest = np.abs(means).max(axis=1, keepdims=True)
    return np.round(LARGEST_WEIGHT * means / np.where(largest > 0, largest, 1))


def _table(
    study: Study, fits: Fits, summaries: dict[str, np.ndarray], diagnostics: pd.DataFrame
) -> pd.DataFrame:
    k = len(study.attributes)
    keys = pd.DataFrame(list(fits.labels), columns=list(BY))
    shares = study.choices.groupby(list(BY), sort=True)["chose_a"].mean()
    per_scenario = keys.assign(
        pareto_k=diagnostics["pareto_k"],
        engine=fits.engines,
        n=fits.rows,
        all_same_choice=shares.isin([0.0, 1.0]).to_numpy(),
        prior=fits.spec.describe_priors(),
        ok=diagnostics["ok"],
    )
    table = per_scenario.loc[per_scenario.index.repeat(k)].reset_index(drop=True)
    table["attribute"] = np.tile(study.attributes, len(keys))
    for name, values in summaries.items():
        if name in COLUMNS:
            table[name] = values[:, :k].ravel()
    scaled = scaled_weights(summaries["mean"][:, :k]).ravel()
    table["weight"] = pd.array(scaled, dtype="Int64" if np.isnan(scaled).any() else "int64")
    table = table.merge(study.attribute_names, on=["scenario", "attribute"], how="left")
    return table[list(COLUMNS)]


def _posteriors(
    study: Study, fits: Fits, slopes: np.ndarray, settings: Settings
) -> dict[str, xr.DataTree]:
    keys = pd.DataFrame(list(fits.labels), columns=list(BY))
    trees = {}
    for (base_model, name), group in keys.groupby(["base_model", "set"], sort=True):
        which = group.index.to_numpy()
        trees[f"weights_{base_model}_{name}"] = tree_of(
            fits,
            {
                "weight": (
                    ("chain", "draw", "scenario", "attribute"),
                    slopes[which].transpose(2, 3, 0, 1),
                ),
                "intercept": (
                    ("chain", "draw", "scenario"),
                    np.moveaxis(fits.of("Intercept")[which], 0, 2),
                ),
            },
            {"scenario": group["scenario"].tolist(), "attribute": list(study.attributes)},
            "scenario",
            seed=settings.seed,
            which=which,
            attrs={"base_model": base_model, "set": name, "scale": "logit"},
        )
    return trees
