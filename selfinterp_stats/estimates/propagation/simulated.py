"""Studies drawn from the joint model's own prior, with the truth that they were drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.integrate import cumulative_simpson
from scipy.special import expit

from selfinterp_stats.estimates.propagation.latent import OF_REPORTS, OF_WEIGHTS, LatentModel
from selfinterp_stats.estimates.propagation.scenarios import Reported
from selfinterp_stats.inference.engines.seeds import key_data


@dataclass(frozen=True)
class SimulatedDesign:
    """How much of what a simulated study has.

    Attributes
    ----------
    scenarios, attributes, trials, reports, conditions : int
        Trials and reports are per scenario.
    log_tau : (float, float) or None
        Mean and sd of the log of the sd with which scenarios' slopes of reports on weights
        differ; None where they do not.
    """

    scenarios: int = 30
    attributes: int = 5
    trials: int = 50
    reports: int = 10
    conditions: int = 1
    log_tau: tuple[float, float] | None = None


@dataclass(frozen=True)
class SimulatedStudy:
    """One study and its truth.

    Attributes
    ----------
    parameters : dict of str to float
        Under the names of `LatentModel.parameters`, and ``tau`` where slopes differ.
    correlations : (condition,) array
        The latent ones among them, which the reports were drawn with.
    realised : (condition,) array
        Pearson's r of the true weights with the expected reports of these scenarios.
    weights : (scenario, attribute) array
        True weights, the largest +-1.
    choices : pandas.DataFrame
        ``study, scenario, chose_a, d1, d2, ...``.
    reported : tuple of Reported
        As they are, not standardised: the prior of their mean and sd is part of the model.
    """

    parameters: dict[str, float]
    correlations: np.ndarray
    realised: np.ndarray
    weights: np.ndarray
    choices: pd.DataFrame
    reported: tuple[Reported, ...]


def draw_study(design: SimulatedDesign, seed: int, name: str) -> SimulatedStudy:
    """Draw parameters from the prior, then weights, choices and reports.

    Parameters
    ----------
    design : SimulatedDesign
    seed : int
    name : str
        Settles the random numbers together with the seed.
    """
    random = np.random.Generator(np.random.Philox(key=key_data(seed, "prior", name).view("u8")))
    ell, log_nu, delta, logit_pi = (random.normal(*prior) for prior in OF_WEIGHTS.values())
    weights = _weights(random, design, delta, expit(logit_pi))
    largest = np.exp(ell + np.exp(log_nu) * random.standard_normal(design.scenarios))
    choices = _choices(random, design, weights * largest[:, None]).assign(study=name)
    c = design.conditions
    mu, log_sigma, log_omega = (random.normal(*prior, c) for prior in OF_REPORTS.values())
    rho = random.uniform(-1, 1, c)
    mean, sd = LatentModel(design.attributes, ()).moments(np.array([ell, log_nu, delta, logit_pi]))
    unit = (weights - float(mean)) / float(sd)
    errors, partial = _errors(random, design)
    expected = mu[:, None, None] + np.exp(log_sigma)[:, None, None] * (
        rho[:, None, None] * unit + np.sqrt(1 - rho**2)[:, None, None] * errors
    )
    parameters = {"ell": ell, "nu": np.exp(log_nu), "delta": delta, "pi": expit(logit_pi)}
    of_reports = {"mu": mu, "rho": rho, "sigma": np.exp(log_sigma), "omega": np.exp(log_omega)}
    parameters |= {
        f"{stem}[{i}]": one for stem, of in of_reports.items() for i, one in enumerate(of)
    }
    parameters |= {f"partial[{a},{b}]": one for (a, b), one in partial.items()}
    if design.log_tau is not None:
        parameters["tau"] = np.exp(random.normal(*design.log_tau))
        own = parameters["tau"] * random.standard_normal((c, design.scenarios, 1))
        expected = expected + own * weights
    return SimulatedStudy(
        parameters={name: float(value) for name, value in parameters.items()},
        correlations=rho,
        realised=np.array([np.corrcoef(one.ravel(), weights.ravel())[0, 1] for one in expected]),
        weights=weights,
        choices=choices,
        reported=tuple(
            _reported(random, design, one, sd)
            for one, sd in zip(expected, np.exp(log_omega), strict=True)
        ),
    )


def _weights(
    random: np.random.Generator, design: SimulatedDesign, delta: float, positive: float
) -> np.ndarray:
    shape = (design.scenarios, design.attributes)
    grid = np.linspace(0, 1, 2001)
    below = cumulative_simpson(np.exp(-0.5 * delta * grid**2), x=grid, initial=0)
    sizes = np.interp(random.random(shape), below / below[-1], grid)
    sizes[np.arange(len(sizes)), random.integers(design.attributes, size=len(sizes))] = 1.0
    return np.where(random.random(shape) < positive, sizes, -sizes)


def _choices(
    random: np.random.Generator, design: SimulatedDesign, slopes: np.ndarray
) -> pd.DataFrame:
    """Options uniform on each attribute's range, and the intercept at their mean, as in stage 1."""
    shape = (design.scenarios, design.trials, design.attributes)
    d = random.random(shape) - random.random(shape)
    intercept = 2.5 * random.standard_t(3, design.scenarios)
    logit = intercept[:, None] + np.einsum("stk,sk->st", d - d.mean(axis=1, keepdims=True), slopes)
    chose_a = random.random(logit.shape) < expit(logit)
    columns = {f"d{i + 1}": d[..., i].ravel() for i in range(design.attributes)}
    scenario = [f"{i:04d}" for i in range(design.scenarios) for _ in range(design.trials)]
    return pd.DataFrame({"scenario": scenario, "chose_a": chose_a.ravel().astype(int), **columns})


def _errors(
    random: np.random.Generator, design: SimulatedDesign
) -> tuple[np.ndarray, dict[tuple[int, int], float]]:
    """Standard normal residuals, correlated over conditions by uniform partial correlations."""
    c = design.conditions
    factor, partials = np.eye(c), {}
    for a in range(c):
        left = 1.0
        for b in range(a):
            partial = partials[a, b] = random.uniform(-1, 1)
            factor[a, b] = partial * np.sqrt(left)
            left *= 1 - partial**2
        factor[a, a] = np.sqrt(left)
    z = random.standard_normal((c, design.scenarios, design.attributes))
    return np.einsum("cd,dsk->csk", factor, z), partials


def _reported(
    random: np.random.Generator, design: SimulatedDesign, expected: np.ndarray, sd: float
) -> Reported:
    noise = sd * random.standard_normal((*expected.shape, design.reports))
    means = expected + noise.mean(axis=2)
    return Reported(
        means=means,
        counts=np.full(design.scenarios, design.reports),
        within=float(((noise - noise.mean(axis=2, keepdims=True)) ** 2).sum()),
        freedom=float(expected.size * (design.reports - 1)),
    )


def joined_choices(studies: Sequence[SimulatedStudy]) -> pd.DataFrame:
    """Choices of several studies in one frame."""
    return pd.concat([one.choices for one in studies], ignore_index=True)
