"""Stage 1 under the named sets of priors, calibrated the way `compare_priors` fits them.

Every simulation is a scenario, drawn from the set's own prior; all are fitted together through
`priors.structured`. Where scenarios share a width, a simulation is a few scenarios that share one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.special import expit, log_expit

from selfinterp_stats.estimates.calibration.ranks import (
    FEWEST,
    SLOPES,
    Ranks,
    ranks_among,
    refuse_few,
    thinned,
)
from selfinterp_stats.estimates.calibration.regressions import ATTRIBUTES, differences
from selfinterp_stats.estimates.priors import structured
from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.predictive import prior_slopes, width
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.inference.settings import Running
from selfinterp_stats.models import Prior
from selfinterp_stats.models.families import draw
from selfinterp_stats.models.prior_sets import PAPER, PRIOR_SETS, PriorSet
from selfinterp_stats.study.study import NATIVE, Study

if TYPE_CHECKING:
    from selfinterp_stats.inference.settings import Progress

CHOICES: Final = 50
# Scenarios that share a width, and how many times fewer simulations there are of those.
SHARING: Final = 5
WIDTH: Final = "width"
# Draws from this range of a likelihood are often separable, and its posterior is still not flat.
FLAT_STAND_IN: Final = Prior.of("Normal", mu=0, sigma=10)


@dataclass(frozen=True)
class CalibratedSet:
    """A set of priors to be calibrated.

    Attributes
    ----------
    name : str
    prior_set : PriorSet
        Proper.
    stand_in : str
        What stands in for an improper prior; empty where nothing does.
    """

    name: str
    prior_set: PriorSet
    stand_in: str = ""

    @property
    def sharing(self) -> int:
        """Scenarios of one simulation."""
        return SHARING if self.prior_set.structure == "hierarchical" else 1

    def ranks(
        self,
        simulations: int,
        settings: Settings,
        progress: Progress | None = None,
        fitted: PriorSet | None = None,
    ) -> Ranks:
        """Simulate scenarios, fit them together and rank the truth among the draws.

        As many scenarios are simulated as `simulations` says, or as make `FEWEST` simulations.
        Another set may be `fitted` than the
        one simulated from, to see whether that is found out.
        """
        refuse_few(simulations)
        number = max(FEWEST, -(-simulations // self.sharing))
        running = Running(settings.running.batch_size, device=settings.running.device)
        settings = replace(settings, running=running)
        rng = np.random.default_rng([settings.seed, *self.name.encode()])
        frame = _options(number, self.sharing, rng)
        truth, widths = self._truth(Scenarios(_study(frame), settings), number, rng)
        centred = frame[_columns()].to_numpy().reshape(-1, CHOICES, ATTRIBUTES)
        centred = centred - centred.mean(axis=1, keepdims=True)
        chance = expit(truth[:, :1] + np.einsum("srk,sk->sr", centred, truth[:, 1:]))
        frame["chose_a"] = (rng.random(chance.shape) < chance).ravel()
        posterior = structured.fit(Scenarios(_study(frame), settings), fitted or self.prior_set)
        if progress is not None:
            progress(simulations)
        chose_a = frame["chose_a"].to_numpy().reshape(-1, CHOICES)

        def log_likelihood(parameters: np.ndarray) -> np.ndarray:
            """Of (scenario, draw, parameter) arrays."""
            eta = parameters[..., :1] + parameters[..., 1:] @ centred.transpose(0, 2, 1)
            return np.asarray(log_expit(np.where(chose_a[:, None], eta, -eta)).sum(axis=-1))

        draws = np.moveaxis(posterior.draws, 3, 1)
        few = thinned(draws).transpose(0, 2, 1)
        kinds = ("Intercept", *[SLOPES] * ATTRIBUTES) * self.sharing
        truths = truth.reshape(number, -1)
        draws = draws.reshape(number, -1, *draws.shape[2:])
        if len(widths):
            learned = np.stack([one.draws for one in posterior.learned])
            draws = np.concatenate([draws, learned[:, None]], axis=1)
            truths, kinds = np.column_stack([truths, widths]), (*kinds, WIDTH)
        good = (posterior.problems == "").reshape(number, -1).all(axis=1)
        return ranks_among(
            self,
            kinds,
            truths[good],
            draws[good],
            log_likelihood(truth[:, None]).reshape(number, -1)[good],
            log_likelihood(few).reshape(number, self.sharing, -1)[good],
            engines=posterior.diagnostics["engine"].to_numpy()[:: self.sharing][good],
            lost=int((~good).sum()),
        )

    def _truth(
        self, scenarios: Scenarios, number: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Intercepts (of centred predictors) and slopes by scenario, and widths by simulation."""
        intercept = draw(self.prior_set.of_term("Intercept"), rng, (len(scenarios), 1))
        if self.prior_set.structure != "hierarchical":
            slopes = prior_slopes(scenarios, self.prior_set, rng, 1)[:, 0]
            return np.column_stack([intercept, slopes]), np.empty(0)
        widths = width(rng, number)
        unit = rng.standard_normal((len(scenarios), ATTRIBUTES))
        slopes = unit * np.repeat(widths, self.sharing)[:, None]
        return np.column_stack([intercept, slopes]), widths


def calibrated_sets() -> tuple[CalibratedSet, ...]:
    """All named sets but the paper's, which is calibrated as a refit fits it."""
    found = []
    for name, own in PRIOR_SETS.items():
        label = f"weights under {name}"
        if name == PAPER:
            continue
        if own.proper(("Intercept", *_columns())):
            found.append(CalibratedSet(label, own))
        else:
            proper = PriorSet.of(name, {"common": FLAT_STAND_IN})
            stated = f"{label}: calibrated under {FLAT_STAND_IN} for the flat slopes"
            found.append(CalibratedSet(label, proper, stated))
    return tuple(found)


def _columns() -> list[str]:
    return [f"d{i}" for i in range(1, ATTRIBUTES + 1)]


def _options(simulations: int, sharing: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of `Study.choices`, scenario by scenario in the order of their labels."""
    scenarios = simulations * sharing
    frame = differences(scenarios * CHOICES, rng)
    scenario = np.repeat(np.arange(scenarios), CHOICES)
    # A study's scenarios share what those of one base model and set share.
    of = scenario // sharing if sharing > 1 else np.zeros_like(scenario)
    return frame.assign(
        base_model=[f"simulation-{i:06d}" for i in of],
        set=NATIVE,
        scenario=[f"{i:06d}" for i in scenario],
        chose_a=scenario % 2 == 0,
    )


def _study(choices: pd.DataFrame) -> Study:
    """A study of nothing but these choices."""
    nothing = pd.DataFrame()
    attributes = tuple(f"attr{i}" for i in range(1, ATTRIBUTES + 1))
    return Study(
        source="simulated",
        attributes=attributes,
        scenarios=nothing,
        choices=choices,
        reports=nothing,
        targets=nothing,
        released=nothing,
        counts=nothing,
        notices=(),
        hashes={},
        counts_read={},
    )
