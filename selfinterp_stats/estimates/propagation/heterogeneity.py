"""How far agreement differs from scenario to scenario: a hierarchical model of its slope.

The joint model of one report set, with a slope of its own for every scenario:
    expected report = a + h_s w_sk + residual,    h_s ~ N(h, tau).
Given a draw of the true weights the scenario's slope integrates out in closed form (a rank-one
term in the covariance of its attributes), so the sampler sees one parameter more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.propagation.correlations import Cell, JointOf
from selfinterp_stats.estimates.propagation.latent import LatentModel
from selfinterp_stats.estimates.propagation.sampling import (
    Stacked,
    chosen,
    draw,
    random_keys,
    stack,
)
from selfinterp_stats.estimates.propagation.scenarios import LatentData
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import summarise

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Of log tau, slopes being sds of report per unit of max-scaled weight: typically around 1.5.
OF_TAU: Final = (-0.7, 1.0)
DRAWS: Final = 2000
COLUMNS: Final = (
    "base_model",
    "set",
    "condition",
    "quantity",
    "median",
    "hdi_low",
    "hdi_high",
    "rhat",
    "ess_bulk",
    "pareto_k",
)
OF_SCENARIO: Final = (
    *COLUMNS[:3],
    "scenario",
    "median",
    "hdi_low",
    "hdi_high",
    "pd",
    "rhat",
    "ess_bulk",
)


@dataclass(frozen=True)
class SlopesModel(LatentModel):
    """One report set, each scenario with its own slope; the last parameter is their sd."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what `constrain` gives."""
        return (*super().parameters, "tau")

    def constrain(self, theta: Array, data: LatentData) -> Array:
        """Parameters on their own scale, in the order of `parameters`."""
        import jax.numpy as jnp

        return jnp.append(super().constrain(theta[:-1], data), jnp.exp(theta[-1]))

    def unconstrain(self, values: np.ndarray) -> np.ndarray:
        """Back to the real line."""
        real = super().unconstrain(values)
        real[..., -1] = np.log(values[..., -1])
        return real

    def _log_prior(self, theta: Array) -> Array:
        at, sd = OF_TAU
        return super()._log_prior(theta[:-1]) - 0.5 * ((theta[-1] - at) / sd) ** 2

    def _log_reports(self, theta: Array, data: LatentData) -> Array:
        import jax.numpy as jnp

        slope, start, variance, here = self.line(theta, data)
        square, crossed = self.residuals(slope, start, data)
        tau2 = jnp.exp(2 * theta[-1]) * here[:, None]
        own = variance[:, None]
        spread = own + tau2 * data.squares
        log_det = (self.attributes - 1) * jnp.log(own) + jnp.log(spread)
        return -0.5 * ((square - tau2 * crossed**2 / spread) / own + log_det) * here[:, None]

    def line(self, theta: Array, data: LatentData) -> tuple[Array, Array, Array, Array]:
        """Mean slope, intercept, residual variance of each scenario's mean report, and where."""
        slope, start, precision, _ = self.regression(theta[:-1], data)
        here = (data.counts[:, 0] > 0).astype(slope.dtype)
        return slope[0], start[0], 1 / precision[:, 0, 0], here

    @staticmethod
    def residuals(slope: Array, start: Array, data: LatentData) -> tuple[Array, Array]:
        """Sums over attributes of residual^2 and of residual times weight, by draw."""
        import jax.numpy as jnp

        apart = data.reports[:, 0] - start
        with_w = data.products[0] - start * data.total
        square = (apart**2).sum(axis=1)[:, None] - 2 * slope * with_w + slope**2 * data.squares
        return jnp.maximum(square, 0.0), with_w - slope * data.squares


@dataclass(frozen=True)
class Heterogeneity:
    """What the hierarchical model says.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per report set and quantity, without those whose model could not be fitted:
        ``mean_slope`` and ``sd_of_slopes`` (sds of report
        per sd of weight), ``share_positive`` (of scenarios like these) and ``correlation`` (the
        latent one, slopes being allowed to differ).
    scenarios : pandas.DataFrame
        One row per report set and scenario: its slope.
    """

    table: pd.DataFrame
    scenarios: pd.DataFrame


def slopes_by_scenario(
    joints: Mapping[Cell, JointOf],
    scenarios: Mapping[Cell, np.ndarray],
    settings: Settings,
) -> Heterogeneity:
    """Fit the hierarchical model to every report set.

    Parameters
    ----------
    joints : mapping of (base model, set) to JointOf
        Whose draws of slopes are used again.
    scenarios : mapping of (base model, set) to (scenario,) array of str
    settings : Settings
    """
    rows: list[dict[str, Any]] = []
    singles: list[pd.DataFrame] = []
    for shape in _shapes(joints):
        cells = [(cell, c) for cell in shape for c in range(len(joints[cell].conditions))]
        data = [_one_condition(joints[cell], c) for cell, c in cells]
        labels = tuple((*cell, joints[cell].conditions[c]) for cell, c in cells)
        model = SlopesModel(data[0].reports.shape[2], (True,))
        batch = Stacked(labels, stack(data), int(np.prod(data[0].squares.shape)))
        chunk = draw(
            model,
            batch,
            Sampling("importance", draws=DRAWS, seed=settings.seed),
            reported=partial(_reported, model),
        )
        values = np.asarray(chunk.draws.values, dtype=float)
        for i, (label, (cell, _)) in enumerate(zip(labels, cells, strict=True)):
            if chunk.problems[i]:
                continue
            k = float(chunk.draws.per_dataset["pareto_k"][i])
            rows += _rows(model, label, values[i], k, settings)
            singles.append(
                _by_scenario(model, label, values[i], data[i], scenarios[cell], settings)
            )
    nothing = pd.DataFrame(columns=list(OF_SCENARIO))
    return Heterogeneity(
        pd.DataFrame(rows, columns=list(COLUMNS)),
        pd.concat(singles, ignore_index=True) if singles else nothing,
    )


def _shapes(joints: Mapping[Cell, JointOf]) -> list[list[Cell]]:
    """Cells whose data have one shape are sampled together."""
    found: dict[tuple[int, ...], list[Cell]] = {}
    for cell, one in joints.items():
        found.setdefault(one.joint.data[one.study].squares.shape, []).append(cell)
    return list(found.values())


def _one_condition(one: JointOf, condition: int) -> LatentData:
    """The data of one condition alone, as if there were no other."""
    data, only = one.joint.data[one.study], slice(condition, condition + 1)
    return data._replace(
        products=data.products[only],
        reports=data.reports[:, only],
        counts=data.counts[:, only],
        within=data.within[only],
        freedom=data.freedom[only],
    )


def _moments(model: LatentModel, values: np.ndarray) -> np.ndarray:
    """Sd of a max-scaled weight at every draw, of (..., parameter) arrays."""
    import jax

    theta = model.unconstrain(values)[..., :4]
    with jax.enable_x64(True):
        found = jax.vmap(lambda one: model.moments(one)[1])(theta.reshape(-1, 4))
    return np.asarray(found).reshape(theta.shape[:-1])


def _quantities(model: SlopesModel, values: np.ndarray) -> dict[str, np.ndarray]:
    """What is reported of each draw, of (..., parameter) arrays."""
    from scipy.special import ndtr

    of = {name: values[..., i] for i, name in enumerate(model.parameters)}
    mean, spread = of["sigma[0]"] * of["rho[0]"], of["tau"] * _moments(model, values)
    residual = of["sigma[0]"] ** 2 * (1 - of["rho[0]"] ** 2)
    # A slope of its own adds to an expected report's variance tau^2 E w^2; weights have mean 0
    # but for a little.
    return {
        "mean_slope": mean,
        "sd_of_slopes": spread,
        "share_positive": ndtr(mean / spread),
        "correlation": mean / np.sqrt(mean**2 + spread**2 + residual),
    }


def _reported(model: SlopesModel, values: np.ndarray) -> np.ndarray:
    """The parameters, and what is made of them; draws that are missing stay so."""
    found = _quantities(model, np.asarray(values, dtype=float))
    return np.concatenate([values, np.stack(list(found.values()), axis=-1)], axis=-1)


def _rows(
    model: SlopesModel, label: tuple[str, ...], values: np.ndarray, k: float, settings: Settings
) -> list[dict[str, Any]]:
    quantities = _quantities(model, values)
    found = summarise(np.stack(list(quantities.values())), hdi_prob=settings.hdi_prob)
    figures = ("median", "hdi_low", "hdi_high", "rhat", "ess_bulk")
    return [
        {
            **dict(zip(("base_model", "set", "condition"), label, strict=True)),
            "quantity": name,
            **{figure: float(found[figure][i]) for figure in figures},
            "pareto_k": k,
        }
        for i, name in enumerate(quantities)
    ]


def _by_scenario(
    model: SlopesModel,
    label: tuple[str, ...],
    values: np.ndarray,
    data: LatentData,
    names: np.ndarray,
    settings: Settings,
) -> pd.DataFrame:
    """Each scenario's own slope, in sds of report per sd of weight."""
    reported = data.counts[:, 0] > 0
    chains, length, size = values.shape
    theta = model.unconstrain(values.reshape(-1, size)).astype(np.float32)
    keys = random_keys(settings.seed, len(theta), "slopes of scenarios", *label)
    drawn = np.asarray(_compiled(model)(keys, theta, data.astype(np.float32)), dtype=float)
    found = summarise(
        drawn.reshape(chains, length, -1).transpose(2, 0, 1), hdi_prob=settings.hdi_prob
    )
    frame = pd.DataFrame({name: found[name] for name in OF_SCENARIO[4:]})
    frame.insert(0, "scenario", list(names))
    for place, (name, value) in enumerate(
        zip(("base_model", "set", "condition"), label, strict=True)
    ):
        frame.insert(place, name, value)
    return frame[reported].reset_index(drop=True)


@lru_cache(maxsize=16)
def _compiled(model: SlopesModel) -> Any:
    """Every scenario's slope, in sds of report per sd of weight, for many draws of parameters."""
    import jax
    import jax.numpy as jnp

    def one(key: Array, theta: Array, data: LatentData) -> Array:
        of_draw, of_slope = jax.random.split(key)
        at = chosen(of_draw, model.log_weights(theta, data))[:, None]
        slope, start, variance, here = model.line(theta, data)
        _, crossed = model.residuals(slope, start, data)
        crossed, square = (
            jnp.take_along_axis(a, at, axis=1)[:, 0] for a in (crossed, data.squares)
        )
        precision = jnp.exp(-2 * theta[-1]) + here * square / variance
        mean = slope + here * crossed / variance / precision
        drawn = mean + jax.random.normal(of_slope, mean.shape) / jnp.sqrt(precision)
        return drawn * model.moments(theta)[1]

    return jax.jit(
        lambda keys, theta, data: jax.lax.map(lambda of: one(of[0], of[1], data), (keys, theta))
    )
