"""The paper's conclusions under other priors of the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.analysis import Steps, origin
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.priors import structured
from selfinterp_stats.estimates.priors.conclusions import conclusions_under
from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.found import Found
from selfinterp_stats.estimates.priors.verdicts import verdicts_of
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.weights import BY
from selfinterp_stats.models.prior_files import prior_sets, read_priors
from selfinterp_stats.models.prior_sets import PAPER, PRIOR_SETS, PriorSet

if TYPE_CHECKING:
    from selfinterp_stats.inference.settings import Progress
    from selfinterp_stats.models import Prior
    from selfinterp_stats.study import Study


@dataclass
class PriorComparison:
    """A study's conclusions under several sets of priors.

    Attributes
    ----------
    study : Study
        What was fitted.
    settings : Settings
        How it was fitted.
    table : pandas.DataFrame
        One row per set of priors and conclusion, as in ``priors.csv``.
    conclusions : pandas.DataFrame
        One row per conclusion with its ``verdict`` over all sets.
    sets : pandas.DataFrame
        One row per set of priors: ``prior, words, scenarios, improper, failing, near_certain,
        elpd_loo, elpd_se, elpd_change, elpd_change_se, p_loo, loo_k_above, loo_k_max,
        prior_sensitivity, likelihood_sensitivity, prior_sensitive, likelihood_weak,
        power_scaling_k, weight_change, note``.
    weights : pandas.DataFrame
        One row per set of priors, scenario and attribute: logit scale; ``weight`` and ``change``
        +-100.
    scenarios : pandas.DataFrame
        One row per set of priors and scenario: engine, diagnostics, and why there is no posterior.
    run : dict
        Provenance, as written to ``run.json``.
    """

    study: Study
    settings: Settings
    table: pd.DataFrame
    conclusions: pd.DataFrame
    sets: pd.DataFrame
    weights: pd.DataFrame
    scenarios: pd.DataFrame
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def failing(self) -> int:
        """Fits that have a posterior and fail a diagnostic."""
        return int(self.sets["failing"].sum())


def compare_priors(
    study: Study,
    priors: Mapping[str, Mapping[str, Prior]] | str | PathLike[str] | None = None,
    *,
    only: Sequence[str] | None = None,
    settings: Settings | None = None,
    steps: Steps | None = None,
) -> PriorComparison:
    """Refit the weights under other priors and see what becomes of every conclusion.

    The priors of the regressions of weights on reports stay the paper's.

    Parameters
    ----------
    study : Study
        Its choices are refitted; its reports stay as they are.
    priors : mapping of str to mapping of str to Prior, or path, optional
        Sets of one's own, by name and term (``"common"``, ``"Intercept"``, ``"d1"``, ...), or a
        TOML file of them; beside those of this package (`models.prior_sets.PRIOR_SETS`).
    only : sequence of str, optional
        Names of the sets to use; all unless given. The paper's, with which the others are
        compared, is always among them.
    settings : Settings, optional
        Engine, draws, seed and the probability of HDIs. ``engine="bambi"`` is too slow for this.
    steps : Steps, optional
        Where seconds and progress go.

    Returns
    -------
    PriorComparison
        Every conclusion under every set, and what is different.

    Raises
    ------
    InputError
        A prior names a distribution, parameter or term that is not known, or a setting makes no
        sense.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4 (PSIS-LOO); Kallioinen et al.
    (2024), doi:10.1007/s11222-023-10366-5 (power-scaling); Piironen & Vehtari (2017),
    doi:10.1214/17-EJS1337SI (horseshoe).

    Examples
    --------
    >>> from selfinterp_stats import Prior, Settings, compare_priors, load_study
    >>> found = compare_priors(
    ...     load_study("study"),
    ...     {"narrow": {"common": Prior.of("Normal", mu=0, sigma=0.3)}},
    ...     only=["narrow"],
    ...     settings=Settings(draws=1000),
    ... )
    >>> found.sets["prior"].tolist()
    ['paper', 'narrow']
    >>> found.table.columns[:6].tolist()
    ['prior', 'id', 'median', 'hdi_low', 'hdi_high', 'change']
    """
    settings, steps = settings or Settings(), steps or Steps()
    wanted = sets_of(priors, only, study)
    with steps.step("preparing", 1):
        scenarios = Scenarios(study, settings)
    with steps.step("priors", len(wanted)) as progress:
        found = _under_each(scenarios, wanted, progress)
    with steps.step("conclusions", 1):
        table = conclusions_under(
            study,
            scenarios.labels,
            {one.name: one.means for one in found},
            {one.name: one.judgement for one in found},
            settings.hdi_prob,
            Names.of(study),
        )
        result = PriorComparison(
            study=study,
            settings=settings,
            table=table,
            conclusions=verdicts_of(table),
            sets=pd.DataFrame([one.summary(found[0], scenarios) for one in found]),
            weights=_of_all([one.weights(found[0], scenarios) for one in found]),
            scenarios=_of_all([one.by_scenario(scenarios) for one in found]),
        )
    result.run = _run(result, found, steps)
    return result


def sets_of(
    priors: Mapping[str, Mapping[str, Prior]] | str | PathLike[str] | None,
    only: Sequence[str] | None,
    study: Study | None = None,
    *,
    file: str | PathLike[str] | None = None,
) -> list[PriorSet]:
    """Make a list of the sets of priors that are asked for, the paper's first.

    Parameters
    ----------
    priors, only
        As `compare_priors`.
    study : Study, optional
        Says which terms there are; before it has been read all else can be checked.
    file : path, optional
        Where the priors were read from, for the message.

    Raises
    ------
    InputError
        As `compare_priors`.
    """
    terms = None if study is None else [f"d{i}" for i in range(1, len(study.attributes) + 1)]
    if isinstance(priors, str | PathLike):
        file = priors
        priors = read_priors(priors)
    own = prior_sets(priors or {}, terms, file=file)
    known = {**PRIOR_SETS, **{one.name: one for one in own}}
    for name in only or ():
        if name not in known:
            raise InputError(
                "there is no set of priors of this name", value=name, allowed=", ".join(known)
            )
    chosen = known if only is None else {PAPER, *only}
    return [one for name, one in known.items() if name in chosen]


def _under_each(
    scenarios: Scenarios, wanted: list[PriorSet], progress: Progress | None
) -> list[Found]:
    """Fit under each set of priors, and judge the one before meanwhile: cores are seldom idle."""
    judged: list[Future[Found]] = []
    with ThreadPoolExecutor(1) as behind:
        for prior_set in wanted:
            posterior = structured.fit(scenarios, prior_set)
            if judged:  # so that no more than two sets of draws are held
                judged[-1].result()
            judged.append(behind.submit(Found.of, scenarios, posterior))
            if progress is not None:
                progress(1)
    return [one.result() for one in judged]


def _of_all(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def _run(result: PriorComparison, found: list[Found], steps: Steps) -> dict[str, Any]:
    rows = result.scenarios
    return {
        **origin(result.study, result.settings),
        "priors": {one.name: one.prior_set.words for one in found},
        "engines": {
            one.name: {
                str(engine): int(count)
                for engine, count in one.posterior.diagnostics["engine"].value_counts().items()
                if engine
            }
            for one in found
        },
        "improper": {
            name: sorted(" / ".join(row) for row in lost[list(BY)].itertuples(index=False))
            for name, lost in rows[rows["problem"] != ""].groupby("prior", sort=False)
        },
        "diagnostics": {
            "fits": len(rows),
            "failing": [
                {"fit": " / ".join([row["prior"], *(row[name] for name in BY)]), "reason": reason}
                for row in rows[~rows["ok"].astype(bool) & (rows["problem"] == "")].to_dict(
                    "records"
                )
                for reason in [row["reason"]]
            ],
        },
        "estimates": {"conclusions": len(result.conclusions), "rows": len(result.table)},
        "seconds": steps.seconds,
    }
