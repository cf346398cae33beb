"""Ranks of true parameters among posterior draws, and how often intervals hold the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.calibration.regressions import SIMULATION, Calibrated
from selfinterp_stats.estimates.calibration.simulated import Simulated, simulate
from selfinterp_stats.estimates.results import CHAINS, Settings
from selfinterp_stats.inference.fit import fit_datasets
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import ess_bulk, eti, hdi
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.spec import ModelSpec

if TYPE_CHECKING:
    from selfinterp_stats.inference.settings import Progress

# Ranks are taken among so many draws, evenly spaced over the chains so that they are nearly
# independent; posteriors have an effective size far above it.
RANKED: Final = 100
PROBS: Final = (0.5, 0.8, 0.95)
KINDS: Final = ("hdi", "eti")
SLOPES: Final = "slopes"
LOG_LIKELIHOOD: Final = "log-likelihood"
FEWEST: Final = 20
# Parameters of a regression that are tested by themselves; the others are slopes.
ALONE: Final = ("Intercept", "sigma")


class Named(Protocol):
    """A model, and what stands in for a prior of its that cannot be drawn from."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def stand_in(self) -> str:
        """In words; empty where nothing stands in."""
        ...


@dataclass(frozen=True)
class Ranks:
    """What the fits of one model's simulated datasets say of the truth behind them.

    Attributes
    ----------
    model : Named
    kinds : tuple of str
        By quantity, what it is tested together with: the parameters', then those of
        log-likelihoods, which depend on the data and so find a posterior that neglects them
        (Modrák et al. 2023).
    ranks : (simulation, quantity) array of int
        How many of `draws` posterior draws are below the truth.
    draws : int
    covered : dict of (str, float) to (simulation, parameter) array of bool
        Whether the interval of a kind (``hdi``, ``eti``) and probability holds the truth.
    ess : (simulation,) array
        Bulk effective size of the least effective parameter, before thinning.
    engines : (simulation,) array of str
    lost : int
        Simulations that no engine could fit; they are in none of the arrays.
    """

    model: Named
    kinds: tuple[str, ...]
    ranks: np.ndarray
    draws: int
    covered: dict[tuple[str, float], np.ndarray]
    ess: np.ndarray
    engines: np.ndarray
    lost: int

    def groups(self) -> dict[str, list[int]]:
        """Positions of the quantities that are tested together."""
        found: dict[str, list[int]] = {}
        for place, kind in enumerate(self.kinds):
            found.setdefault(kind, []).append(place)
        return found


def simulated_ranks(
    model: Calibrated,
    *,
    simulations: int = 1000,
    settings: Settings | None = None,
    fitted: ModelSpec | None = None,
    progress: Progress | None = None,
) -> Ranks:
    """Simulate datasets of a model, fit them together and rank the truth among the draws.

    Parameters
    ----------
    model : Calibrated
    simulations : int
    settings : Settings, optional
        Engine, draws per posterior and seed.
    fitted : ModelSpec, optional
        Another model to fit than the one simulated from, to see whether that is found out.
    progress : callable, optional

    Returns
    -------
    Ranks

    Raises
    ------
    InputError
        A prior is improper, or there are too few simulations.
    """
    settings = settings or Settings()
    refuse_few(simulations)
    made = simulate(model, simulations, settings.seed)
    fits = fit_datasets(
        fitted or model.spec,
        made.data,
        [SIMULATION],
        Sampling(settings.engine, CHAINS, settings.draws, settings.seed),
        progress,
        running=settings.running,
    )
    # Datasets come back in the order of the simulations: their numbers were sorted as numbers.
    kept = np.flatnonzero(fits.problems == "")
    draws = np.moveaxis(np.asarray(fits.draws.values)[kept], 3, 1)
    return _ranked(model, made.select(kept), draws, fits.engines[kept], simulations - len(kept))


def refuse_few(simulations: int) -> None:
    """Refuse so few simulations that no test could be made of them."""
    if simulations < FEWEST:
        raise InputError(
            "so few simulations show nothing", value=simulations, allowed=f"{FEWEST} and more"
        )


def _ranked(
    model: Named, made: Simulated, draws: np.ndarray, engines: np.ndarray, lost: int
) -> Ranks:
    """Take the ranks; `draws` is a (simulation, parameter, chain, draw) array."""
    return ranks_among(
        model,
        tuple(name if name in ALONE else SLOPES for name in made.parameters),
        made.truth,
        draws,
        made.log_likelihood(made.truth[:, None, :]),
        made.log_likelihood(thinned(draws).transpose(0, 2, 1))[:, None],
        engines=engines,
        lost=lost,
    )


def thinned(draws: np.ndarray) -> np.ndarray:
    """The draws that ranks are taken among.

    Parameters
    ----------
    draws : (simulation, quantity, chain, draw) array

    Returns
    -------
    (simulation, quantity, ranked draw) array
    """
    simulations, quantities, chains, length = draws.shape
    step = max(1, chains * length // RANKED)
    few = draws[..., step - 1 :: step].reshape(simulations, quantities, -1)
    return np.asarray(few, dtype=float)


def ranks_among(
    model: Named,
    kinds: tuple[str, ...],
    truth: np.ndarray,
    draws: np.ndarray,
    likelihood: np.ndarray,
    likelihoods: np.ndarray,
    *,
    engines: np.ndarray,
    lost: int = 0,
) -> Ranks:
    """Rank truths among posterior draws.

    Parameters
    ----------
    model : Named
    kinds : tuple of str
        By parameter; see `Ranks`.
    truth : (simulation, parameter) array
    draws : (simulation, parameter, chain, draw) array
    likelihood : (simulation, dataset) array
        Log-likelihoods of the truth, of every dataset that a simulation consists of.
    likelihoods : (simulation, dataset, ranked draw) array
        Those of the `thinned` draws.
    engines : (simulation,) array of str
    lost : int
    """
    simulations, parameters, chains, length = draws.shape
    few = thinned(draws)
    below = (few < truth[..., None]).sum(axis=2)
    flat = draws.reshape(-1, chains, length)
    shape = (simulations, parameters)
    covered = {}
    for kind, ends in (("hdi", hdi), ("eti", eti)):
        for prob in PROBS:
            low, high = (end.reshape(shape) for end in ends(flat, prob))
            covered[kind, prob] = (low <= truth) & (truth <= high)
    return Ranks(
        model=model,
        kinds=(*kinds, *[LOG_LIKELIHOOD] * likelihood.shape[1]),
        ranks=np.column_stack([below, (likelihoods < likelihood[..., None]).sum(axis=2)]),
        draws=few.shape[2],
        covered=covered,
        ess=ess_bulk(flat).reshape(shape).min(axis=1),
        engines=engines,
        lost=lost,
    )


def with_scaled_prior(spec: ModelSpec, factor: float) -> ModelSpec:
    """The same model with the scale (``sigma``) of its slopes' prior multiplied: a mistake."""
    priors = dict(spec.priors)
    numbers = dict(priors["common"].arguments)
    scaled = tuple(np.ravel(numbers["sigma"]) * factor)
    priors["common"] = Prior.of(priors["common"].name, **{**numbers, "sigma": scaled})
    return spec.with_priors(priors)
