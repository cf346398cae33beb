"""Which models are calibrated: every one that the package ships.

A model is anything that has a name, says what stands in for a prior that cannot be drawn from, and
ranks the truths behind simulations of its own among the draws of its fits. A further one needs a
line in `shipped_models`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Protocol

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.calibration.explainers import CalibratedExplainers
from selfinterp_stats.estimates.calibration.joint import calibrated_joints
from selfinterp_stats.estimates.calibration.prior_sets import calibrated_sets
from selfinterp_stats.estimates.calibration.ranks import Named, Ranks, simulated_ranks
from selfinterp_stats.estimates.calibration.regressions import Calibrated, papers_regressions
from selfinterp_stats.estimates.results import Settings

if TYPE_CHECKING:
    from selfinterp_stats.inference.settings import Progress

# Of the names that an unknown one may have been meant for, the nearest.
_NAMED: Final = 3


class Calibratable(Named, Protocol):
    """A model that can be calibrated."""

    def ranks(
        self, simulations: int, settings: Settings, progress: Progress | None = None
    ) -> Ranks:
        """Simulate, fit and rank.

        Parameters
        ----------
        simulations : int
            At most; whole studies are fewer.
        settings : Settings
        progress : callable, optional
        """
        ...


@dataclass(frozen=True)
class Regression:
    """A regression through `fit_many`'s engines, which a broken prior can be put into."""

    about: Calibrated

    @property
    def name(self) -> str:
        """What it is called."""
        return self.about.name

    @property
    def stand_in(self) -> str:
        """What stands in for a prior that cannot be drawn from."""
        return self.about.stand_in

    def ranks(
        self, simulations: int, settings: Settings, progress: Progress | None = None
    ) -> Ranks:
        """Simulate, fit and rank."""
        return simulated_ranks(
            self.about, simulations=simulations, settings=settings, progress=progress
        )


def shipped_models() -> tuple[Calibratable, ...]:
    """Every model that the package ships."""
    return (
        *(Regression(one) for one in papers_regressions()),
        *calibrated_sets(),
        *calibrated_joints(),
        CalibratedExplainers(),
    )


def models_named(names: Sequence[str]) -> tuple[Calibratable, ...]:
    """Some of the shipped models; all of them where none is named.

    Raises
    ------
    InputError
        A name is unknown.
    """
    shipped = {model.name: model for model in shipped_models()}
    for name in names:
        if name not in shipped:
            near = get_close_matches(name, shipped, n=_NAMED, cutoff=0)
            raise InputError(
                "there is no such model to calibrate",
                value=name,
                allowed="; ".join([*near, f"and {len(shipped) - len(near)} others"]),
                remedy="A calibration of all models names them in tables/calibration.csv.",
            )
    return tuple(model for name, model in shipped.items() if name in names or not names)
