"""Equally weighted draws out of weighted ones, and how far they are to be trusted."""

from __future__ import annotations

import numpy as np

from selfinterp_stats.estimates.diagnostics import MIN_ESS
from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.posterior import FIGURES, Posterior
from selfinterp_stats.estimates.results import CHAINS
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models.prior_sets import PriorSet


def resampled(
    scenarios: Scenarios,
    prior_set: PriorSet,
    draws: np.ndarray,
    log_weights: np.ndarray,
    k: np.ndarray,
    log_prior: np.ndarray,
) -> Posterior:
    """Equally weighted draws out of weighted ones.

    Parameters
    ----------
    scenarios : Scenarios
    prior_set : PriorSet
    draws : (scenario, draw, parameter) array
    log_weights : (scenario, draw) array
        Smoothed.
    k : (scenario,) array
        Of the ratios' tail.
    log_prior : (scenario, draw) array
    """
    wanted = (CHAINS, scenarios.settings.draws // CHAINS)
    chosen = _resample(log_weights, wanted[0] * wanted[1], scenarios.settings.seed)
    kept = np.take_along_axis(draws, chosen[..., None], axis=1)
    kept = kept.reshape(len(draws), *wanted, draws.shape[-1])
    of_draws = np.take_along_axis(log_prior, chosen, axis=1).reshape(len(draws), *wanted)
    weights = np.exp(log_weights)
    slopes = kept[..., 1:]
    flat = np.moveaxis(slopes, 3, 1).reshape(-1, *wanted)
    figures = summarise(flat, **scenarios.asked)
    summaries = {name: figures[name].reshape(len(draws), -1) for name in FIGURES}
    # Resampling adds noise that the mean can do without, and repeats draws: their worth is
    # that of the weights.
    summaries["mean"] = np.einsum("sd,sdk->sk", weights, draws[..., 1:].astype(float))
    worth = 1 / (weights**2).sum(axis=1)
    for name in ("ess_bulk", "ess_tail"):
        summaries[name] = np.minimum(summaries[name], worth[:, None])
    ok = ~(k > GOOD_K) & (worth >= MIN_ESS)
    reason = [_doubt(*figures) for figures in zip(k, worth, strict=True)]
    diagnostics = scenarios.named(prior_set).assign(
        engine="reweighted", pareto_k=k, ok=ok, reason=reason
    )
    problems = np.full(len(draws), "", dtype=object)
    return Posterior(prior_set, kept, of_draws, summaries, diagnostics, problems.astype(str))


def _doubt(k: float, worth: float) -> str:
    """Why weighted draws are not to be trusted; empty where they are."""
    found = [f"Pareto k {k:.2f} is above {GOOD_K}"] if k > GOOD_K else []
    if worth < MIN_ESS:
        found.append(f"ESS {worth:.0f} is below {MIN_ESS:.0f}")
    return "; ".join(found)


def _resample(log_weights: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Stratified choice of `n` draws per scenario, in random order; (scenario, n) of int."""
    rng = np.random.default_rng(seed)
    ends = np.cumsum(np.exp(log_weights), axis=1)
    ends /= ends[:, -1:]
    at = (np.arange(n) + rng.random((len(ends), n))) / n
    chosen = np.stack([np.searchsorted(e, a) for e, a in zip(ends, at, strict=True)])
    return rng.permuted(np.minimum(chosen, log_weights.shape[1] - 1), axis=1)
