"""Do the models describe the data? Posterior predictive checks and LOO-PIT.

Simulated data show whether fits are right if the model is; these checks are of the model. They are
reported and not passed or failed: a regression of bounded weights on reports is an approximation
whose faults a reader should see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, ndtr

from selfinterp_stats.estimates.agreement import agreement_of
from selfinterp_stats.estimates.calibration.table import LOO_PIT, PREDICTIVE, Row
from selfinterp_stats.estimates.calibration.uniformity import FEWEST, uniformity
from selfinterp_stats.estimates.results import CHAINS, Settings
from selfinterp_stats.estimates.weights import Weights, fit_weights
from selfinterp_stats.inference.engines.pareto import GOOD_K, smoothed
from selfinterp_stats.inference.fit import fit_datasets
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.models import correlation_model
from selfinterp_stats.models.regressions import REPORTS, RESPONSE

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

# Draws of each posterior that are looked at, and to how many ranks a PIT is rounded.
USED: Final = 1000
RANKED: Final = 100
REPLICATED: Final = 200
BINS: Final = ((0.5, 0.7), (0.7, 0.9), (0.9, 1.0))
_KEYS: Final = ("base_model", "set", "condition")


def predictive_rows(study: Study, settings: Settings) -> Iterator[Row]:
    """Checks of both stages on a study's data.

    Parameters
    ----------
    study : Study
    settings : Settings
    """
    weights = fit_weights(study, settings=settings)
    rng = np.random.default_rng([settings.seed, 6])
    yield from _of_choices(study, weights, rng)
    yield from _of_regressions(agreement_of(weights.table, study), settings, rng)


def _of_choices(study: Study, weights: Weights, rng: np.random.Generator) -> Iterator[Row]:
    columns = [f"d{i}" for i in range(1, len(study.attributes) + 1)]
    for tree in weights.posteriors.values():
        about = tree.attrs or tree["posterior"].attrs
        cell = (str(about["base_model"]), str(about["set"]))
        posterior = tree["posterior"]
        chosen = study.choices
        chosen = chosen[(chosen["base_model"] == cell[0]) & (chosen["set"] == cell[1])]
        by_scenario = {str(name): rows for name, rows in chosen.groupby("scenario")}
        slopes = _thinned(posterior["weight"].transpose("scenario", "chain", "draw", ...).values)
        intercepts = _thinned(posterior["intercept"].transpose("scenario", ...).values)
        parts = []
        for place, name in enumerate(posterior["scenario"].to_series().astype(str)):
            rows = by_scenario[name]
            eta = rows[columns].to_numpy(float) @ slopes[place].T + intercepts[place]
            parts.append((rows["chose_a"].to_numpy(bool), expit(eta)))
        yield from _choices_cell(f"weights: {' / '.join(cell)}", parts, rng)


def _choices_cell(
    model: str, parts: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator
) -> Iterator[Row]:
    """Checks of one base model and set; `parts` are choices and draws of P(A), by scenario."""
    about = {"check": PREDICTIVE, "model": model, "n": sum(len(y) for y, _ in parts)}
    statistics = {"share of A": _share_of_a, "sd over scenarios of the share of A": _sd_of_shares}
    for name, statistic in statistics.items():
        seen = statistic([y for y, _ in parts])
        draws = rng.integers(parts[0][1].shape[1], size=REPLICATED)
        again = np.array(
            [statistic([rng.random(len(y)) < p[:, draw] for y, p in parts]) for draw in draws]
        )
        yield {**about, **_beside_replicates(seen, again), "quantity": "choices", "statistic": name}
    left_out = [_without_each(y, p) for y, p in parts]
    probability = np.concatenate([p for p, _ in left_out])
    outcome = np.concatenate([y for y, _ in parts])
    yield from _calibration(about, probability, outcome)
    fewest = min(len(y) for y, _ in parts)
    # The PIT of a choice is a step: a uniform number on the step makes it continuous.
    pits = [
        np.where(y, 1 - p, 0) + rng.random(len(y)) * np.where(y, p, 1 - p)
        for (y, _), (p, _) in zip(parts, left_out, strict=True)
    ]
    k = np.concatenate([k for _, k in left_out])
    yield _pit_row(model, "choices", np.stack([pit[:fewest] for pit in pits]), k)


def _share_of_a(choices: list[np.ndarray]) -> float:
    return float(np.mean(np.concatenate(choices)))


def _sd_of_shares(choices: list[np.ndarray]) -> float:
    return float(np.std([one.mean() for one in choices]))


def _without_each(chose_a: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(A) of each trial from all others, and Pareto k."""
    held = np.clip(p, 1e-12, 1 - 1e-12)
    weights, k = left_out_weights(np.log(np.where(chose_a[:, None], held, 1 - held)))
    return (weights * p).sum(axis=1), k


def left_out_weights(log_likelihood: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of posterior draws that leave each observation out.

    Leaving an observation out divides the posterior by its likelihood, so that draws weighted by
    one over it, Pareto-smoothed, are draws without it (Vehtari, Gelman & Gabry 2017,
    doi:10.1007/s11222-016-9696-4).

    Parameters
    ----------
    log_likelihood : (observation, draw) array

    Returns
    -------
    weights : (observation, draw) array
        Each row sums to one.
    k : (observation,) array
        Pareto shape of the ratios' tail; missing where they do not vary.
    """
    log_weights, k = smoothed(-log_likelihood)
    return np.exp(log_weights), k


def as_ranks(pit: np.ndarray, draws: int) -> np.ndarray:
    """Probability integral transforms as ranks 0..draws, for the test that ranks have."""
    return np.minimum((pit * (draws + 1)).astype(int), draws)


def _calibration(about: Row, probability: np.ndarray, chose_a: np.ndarray) -> Iterator[Row]:
    """How often the likelier option was chosen, by how likely it was said to be."""
    likelier = np.maximum(probability, 1 - probability)
    hit = np.where(probability >= 0.5, chose_a, ~chose_a)
    for low, high in BINS:
        inside = (likelier >= low) & ((likelier < high) | (high == 1.0))
        n = int(inside.sum())
        if not n:
            continue
        interval = stats.binomtest(int(hit[inside].sum()), n).proportion_ci(method="wilson")
        expected = float(likelier[inside].mean())
        sd = np.sqrt((likelier[inside] * (1 - likelier[inside])).sum())
        away = (hit[inside].sum() - likelier[inside].sum()) / sd
        yield {
            **about,
            "quantity": "choices",
            "statistic": f"likelier option chosen, LOO probability {low:g} to {high:g}",
            "value": float(hit[inside].mean()),
            "expected": expected,
            "low": interval.low,
            "high": interval.high,
            "p_value": float(2 * stats.norm.sf(abs(away))),
            "n": n,
        }


def _of_regressions(
    agreement: pd.DataFrame, settings: Settings, rng: np.random.Generator
) -> Iterator[Row]:
    fits = fit_datasets(
        correlation_model(),
        agreement[[*_KEYS, RESPONSE, REPORTS]],
        list(_KEYS),
        Sampling(settings.engine, CHAINS, settings.draws, settings.seed, x64=True),
    )
    draws = {name: _thinned(fits.of(name)) for name in fits.parameters}
    grouped = agreement.groupby(list(_KEYS), sort=True)
    for place, label in enumerate(fits.labels):
        rows = grouped.get_group(label)
        y = rows[RESPONSE].to_numpy(float)
        mean = draws["Intercept"][place] + np.outer(rows[REPORTS], draws[REPORTS][place])
        sigma = draws["sigma"][place]
        yield from _regression_cell(f"correlation: {' / '.join(label)}", rows, y, mean, sigma, rng)


def _regression_cell(
    model: str,
    rows: pd.DataFrame,
    y: np.ndarray,
    mean: np.ndarray,
    sigma: np.ndarray,
    rng: np.random.Generator,
) -> Iterator[Row]:
    z = (y[:, None] - mean) / sigma
    weights, k = left_out_weights(-0.5 * z**2 - np.log(sigma))
    pit = (weights * ndtr(z)).sum(axis=1)
    scenarios = rows.groupby("scenario", sort=True).indices.values()
    fewest = min(map(len, scenarios))
    yield _pit_row(model, "weights", np.stack([pit[at[:fewest]] for at in scenarios]), k)
    draws = rng.integers(mean.shape[1], size=REPLICATED)
    again = mean[:, draws] + sigma[draws] * rng.standard_normal((len(y), REPLICATED))
    # The weights' own scale ends at +-100, on the standardised one at the outermost values.
    low, high = y.min(), y.max()
    about = {"check": PREDICTIVE, "model": model, "quantity": "weights", "n": len(y)}
    for name, seen, copies in (
        ("standard deviation", y.std(), again.std(axis=0)),
        ("kurtosis", stats.kurtosis(y), stats.kurtosis(again, axis=0)),
        ("share beyond the data's ends", 0.0, ((again < low) | (again > high)).mean(axis=0)),
    ):
        yield {**about, **_beside_replicates(float(seen), copies), "statistic": name}


def _beside_replicates(seen: float, again: np.ndarray) -> Row:
    """A statistic of the data beside its 95% interval over replicates."""
    away = abs(seen - again.mean()) / again.std(ddof=1)
    return {
        "value": seen,
        "expected": float(again.mean()),
        "low": float(np.quantile(again, 0.025)),
        "high": float(np.quantile(again, 0.975)),
        "p_value": float(2 * stats.norm.sf(away)),
        "note": "interval: 95% of posterior predictive replicates; p: from a normal around them",
    }


def _pit_row(model: str, quantity: str, pit: np.ndarray, k: np.ndarray) -> Row:
    about = {
        "check": LOO_PIT,
        "model": model,
        "quantity": quantity,
        "statistic": "smooth test",
        "n": len(pit),
    }
    if len(pit) < FEWEST:
        return {**about, "note": f"left out: a test needs {FEWEST} scenarios"}
    found = uniformity(as_ranks(pit, RANKED), RANKED)
    bad = int((k > GOOD_K).sum())
    return {
        **about,
        "value": found.statistic,
        "expected": 1.0,
        "p_value": found.p_value,
        "shift": found.shift,
        "spread": found.spread,
        "note": f"Pareto k above {GOOD_K} at {bad} of {len(k)} observations; n counts scenarios",
    }


def _thinned(values: np.ndarray) -> np.ndarray:
    """Some `USED` draws of (dataset, chain, draw, ...) as (dataset, draw, ...)."""
    flat = values.reshape(len(values), -1, *values.shape[3:])
    return np.asarray(flat[:, :: max(1, flat.shape[1] // USED)])
