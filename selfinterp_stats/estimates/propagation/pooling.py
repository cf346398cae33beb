"""Weights pooled in part over scenarios, as an alternative to one fit for each.

The joint model without any report: how large slopes are, how much scenarios differ in that and how
weights spread below the largest is learned from all scenarios of a base model and set together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.agreement import agreement_of, pearson
from selfinterp_stats.estimates.propagation.choices import packed
from selfinterp_stats.estimates.propagation.joint import Posed, fit_joint
from selfinterp_stats.estimates.propagation.latent import LatentModel
from selfinterp_stats.estimates.propagation.sampling import chosen, random_keys
from selfinterp_stats.estimates.propagation.scenarios import LatentData, max_scaled
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.weights import BY, LARGEST_WEIGHT
from selfinterp_stats.inference.summary.summaries import summarise

if TYPE_CHECKING:
    import jax

    from selfinterp_stats.study import Study

    Array = jax.Array

DRAWS: Final = 2000


def pooled_weights(
    study: Study, separate: pd.DataFrame, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Max-scaled weights under partial pooling, beside those of separate fits.

    Parameters
    ----------
    study : Study
    separate : pandas.DataFrame
        As from `fit_weights`.
    settings : Settings

    Returns
    -------
    weights : pandas.DataFrame
        One row per base model, set, scenario and attribute: ``weight`` (separate, a whole
        number), ``pooled`` (posterior mean), ``sd``, ``hdi_low``, ``hdi_high``, +-100 scale;
        ``rhat``, ``ess_bulk``.
    summary : pandas.DataFrame
        ``base_model, set, condition, quantity, separate, pooled``: Pearson's r with the mean
        reports by condition, and the hyperparameters (of pooled weights alone).
    """
    model = LatentModel(len(study.attributes), ())
    frames, rows = [], []
    for (base_model, set_), choices in study.choices.groupby(["base_model", "set"], sort=True):
        labels, arrays = packed(choices, BY)
        posed = Posed((base_model, set_, "pooled"), np.arange(len(labels)), ())
        joint = fit_joint(model, labels, arrays, [posed], draws=DRAWS, seed=settings.seed)
        drawn = _weights(model, joint.values[0], joint.data[0], joint.slopes.slopes, settings.seed)
        frames.append(_table(labels, study.attributes, drawn, settings))
        found = summarise(np.moveaxis(joint.values[0], 2, 0), hdi_prob=settings.hdi_prob)
        rows += [
            {
                "base_model": base_model,
                "set": set_,
                "condition": "",
                "quantity": name,
                "separate": np.nan,
                "pooled": float(found["median"][i]),
                "hdi_low": float(found["hdi_low"][i]),
                "hdi_high": float(found["hdi_high"][i]),
                "rhat": float(found["rhat"][i]),
                "ess_bulk": float(found["ess_bulk"][i]),
            }
            for i, name in enumerate(model.parameters)
        ]
    keys = [*BY, "attribute"]
    pooled = pd.concat(frames, ignore_index=True)
    both = separate[[*keys, "attribute_name", "weight"]].merge(pooled, on=keys, how="inner")
    rows += _with_reports(study, both)
    return both, pd.DataFrame(rows)


def _weights(
    model: LatentModel, values: np.ndarray, data: LatentData, slopes: np.ndarray, seed: int
) -> np.ndarray:
    """Draws of the weights, (chain, draw, scenario, attribute)."""
    chains, length, size = values.shape
    theta = model.unconstrain(values.reshape(-1, size)).astype(np.float32)
    keys = random_keys(seed, len(theta), "pooled weights")
    weights = max_scaled(slopes)[0].astype(np.float32)
    drawn = np.asarray(_compiled(model)(keys, theta, data.astype(np.float32), weights), dtype=float)
    return drawn.reshape(chains, length, *drawn.shape[1:])


@lru_cache(maxsize=16)
def _compiled(model: LatentModel) -> Any:
    import jax
    import jax.numpy as jnp

    def one(key: Array, theta: Array, data: LatentData, weights: Array) -> Array:
        at = chosen(key, model.log_weights(theta, data))
        return jnp.take_along_axis(weights, at[:, None, None], axis=1)[:, 0]

    return jax.jit(
        lambda keys, theta, *about: jax.lax.map(lambda pair: one(*pair, *about), (keys, theta))
    )


def _table(
    labels: tuple[tuple[str, ...], ...],
    attributes: tuple[str, ...],
    drawn: np.ndarray,
    settings: Settings,
) -> pd.DataFrame:
    flat = LARGEST_WEIGHT * drawn.reshape(*drawn.shape[:2], -1).transpose(2, 0, 1)
    found = summarise(flat, hdi_prob=settings.hdi_prob)
    frame = pd.DataFrame([label for label in labels for _ in attributes], columns=list(BY))
    return frame.assign(
        attribute=list(attributes) * len(labels),
        pooled=found["mean"],
        sd=found["sd"],
        **{name: found[name] for name in ("hdi_low", "hdi_high", "rhat", "ess_bulk")},
    )


def _with_reports(study: Study, both: pd.DataFrame) -> list[dict[str, Any]]:
    """Pearson's r with the mean reports, of separate and of pooled weights."""
    by_kind: dict[str, Mapping[tuple[str, ...], float]] = {}
    for kind, name in (("separate", "weight"), ("pooled", "pooled")):
        rows = agreement_of(both.assign(weight=both[name].astype(float)), study)
        by_kind[kind] = {
            key: pearson(own["standardized_reports"], own["standardized_b"])
            for key, own in rows.groupby(["base_model", "set", "condition"])
        }
    return [
        {
            **dict(zip(("base_model", "set", "condition"), key, strict=True)),
            "quantity": "correlation with mean reports",
            "separate": r,
            "pooled": by_kind["pooled"].get(key, np.nan),
        }
        for key, r in by_kind["separate"].items()
    ]
