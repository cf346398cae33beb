"""Datasets simulated from a model: parameters from its prior, responses from the parameters.

The prior is drawn by PyMC from the model that Bambi built; the likelihood is written out here. Both
are independent of the lifted density and of the engines that are put to the test with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import expit, log_expit

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.calibration.regressions import (
    SIMULATION,
    Calibrated,
    response_of,
)
from selfinterp_stats.inference.density.terms import design_at, free_parameters, scalars
from selfinterp_stats.models.spec import ModelSpec

IMPROPER = ("Flat", "HalfFlat")
# What `simulated` can draw a response of.
FAMILIES = ("bernoulli", "gaussian")


@dataclass(frozen=True)
class Simulated:
    """Datasets of one model and the parameters behind them.

    Attributes
    ----------
    parameters : tuple of str
        Scalars, as `Fits` calls them; the intercept is the one at zero of all predictors.
    truth : (simulation, parameter) array
    predictors : (simulation, row, column) array
        Uncentred.
    response : (simulation, row) array
    data : pandas.DataFrame
        The same as rows, to be fitted by ``simulation``.
    family : str
    """

    parameters: tuple[str, ...]
    truth: np.ndarray
    predictors: np.ndarray
    response: np.ndarray
    data: pd.DataFrame
    family: str

    def select(self, which: np.ndarray) -> Simulated:
        """Some of the simulations."""
        return replace(
            self,
            truth=self.truth[which],
            predictors=self.predictors[which],
            response=self.response[which],
            data=self.data[self.data[SIMULATION].isin(which)],
        )

    def log_likelihood(self, parameters: np.ndarray) -> np.ndarray:
        """Log-likelihood of every simulation's data at some parameters of its own.

        Parameters
        ----------
        parameters : (simulation, point, parameter) array

        Returns
        -------
        (simulation, point) array
        """
        slopes = slice(1, 1 + self.predictors.shape[2])
        eta = parameters[..., :1] + parameters[..., slopes] @ self.predictors.transpose(0, 2, 1)
        y = self.response[:, None, :]
        if self.family == "bernoulli":
            return np.asarray(log_expit(np.where(y == 1, eta, -eta)).sum(axis=-1))
        sigma = parameters[..., -1:]
        return np.asarray((-0.5 * ((y - eta) / sigma) ** 2 - np.log(sigma)).sum(axis=-1))


def refuse_improper(spec: ModelSpec) -> None:
    """Refuse a model that cannot be simulated from.

    Raises
    ------
    InputError
        A prior is improper, or the family is none of `FAMILIES`.
    """
    if spec.family not in FAMILIES:
        raise InputError(
            "no data of this family are simulated here",
            value=spec.family,
            allowed=", ".join(FAMILIES),
        )
    for term, prior in spec.priors:
        if prior.name in IMPROPER:
            raise InputError(
                f"the prior of {term!r} is improper, and calibration draws from the prior",
                value=str(prior),
                allowed="a proper distribution, for instance Normal(mu=0, sigma=1)",
                remedy="Calibrate the model under a proper stand-in, and say so.",
            )


def simulate(model: Calibrated, simulations: int, seed: int) -> Simulated:
    """Draw datasets of a model from its prior.

    Parameters
    ----------
    model : Calibrated
    simulations : int
    seed : int

    Raises
    ------
    InputError
        As `refuse_improper`.
    """
    spec = model.spec
    refuse_improper(spec)
    rng = np.random.default_rng([seed, *model.name.encode()])
    frame = model.predictors(simulations, rng)
    response = response_of(spec)
    # Bambi wants a response to build the model on, whatever it is.
    frame[response] = np.arange(len(frame)) % 2
    built = spec.build(frame.iloc[: 2 * model.rows])
    predictors = design_at(built, frame).reshape(simulations, model.rows, -1)
    truth = _prior_draws(built, simulations, rng)
    columns = predictors.shape[2]
    slopes = truth[:, 1 : 1 + columns]
    # Bambi's intercept, like brms', is that of the centred predictors.
    truth[:, 0] -= (predictors.mean(axis=1) * slopes).sum(axis=1)
    eta = truth[:, :1] + np.einsum("src,sc->sr", predictors, slopes)
    if spec.family == "bernoulli":
        drawn = (rng.random(eta.shape) < expit(eta)).astype(int)
    else:
        drawn = eta + truth[:, -1:] * rng.standard_normal(eta.shape)
    frame[response] = drawn.ravel()
    return Simulated(
        parameters=scalars(built),
        truth=truth,
        predictors=predictors,
        response=drawn,
        data=frame,
        family=spec.family,
    )


def _prior_draws(built: object, simulations: int, rng: np.random.Generator) -> np.ndarray:
    """Draws of all scalars, a (simulation, parameter) array in the order of `scalars`."""
    import pymc as pm

    seed = int(rng.integers(2**31))
    drawn = pm.draw(free_parameters(built), draws=simulations, random_seed=seed)
    return np.column_stack([np.reshape(one, (simulations, -1)) for one in drawn]).astype(float)
