"""How often the three estimators' HDIs hold a correlation that a study was drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.propagation.carried import (
    Pooled,
    Predicted,
    imputations,
    pooled,
    regressed,
)
from selfinterp_stats.estimates.propagation.choices import packed
from selfinterp_stats.estimates.propagation.joint import Posed, fit_joint
from selfinterp_stats.estimates.propagation.latent import LatentModel
from selfinterp_stats.estimates.propagation.scenarios import Reported, max_scaled
from selfinterp_stats.estimates.propagation.simulated import (
    SimulatedDesign,
    SimulatedStudy,
    draw_study,
    joined_choices,
)
from selfinterp_stats.estimates.results import CHAINS
from selfinterp_stats.inference.engines.seeds import key_data
from selfinterp_stats.inference.fit import fit_datasets
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models import weights_model

ESTIMATORS: Final = ("plug_in", "carried_through", "latent")
BY: Final = ("study", "scenario")
# Draws of each scenario's weights under the paper's prior, of the joint model's parameters and
# from each imputation; and imputations of each study.
STAGE_1: Final = 400
JOINT: Final = 2000
PARTICLES: Final = (200, 400)
IMPUTED: Final = 100
EACH: Final = 400


def interval_coverage(
    studies: Sequence[str],
    design: SimulatedDesign | None = None,
    *,
    seed: int = 0,
    particles: tuple[int, int] = PARTICLES,
) -> pd.DataFrame:
    """Simulate studies from the joint model's prior and estimate their correlations three ways.

    Parameters
    ----------
    studies : sequence of str
        Names; they and the seed settle what is drawn. All are in memory at once.
    design : SimulatedDesign, optional
    seed : int
    particles : (int, int)
        As for `fit_joint`.

    Returns
    -------
    pandas.DataFrame
        One row per study, condition and estimator: ``study, condition, estimator, truth, median,
        hdi_low, hdi_high, covered, rhat, ess_bulk, pareto_k``. ``truth`` is the latent
        correlation that the prior gave; the HDIs have 95%.
    """
    design = design or SimulatedDesign()
    drawn = [draw_study(design, seed, name) for name in studies]
    rows = [
        *_latent(studies, drawn, design, seed, particles),
        *_two_stages(studies, drawn, design, seed),
    ]
    frame = pd.DataFrame(rows)
    frame["covered"] = (frame["hdi_low"] <= frame["truth"]) & (frame["truth"] <= frame["hdi_high"])
    return frame.sort_values(["study", "condition", "estimator"], ignore_index=True)


def _latent(
    names: Sequence[str],
    drawn: Sequence[SimulatedStudy],
    design: SimulatedDesign,
    seed: int,
    particles: tuple[int, int],
) -> list[dict[str, Any]]:
    labels, choices = packed(joined_choices(drawn), BY)
    model = LatentModel(design.attributes, (True,) * design.conditions)
    posed = [
        Posed((name,), _places(labels, name), one.reported)
        for name, one in zip(names, drawn, strict=True)
    ]
    joint = fit_joint(model, labels, choices, posed, draws=JOINT, seed=seed, particles=particles)
    rows = []
    for at, (name, one) in enumerate(zip(names, drawn, strict=True)):
        for c, truth in enumerate(one.correlations):
            found = {
                figure: float(value[0])
                for figure, value in summarise(joint.of(f"rho[{c}]", at)[None]).items()
            }
            rows.append(_row(name, c, "latent", truth, found, float(joint.pareto_k[at])))
    return rows


def _places(labels: Sequence[tuple[str, ...]], study: str) -> np.ndarray:
    return np.flatnonzero([label[0] == study for label in labels])


def _two_stages(
    names: Sequence[str], drawn: Sequence[SimulatedStudy], design: SimulatedDesign, seed: int
) -> list[dict[str, Any]]:
    fits = fit_datasets(
        weights_model(design.attributes),
        joined_choices(drawn),
        BY,
        Sampling("importance", draws=STAGE_1, seed=seed),
    )
    slopes = np.stack([fits.of(f"d{i + 1}") for i in range(design.attributes)], axis=-1)
    rows = []
    for name, one in zip(names, drawn, strict=True):
        own = np.moveaxis(slopes[_places(fits.labels, name)], 0, 2).astype(float)
        weights = {
            "plug_in": max_scaled(own.mean(axis=(0, 1)))[0][None],
            "carried_through": imputations(own, IMPUTED),
        }
        for c, truth in enumerate(one.correlations):
            for estimator, of in weights.items():
                random = np.random.default_rng(key_data(seed, "stage 2", name, str(c), estimator))
                result = _correlation(one.reported[c], of, random)
                rows.append(_row(name, c, estimator, truth, _figures(result), float("nan")))
    return rows


def _correlation(reported: Reported, weights: np.ndarray, random: np.random.Generator) -> Pooled:
    means = reported.means
    predicted = Predicted((means - means.mean()) / means.std(ddof=1), np.arange(len(means)))
    return pooled(
        regressed([(predicted, weights)], [1.0]),
        correlation=True,
        draws=EACH if len(weights) > 1 else EACH * CHAINS,
        random=random,
    )


def _figures(result: Pooled) -> dict[str, float]:
    found = {name: float(value[0]) for name, value in summarise(result.draws[None]).items()}
    return {**found, "rhat": result.rhat, "ess_bulk": result.ess_bulk}


def _row(
    study: str, condition: int, estimator: str, truth: float, found: dict[str, float], k: float
) -> dict[str, Any]:
    figures = ("median", "hdi_low", "hdi_high", "rhat", "ess_bulk")
    return {
        "study": study,
        "condition": condition,
        "estimator": estimator,
        "truth": float(truth),
        **{name: found[name] for name in figures},
        "pareto_k": k,
    }
