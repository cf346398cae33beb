"""The whole analysis of one study: weights, correlations, the paper's numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.agreement import agreement_of
from selfinterp_stats.estimates.correlations import correlate
from selfinterp_stats.estimates.left_out import left_out
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.numbers import paper_numbers
from selfinterp_stats.estimates.provenance import provenance
from selfinterp_stats.estimates.regressions import number_of_fits
from selfinterp_stats.estimates.released import compare_with_released
from selfinterp_stats.estimates.results import Results, Settings
from selfinterp_stats.estimates.weights import BY, fit_weights

if TYPE_CHECKING:
    from selfinterp_stats.inference.settings import Progress
    from selfinterp_stats.study import Study

Step = Callable[[str, int], "AbstractContextManager[Progress | None]"]


class Steps:
    """Times the steps of an analysis and passes their progress on.

    Parameters
    ----------
    show : callable, optional
        Called with the name of a step and its number of parts; gives a context manager whose value
        is called with the number of parts that were just finished. Nothing is shown unless given.

    Attributes
    ----------
    seconds : dict of str to float
        By step, in the order in which they were taken.
    """

    def __init__(self, show: Step | None = None) -> None:
        self._show = show
        self._started: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str, total: int) -> Iterator[Progress | None]:
        """Time a step of `total` parts.

        Parameters
        ----------
        name : str
            As it appears among the seconds.
        total : int
            Its number of parts.

        Yields
        ------
        callable or None
            To call with the number of parts that were just finished; None where nothing is shown.
        """
        self._started[name] = perf_counter()
        if self._show is None:
            yield None
        else:
            with self._show(name, total) as progress:
                yield progress
        self.seconds[name] = self._since(name)

    def so_far(self) -> dict[str, float]:
        """Seconds of every step, up to now for the one that is being taken.

        Returns
        -------
        dict of str to float
            By step, in the order in which they were begun.
        """
        return {name: self.seconds.get(name, self._since(name)) for name in self._started}

    def _since(self, name: str) -> float:
        return round(perf_counter() - self._started[name], 3)


def analyse(study: Study, settings: Settings, steps: Steps | None = None) -> Results:
    """Re-estimate everything that a study holds.

    Parameters
    ----------
    study : Study
    settings : Settings
    steps : Steps, optional
        Where seconds and progress go.

    Returns
    -------
    Results
    """
    steps = steps or Steps()
    names = Names.of(study)
    results = analyse_weights(study, settings, steps)
    agreement = agreement_of(results.weights, study)
    results.study = replace(study, notices=(*study.notices, *left_out(study, agreement)))
    with steps.step("correlations", number_of_fits(agreement)) as progress:
        correlations = correlate(agreement, settings=settings, names=names, progress=progress)
    results.agreement = agreement
    results.correlations = correlations.table
    results.posteriors |= correlations.posteriors
    if len(correlations.diagnostics):
        # An empty frame has no types and would take those of the other away.
        results.diagnostics = pd.concat(
            [results.diagnostics, correlations.diagnostics], ignore_index=True
        )
    results.paper_numbers = paper_numbers(
        study, results.weights, agreement, correlations.table, names, settings.hdi_prob
    )
    results.run = _run(results, steps)
    return results


def analyse_weights(study: Study, settings: Settings, steps: Steps | None = None) -> Results:
    """Stage 1 alone; the tables of stage 2 are empty."""
    steps = steps or Steps()
    with steps.step("weights", study.choices[list(BY)].drop_duplicates().shape[0]) as progress:
        weights = fit_weights(study, settings=settings, progress=progress)
    results = Results(
        study=study,
        settings=settings,
        posteriors=weights.posteriors,
        weights=weights.table,
        correlations=pd.DataFrame(),
        paper_numbers=pd.DataFrame(),
        agreement=pd.DataFrame(),
        diagnostics=weights.diagnostics,
        released_comparison=compare_with_released(weights.table, study),
    )
    results.run = _run(results, steps)
    return results


def _run(results: Results, steps: Steps) -> dict[str, Any]:
    fits = results.diagnostics
    failing = fits[~fits["ok"]]
    return {
        **origin(results.study, results.settings),
        "engines": {
            "weights": _counted(fits[fits["scenario"] != ""]["engine"]),
            "correlations": _counted(fits[fits["scenario"] == ""]["engine"]),
        },
        "diagnostics": {
            "fits": len(fits),
            "failing": failing[["fit", "reason"]].to_dict("records"),
            "max_rhat": _finite(fits["rhat"].max()),
            "min_ess_bulk": _finite(fits["ess_bulk"].min()),
            "min_ess_tail": _finite(fits["ess_tail"].min()),
            "max_pareto_k": _finite(fits["pareto_k"].max()),
            "divergences": int(fits["divergences"].sum()),
        },
        "flagged": {
            "all_choices_alike": sorted(
                " / ".join(key)
                for key in results.weights.loc[results.weights["all_same_choice"], list(BY)]
                .drop_duplicates()
                .itertuples(index=False)
            )
        },
        "released": results.released_comparison.to_dict("records"),
        "seconds": steps.seconds,
    }


def origin(study: Study, settings: Settings) -> dict[str, Any]:
    """What was analysed, how and by what, as every ``run.json`` begins."""
    return {
        **provenance(),
        "settings": asdict(settings),
        "seed": settings.seed,
        "data": {
            "source": Path(study.source).name,
            "is_paper": study.is_paper,
            "hashes": study.hashes,
            "read": study.counts_read,
            "notices": [asdict(notice) for notice in study.notices],
        },
    }


def _finite(figure: float) -> float | None:
    """JSON knows no NaN: a figure that no engine gave is null."""
    return float(figure) if np.isfinite(figure) else None


def _counted(engines: pd.Series) -> dict[str, int]:
    return {str(name): int(count) for name, count in engines.value_counts().items()}
