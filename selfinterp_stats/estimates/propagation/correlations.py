"""Latent correlations of a study: which joint models it calls for, and what is read from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.propagation.choices import packed
from selfinterp_stats.estimates.propagation.joint import PARTICLES, Joint, Posed, fit_joint
from selfinterp_stats.estimates.propagation.latent import LatentModel
from selfinterp_stats.estimates.propagation.reports import (
    reported_of,
    standardised_singles,
    targets_as_reports,
)
from selfinterp_stats.estimates.sensitivity.arrays import Weighed
from selfinterp_stats.estimates.sensitivity.conclusions import CONTRAST, Conclusion
from selfinterp_stats.estimates.weights import BY
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.inference.summary.summaries import summarise

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

Cell = tuple[str, str]
# Stands for the target weights among the conditions.
TARGET: Final = "target"
# Draws of the joint model's parameters, over all chains.
DRAWS: Final = 4000


@dataclass(frozen=True)
class JointOf:
    """The joint model of one base model and set.

    Attributes
    ----------
    conditions : tuple of str
    joint : Joint
    study : int
        Its place among the joint posterior's studies.
    places : (scenario,) array of int
        Its scenarios among those of the joint posterior's slopes.
    """

    conditions: tuple[str, ...]
    joint: Joint
    study: int
    places: np.ndarray

    def of(self, name: str, condition: str) -> np.ndarray:
        """Draws of a condition's parameter, (chain, draw)."""
        return self.joint.of(f"{name}[{self.conditions.index(condition)}]", self.study)

    def residual_correlation(self) -> np.ndarray:
        """Draws of the correlations of the conditions' residuals.

        Returns
        -------
        (chain, draw, condition, condition) array
        """
        import jax

        model = self.joint.model
        with jax.enable_x64(True):
            theta = model.unconstrain(self.joint.values[self.study])
            found = jax.jit(jax.vmap(jax.vmap(model.residual_correlation)))(theta)
            return np.asarray(found)


@dataclass(frozen=True)
class LatentCorrelations:
    """What the joint models say.

    Attributes
    ----------
    draws : dict of str to (chain, draw) array
        By the conclusion's id.
    joints : dict of (base model, set) to JointOf
    diagnostics : pandas.DataFrame
        One row per parameter of every joint model: ``base_model, set, model, parameter,
        condition, median, hdi_low, hdi_high, rhat, ess_bulk, pareto_k, effective_particles,
        ok``. ``pareto_k`` is of the parameters' draws; ``effective_particles`` of the scenario
        that keeps the fewest, see `Joint.effective_particles`.
    """

    draws: dict[str, np.ndarray]
    joints: dict[Cell, JointOf]
    diagnostics: pd.DataFrame

    @property
    def engines(self) -> dict[str, int]:
        """How many joint models each engine sampled."""
        names = (str(one.joint.engines[one.study]) for one in self.joints.values())
        return dict(Counter(names))


def latent_correlations(
    study: Study,
    weighed: Mapping[Cell, Weighed],
    conclusions: Sequence[Conclusion],
    seed: int,
) -> LatentCorrelations:
    """Fit a joint model to every base model and set that has reports.

    Parameters
    ----------
    study : Study
    weighed : mapping of (base model, set) to Weighed
    conclusions : sequence of Conclusion
        Correlations, and changes of them.
    seed : int
    """
    conditions = _conditions(conclusions)
    joints = joints_of(study, weighed, conditions, seed)
    with_targets = {
        cell: [*names, TARGET]
        for cell, names in conditions.items()
        if np.isfinite(weighed[cell].targets).any()
    }
    beside_targets = joints_of(study, weighed, with_targets, seed)
    draws = {one.id: _draws(one, joints, beside_targets) for one in conclusions}
    return LatentCorrelations(
        # Choices that follow their targets to the letter leave no posterior: it piles up at 1.
        draws={
            name: drawn
            for name, drawn in draws.items()
            if drawn is not None and np.isfinite(drawn).all()
        },
        joints=joints,
        diagnostics=pd.DataFrame(
            [
                *_diagnostics(joints, "reports"),
                *_diagnostics(beside_targets, "reports and targets"),
            ]
        ),
    )


def _conditions(conclusions: Sequence[Conclusion]) -> dict[Cell, list[str]]:
    """Conditions of every base model and set whose reports can be set against weights."""
    found: dict[Cell, list[str]] = {}
    for one in conclusions:
        for weighed in one.weighed:
            own = found.setdefault((weighed.base_model, weighed.set), [])
            own += [name for name in one.conditions if name not in own]
    return {cell: names for cell, names in found.items() if names}


def joints_of(
    study: Study,
    weighed: Mapping[Cell, Weighed],
    conditions: Mapping[Cell, list[str]],
    seed: int,
    particles: tuple[int, int] = PARTICLES,
) -> dict[Cell, JointOf]:
    """Fit a joint model to every base model and set; those of one shape side by side.

    Parameters
    ----------
    study : Study
    weighed : mapping of (base model, set) to Weighed
    conditions : mapping of (base model, set) to list of str
        Of each; `TARGET` stands for the target weights.
    seed : int
    particles : (int, int)
        As for `fit_joint`.
    """
    singles = standardised_singles(study)
    keys = ["base_model", "set", "condition"]
    by_set = dict(list(singles.groupby(keys)))
    shapes: dict[tuple[int, int], list[Cell]] = {}
    for cell, names in conditions.items():
        shapes.setdefault((len(weighed[cell].scenarios), len(names)), []).append(cell)
    joints = {}
    for cells in shapes.values():
        own = study.choices.set_index(["base_model", "set"]).index.isin(cells)
        labels, choices = packed(study.choices[own], BY)
        places = {label: i for i, label in enumerate(labels)}
        posed = [
            Posed(
                label=(*cell, *conditions[cell]),
                which=np.array([places[*cell, str(name)] for name in weighed[cell].scenarios]),
                reported=tuple(
                    targets_as_reports(weighed[cell].targets)
                    if name == TARGET
                    else reported_of(
                        by_set[*cell, name], list(weighed[cell].scenarios), study.attributes
                    )
                    for name in conditions[cell]
                ),
            )
            for cell in cells
        ]
        noisy = tuple(name != TARGET for name in conditions[cells[0]])
        model = LatentModel(len(study.attributes), noisy)
        joint = fit_joint(
            model, labels, choices, posed, draws=DRAWS, seed=seed, particles=particles
        )
        for at, cell in enumerate(cells):
            joints[cell] = JointOf(tuple(conditions[cell]), joint, at, posed[at].which)
    return joints


def _draws(
    conclusion: Conclusion,
    joints: Mapping[Cell, JointOf],
    beside_targets: Mapping[Cell, JointOf],
) -> np.ndarray | None:
    """Draws of one latent correlation or of the mean change of it over base models."""
    cells = [(one.base_model, one.set) for one in conclusion.weighed]
    if conclusion.kind == CONTRAST:
        before, after = conclusion.conditions
        of = [joints[cell] for cell in cells]
        changes = [one.of("rho", after) - one.of("rho", before) for one in of]
        return np.asarray(np.mean(changes, axis=0))
    (cell,) = cells
    if conclusion.against == "fitted":
        return joints[cell].of("rho", conclusion.conditions[0])
    if cell not in beside_targets:
        return None
    of_target = beside_targets[cell]
    if not conclusion.conditions:
        return of_target.of("rho", TARGET)
    return _between(of_target, conclusion.conditions[0], TARGET)


def _between(one: JointOf, first: str, second: str) -> np.ndarray:
    """Correlation of two conditions' expected reports: through the weights, and beside them."""
    a, b = one.of("rho", first), one.of("rho", second)
    at = [one.conditions.index(name) for name in (first, second)]
    residual = one.residual_correlation()[..., at[0], at[1]]
    return np.asarray(a * b + np.sqrt((1 - a**2) * (1 - b**2)) * residual)


def _diagnostics(joints: Mapping[Cell, JointOf], model: str) -> Iterator[dict[str, object]]:
    figures = ("median", "hdi_low", "hdi_high", "rhat", "ess_bulk")
    for (base_model, set_), one in joints.items():
        k = float(one.joint.pareto_k[one.study])
        fewest = float(one.joint.effective_particles(one.study).min())
        for name in one.joint.model.parameters:
            stem, _, rest = name.partition("[")
            place = rest.removesuffix("]")
            found = summarise(one.joint.of(name, one.study)[None])
            yield {
                "base_model": base_model,
                "set": set_,
                "model": model,
                "parameter": stem,
                "condition": one.conditions[int(place)] if place.isdecimal() else place,
                **{figure: float(found[figure][0]) for figure in figures},
                "pareto_k": k,
                "effective_particles": fewest,
                "ok": k <= GOOD_K,
            }
