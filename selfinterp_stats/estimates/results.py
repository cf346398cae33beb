"""What an analysis was asked to do and what came of it: the hand-over to reporting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.settings import Running

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from selfinterp_stats.inference.settings import Engine
    from selfinterp_stats.study import Study

CHAINS = 4
FEWEST_DRAWS = 400


@dataclass(frozen=True)
class Settings:
    """Choices that an analysis leaves to its user.

    Attributes
    ----------
    seed : int
        The same seed gives the same draws.
    engine : {"auto", "importance", "nuts", "bambi"}
        How posteriors are sampled; see `fit_many`.
    hdi_prob : float
        Probability of HDIs and ETIs.
    rope : (float, float)
        Region of practical equivalence, ends included.
    draws : int
        Posterior draws per scenario in stage 1, over all chains.
    regression_draws : int
        Posterior draws per regression in stage 2, over all chains.
    running : Running
        Where the work is done; the regressions are always fitted on this machine.

    Raises
    ------
    InputError
        A probability is not between 0 and 1, the ROPE is empty, or a number of draws is below
        400 or no multiple of the four chains.

    Examples
    --------
    >>> from selfinterp_stats import Settings
    >>> settings = Settings(seed=1, hdi_prob=0.89)
    >>> settings.draws, settings.rope
    (4000, (-0.1, 0.1))
    """

    seed: int = 0
    engine: Engine = "auto"
    hdi_prob: float = 0.95
    rope: tuple[float, float] = (-0.1, 0.1)
    draws: int = 4_000
    regression_draws: int = 40_000
    running: Running = field(default_factory=Running)

    def __post_init__(self) -> None:
        check_probability(self.hdi_prob)
        low, high = self.rope
        if not low < high:
            raise InputError(
                "the region of practical equivalence is empty",
                value=self.rope,
                allowed="LOW HIGH with LOW below HIGH",
            )
        check_draws(self.draws)
        check_draws(self.regression_draws, "regression draws")


def check_probability(hdi_prob: float) -> None:
    """Refuse a probability of intervals, such as 95, that is not between 0 and 1.

    Raises
    ------
    InputError
    """
    if not 0 < hdi_prob < 1:
        raise InputError(
            "the probability of an interval cannot be this",
            value=hdi_prob,
            allowed="a number between 0 and 1, for instance 0.95",
        )


def check_draws(draws: int, name: str = "draws") -> None:
    """Refuse a number of draws from which no interval could be told, or not shared by the chains.

    Raises
    ------
    InputError
    """
    if draws < FEWEST_DRAWS or draws % CHAINS:
        raise InputError(
            f"the number of {name} cannot be this",
            value=draws,
            allowed=f"at least {FEWEST_DRAWS}, a multiple of the {CHAINS} chains",
        )


@dataclass
class Results:
    """Everything that one analysis of one study gave.

    Attributes
    ----------
    study : Study
        What was analysed, with notices of what was left out.
    settings : Settings
        How it was analysed.
    posteriors : dict of str to xarray.DataTree
        Stage 1: ``weights_{base model}_{set}``, with ``weight`` (chain, draw, scenario,
        attribute) and ``intercept`` (chain, draw, scenario) on the logit scale; stage 2: one tree
        per regression, its variables (chain, draw) and standardised.
    weights : pandas.DataFrame
        One row per base model, set, scenario and attribute, as in ``weights.csv``: logit scale,
        but for ``weight``, which is on the +-100 scale.
    correlations : pandas.DataFrame
        One row per regression term, slope, difference and contrast, standardised, as in
        ``correlations.csv``.
    paper_numbers : pandas.DataFrame
        The quantities that the paper prints, beside what it prints.
    agreement : pandas.DataFrame
        Fitted weight and mean report (+-100 scale) and both standardised, one row per attribute
        that has both.
    diagnostics : pandas.DataFrame
        One row per fit.
    released_comparison : pandas.DataFrame
        Against the authors' rounded weights (+-100 scale), where the study holds them.
    run : dict
        Provenance, as written to ``run.json``.

    Examples
    --------
    >>> from selfinterp_stats import Settings, reproduce
    >>> results = reproduce("study", settings=Settings(draws=1000, regression_draws=4000))
    >>> sorted(results.posteriors)[-2:]
    ['weights_model-a_instilled', 'weights_model-a_native']
    >>> results.run["data"]["source"]
    'study'
    """

    study: Study
    settings: Settings
    posteriors: dict[str, xr.DataTree]
    weights: pd.DataFrame
    correlations: pd.DataFrame
    paper_numbers: pd.DataFrame
    agreement: pd.DataFrame
    diagnostics: pd.DataFrame
    released_comparison: pd.DataFrame
    run: dict[str, Any] = field(default_factory=dict)
