"""Which standardised regressions a study calls for, and their fits."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from selfinterp_stats.estimates.agreement import CELL
from selfinterp_stats.estimates.results import CHAINS, Settings
from selfinterp_stats.inference.fit import Fits, prepare_groups, sample
from selfinterp_stats.inference.settings import Running, Sampling
from selfinterp_stats.models import ModelSpec, correlation_model, training_effect_model
from selfinterp_stats.models.regressions import BASE_MODEL, REPORTS, RESPONSE, TRAINED
from selfinterp_stats.study.study import INTROSPECTION_TRAINED, WEIGHT_TRAINED

if TYPE_CHECKING:
    from selfinterp_stats.inference.settings import Progress

TRAINING: Final = {WEIGHT_TRAINED: "FALSE", INTROSPECTION_TRAINED: "TRUE"}


@dataclass(frozen=True)
class Regression:
    """One model and the rows it is fitted to, set by set.

    Attributes
    ----------
    spec : ModelSpec
    data : pandas.DataFrame
    by : tuple of str
        What tells the datasets apart.
    contrasts : bool
        Whether training effects are read from it; else a single correlation.
    """

    spec: ModelSpec
    data: pd.DataFrame
    by: tuple[str, ...]
    contrasts: bool


def regressions(agreement: pd.DataFrame) -> list[Regression]:
    """All regressions of a study.

    Parameters
    ----------
    agreement : pandas.DataFrame
        As from `agreement_of`.
    """
    return [*_correlations(agreement), *_training_effects(agreement)]


def fit_regressions(
    agreement: pd.DataFrame, settings: Settings, progress: Progress | None
) -> list[tuple[Regression, Fits]]:
    """Fit them, models of different shape side by side."""
    # 64-bit floats: a log-likelihood of thousands of rows has too few digits left in 32.
    sampling = Sampling(settings.engine, CHAINS, settings.regression_draws, settings.seed, x64=True)
    wanted = regressions(agreement)
    here = Running(device=settings.running.device)
    prepared = [prepare_groups(one.spec, one.data, one.by, sampling) for one in wanted]
    with ThreadPoolExecutor() as pool:
        # PyMC runs processes of its own, one dataset after the other.
        run = map if settings.engine == "bambi" else pool.map
        fitted = list(run(lambda one: sample(one, sampling, progress, running=here), prepared))
    return list(zip(wanted, fitted, strict=True))


def _correlations(agreement: pd.DataFrame) -> Iterator[Regression]:
    """One regression per report set and base model."""
    if len(agreement):
        by = ("set", "condition", "base_model")
        yield Regression(correlation_model(), agreement[[*by, RESPONSE, REPORTS]], by, False)


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
        rows = trained.loc[
            trained["set"].isin(sets), ["set", RESPONSE, REPORTS, TRAINED, BASE_MODEL]
        ]
        spec = training_effect_model(several_base_models=len(base_models) > 1)
        yield Regression(spec, rows, ("set",), True)


def number_of_fits(agreement: pd.DataFrame) -> int:
    """How many datasets all regressions have together."""
    cells = agreement[list(CELL)].drop_duplicates() if len(agreement) else agreement
    sets = (one.data["set"].nunique() for one in _training_effects(agreement))
    return len(cells) + sum(sets)
