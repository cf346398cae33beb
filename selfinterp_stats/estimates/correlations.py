"""Stage 2: how far reported weights agree with fitted ones, and what training changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.agreement import agreement_of
from selfinterp_stats.estimates.contrasts import Quantity, correlation_terms, training_effects
from selfinterp_stats.estimates.diagnostics import COLUMNS as DIAGNOSTIC_COLUMNS
from selfinterp_stats.estimates.diagnostics import diagnose
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.regressions import Regression, fit_regressions
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.weights import Weights, fit_weights
from selfinterp_stats.inference.fit import Fits
from selfinterp_stats.inference.posterior import tree_of
from selfinterp_stats.inference.summary.summaries import mcse_hdi, summarise
from selfinterp_stats.study.study import INTROSPECTION_TRAINED

if TYPE_CHECKING:
    import xarray as xr

    from selfinterp_stats.inference.settings import Progress
    from selfinterp_stats.study import Study

COLUMNS: Final = (
    "id",
    "experiment",
    "condition",
    "base_model",
    "term",
    "median",
    "hdi_low",
    "hdi_high",
    "eti_low",
    "eti_high",
    "pd",
    "rope_share",
    "ess_bulk",
    "ess_tail",
    "rhat",
    "mcse_median",
    "n",
    "set",
    "mean",
    "sd",
    "mcse_mean",
    "mcse_hdi_low",
    "mcse_hdi_high",
    "pareto_k",
    "engine",
    "prior",
    "family",
    "ok",
)


@dataclass(frozen=True)
class Correlations:
    """Standardised regressions of a study.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per term, slope, difference and contrast, all standardised; the columns are those
        of ``correlations.csv``.
    posteriors : dict of str to xarray.DataTree
        One per regression; its variables are (chain, draw) and standardised.
    diagnostics : pandas.DataFrame
        One row per regression.
    """

    table: pd.DataFrame
    posteriors: dict[str, xr.DataTree]
    diagnostics: pd.DataFrame


def fit_correlations(
    study: Study,
    weights: Weights | pd.DataFrame | None = None,
    *,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Correlations:
    """Regress a study's standardised weights on its standardised reports.

    Parameters
    ----------
    study : Study
        Its reports are what the weights are regressed on.
    weights : Weights or pandas.DataFrame, optional
        What `fit_weights` gave, or its table; fitted here unless given.
    settings : Settings, optional
        Engine, `regression_draws`, seed, ROPE and probability of HDIs.
    progress : callable, optional
        Called with the number of regressions that have just been finished.

    Returns
    -------
    Correlations
        One regression per base model, set and condition, and one of what introspection training
        changes per set; empty tables for a study without reports.

    Raises
    ------
    InputError
        The engine is unknown, or a number of draws cannot be.

    References
    ----------
    Plunkett, Morris, Reddy & Morales (2025), arXiv:2505.17120, Experiments 1 to 3 (the models).
    Makowski, Ben-Shachar & Lüdecke (2019), doi:10.21105/joss.01541 (probability of direction and
    share of the HDI in the ROPE).

    Examples
    --------
    >>> from selfinterp_stats import Settings, fit_correlations, load_study
    >>> settings = Settings(draws=1000, regression_draws=4000)
    >>> found = fit_correlations(load_study("study"), settings=settings)
    >>> row = found.table.set_index("id").loc["e2_report_r_model-a"]
    >>> bool(0 < row["hdi_low"] < row["median"] < row["hdi_high"] < 1.5)
    True
    """
    settings = settings or Settings()
    if weights is None:
        weights = fit_weights(study, settings=settings)
    table = weights.table if isinstance(weights, Weights) else weights
    agreement = agreement_of(table, study)
    return correlate(agreement, settings=settings, names=Names.of(study), progress=progress)


def correlate(
    agreement: pd.DataFrame,
    *,
    settings: Settings,
    names: Names,
    progress: Progress | None = None,
) -> Correlations:
    """`fit_correlations` for weights and reports that are already side by side.

    Parameters
    ----------
    agreement : pandas.DataFrame
        As `agreement_of` gives it: ``base_model, set, condition, standardized_b,
        standardized_reports``.
    settings : Settings
    names : Names
        How ids are written.
    progress : callable, optional
    """
    fitted = fit_regressions(agreement, settings, progress)
    if not fitted:
        return Correlations(
            pd.DataFrame(columns=list(COLUMNS)), {}, pd.DataFrame(columns=list(DIAGNOSTIC_COLUMNS))
        )
    parts = [
        _Part(regression, fits, at, names)
        for regression, fits in fitted
        for at in range(len(fits.labels))
    ]
    table = _summarised(parts, settings)
    diagnostics = pd.concat(
        [
            part.diagnosis(rows)
            for part, (_, rows) in zip(parts, table.groupby("part", sort=True), strict=True)
        ],
        ignore_index=True,
    )
    for name in ("pareto_k", "ok"):
        table[name] = diagnostics[name].to_numpy()[table["part"]]
    return Correlations(
        table=table[list(COLUMNS)],
        posteriors={part.name: part.tree(settings.seed) for part in parts},
        diagnostics=diagnostics,
    )


class _Part:
    """One dataset of one regression."""

    def __init__(self, regression: Regression, fits: Fits, at: int, names: Names) -> None:
        self.fits, self.at = fits, at
        if regression.contrasts:
            (set_,) = fits.labels[at]
            condition, self.base_model = INTROSPECTION_TRAINED, ""
            self.name, self.fit = f"training_effect_{set_}", f"training effect {set_}"
            self.quantities = list(training_effects(fits, at, names))
        else:
            set_, condition, self.base_model = fits.labels[at]
            self.name = f"correlation_{set_}_{condition}_{self.base_model}"
            self.fit = f"correlation {set_} / {condition} / {self.base_model}"
            self.quantities = list(correlation_terms(fits, at, names))
        self.set = set_
        self.experiment = names.experiment(set_, condition)

    def labels(self, quantity: Quantity) -> dict[str, Any]:
        """What a row of the table says of itself."""
        return {
            "id": quantity.id,
            "experiment": self.experiment,
            "condition": quantity.condition,
            "base_model": quantity.base_model,
            "term": quantity.term,
            "n": int(self.fits.rows[self.at]),
            "set": self.set,
            "engine": self.fits.engines[self.at],
            "prior": self.fits.spec.describe_priors(),
            "family": self.fits.spec.family,
        }

    def diagnosis(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The verdict on the fit by the rows of its parameters."""
        own = rows[rows["term"].isin(self.fits.parameters)]
        names = {"fit": self.fit, "base_model": self.base_model, "set": self.set, "scenario": ""}
        figures = ("rhat", "ess_bulk", "ess_tail", "mcse_mean", "sd")
        return diagnose(
            self.fits.select(self.at),
            {name: own[name].to_numpy()[None] for name in figures},
            pd.DataFrame([names]),
        )

    def tree(self, seed: int) -> xr.DataTree:
        """The posterior of all parameters."""
        own = self.fits.select(self.at)
        posterior = {name: (("chain", "draw"), own.of(name)[0]) for name in own.parameters}
        attrs = {"dataset": " / ".join(own.labels[0]), "scale": "standardised"}
        return tree_of(own, posterior, {}, None, seed=seed, attrs=attrs)


def _summarised(parts: list[_Part], settings: Settings) -> pd.DataFrame:
    """All quantities summarised together; ``part`` says which regression a row is from."""
    quantities = [(i, quantity) for i, part in enumerate(parts) for quantity in part.quantities]
    draws = np.stack([quantity.draws for _, quantity in quantities])
    summaries = summarise(draws, hdi_prob=settings.hdi_prob, rope=settings.rope)
    low, high = mcse_hdi(draws, settings.hdi_prob)
    return pd.DataFrame([parts[i].labels(quantity) for i, quantity in quantities]).assign(
        **{name: values for name, values in summaries.items() if name in COLUMNS},
        mcse_hdi_low=low,
        mcse_hdi_high=high,
        part=[i for i, _ in quantities],
    )
