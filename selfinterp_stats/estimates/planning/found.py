"""What a study's data give, to set beside what was predicted of its design."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.agreement import CELL, agreement_of
from selfinterp_stats.estimates.planning.own import Own
from selfinterp_stats.estimates.planning.predict import predict
from selfinterp_stats.estimates.sensitivity.regression import Regressions, contrast_hdi

if TYPE_CHECKING:
    from selfinterp_stats.estimates.weights import Weights
    from selfinterp_stats.study import Study


def found_by(study: Study, weights: Weights, hdi_prob: float) -> pd.DataFrame:
    """The paper's regression of every report set: slope and HDI, by `CELL`.

    Parameters
    ----------
    study : Study
    weights : Weights
        Fitted to its choices.
    hdi_prob : float
    """
    cells = agreement_of(weights.table, study).groupby(list(CELL), sort=True)
    keys, fits = [], []
    for key, rows in cells:
        x = rows["standardized_reports"].to_numpy()
        y = rows["standardized_b"].to_numpy()
        centred = x - x.mean()
        slope = centred @ y / (centred @ centred)
        residual = y - y.mean() - slope * centred
        keys.append(key)
        fits.append(
            (
                slope,
                1 / np.sqrt(centred @ centred),
                residual @ residual,
                y.mean(),
                len(x),
                1,
                x.std(),
            )
        )
    together = Regressions(*(np.array(values, dtype=float) for values in zip(*fits, strict=True)))
    low, high = contrast_hdi(together, hdi_prob)
    return pd.DataFrame(keys, columns=list(CELL)).assign(
        found_r=together.estimate, found_width=high - low, rows=together.n.astype(int)
    )


def beside(owns: list[Own], found: pd.DataFrame, *, seed: int, hdi_prob: float) -> pd.DataFrame:
    """Predicted and found, one row per report set.

    Returns
    -------
    pandas.DataFrame
        ``base_model, set, condition``, the design, the reliabilities, ``predicted_r, found_r,
        predicted_width, found_width`` and ``rows``.
    """
    rows = []
    for own in owns:
        prediction = predict(own.design, seed=seed, hdi_prob=hdi_prob)
        rows.append(
            {
                "base_model": own.base_model,
                "set": own.set,
                "condition": own.condition,
                **vars(own.design),
                "weight_reliability": own.weight_reliability,
                "report_reliability": own.report_reliability,
                "predicted_r": prediction.attenuated,
                "predicted_width": prediction.hdi_width,
            }
        )
    return pd.DataFrame(rows).merge(found, on=list(CELL), how="left")
