"""What is asked of a posterior besides its estimates: how it predicts, and what moves it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.posterior import Posterior
from selfinterp_stats.inference.engines.pareto import smoothed
from selfinterp_stats.inference.running.devices import cores

# As many draws leave an elpd an error of a hundredth of its own standard error.
DRAWS: Final = 1000
# Powers of prior and likelihood, a little below and above one (Kallioinen et al.'s choice for
# importance sampling that stays near).
ALPHAS: Final = (0.8, 1.25)
# Kallioinen et al.: above it, a prior (or likelihood) is taken to inform the posterior.
SENSITIVE: Final = 0.05
COMPONENTS: Final = ("prior", "likelihood")
# Scenarios that a thread works on at a time: their draws fit the CPU's cache.
_TOGETHER: Final = 10


@dataclass(frozen=True)
class Judgement:
    """Leave-one-out prediction and power-scaling, scenario by scenario.

    Attributes
    ----------
    elpd : (choice,) array
        Expected log predictive density of each choice given the others of its scenario.
    loo_k : (choice,) array
        Pareto k of each.
    p_loo : (choice,) array
        How much better each is predicted where it was itself fitted: effective parameters.
    sensitivity : dict of str to (scenario, slope) array
        Of prior and likelihood, `COMPONENTS`.
    scaling_k : dict of str to (scenario,) array
        Worst Pareto k of either power.
    shifts : dict of (str, float) to (scenario, slope) array
        How far the posterior means move where the component is raised to the power.
    """

    elpd: np.ndarray
    loo_k: np.ndarray
    p_loo: np.ndarray
    sensitivity: dict[str, np.ndarray]
    scaling_k: dict[str, np.ndarray]
    shifts: dict[tuple[str, float], np.ndarray]


def judge(scenarios: Scenarios, posterior: Posterior) -> Judgement:
    """Judge a posterior by at most `DRAWS` of its draws.

    Parameters
    ----------
    scenarios : Scenarios
    posterior : Posterior

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4; Kallioinen, Paananen, Bürkner
    & Vehtari (2024), doi:10.1007/s11222-023-10366-5.
    """
    n = len(scenarios)
    draws = posterior.draws.reshape(n, -1, posterior.draws.shape[-1])
    step = -(-draws.shape[1] // DRAWS)
    draws = draws[:, ::step].astype(float)
    log_prior = posterior.log_prior(draws)
    elpd, loo_k, p_loo = (np.full(len(scenarios.y), np.nan) for _ in range(3))
    scaled: dict[str, list[PowerScaled]] = {name: [] for name in COMPONENTS}
    good = np.flatnonzero(posterior.problems == "")

    def of_some(some: np.ndarray) -> list[PowerScaled]:
        log_likelihood = np.empty((len(some), draws.shape[1]))
        for place, scenario in enumerate(some):
            rows = scenarios.rows(scenario)
            of_choices = log_probability(scenarios.X[rows], scenarios.y[rows], draws[scenario])
            log_likelihood[place] = of_choices.sum(axis=0)
            elpd[rows], loo_k[rows], p_loo[rows] = leave_one_out(of_choices)
        slopes = draws[some, :, 1:]
        return [power_scaled(slopes, one) for one in (log_prior[some], log_likelihood)]

    blocks = [good[start : start + _TOGETHER] for start in range(0, len(good), _TOGETHER)]
    with ThreadPoolExecutor(cores()) as pool:
        for parts in pool.map(of_some, blocks):
            for name, part in zip(COMPONENTS, parts, strict=True):
                scaled[name].append(part)

    def whole(values: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
        found = np.full(shape, np.nan)
        if values:
            found[good] = np.concatenate(values)
        return found

    of_slopes = (n, draws.shape[2] - 1)
    return Judgement(
        elpd=elpd,
        loo_k=loo_k,
        p_loo=p_loo,
        sensitivity={
            name: whole([one.sensitivity for one in parts], of_slopes)
            for name, parts in scaled.items()
        },
        scaling_k={name: whole([one.k for one in parts], (n,)) for name, parts in scaled.items()},
        shifts={
            (name, alpha): whole([one.shifts[alpha] for one in parts], of_slopes)
            for name, parts in scaled.items()
            for alpha in ALPHAS
        },
    )


def log_probability(X: np.ndarray, y: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Log-probability of each choice under each draw.

    Parameters
    ----------
    X : (choice, slope) array
    y : (choice,) array
    draws : (draw, parameter) array
        Intercept first.

    Returns
    -------
    (choice, draw) array
    """
    logit = draws[:, 0] + X @ draws[:, 1:].T
    return -np.logaddexp(0.0, np.where(y[:, None] == 1, -logit, logit))


def leave_one_out(log_probability: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """PSIS-LOO of each choice.

    Parameters
    ----------
    log_probability : (choice, draw) array

    Returns
    -------
    elpd, k, p_loo : (choice,) array
    """
    log_weights, k = smoothed(-log_probability)
    elpd = _log_sum(log_weights + log_probability)
    whole = _log_sum(log_probability) - np.log(log_probability.shape[1])
    return elpd, k, whole - elpd


def _log_sum(values: np.ndarray) -> np.ndarray:
    top = values.max(axis=-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.exp(values - top).sum(axis=-1)))


@dataclass(frozen=True)
class PowerScaled:
    """What raising one component of some posteriors to a power does.

    Attributes
    ----------
    sensitivity : (scenario, slope) array
        Mean change of the posterior, as a cumulative Jensen-Shannon distance, per doubling of the
        power.
    k : (scenario,) array
    shifts : dict of float to (scenario, slope) array
    """

    sensitivity: np.ndarray
    k: np.ndarray
    shifts: dict[float, np.ndarray]


def power_scaled(slopes: np.ndarray, log_density: np.ndarray) -> PowerScaled:
    """Raise a component of posteriors to a power, by weighing their draws.

    Parameters
    ----------
    slopes : (scenario, draw, slope) array
    log_density : (scenario, draw) array
        Of the component.
    """
    ordered = np.argsort(slopes, axis=1)
    values = np.take_along_axis(slopes, ordered, axis=1)
    sensitivity = np.zeros((len(slopes), slopes.shape[2]))
    ks, shifts = [], {}
    for alpha in ALPHAS:
        log_weights, k = smoothed((alpha - 1) * log_density)
        weights = np.exp(log_weights)
        of_values = np.take_along_axis(weights[..., None], ordered, axis=1)
        distance = jensen_shannon(values, of_values)
        sensitivity += distance / abs(np.log2(alpha)) / len(ALPHAS)
        shifts[alpha] = np.einsum("sd,sdk->sk", weights, slopes) - slopes.mean(axis=1)
        ks.append(k)
    return PowerScaled(sensitivity, np.fmax(*ks), shifts)


def jensen_shannon(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Cumulative Jensen-Shannon distance of weighted draws from the same draws unweighted.

    Nguyen & Vreeken (2015), "Non-parametric Jensen-Shannon divergence"; the larger of the
    distances of draws and of draws with their sign changed.

    Parameters
    ----------
    values : (scenario, draw, slope) array
        Ascending along the draws.
    weights : (scenario, draw, slope) array
        They sum to one over the draws.

    Returns
    -------
    (scenario, slope) array
        Between 0 and 1.
    """
    gaps = np.diff(values, axis=1)
    n = values.shape[1]
    p = np.broadcast_to((np.arange(1, n) / n)[:, None], gaps.shape)
    q = np.clip(np.cumsum(weights, axis=1)[:, :-1], 0, 1)
    divergences = []
    for below, below_weighted in ((p, q), (1 - p, 1 - q)):
        middle = (below + below_weighted) / 2
        apart = _x_log_x(below) + _x_log_x(below_weighted) - 2 * _x_log_x(middle)
        bound = (gaps * middle).sum(axis=1) * 2
        divergences.append((gaps * apart).sum(axis=1) / np.maximum(bound, 1e-300))
    return np.sqrt(np.maximum(np.maximum(*divergences), 0))


def _x_log_x(x: np.ndarray) -> np.ndarray:
    return np.asarray(x * np.log2(np.maximum(x, 1e-300)))


def doubling(at: Mapping[float, float]) -> float:
    """How much a figure changes per doubling of the power, from its values at both `ALPHAS`."""
    low, high = ALPHAS
    return float((at[high] - at[low]) / (np.log2(high) - np.log2(low)))
