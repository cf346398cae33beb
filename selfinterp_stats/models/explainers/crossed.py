"""Crossed effects on cells: explainer skill, target difficulty, the self effect, and the rest.

The values of all cells are one multivariate normal vector. Its covariance is a sum of parts, each
an indicator matrix times the square of a standard deviation, so that skills and difficulties are
integrated out of the model and nothing but cells and standard deviations has to be sampled:

    cells ~ MultivariateNormal(0, sum of sd_j^2 Z_j Z_j')

Which cells a design has is part of the model; what was observed in them is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from selfinterp_stats.models.explainers.spreads import (
    FIXED,
    HALF_NORMAL,
    LOG_NORMAL,
    sampled_sd,
    sd_at,
)

if TYPE_CHECKING:
    import pymc as pm

MEAN_SD: Final = 1.5
"""Prior sd of the grand mean, in logits."""
SELF_SD: Final = 1.0
"""Prior sd of the self effect, in logits."""
BETWEEN: Final = 1.5
"""Scale of the half-normal priors of the sds of skills and of difficulties, in logits."""
REST: Final = (0.2, 0.6)
"""Median and log-sd of the log-normal priors of the sds of pairs and of runs, in logits."""


@dataclass(frozen=True)
class CellName:
    """One cell.

    Attributes
    ----------
    explainer, target : str
    run : str
    truth : str
        Empty, or ``"changed"`` / ``"unchanged"`` where answers are told apart by the truth.
    """

    explainer: str
    target: str
    run: str = ""
    truth: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """Explainer and target."""
        return self.explainer, self.target

    def __str__(self) -> str:
        parts = (f"{self.explainer} explains {self.target}", self.run, self.truth)
        return " / ".join(part for part in parts if part)


@dataclass(frozen=True)
class Part:
    """One part of the covariance of cells.

    Attributes
    ----------
    name : str
        Of the sd; sampled under its prior unless `fixed`.
    matrix : (cell, level) array
    prior : {"half-normal", "log-normal", "fixed"}
    numbers : tuple of float
        Scale; median and log-sd; or the sd itself.
    """

    name: str
    matrix: np.ndarray
    prior: str
    numbers: tuple[float, ...]

    @property
    def form(self) -> tuple[object, ...]:
        """All of it as a value that can be compared."""
        return self.name, self.prior, self.numbers, self.matrix.shape, self.matrix.tobytes()

    def sd_at(self, x: float) -> float:
        """The sd at its coordinate, a standard normal variate; see `spreads`."""
        return self.numbers[0] if self.prior == FIXED else float(sd_at(self.prior, self.numbers, x))

    def describe(self) -> str:
        """The prior in words."""
        if self.prior == FIXED:
            return f"sd of {self.name} = {self.numbers[0]:g}"
        if self.prior == HALF_NORMAL:
            return f"sd_{self.name} ~ HalfNormal({self.numbers[0]:g})"
        return f"sd_{self.name} ~ LogNormal(log {self.numbers[0]:g}, {self.numbers[1]:g})"


def parts_of(cells: Sequence[CellName]) -> list[Part]:
    """The parts of a design's covariance.

    Where cells are told apart by the truth there are two sets of them: one for how readily an
    explainer says "changed" whatever is true (`bias_`), one for how well it tells (`sensitivity_`),
    which enters with a half up or down.
    """
    if any(cell.truth for cell in cells):
        sign = np.array([0.5 if cell.truth == "changed" else -0.5 for cell in cells])
        return [*_surface(cells, "bias_"), *_surface(cells, "sensitivity_", sign)]
    return _surface(cells, "")


def _surface(cells: Sequence[CellName], prefix: str, sign: np.ndarray | None = None) -> list[Part]:
    sign = np.ones(len(cells)) if sign is None else sign

    def levels(of: Sequence[Any]) -> np.ndarray:
        return np.array([[float(one == level) for level in dict.fromkeys(of)] for one in of])

    own = np.array([[float(cell.explainer == cell.target)] for cell in cells])
    parts = [
        Part("mean", np.ones((len(cells), 1)), FIXED, (MEAN_SD,)),
        Part("self", own, FIXED, (SELF_SD,)),
        Part("explainer", levels([cell.explainer for cell in cells]), HALF_NORMAL, (BETWEEN,)),
        Part("target", levels([cell.target for cell in cells]), HALF_NORMAL, (BETWEEN,)),
        Part("pair", levels([cell.pair for cell in cells]), LOG_NORMAL, REST),
    ]
    if len({cell.run for cell in cells}) > 1:
        runs = levels([(*cell.pair, cell.run) for cell in cells])
        parts.append(Part("run", runs, LOG_NORMAL, REST))
    return [
        Part(prefix + part.name, sign[:, None] * part.matrix, part.prior, part.numbers)
        for part in parts
    ]


def covariance(parts: Sequence[Part]) -> Any:
    """Declare the sds of the parts in the PyMC model at hand and sum up the covariance."""
    total: Any = 0.0
    for part in parts:
        if part.prior == FIXED:
            sd: Any = part.numbers[0]
        else:
            sd = sampled_sd(f"sd_{part.name}", part.prior, part.numbers)
        total = total + sd**2 * (part.matrix @ part.matrix.T)
    return total


def covariance_at(parts: Sequence[Part], sds: dict[str, np.ndarray]) -> np.ndarray:
    """The covariance of cells for draws of the sds, a (draw, cell, cell) array."""
    (n,) = next(iter(sds.values())).shape
    total = np.zeros((n, len(parts[0].matrix), len(parts[0].matrix)))
    for part in parts:
        fixed = np.full(n, part.numbers[0])
        sd = fixed if part.prior == FIXED else sds[f"sd_{part.name}"]
        total += sd[:, None, None] ** 2 * (part.matrix @ part.matrix.T)
    return total


def cell_mean_model(parts: Sequence[Part], values: np.ndarray, noise: np.ndarray) -> pm.Model:
    """Means of cells that are known with normal errors (a meta-analysis of cells).

    The cells themselves are integrated out; see `cells_given_sds`.

    Parameters
    ----------
    parts : sequence of Part
    values : (cell,) array
    noise : (cell, cell) array
        Covariance of the errors.
    """
    import pymc as pm

    with pm.Model() as model:
        observed, errors = pm.Data("values", values), pm.Data("noise", noise)
        total = covariance(parts) + errors
        pm.MvNormal("observed", mu=np.zeros(len(values)), cov=total, observed=observed)
    return model


def cells_given_sds(
    parts: Sequence[Part],
    sds: dict[str, np.ndarray],
    values: np.ndarray,
    noise: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw the cells of `cell_mean_model` for each draw of the sds, a (draw, cell) array."""
    prior = covariance_at(parts, sds)
    gain = prior @ np.linalg.inv(prior + noise)
    centre = gain @ values
    spread = prior - gain @ prior
    spread = (spread + np.swapaxes(spread, 1, 2)) / 2
    values_, vectors = np.linalg.eigh(spread)
    z = rng.standard_normal(centre.shape) * np.sqrt(np.maximum(values_, 0))
    drawn: np.ndarray = centre + np.einsum("dij,dj->di", vectors, z)
    return drawn
