"""What a study that was made says of the next: its noise, its latent correlation, its own design.

Each figure comes from a part of the data of its own. Report noise: from how repeated reports
differ. Choice noise: from how often choices go as the weights fitted to them say. Latent
correlation: from halves of the data, by the correlation of weights from one half of the trials with
mean reports of one half of the repeats, divided by the root of how far two halves agree with each
other (Spearman's correction for attenuation). The correlation of all data enters nowhere, so that
predicting it is a test of the prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.agreement import EXPLAINER
from selfinterp_stats.estimates.planning.design import Design
from selfinterp_stats.estimates.planning.predict import choosers, reports_on
from selfinterp_stats.study.simulation.trials import agreement, blurred_weights

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

SPLITS: Final = 20
# Noises between which a study's own is found: from all but certain choices to all but random ones.
NOISES: Final = tuple(np.round(np.geomspace(0.02, 1.5, 10), 4).tolist())
_STEPS: Final = 12
# Scenarios behind each of those: a share of tens of thousands of choices.
_POOL: Final = 1_000


@dataclass(frozen=True)
class Own:
    """One report set of a study as a design.

    Attributes
    ----------
    base_model, set, condition : str
    design : Design
        With the noise and the latent correlation found.
    weight_reliability, report_reliability : float
        Correlation of two halves: of weights fitted to half of the trials each, of means over half
        of the reports each.
    """

    base_model: str
    set: str
    condition: str
    design: Design
    weight_reliability: float
    report_reliability: float


def own_designs(study: Study, seed: int = 0) -> list[Own]:
    """Every report set of a study as a design.

    Parameters
    ----------
    study : Study
    seed : int
        Of the splits into halves.

    Raises
    ------
    InputError
        The study has no reports, or none of its scenarios has two of them.
    """
    if study.reports.empty:
        raise InputError(
            "the study has no reports, so that nothing can be planned from it", file=study.source
        )
    found = []
    for (base_model, name), trials in study.choices.groupby(["base_model", "set"], sort=True):
        chosen = _Choices.of(trials, len(study.attributes))
        noise = None
        for condition, reports in _reports(study, str(base_model), str(name)):
            noise = _choice_noise(chosen, seed) if noise is None else noise
            found.append(
                _own(chosen, reports, noise, (str(base_model), str(name), condition), seed)
            )
    return found


@dataclass(frozen=True)
class _Choices:
    """Trials of the scenarios of a set: as many in each as the scenario with the fewest has."""

    scenarios: tuple[str, ...]
    d: np.ndarray
    chose_a: np.ndarray

    @classmethod
    def of(cls, trials: pd.DataFrame, attributes: int) -> _Choices:
        columns = [f"d{i}" for i in range(1, attributes + 1)]
        fewest = int(trials.groupby("scenario").size().min())
        first = trials.sort_values(["scenario", "trial"], kind="stable")
        first = first.groupby("scenario", sort=True).head(fewest)
        names = tuple(map(str, first["scenario"].unique()))
        return cls(
            names,
            first[columns].to_numpy(float).reshape(len(names), fewest, attributes),
            first["chose_a"].to_numpy(float).reshape(len(names), fewest),
        )


def _reports(study: Study, base_model: str, name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    reports = study.reports
    own = reports[(reports["base_model"] == base_model) & (reports["set"] == name)]
    for condition, rows in own.groupby("condition", sort=True):
        yield str(condition), rows


def _own(
    chosen: _Choices,
    reports: pd.DataFrame,
    noise: float,
    labels: tuple[str, str, str],
    seed: int,
) -> Own:
    attributes = chosen.d.shape[2]
    names = [f"attr{i}" for i in range(1, attributes + 1)]
    place = {scenario: i for i, scenario in enumerate(chosen.scenarios)}
    reports = reports[reports["scenario"].isin(place)]
    counts = reports.groupby("scenario").size()
    if counts.empty or counts.max() < 2:
        raise InputError(
            "no scenario has two reports, so that their noise cannot be told",
            value=" / ".join(labels),
            remedy="Plan with --report-noise instead of --pilot.",
        )
    repeats = int(counts.median())
    spread, report_noise = _report_noise(reports, names, attributes, repeats, seed)
    halves = _halves(chosen, reports, names, place, seed)
    weight, report, across = halves.mean(axis=0)
    latent = float(np.clip(across / np.sqrt(max(weight, 1e-6) * max(report, 1e-6)), -1, 1))
    design = Design(
        scenarios=len(counts),
        attributes=attributes,
        trials=chosen.d.shape[1],
        reports=repeats,
        correlation=latent,
        choice_noise=noise,
        report_noise=report_noise,
        report_spread=spread,
    )
    return Own(*labels, design, float(weight), float(report))


def _choice_noise(chosen: _Choices, seed: int) -> float:
    """The noise under which fitted weights explain as many choices as they do in the data."""
    seen = agreement(chosen.d, blurred_weights(chosen.d, chosen.chose_a), chosen.chose_a)
    _, trials, attributes = chosen.d.shape
    shares = [choosers(attributes, trials, noise, seed, _POOL).fitted_accuracy for noise in NOISES]
    return float(np.exp(np.interp(-seen, -np.array(shares), np.log(NOISES))))


def _report_noise(
    reports: pd.DataFrame, names: list[str], attributes: int, repeats: int, seed: int
) -> tuple[float, float]:
    """Spread and noise of reports before they are held within +-100, from what came of them."""
    by = reports.groupby("scenario")
    counts = by.size()
    several = counts.index[counts > 1]
    within = float(by[names].var(ddof=1).loc[several].mean(axis=None)) ** 0.5
    # The variance of means holds what is left of the noise; what is beyond is the spread.
    means = reports.groupby([*EXPLAINER, "scenario"])[names].mean()
    left = within**2 * float((1 / counts).mean())
    between = max(float(np.var(means.to_numpy())) - left, 1.0) ** 0.5
    true = np.random.default_rng([seed, 4]).uniform(-100, 100, (2_000, attributes))
    spread, noise = between, max(within, 0.1)
    for _ in range(_STEPS):
        drawn = reports_on(
            Design(
                attributes=attributes,
                correlation=0.0,
                report_noise=min(noise, 1000),
                report_spread=float(np.clip(spread, 1, 1000)),
            ),
            true,
            max(repeats, 2),
            seed,
        )
        got = float(drawn.var(axis=1, ddof=1).mean()) ** 0.5
        got_between = max(float(drawn.mean(axis=1).var()) - got**2 / drawn.shape[1], 0.25) ** 0.5
        noise *= within / max(got, 1e-6)
        spread *= between / got_between
    return float(np.clip(spread, 1, 1000)), float(np.clip(noise, 0, 1000))


def _halves(
    chosen: _Choices,
    reports: pd.DataFrame,
    names: list[str],
    place: dict[str, int],
    seed: int,
) -> np.ndarray:
    """Correlations between halves of the trials, of the repeats, and across, for every split.

    Returns
    -------
    (split, 3) array
    """
    rng = np.random.default_rng([seed, 5])
    trials = chosen.d.shape[1]
    half = trials // 2
    group = reports.groupby([*EXPLAINER, "scenario"])
    reports = reports[group["scenario"].transform("size") > 1]
    at = reports["scenario"].map(place).to_numpy()
    values = reports[names].to_numpy(float)
    explainer = reports.groupby(list(EXPLAINER)).ngroup().to_numpy()
    rows = np.unique(at)
    result = np.empty((SPLITS, 3))
    for split in range(SPLITS):
        order = rng.permutation(trials)
        weights = [
            blurred_weights(chosen.d[:, part], chosen.chose_a[:, part])
            for part in (order[:half], order[half : 2 * half])
        ]
        weights = [_standard(one)[rows] for one in weights]
        shuffled = rng.permutation(len(at))
        repeat = pd.Series(at[shuffled]).groupby(at[shuffled]).cumcount().to_numpy()
        said = [
            _mean_of_half(values, explainer, at, shuffled[repeat % 2 == side], rows)
            for side in (0, 1)
        ]
        across = [_r(one, other) for one in weights for other in said]
        result[split] = _r(*weights), _r(*said), np.mean(across)
    return result


def _mean_of_half(
    values: np.ndarray, explainer: np.ndarray, at: np.ndarray, chosen: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Mean reports of the scenarios `rows`, standardised within each explaining model."""
    frame = pd.DataFrame(values[chosen]).assign(at=at[chosen], by=explainer[chosen])
    means = frame.groupby(["by", "at"]).mean()
    standard: Callable[[pd.DataFrame], pd.DataFrame] = _standard_frame
    means = means.groupby(level="by", group_keys=False).apply(standard)
    # Where several explaining models reported on a scenario, their mean counts.
    return np.asarray(means.groupby(level="at").mean().loc[rows].to_numpy())


def _standard_frame(means: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(_standard(means.to_numpy()), means.index, means.columns)


def _standard(values: np.ndarray) -> np.ndarray:
    spread = values.std(ddof=1)
    return (values - values.mean()) / (spread if spread > 0 else 1.0)


def _r(a: np.ndarray, b: np.ndarray) -> float:
    x, y = a.ravel() - a.mean(), b.ravel() - b.mean()
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size > 0 else 0.0
