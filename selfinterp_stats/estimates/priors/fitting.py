"""Posteriors of all scenarios under one set of priors after the other, compiled once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.diagnostics import diagnose, has_settled
from selfinterp_stats.estimates.priors.posterior import FIGURES, Posterior
from selfinterp_stats.estimates.results import CHAINS, Settings
from selfinterp_stats.estimates.weights import BY, refuse_constant
from selfinterp_stats.inference.density.any_prior import with_any_prior
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.inference.fit import Fits, prepare_groups, sample
from selfinterp_stats.inference.prepare import Prepared
from selfinterp_stats.inference.running.chunk import FEWEST_ACCEPTED, LEFT_TO_PRIOR
from selfinterp_stats.inference.running.plan import plan
from selfinterp_stats.inference.running.workplace import workplace
from selfinterp_stats.inference.settings import Engine, Running, Sampling
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.models.families import NUMBERS, log_density, numbers_of, scaled
from selfinterp_stats.models.prior_sets import BAMBI_INTERCEPT, BAMBI_SLOPE, PriorSet
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.weights import weights_model

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

# Runs whose draws are put together where one has too few effective draws, try after try.
_RUNS: Final = (3, 12)
# Importance sampling is tried a second time from a Student t around the moments of its draws, whose
# tails no posterior here escapes: its Pareto k can be believed though its proposals are worth far
# less than those of a normal that fits. Below this worth NUTS is asked all the same.
LEAST_WORTH: Final = 0.1
# Scenarios that NUTS goes over together.
_TOGETHER: Final = 8
ENGINES: Final = ("auto", "importance", "nuts")


class Scenarios:
    """The choices of a study, ready to be fitted under any priors.

    Attributes
    ----------
    study : Study
    settings : Settings
    labels : pandas.DataFrame
        ``base_model, set, scenario``, one row per scenario.
    slopes : tuple of str
        ``d1``, ``d2``, ...
    starts : (scenario + 1,) array of int
        Where in `X` and `y` each scenario begins.
    X : (choice, slope) array
        Mean-centred within each scenario.
    y : (choice,) array
        1 where the model chose A.
    centres : (scenario, slope) array
        The means that were taken off.
    asked : dict
        Options of `summarise`.
    """

    def __init__(self, study: Study, settings: Settings) -> None:
        _refuse_settings(settings)
        self.study, self.settings = study, settings
        self.slopes = tuple(f"d{i}" for i in range(1, len(study.attributes) + 1))
        refuse_constant(study, list(self.slopes))
        self._data = study.choices[[*BY, "chose_a", *self.slopes]].astype({"chose_a": int})
        self.asked: dict[str, Any] = {"hdi_prob": settings.hdi_prob, "rope": settings.rope}
        self._sampling = Sampling(settings.engine, CHAINS, settings.draws, settings.seed)
        self.prepared = self._prepare(weights_model(len(self.slopes)).priors)
        assert self.prepared.lifted is not None  # no engine here but batched ones
        self._model = with_any_prior(self.prepared.lifted)
        self._running = self._as_many_at_a_time()
        self.labels = pd.DataFrame(list(self.prepared.datasets.labels), columns=list(BY))
        rows = self.prepared.rows
        self.starts, self.y = rows.starts, rows.y
        counts = rows.sizes[:, None]
        self.centres = np.add.reduceat(rows.X, self.starts[:-1]) / counts
        self.X = rows.X - np.repeat(self.centres, rows.sizes, axis=0)

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, scenario: int) -> slice:
        """Where the choices of one scenario are."""
        return slice(int(self.starts[scenario]), int(self.starts[scenario + 1]))

    def cells(self) -> list[np.ndarray]:
        """Positions of the scenarios of each base model and set."""
        groups = self.labels.groupby(["base_model", "set"], sort=True)
        return [group.index.to_numpy() for _, group in groups]

    def sds(self) -> np.ndarray:
        """Standard deviations (n) of the predictors, (scenario, slope)."""
        squares = np.add.reduceat(self.X**2, self.starts[:-1])
        return np.sqrt(squares / np.diff(self.starts)[:, None])

    def numbers_under(self, prior_set: PriorSet) -> np.ndarray:
        """The numbers of the priors, a (scenario, parameter, number) array."""
        if prior_set.structure == "scaled":
            return self._as_bambi()
        of_terms = [numbers_of(prior_set.of_term(term)) for term in ("Intercept", *self.slopes)]
        return np.tile(np.stack(of_terms), (len(self), 1, 1))

    def with_slopes(self, numbers: np.ndarray, intercept: Prior) -> np.ndarray:
        """Numbers of all parameters' priors from those of the slopes.

        Parameters
        ----------
        numbers : (scenario, number) or (number,) array
            The same for all slopes of a scenario.
        intercept : Prior
        """
        own = np.broadcast_to(numbers, (len(self), NUMBERS))[:, None]
        of_intercept = np.broadcast_to(numbers_of(intercept), (len(self), 1, NUMBERS))
        return np.concatenate([of_intercept, *[own] * len(self.slopes)], axis=1)

    def fit(self, prior_set: PriorSet) -> Posterior:
        """Fit all scenarios under priors that are numbers as they stand, or Bambi's."""
        numbers = self.numbers_under(prior_set)
        prepared = self.prepared
        if not prior_set.proper((*self.slopes, "Intercept")):
            try:
                prepared = self._prepare(prior_set.priors)
            except InputError as error:  # of no scenario
                return self._without_any(prior_set, error.problem)
        fits = self.sample(numbers, prepared, summary=self.asked)

        def log_prior(draws: np.ndarray) -> np.ndarray:
            with np.errstate(invalid="ignore"):  # of scenarios without a posterior
                return np.asarray(log_density(numbers[:, None], draws).sum(axis=-1))

        return Posterior(
            prior_set=prior_set,
            draws=self.centred(fits),
            log_prior=log_prior,
            summaries=self._of_slopes(fits.summaries, fits),
            diagnostics=diagnose(fits, fits.summaries, self.named(prior_set)),
            problems=fits.problems.astype(str),
        )

    def sample(
        self,
        numbers: np.ndarray,
        prepared: Prepared | None = None,
        summary: dict[str, Any] | None = None,
    ) -> Fits:
        """Draw under priors whose numbers are given, with the one compiled model.

        By importance, and by NUTS where that is not to be trusted and the engine is ``auto``. With
        a `summary` draws are summarised as asked, and made to be worth enough.
        """
        prepared, engine = prepared or self.prepared, self.settings.engine
        if engine == "nuts":
            return self._sample(numbers, prepared, "nuts", summary=summary)
        fits = self._sample(numbers, prepared, "importance", summary=summary)
        if summary is not None:
            fits = self._with_more(fits, numbers, prepared)
        poor = np.flatnonzero((fits.problems == "") & _poor(fits))
        if engine == "importance" or not len(poor):
            return fits
        again = self._sample(numbers, _only(poor, prepared), "nuts", summary=summary)
        engines, summaries = fits.engines.copy(), {}
        engines[poor] = "nuts"
        for name, figures in fits.summaries.items():
            summaries[name] = figures.copy()
            summaries[name][poor] = again.summaries[name][poor]
        draws = fits.draws.put(poor, again.draws.select(poor))
        return replace(fits, draws=draws, engines=engines, summaries=summaries)

    def _sample(
        self,
        numbers: np.ndarray,
        prepared: Prepared,
        engine: Engine,
        run: int = 0,
        summary: dict[str, Any] | None = None,
    ) -> Fits:
        """Draw once with one engine; other runs have other random numbers."""
        seed = self.settings.seed if run == 0 else _seed_of_run(self.settings.seed, run)
        running = self._running
        if engine == "nuts" and self.settings.engine == "auto":
            running = replace(running, batch_size=_TOGETHER)
        return sample(
            replace(prepared, lifted=self._model, numbers=numbers.reshape(len(self), -1)),
            replace(self._sampling, engine=engine, seed=seed),
            running=running,
            summary=summary,
        )

    def _with_more(self, fits: Fits, numbers: np.ndarray, prepared: Prepared) -> Fits:
        """Draw again, several times, what has too few effective draws; as many are kept."""
        for runs in _RUNS:
            few = np.flatnonzero((fits.problems == "") & ~_settled(fits))
            if not len(few):
                break
            some = _only(few, prepared)
            more = [
                self._sample(numbers, some, "importance", run).draws.values[few, :, ::runs]
                for run in range(runs)
            ]
            # Those left out of a chain would have told little more than their neighbours.
            values = np.concatenate(more, axis=2)[:, :, : fits.draws.values.shape[2]]
            fits = self._with_draws(fits, few, values)
        return fits

    def _with_draws(self, fits: Fits, which: np.ndarray, values: np.ndarray) -> Fits:
        """The same with other draws of some scenarios."""
        n, chains, length, parameters = values.shape
        flat = np.moveaxis(values, 3, 1).reshape(n * parameters, chains, length)
        summaries = {name: figures.copy() for name, figures in fits.summaries.items()}
        for name, figures in summarise(flat, **self.asked).items():
            summaries[name][which] = figures.reshape(n, parameters)
        return replace(fits, draws=fits.draws.put(which, Draws(values)), summaries=summaries)

    def centred(self, fits: Fits) -> np.ndarray:
        """Draws with the intercept of the mean-centred predictors first."""
        order = [fits.parameters.index(name) for name in ("Intercept", *self.slopes)]
        draws = np.asarray(fits.draws.values)[..., order]
        draws[..., 0] += np.einsum("scdk,sk->scd", draws[..., 1:], self.centres)
        return draws

    def _as_many_at_a_time(self) -> Running:
        """Settle how many scenarios are computed together: a few of them must not be compiled for.

        Where that is not said, it would hang on how many are fitted.
        """
        given = self.settings.running
        running = Running(batch_size=given.batch_size, device=given.device)
        with workplace(running, self._sampling) as place:
            layout = plan(
                self.prepared.datasets.sizes,
                self.prepared.datasets.fit_for_use(),
                self._sampling,
                parameters=len(self.prepared.parameters),
                batch_size=running.batch_size,
                workers=place.workers,
                on_gpu=place.on_gpu,
            )
        return replace(running, batch_size=layout.size)

    def _prepare(self, priors: Any) -> Prepared:
        spec = weights_model(len(self.slopes), dict(priors))
        return prepare_groups(spec, self._data, BY, self._sampling)

    def _as_bambi(self) -> np.ndarray:
        """Bambi's automatic priors, whose widths are those of each scenario's predictors."""
        sds = self.sds()
        # Of a predictor that never varies there is nothing to learn under any width.
        widths = BAMBI_SLOPE / np.where(sds > 0, sds, 1.0)
        of_intercept = np.full((len(self), 1), BAMBI_INTERCEPT)
        unit = numbers_of(Prior.of("Normal", mu=0, sigma=1))
        return scaled(unit, np.column_stack([of_intercept, widths]))

    def named(self, prior_set: PriorSet) -> pd.DataFrame:
        """Names of the fits under a set of priors, as `diagnose` wants them."""
        fit = [f"{prior_set.name} / " + " / ".join(row) for row in self.labels.to_numpy()]
        return self.labels.assign(fit=fit)

    def _of_slopes(self, summaries: dict[str, np.ndarray], fits: Fits) -> dict[str, np.ndarray]:
        order = [fits.parameters.index(name) for name in self.slopes]
        return {name: summaries[name][:, order] for name in FIGURES}

    def _without_any(self, prior_set: PriorSet, problem: str) -> Posterior:
        """What is left where no scenario has a proper posterior."""
        n, slopes = len(self), len(self.slopes)
        shape = (n, CHAINS, self.settings.draws // CHAINS)
        problems = np.full(n, problem.removeprefix("no dataset can be fitted; the first: "))
        diagnostics = self.named(prior_set).assign(
            engine="", pareto_k=np.nan, ok=False, reason=problems
        )
        nothing = {name: np.full((n, slopes), np.nan) for name in FIGURES}
        draws = np.full((*shape, slopes + 1), np.nan, dtype=np.float32)

        def log_prior(draws: np.ndarray) -> np.ndarray:
            return np.full(draws.shape[:2], np.nan)

        return Posterior(prior_set, draws, log_prior, nothing, diagnostics, problems)


def _refuse_settings(settings: Settings) -> None:
    if settings.engine not in ENGINES:
        raise InputError(
            "priors cannot be compared with this engine, which compiles every fit anew",
            value=settings.engine,
            allowed=", ".join(ENGINES),
        )
    if settings.running.cluster is not None or settings.running.store is not None:
        raise InputError(
            "priors are compared on this machine, and their fits are not kept",
            value=settings.running.cluster or str(settings.running.store),
            remedy="Leave out the cluster and the store.",
        )


def _only(which: np.ndarray, prepared: Prepared) -> Prepared:
    """The same with nothing to be done but some scenarios."""
    problems = np.full(len(prepared.datasets.labels), "not drawn again", dtype=object)
    problems[which] = ""
    return replace(prepared, datasets=replace(prepared.datasets, problems=problems))


def _settled(fits: Fits) -> np.ndarray:
    """Where summaries say that draws have settled, (scenario,) of bool."""
    figures = (fits.summaries[name] for name in ("rhat", "ess_bulk", "ess_tail"))
    return np.asarray(has_settled(*figures).all(axis=1))


def _poor(fits: Fits) -> np.ndarray:
    """Whose importance draws are not to be trusted, (scenario,) of bool."""
    of = fits.draws.per_dataset
    trusted = (
        ~of[LEFT_TO_PRIOR]
        & (of["pareto_k"] <= GOOD_K)
        & (of["proposals_accepted"] >= FEWEST_ACCEPTED)
        & (of["effective_share"] >= LEAST_WORTH)
    )
    if fits.summaries:
        trusted &= _settled(fits)
    return np.asarray(~trusted)


def _seed_of_run(seed: int, run: int) -> int:
    """A seed for a further run, which no other seed's runs share."""
    return int(np.random.SeedSequence((seed, run)).generate_state(1, np.uint64)[0] >> 1)
