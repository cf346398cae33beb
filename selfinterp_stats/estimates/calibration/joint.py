"""The latent joint model and what is built on it, calibrated on studies drawn from their priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from selfinterp_stats.estimates.calibration.ranks import Ranks, ranks_among, refuse_few, thinned
from selfinterp_stats.estimates.propagation.choices import packed
from selfinterp_stats.estimates.propagation.heterogeneity import OF_TAU, SlopesModel
from selfinterp_stats.estimates.propagation.joint import Joint, Posed, fit_joint
from selfinterp_stats.estimates.propagation.latent import LatentModel
from selfinterp_stats.estimates.propagation.sampling import Stacked, draw, stack
from selfinterp_stats.estimates.propagation.simulated import (
    SimulatedDesign,
    SimulatedStudy,
    draw_study,
    joined_choices,
)
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.inference.settings import Sampling

if TYPE_CHECKING:
    from selfinterp_stats.estimates.propagation.scenarios import LatentData
    from selfinterp_stats.inference.settings import Progress

# Each simulation is a whole study, so that there are fewer, and they are small.
MOST: Final = 100
SCENARIOS: Final = 10
TRIALS: Final = 40
REPORTS: Final = 5
PARTICLES: Final = (300, 300)
# Studies in memory at once.
TOGETHER: Final = 50
# What each parameter is tested together with, by the stem of its name.
KINDS: Final = {
    **dict.fromkeys(("ell", "nu", "delta", "pi"), "slopes' sizes"),
    **dict.fromkeys(("mu", "sigma", "omega"), "reports"),
    "rho": "correlation",
    "partial": "residuals' correlation",
    "tau": "sd of slopes",
}


@dataclass(frozen=True)
class CalibratedJoint:
    """A model of whole studies to be calibrated.

    Attributes
    ----------
    name : str
    design : SimulatedDesign
        Of the simulated studies; where its slopes differ, so do the fitted model's.
    stand_in : str
        Empty: all priors are proper and fixed.
    """

    name: str
    design: SimulatedDesign = field(default_factory=SimulatedDesign)
    stand_in: str = ""

    @property
    def model(self) -> LatentModel:
        """The model that is fitted."""
        noisy = (True,) * self.design.conditions
        kind = LatentModel if self.design.log_tau is None else SlopesModel
        return kind(self.design.attributes, noisy)

    def ranks(
        self, simulations: int, settings: Settings, progress: Progress | None = None
    ) -> Ranks:
        """Draw studies from the prior, at most `MOST`, and rank their truth."""
        refuse_few(simulations)
        names = [f"{i:04d}" for i in range(min(simulations, MOST))]
        parts = []
        for first in range(0, len(names), TOGETHER):
            some = names[first : first + TOGETHER]
            parts.append(self._fitted(some, settings))
            if progress is not None:
                progress(simulations * len(some) // len(names))
        truth, draws, likelihood, likelihoods = (
            np.concatenate(arrays) for arrays in zip(*parts, strict=True)
        )
        return ranks_among(
            self,
            tuple(KINDS[name.partition("[")[0]] for name in self.model.parameters),
            truth,
            draws,
            likelihood,
            likelihoods,
            engines=np.full(len(truth), "importance"),
        )

    def _fitted(self, names: Sequence[str], settings: Settings) -> tuple[np.ndarray, ...]:
        """Truths, draws, and log-likelihoods at the truth and at the ranked draws."""
        drawn = [draw_study(self.design, settings.seed, f"{self.name} {name}") for name in names]
        labels, choices = packed(joined_choices(drawn), ("study", "scenario"))
        places = np.arange(len(labels)).reshape(len(names), -1)
        posed = [
            Posed((self.name, name), own, one.reported)
            for name, own, one in zip(names, places, drawn, strict=True)
        ]
        model = LatentModel(self.design.attributes, (True,) * self.design.conditions)
        joint = fit_joint(
            model,
            labels,
            choices,
            posed,
            draws=settings.draws,
            seed=settings.seed,
            particles=PARTICLES,
        )
        values = joint.values
        if self.model != model:
            values = self._differing(joint, names, settings)
        draws = np.moveaxis(values, 3, 1)
        truth = _truth(self.model, drawn)
        few = thinned(draws).transpose(0, 2, 1)
        return (
            truth,
            draws,
            _log_likelihoods(self.model, truth[:, None], joint.data)[:, None, 0],
            _log_likelihoods(self.model, few, joint.data)[:, None],
        )

    def _differing(self, joint: Joint, names: Sequence[str], settings: Settings) -> np.ndarray:
        """Draws of the model in which scenarios' slopes differ, from the same draws of slopes."""
        labels = tuple((self.name, "differing", name) for name in names)
        batch = Stacked(labels, stack(joint.data), int(np.prod(joint.data[0].squares.shape)))
        sampling = Sampling("importance", draws=settings.draws, seed=settings.seed)
        return np.asarray(draw(self.model, batch, sampling).draws.values, dtype=float)


def calibrated_joints() -> tuple[CalibratedJoint, ...]:
    """The joint model, the one with slopes by scenario, and weights pooled without reports."""

    def design(conditions: int, log_tau: tuple[float, float] | None = None) -> SimulatedDesign:
        return SimulatedDesign(
            scenarios=SCENARIOS,
            trials=TRIALS,
            reports=REPORTS,
            conditions=conditions,
            log_tau=log_tau,
        )

    return (
        CalibratedJoint("latent joint model", design(2)),
        CalibratedJoint("slopes by scenario", design(1, OF_TAU)),
        CalibratedJoint("weights pooled in part", design(0)),
    )


def _truth(model: LatentModel, drawn: Sequence[SimulatedStudy]) -> np.ndarray:
    return np.array([[one.parameters[name] for name in model.parameters] for one in drawn])


def _log_likelihoods(
    model: LatentModel, values: np.ndarray, data: Sequence[LatentData]
) -> np.ndarray:
    """Log-likelihoods of (study, draw, parameter) arrays, each study's of its own data."""
    import jax

    with jax.enable_x64(True):
        compiled, theta = _compiled(model), model.unconstrain(values)
        return np.stack([np.asarray(compiled(*of)) for of in zip(theta, data, strict=True)])


@lru_cache(maxsize=8)
def _compiled(model: LatentModel) -> Any:
    import jax

    def of_draws(theta: Any, data: LatentData) -> Any:
        return jax.lax.map(lambda one: model.log_likelihood(one, data), theta)

    return jax.jit(of_draws)
