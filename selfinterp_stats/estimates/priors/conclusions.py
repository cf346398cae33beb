"""Every conclusion of the paper, from the weights that each set of priors gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.numbers import QUANTITIES
from selfinterp_stats.estimates.priors.judged import ALPHAS, COMPONENTS, Judgement, doubling
from selfinterp_stats.estimates.sensitivity.arrays import Weighed, weighed_of
from selfinterp_stats.estimates.sensitivity.conclusions import (
    REFERENCES,
    Case,
    Conclusion,
    conclusions_of,
    estimate,
)
from selfinterp_stats.estimates.sensitivity.specifications import NOBODY
from selfinterp_stats.estimates.sensitivity.specifications import PAPER as PAPERS_ANALYSIS
from selfinterp_stats.estimates.weights import scaled_weights
from selfinterp_stats.models.prior_sets import PAPER

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

COLUMNS: Final = (
    "prior",
    "id",
    "median",
    "hdi_low",
    "hdi_high",
    "change",
    "change_same_scenarios",
    "n",
    "left_out",
    "flips_sign",
    "hdi_reaches_zero",
    "per_doubling_prior",
    "per_doubling_likelihood",
    "power_scaling_k",
    "section",
    "quantity",
    "base_model",
    "kind",
    "reference",
)
# What is estimated of each set: itself, the paper's priors on its scenarios, and the set with prior
# or likelihood raised to a power.
_OWN: Final = "own"
_SAME: Final = "the paper's on the same scenarios"


def conclusions_under(
    study: Study,
    labels: pd.DataFrame,
    means: Mapping[str, np.ndarray],
    judgements: Mapping[str, Judgement],
    prob: float,
    names: Names,
) -> pd.DataFrame:
    """Estimate every conclusion under every set of priors.

    Parameters
    ----------
    study : Study
    labels : pandas.DataFrame
        ``base_model, set, scenario``.
    means : mapping of str to (scenario, slope) array
        Posterior means of the weights by set of priors, logit scale; the paper's among them.
    judgements : mapping of str to Judgement
    prob : float
        Of the HDIs.
    names : Names

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`. ``change``: from the paper's priors; ``change_same_scenarios``: from the paper's
        priors on those scenarios that have a posterior here; ``left_out``: scenarios without one;
        ``per_doubling_*``: how much the estimate changes per doubling of the power of prior or
        likelihood, with the worst Pareto k of its scenarios.

    Raises
    ------
    InputError
        The study holds none of the paper's conclusions.
    """
    weighed = weighed_of(study, *_as_tables(study, labels, means[PAPER]))
    conclusions = conclusions_of(weighed, names)
    if not conclusions:
        raise InputError(
            "the study holds none of the paper's conclusions",
            file=study.source,
            allowed="native choices, or instilled choices with target weights or reports",
        )
    places = _places(weighed, labels)
    variants = {
        (prior, variant): {key: one.with_means(values[places[key]]) for key, one in weighed.items()}
        for prior in means
        for variant, values in _variants(means[prior], means[PAPER], judgements[prior]).items()
    }
    nobody = np.array([NOBODY], dtype=object)
    cases = [
        Case(_of(conclusion, these), PAPERS_ANALYSIS, nobody)
        for these in variants.values()
        for conclusion in conclusions
    ]
    found = estimate(cases, prob)
    values = np.stack([found.estimate, found.low, found.high, found.n])
    values = values.reshape(4, len(variants), len(conclusions))
    at = {key: values[:, place] for place, key in enumerate(variants)}
    rows = [
        _row(prior, place, conclusion, at, labels, means[prior], judgements[prior])
        for prior in means
        for place, conclusion in enumerate(conclusions)
    ]
    return pd.DataFrame(rows)[list(COLUMNS)]


def _variants(own: np.ndarray, papers: np.ndarray, judgement: Judgement) -> dict[Any, np.ndarray]:
    return {
        _OWN: own,
        _SAME: np.where(np.isnan(own), np.nan, papers),
        **{key: own + shift for key, shift in judgement.shifts.items()},
    }


def _as_tables(
    study: Study, labels: pd.DataFrame, means: np.ndarray
) -> tuple[pd.DataFrame, dict[tuple[str, str, str], float]]:
    """Weights and intercepts as `weighed_of` wants them; no conclusion here needs the latter."""
    k = len(study.attributes)
    table = labels.loc[labels.index.repeat(k)].reset_index(drop=True)
    table["attribute"] = np.tile(study.attributes, len(labels))
    table["mean"] = means.ravel()
    table["weight"] = scaled_weights(means).ravel()
    keys = labels[["base_model", "set", "scenario"]].itertuples(index=False, name=None)
    return table, dict.fromkeys(keys, 0.0)


def _places(
    weighed: Mapping[tuple[str, str], Weighed], labels: pd.DataFrame
) -> dict[tuple[str, str], np.ndarray]:
    """Where the scenarios of each base model and set are among all."""
    keys = pd.MultiIndex.from_frame(labels[["base_model", "set", "scenario"]])
    return {
        key: keys.get_indexer(pd.MultiIndex.from_product([[key[0]], [key[1]], one.scenarios]))
        for key, one in weighed.items()
    }


def _of(conclusion: Conclusion, weighed: Mapping[tuple[str, str], Weighed]) -> Conclusion:
    own = tuple(weighed[one.base_model, one.set] for one in conclusion.weighed)
    return replace(conclusion, weighed=own)


def _row(
    prior: str,
    place: int,
    conclusion: Conclusion,
    at: Mapping[Any, np.ndarray],
    labels: pd.DataFrame,
    means: np.ndarray,
    judgement: Judgement,
) -> dict[str, Any]:
    middle, low, high, n = at[prior, _OWN][:, place]
    papers = at[PAPER, _OWN][0, place]
    reference = REFERENCES[conclusion.kind]
    section, quantity, _ = QUANTITIES[conclusion.stem]
    cells = {(one.base_model, one.set) for one in conclusion.weighed}
    inside = np.array(
        [key in cells for key in zip(labels["base_model"], labels["set"], strict=True)]
    )
    known = np.isfinite(middle)
    return {
        "prior": prior,
        "id": conclusion.id,
        "median": middle,
        "hdi_low": low,
        "hdi_high": high,
        "change": middle - papers,
        "change_same_scenarios": middle - at[prior, _SAME][0, place],
        "n": int(n) if np.isfinite(n) else 0,
        "left_out": int(np.isnan(means[inside]).any(axis=1).sum()),
        "flips_sign": _yes((middle - reference) * (papers - reference) < 0, known),
        "hdi_reaches_zero": _yes(low <= reference <= high, np.isfinite(low)),
        **{f"per_doubling_{name}": _per_doubling(name, prior, place, at) for name in COMPONENTS},
        "power_scaling_k": max(
            float(np.nanmax(judgement.scaling_k[name][inside], initial=0)) for name in COMPONENTS
        ),
        "section": section,
        "quantity": quantity,
        "base_model": conclusion.base_model,
        "kind": conclusion.kind,
        "reference": reference,
    }


def _per_doubling(component: str, prior: str, place: int, at: Mapping[Any, np.ndarray]) -> float:
    return doubling({alpha: at[prior, (component, alpha)][0, place] for alpha in ALPHAS})


def _yes(holds: bool, known: bool) -> str:
    return ("yes" if holds else "no") if known else ""
