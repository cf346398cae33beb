"""What is kept of one set of priors, and its rows in the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.judged import COMPONENTS, SENSITIVE, Judgement, judge
from selfinterp_stats.estimates.priors.posterior import FIGURES, Posterior
from selfinterp_stats.estimates.priors.predictive import near_certain
from selfinterp_stats.estimates.weights import scaled_weights
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.models.prior_sets import PriorSet

_NOTHING: Final = float("nan")


@dataclass(frozen=True)
class Found:
    """What is kept of one set of priors; its draws are not.

    Attributes
    ----------
    prior_set : PriorSet
    posterior : Posterior
        Without its draws.
    judgement : Judgement
    near_certain : (scenario,) array
        Missing where the prior is improper.
    """

    prior_set: PriorSet
    posterior: Posterior
    judgement: Judgement
    near_certain: np.ndarray

    @classmethod
    def of(cls, scenarios: Scenarios, posterior: Posterior) -> Found:
        """Judge a posterior, and keep what its draws are not needed for."""
        prior_set = posterior.prior_set
        judgement = judge(scenarios, posterior)
        proper = prior_set.proper((*scenarios.slopes, "Intercept"))
        certain = (
            near_certain(scenarios, prior_set, scenarios.settings.seed)
            if proper
            else np.full(len(scenarios), _NOTHING)
        )
        return cls(prior_set, posterior.without_draws(), judgement, certain)

    @property
    def name(self) -> str:
        """The set's name."""
        return self.prior_set.name

    @property
    def means(self) -> np.ndarray:
        """Posterior means of the slopes, (scenario, slope)."""
        return self.posterior.means

    @property
    def good(self) -> np.ndarray:
        """Which scenarios have a posterior, (scenario,) of bool."""
        return self.posterior.problems == ""

    def summary(self, paper: Found, scenarios: Scenarios) -> dict[str, Any]:
        """The set's row among the sets."""
        diagnostics, judged = self.posterior.diagnostics, self.judgement
        failing = ~diagnostics["ok"].to_numpy(dtype=bool) & self.good
        elpd, change = judged.elpd, judged.elpd - paper.judgement.elpd
        known = np.isfinite(elpd)
        of_slopes = {name: judged.sensitivity[name][self.good] for name in COMPONENTS}
        own, others = scaled_weights(self.means), scaled_weights(paper.means)
        return {
            "prior": self.name,
            "words": self.prior_set.words,
            "scenarios": len(scenarios),
            "improper": int((~self.good).sum()),
            "failing": int(failing.sum()),
            "near_certain": float(self.near_certain.mean()),
            "elpd_loo": float(elpd[known].sum()) if known.any() else _NOTHING,
            "elpd_se": _se_of_sum(elpd[known]),
            "elpd_change": float(change[known].sum()) if known.any() else _NOTHING,
            "elpd_change_se": _se_of_sum(change[known]),
            "p_loo": float(judged.p_loo[known].sum()) if known.any() else _NOTHING,
            "loo_k_above": int((judged.loo_k[known] > GOOD_K).sum()),
            "loo_k_max": _largest(judged.loo_k),
            **{f"{name}_sensitivity": _median(of_slopes[name]) for name in COMPONENTS},
            "prior_sensitive": _share(of_slopes["prior"] > SENSITIVE),
            "likelihood_weak": _share(of_slopes["likelihood"] < SENSITIVE),
            "power_scaling_k": _largest(
                np.fmax(judged.scaling_k["prior"], judged.scaling_k["likelihood"])
            ),
            "weight_change": _largest(np.abs(own - others)),
            "note": self.posterior.note,
        }

    def weights(self, paper: Found, scenarios: Scenarios) -> pd.DataFrame:
        """The set's rows among the weights."""
        n, k = self.means.shape
        attributes = list(scenarios.study.attributes)
        frame = scenarios.labels.loc[scenarios.labels.index.repeat(k)].reset_index(drop=True)
        frame.insert(0, "prior", self.name)
        frame["attribute"] = np.tile(attributes, n)
        for name in FIGURES:
            frame[name] = self.posterior.summaries[name].ravel()
        frame["weight"] = scaled_weights(self.means).ravel()
        frame["change"] = frame["weight"] - scaled_weights(paper.means).ravel()
        for name in COMPONENTS:
            frame[f"{name}_sensitivity"] = self.judgement.sensitivity[name].ravel()
        return frame

    def by_scenario(self, scenarios: Scenarios) -> pd.DataFrame:
        """The set's rows among the scenarios."""
        judged, starts = self.judgement, scenarios.starts[:-1]
        frame = scenarios.labels.copy()
        frame.insert(0, "prior", self.name)
        diagnostics = self.posterior.diagnostics
        return frame.assign(
            problem=self.posterior.problems,
            engine=diagnostics["engine"].to_numpy(),
            pareto_k=diagnostics["pareto_k"].to_numpy(),
            ok=diagnostics["ok"].to_numpy(),
            reason=diagnostics["reason"].to_numpy(),
            elpd_loo=np.add.reduceat(judged.elpd, starts),
            p_loo=np.add.reduceat(judged.p_loo, starts),
            loo_k_max=np.fmax.reduceat(judged.loo_k, starts),
            near_certain=self.near_certain,
            **{f"{name}_scaling_k": judged.scaling_k[name] for name in COMPONENTS},
        )


def _se_of_sum(values: np.ndarray) -> float:
    """Standard error of a sum over choices, which stand for further ones."""
    n = len(values)
    return float(np.sqrt(n * values.var(ddof=1))) if n > 1 else _NOTHING


def _largest(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]  # a Pareto k of infinity is the worst there is
    return float(known.max()) if len(known) else _NOTHING


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if values.size else _NOTHING


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if flags.size else _NOTHING
