"""Known correlations, and what estimators make of simulated studies that have them.

A study folder is simulated by `simulate_study`, each of its base models a replicate of its own, and
read back as any other. `ESTIMATORS` names the ways to a correlation, which are those of
`propagate_uncertainty`; each gives draws of it for every report set.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats

from selfinterp_stats.estimates.agreement import agreement_of
from selfinterp_stats.estimates.calibration.ranks import PROBS
from selfinterp_stats.estimates.calibration.table import RECOVERY, Row
from selfinterp_stats.estimates.propagation.carried import pooled, regressed
from selfinterp_stats.estimates.propagation.cells import imputed, of_reports
from selfinterp_stats.estimates.propagation.correlations import joints_of
from selfinterp_stats.estimates.results import CHAINS, Settings
from selfinterp_stats.estimates.sensitivity.arrays import Weighed, weighed_of
from selfinterp_stats.estimates.weights import BY, Weights, fit_weights
from selfinterp_stats.inference.engines.seeds import key_data
from selfinterp_stats.inference.fit import fit_datasets
from selfinterp_stats.inference.settings import Sampling
from selfinterp_stats.inference.summary.summaries import hdi
from selfinterp_stats.models import correlation_model
from selfinterp_stats.models.regressions import REPORTS, RESPONSE
from selfinterp_stats.study import load_study, simulate_study
from selfinterp_stats.study.study import INTROSPECTION_TRAINED, NATIVE, WEIGHT_TRAINED

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

# Two report sets a study: one true correlation before introspection training, one after.
TRUTHS: Final = ((0.0, 0.5), (0.25, 0.8))
STUDIES: Final = 50
SCENARIOS: Final = 40
TRIALS: Final = 50

# The joint model is fitted to so many of the studies: it takes the most time by far.
JOINTLY: Final = 20
# Draws of each scenario's slopes for it, while looking for the mode and in the end.
PARTICLES: Final = (200, 400)
# Stage-1 draws that are carried through, and draws from each of their posteriors.
IMPUTED: Final = 100
EACH: Final = 400

Cell = tuple[str, str, str]


@dataclass(frozen=True)
class Replicates:
    """Simulated studies of one design.

    Attributes
    ----------
    study : Study
        Its base models are independent studies.
    latent : dict of str to float
        The true correlation behind every condition.
    own : dict of (base model, condition) to float
        The correlation that the true weights and expected reports of this very study have.
    expected : dict of (base model, condition) to float
        What a refit by the paper's way should find, on average over fresh choices.
    """

    study: Study
    latent: dict[str, float]
    own: dict[tuple[str, str], float]
    expected: dict[tuple[str, str], float]


@dataclass(frozen=True)
class Weighted:
    """A study with its fitted weights.

    Attributes
    ----------
    study : Study
    weights : Weights
    weighed : mapping of (base model, set) to Weighed
        The same as arrays.
    """

    study: Study
    weights: Weights
    weighed: Mapping[tuple[str, str], Weighed]

    @classmethod
    def of(cls, study: Study, settings: Settings) -> Weighted:
        """Fit the weights of a study."""
        weights = fit_weights(study, settings=settings)
        scenarios = weights.table[list(BY)].drop_duplicates().itertuples(index=False, name=None)
        # No correlation needs an intercept.
        weighed = weighed_of(study, weights.table, dict.fromkeys(scenarios, 0.0))
        return cls(study, weights, weighed)

    def cells(self) -> Iterator[Cell]:
        """Base model, set and condition of every report set."""
        for (base_model, set_), one in self.weighed.items():
            yield from ((base_model, set_, condition) for condition in one.reports)


Estimator = Callable[[Weighted, Settings], Mapping[Cell, np.ndarray]]


def plug_in(weighted: Weighted, settings: Settings) -> dict[Cell, np.ndarray]:
    """The paper's way: posterior means of the weights regressed on mean reports.

    Returns
    -------
    dict of (base_model, set, condition) to (chain, draw) array
    """
    agreement = agreement_of(weighted.weights.table, weighted.study)
    by = ("base_model", "set", "condition")
    fits = fit_datasets(
        correlation_model(),
        agreement[[*by, RESPONSE, REPORTS]],
        by,
        Sampling(settings.engine, CHAINS, settings.draws, settings.seed, x64=True),
    )
    slopes = fits.of(REPORTS)
    return {(a, b, c): slopes[i] for i, (a, b, c) in enumerate(fits.labels)}


def carried_through(weighted: Weighted, settings: Settings) -> dict[Cell, np.ndarray]:
    """Stage-1 draws carried into stage 2; returns as `plug_in`."""
    weights = imputed(weighted.weighed, weighted.weights.posteriors, IMPUTED)
    found = {}
    for base_model, set_, condition in weighted.cells():
        own = of_reports(weighted.weighed[base_model, set_], condition)
        fits = regressed([(own, weights[base_model, set_])], [1.0])
        random = np.random.default_rng(
            key_data(settings.seed, "recovery", base_model, set_, condition)
        )
        result = pooled(fits, correlation=True, draws=EACH, random=random)
        found[base_model, set_, condition] = result.draws
    return found


def latent(
    weighted: Weighted, settings: Settings, particles: tuple[int, int] = PARTICLES
) -> dict[Cell, np.ndarray]:
    """The joint model, of the first `JOINTLY` base models; returns as `plug_in`."""
    first = sorted({base_model for base_model, _ in weighted.weighed})[:JOINTLY]
    weighed = {cell: one for cell, one in weighted.weighed.items() if cell[0] in first}
    joints = joints_of(
        weighted.study,
        weighed,
        {cell: list(one.reports) for cell, one in weighed.items()},
        settings.seed,
        particles,
    )
    return {
        (*cell, condition): one.of("rho", condition)
        for cell, one in joints.items()
        for condition in one.conditions
    }


ESTIMATORS: Final[dict[str, Estimator]] = {
    "plug_in": plug_in,
    "carried_through": carried_through,
    "latent": latent,
}
# Those that aim at the latent correlation; the others find it attenuated.
LATENT: Final = frozenset({"latent"})


def replicates(
    correlations: tuple[float, float], studies: int, seed: int, scenarios: int = SCENARIOS
) -> Replicates:
    """Simulate studies with known correlations.

    Parameters
    ----------
    correlations : (float, float)
        Before and after introspection training.
    studies : int
    seed : int
    scenarios : int
        Native scenarios of each.
    """
    latent = dict(zip((WEIGHT_TRAINED, INTROSPECTION_TRAINED), correlations, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        truth = simulate_study(
            Path(folder) / "study",
            seed=seed,
            base_models=[f"study-{i:04d}" for i in range(studies)],
            trained=0,
            native=scenarios,
            trials_native=TRIALS,
            report_correlations={(NATIVE, name): value for name, value in latent.items()},
            invalid_shares=[0.0] * studies,
        )
        study = load_study(Path(folder) / "study")
    known = truth.quantities[truth.quantities["id"].str.startswith("e3_native_r_")]
    rows = known.to_dict("records")
    own, expected = (
        {(str(row["base_model"]), str(row["condition"])): float(row[column]) for row in rows}
        for column in ("truth", "expected_estimate")
    )
    return Replicates(study, latent, own, expected)


def recovery_rows(
    made: Replicates, settings: Settings, estimators: Mapping[str, Estimator] | None = None
) -> Iterator[Row]:
    """How far each estimator is off, and how often its HDIs hold the latent correlation."""
    weighted = Weighted.of(made.study, settings)
    for name, estimator in (estimators or ESTIMATORS).items():
        drawn = estimator(weighted, settings)
        for condition, truth in made.latent.items():
            cells = sorted(cell for cell in drawn if cell[2] == condition)
            draws = np.stack([drawn[cell] for cell in cells])
            yield from _of_estimates(name, truth, draws)
            if name == "plug_in":
                expected = np.array([made.expected[base, condition] for base, _, _ in cells])
                yield _beside_expected(name, truth, draws, expected)
            if name in LATENT:
                own = np.array([made.own[base, condition] for base, _, _ in cells])
                yield _beside_own(name, truth, draws, own)


def _of_estimates(name: str, truth: float, draws: np.ndarray) -> Iterator[Row]:
    n = len(draws)
    medians = np.median(draws.reshape(n, -1), axis=1)
    error = stats.t.isf(0.025, n - 1) * medians.std(ddof=1) / np.sqrt(n)
    about = {"check": RECOVERY, "model": name, "quantity": f"latent r = {truth:g}", "n": n}
    note = "" if name in LATENT else "finds the correlation attenuated by the noise in the data"
    yield {
        **about,
        "statistic": "mean of medians",
        "value": float(medians.mean()),
        "expected": truth,
        "low": float(medians.mean() - error),
        "high": float(medians.mean() + error),
        "note": note,
    }
    for prob in PROBS:
        low, high = hdi(draws, prob)
        held = int(((low <= truth) & (truth <= high)).sum())
        interval = stats.binomtest(held, n).proportion_ci(method="wilson")
        row = {
            **about,
            "statistic": f"{100 * prob:g}% HDI holds the latent r",
            "value": held / n,
            "expected": prob,
            "low": interval.low,
            "high": interval.high,
            "note": note,
        }
        if name in LATENT:
            row["p_value"] = float(stats.binomtest(held, n, prob).pvalue)
        yield row


def _beside_expected(name: str, truth: float, draws: np.ndarray, expected: np.ndarray) -> Row:
    """Whether estimates are where the simulation, which knows the truth, expects them."""
    apart, error = _apart(draws, expected)
    return _difference(name, truth, apart, error, len(draws)) | {
        "statistic": "mean of median - what fresh choices would give",
        "p_value": float(2 * stats.t.sf(abs(apart) / error, len(draws) - 1)),
        "note": "weights fitted to other choices between the same options, reports as they are",
    }


def _beside_own(name: str, truth: float, draws: np.ndarray, own: np.ndarray) -> Row:
    """How far estimates are from what each study's own scenarios correlate at."""
    return _difference(name, truth, *_apart(draws, own), len(draws)) | {
        "statistic": "mean of median - the study's own correlation",
        "note": "of its true weights with its expected reports; not a test, since a prior that "
        "knows of no correlation pulls medians towards zero",
    }


def _apart(draws: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """Mean distance of medians from what is known of each study, and its standard error."""
    apart = np.median(draws.reshape(len(draws), -1), axis=1) - known
    return float(apart.mean()), float(apart.std(ddof=1) / np.sqrt(len(apart)))


def _difference(name: str, truth: float, apart: float, error: float, n: int) -> Row:
    half = float(stats.t.isf(0.025, n - 1)) * error
    return {
        "check": RECOVERY,
        "model": name,
        "quantity": f"latent r = {truth:g}",
        "value": apart,
        "expected": 0.0,
        "low": apart - half,
        "high": apart + half,
        "n": n,
    }
