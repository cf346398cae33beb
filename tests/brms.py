"""The figures of the authors' own models, run with brms, and how far Monte Carlo lets one differ.

`tests/reference/` holds them: brms 2.18.0 on rstan 2.21.7, R 4.2.2, emmeans 1.8.4, bayestestR
0.13.0. Stage 1 has 40,000 draws of each of the 400 scenarios, stage 2 has 80,000 draws of each
regression, made from the authors' released, rounded weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from selfinterp_stats.inference.summary import summaries

if TYPE_CHECKING:
    import xarray as xr

REFERENCE = Path(__file__).resolve().parent / "reference"
WEIGHT_DRAWS = 40_000
# No effective sizes came with stage 2. Stage 1 of the same brms has 1.0 to 1.5 effective draws
# per draw; the interactions' coefficients are correlated, so half of the 80,000 is assumed.
REGRESSION_ESS = 40_000

LARGE = "gpt-4o-2024-08-06"
MINI = "gpt-4o-mini-2024-07-18"
SCENARIO = ["base_model", "set", "scenario"]


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"brms_{name}.csv")


def weights() -> pd.DataFrame:
    """Stage 1, one row per scenario and coefficient; `term` is Intercept, d1 .. d5."""
    frame = table("weights")
    return frame.assign(mcse=frame["sd"] / np.sqrt(frame["ess_bulk"]))


def beside(ours: pd.DataFrame, reference: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Join by label; every row of ours must find its partner."""
    joined = ours.merge(reference, on=on, suffixes=("", "_brms"), validate="one_to_one")
    assert len(joined) == len(ours)
    return joined


def combined(first: pd.Series, second: pd.Series | float) -> pd.Series:
    """Standard error of a difference of independent figures."""
    return np.hypot(first, second)


def compared_weights(posteriors: Mapping[str, xr.DataTree]) -> pd.DataFrame:
    """Stage 1 beside brms: one row per scenario and coefficient, with every figure's MC error.

    Parameters
    ----------
    posteriors
        Trees of stage 1, as `fit_weights` gives them.
    """
    frames = []
    for tree in posteriors.values():
        posterior = tree["posterior"].to_dataset()
        if "weight" not in posterior:
            continue
        base_model, set_ = tree["posterior"].attrs["base_model"], tree["posterior"].attrs["set"]
        intercept = posterior["intercept"].expand_dims(attribute=["Intercept"], axis=-1)
        draws = np.concatenate(
            [intercept.transpose("chain", "draw", "scenario", "attribute"), posterior["weight"]],
            axis=3,
        )
        scenarios = posterior["scenario"].to_numpy()
        terms = ["Intercept", *(f"d{i}" for i in range(1, draws.shape[3]))]
        flat = np.moveaxis(draws, (0, 1), (2, 3)).reshape(-1, *draws.shape[:2])
        low, high = summaries.mcse_hdi(flat)
        frames.append(
            pd.DataFrame(
                {
                    "base_model": base_model,
                    "set": set_,
                    "scenario": np.repeat(scenarios, len(terms)),
                    "term": np.tile(terms, len(scenarios)),
                    **summaries.summarise(flat),
                    "mcse_hdi_low": low,
                    "mcse_hdi_high": high,
                    "mcse_eti_low": summaries.mcse_quantile(flat, 0.025),
                    "mcse_eti_high": summaries.mcse_quantile(flat, 0.975),
                }
            )
        )
    ours = pd.concat(frames, ignore_index=True)
    joined = beside(ours, weights(), [*SCENARIO, "term"])
    draws_ratio = np.sqrt(joined["n_draws"] / WEIGHT_DRAWS)
    # The error of an interval's end rests on the few draws near it and is itself known to a
    # quarter only; in units of the sd it is much the same everywhere, and its median is steady.
    for kind in ("eti_low", "eti_high", "hdi_low", "hdi_high"):
        share = (joined[f"mcse_{kind}"] / joined["sd"]).median()
        joined[f"typical_{kind}"] = share * joined["sd_brms"]
    joined["z_mean"] = (joined["mean"] - joined["mean_brms"]) / combined(
        joined["mcse_mean"], joined["mcse"]
    )
    joined["sd_ratio"] = joined["sd"] / joined["sd_brms"]
    # brms' own errors of sd and quantiles are not in the table: those of our draws, scaled by
    # the number of draws (its chains mix no worse).
    joined["z_sd"] = (joined["sd"] - joined["sd_brms"]) / combined(
        joined["mcse_sd"], joined["mcse_sd"] * draws_ratio
    )
    for end, quantile in (("low", "q2_5"), ("high", "q97_5")):
        error = combined(joined[f"typical_eti_{end}"], joined[f"typical_eti_{end}"] * draws_ratio)
        joined[f"z_eti_{end}"] = (joined[f"eti_{end}"] - joined[quantile]) / error
        # An end of the narrowest interval settles with the cube root of the number of draws.
        error = joined[f"typical_hdi_{end}"]
        error = combined(error, error * draws_ratio ** (2 / 3))
        joined[f"z_hdi_{end}"] = (joined[f"hdi_{end}"] - joined[f"hdi_{end}_brms"]) / error
    return joined


class AgreesWithBrms:
    """Tests of one engine's stage 1; a subclass gives the fixture ``compared``.

    Tolerances are in Monte Carlo standard errors of the difference. The largest of 2,000 normal
    deviates is about 3.5; one set in 70 has any beyond 4.5.
    """

    MEANS = 4.5
    # The errors of sds and of intervals' ends are estimates, good to a tenth or so.
    OTHERS = 5.0
    SDS = 0.06

    def test_posterior_means_are_those_of_brms(self, compared):
        assert not far(compared, "z_mean", self.MEANS)

    def test_differences_from_brms_are_what_monte_carlo_error_makes_them(self, compared):
        # Errors understated by hidden correlation, or overstated, would show here. Coefficients
        # of a scenario are correlated, scenarios are not: the spread over scenarios gives the
        # error of the mean square, and 4 of those is the tolerance.
        squares = (compared["z_mean"] ** 2).groupby([compared[c] for c in SCENARIO]).mean()
        error = squares.std() / np.sqrt(len(squares))
        assert abs(squares.mean() - 1) < 4 * error, squares.mean()
        shift = compared.groupby(SCENARIO)["z_mean"].mean()
        assert abs(shift.mean()) < 4 * shift.std() / np.sqrt(len(shift)), shift.mean()

    def test_posterior_sds_are_those_of_brms(self, compared):
        assert not far(compared, "z_sd", self.OTHERS)
        # 4,000 draws know an sd to 1.2%, so that the largest of 2,000 differences is about 4.5%.
        assert not far(compared.assign(off=compared["sd_ratio"] - 1), "off", self.SDS)

    def test_the_ends_of_the_intervals_are_those_of_brms(self, compared):
        for kind in ("eti", "hdi"):
            for end in ("low", "high"):
                assert not far(compared, f"z_{kind}_{end}", self.OTHERS)


def far(frame: pd.DataFrame, column: str, limit: float) -> list[str]:
    """Rows beyond a limit in absolute value, in words, the worst first."""
    beyond = frame[~(frame[column].abs() <= limit)]
    beyond = beyond.reindex(beyond[column].abs().sort_values(ascending=False).index)
    return [
        f"{' / '.join(map(str, row[:-1]))}: {row[-1]:.3f}"
        for row in beyond[[*SCENARIO, "term", column]].itertuples(index=False)
    ]
