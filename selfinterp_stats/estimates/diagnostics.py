"""Whether a fit can be trusted: one row of figures and a verdict with its reasons."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.inference.fit import Fits
from selfinterp_stats.inference.running.chunk import LEFT_TO_PRIOR

# Vehtari et al. (2021): R-hat below 1.01 and at least 100 effective draws per chain.
MAX_RHAT: Final = 1.01
MIN_ESS: Final = 400.0
# Betancourt (2016), and Stan's own warning.
MIN_EBFMI: Final = 0.3
# A rare long trajectory does no harm; many mean that the posterior is not explored.
MAX_DEEPEST_TREES: Final = 0.01

COLUMNS: Final = (
    "fit",
    "base_model",
    "set",
    "scenario",
    "engine",
    "rhat",
    "ess_bulk",
    "ess_tail",
    "mcse_over_sd",
    "divergences",
    "ebfmi",
    "pareto_k",
    "ok",
    "reason",
)


def has_settled(rhat: np.ndarray, *ess: np.ndarray, share: float = 1.0) -> np.ndarray:
    """Whether draws have settled, by what is asked of R-hat and of effective sample sizes.

    Parameters
    ----------
    rhat : array
        A figure that is missing, as all are of draws that do not vary, speaks against nothing.
    *ess : array of the same shape
        Bulk, tail or both.
    share : float
        Of the draws that are usually made: of fewer, as much less is asked.

    Returns
    -------
    array of bool, of the same shape
    """
    apart = rhat > 1 + (MAX_RHAT - 1) / share
    few = [one < MIN_ESS * share for one in ess]
    return np.asarray(~np.any([apart, *few], axis=0))


def diagnose(fits: Fits, summaries: dict[str, np.ndarray], names: pd.DataFrame) -> pd.DataFrame:
    """Judge every fit by its worst parameter.

    Parameters
    ----------
    fits : Fits
    summaries : dict of str to (dataset, parameter) array
        ``rhat``, ``ess_bulk``, ``ess_tail``, ``mcse_mean`` and ``sd``.
    names : pandas.DataFrame
        ``fit, base_model, set, scenario``, one row per dataset.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; a figure that an engine cannot give is missing, ``ok`` says whether all is
        well and ``reason`` what is not.
    """
    n = len(fits.labels)
    per_draw, per_dataset = fits.draws.per_draw, fits.draws.per_dataset
    is_nuts = fits.engines != "importance"
    frame = names.reset_index(drop=True).assign(
        engine=fits.engines,
        rhat=summaries["rhat"].max(axis=1),
        ess_bulk=summaries["ess_bulk"].min(axis=1),
        ess_tail=summaries["ess_tail"].min(axis=1),
        mcse_over_sd=(summaries["mcse_mean"] / summaries["sd"]).max(axis=1),
        divergences=per_draw["diverging"].sum(axis=(1, 2)) if "diverging" in per_draw else 0,
        ebfmi=_ebfmi(per_draw["energy"]) if "energy" in per_draw else np.full(n, np.nan),
        deepest_trees=_share(per_draw["reached_max_treedepth"])
        if "reached_max_treedepth" in per_draw
        else np.full(n, np.nan),
        # A fit that NUTS made over is judged by NUTS' own diagnostics.
        pareto_k=np.where(is_nuts, np.nan, per_dataset.get("pareto_k", np.full(n, np.nan))),
        missed_tail=~is_nuts & per_dataset.get(LEFT_TO_PRIOR, np.zeros(n, dtype=bool)),
        problem=fits.problems,
    )
    reasons = [_reason(row) for row in frame.to_dict("records")]
    frame["ok"] = [not reason for reason in reasons]
    frame["reason"] = reasons
    return frame[list(COLUMNS)]


def _share(flags: np.ndarray) -> np.ndarray:
    return np.asarray(flags.mean(axis=(1, 2)))


def _ebfmi(energy: np.ndarray) -> np.ndarray:
    """Estimated Bayesian fraction of missing information, the lowest over the chains.

    Parameters
    ----------
    energy : (dataset, chain, draw) array
    """
    step = np.square(np.diff(energy, axis=2)).mean(axis=2)
    return (step / energy.var(axis=2)).min(axis=1)


def _reason(row: dict[str, Any]) -> str:
    if row["problem"]:
        return str(row["problem"])
    figure = {key: float(row[key]) for key in row if isinstance(row[key], (int, float))}
    found = []
    if not np.isfinite(figure["rhat"]):
        found.append("draws are not finite or do not vary")
    elif figure["rhat"] > MAX_RHAT:
        found.append(f"R-hat {figure['rhat']:.3f} is above {MAX_RHAT}")
    for name, words in (("ess_bulk", "bulk"), ("ess_tail", "tail")):
        if figure[name] < MIN_ESS:
            found.append(f"{words} ESS {figure[name]:.0f} is below {MIN_ESS:.0f}")
    if figure["divergences"] > 0:
        found.append(f"{figure['divergences']:.0f} divergent transitions")
    if figure["ebfmi"] < MIN_EBFMI:
        found.append(f"E-BFMI {figure['ebfmi']:.2f} is below {MIN_EBFMI}")
    if figure["deepest_trees"] > MAX_DEEPEST_TREES:
        found.append(f"{figure['deepest_trees']:.1%} of trajectories were cut at the deepest tree")
    if figure["pareto_k"] > GOOD_K:
        found.append(f"Pareto k {figure['pareto_k']:.2f} is above {GOOD_K}")
    if row["missed_tail"]:
        found.append("importance sampling misses the intercept's tail, which is its prior's")
    return "; ".join(found)
