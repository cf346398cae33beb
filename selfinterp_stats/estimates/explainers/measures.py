"""What is measured of one design: each measure is draws of the same cells under another name.

Of right or wrong answers there is one measure, of verdicts there are several, and a score that is
often zero is measured three times: whether it is above zero, how high it then is, and both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.explainers.cells import CellDraws, cells_of_items
from selfinterp_stats.estimates.explainers.closed_form import cell_means
from selfinterp_stats.estimates.explainers.means import cells_of_means
from selfinterp_stats.study.explainers.study import BINARY, JUDGE

YES_BIAS: Final = "answered yes"
JUDGED: Final = np.linspace(0, 1, 5)
"""What the grades of a judge are worth."""
# A probability of exactly 0 or 1 has no logit.
_CLIP: Final = 1e-6


@dataclass(frozen=True)
class Measure:
    """Draws of the cells of one design, and what they are draws of.

    Attributes
    ----------
    outcome : str
        In words.
    prefix : str
        Of the names of quantities; empty for the outcome as a whole.
    fitted : CellDraws
    note : str
    """

    outcome: str
    prefix: str
    fitted: CellDraws
    note: str = ""


def measures(rows: pd.DataFrame, kind: str, label: str, **how: Any) -> Iterator[Measure]:
    """Fit all measures of one design; the first is the outcome as a whole.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `ExplainerStudy.items`, of one task, condition and training size.
    kind : str
        As `outcome_kind` of the whole task.
    label : str
        With the seed it settles the draws.
    **how
        `draws` and `seed`.
    """
    from selfinterp_stats.estimates.explainers.scores import score_measures
    from selfinterp_stats.estimates.explainers.verdicts import has_verdicts, verdict_measures

    if is_recognition(rows):
        yield yes_bias(rows, label, **how)
    elif kind == BINARY:
        yield Measure(kind, "", cells_of_items(rows, rows["outcome"], label=label, **how))
        if has_verdicts(rows):
            yield from verdict_measures(rows, label, **how)
    elif kind == JUDGE:
        grades = 4 * rows["outcome"]
        yield Measure(kind, "", cells_of_items(rows, grades, label=label, worth=JUDGED, **how))
    else:
        yield from score_measures(rows, label, **how)


def is_recognition(rows: pd.DataFrame) -> bool:
    """Whether yes is right in all self cells and wrong in all others.

    Accuracy then confuses telling oneself apart with saying yes readily, and how readily a model
    says yes is what has to be modelled.
    """
    own = rows["explainer"] == rows["target"]
    return bool((rows["expected"] == np.where(own, "yes", "no")).all())


def yes_bias(rows: pd.DataFrame, label: str, **how: Any) -> Measure:
    """Log-odds of yes, whatever would be right.

    An explainer's readiness to say yes is its skill in the crossed model, and a target that all
    take for themselves is an easy one; what is left of self cells is recognition.
    """
    means, noise = cell_means(rows.assign(outcome=_log_odds(rows["predicted"]) / 100))
    fitted = cells_of_means(means, noise, scale="logit", label=label, **how)
    return Measure(YES_BIAS, "", fitted, "log-odds of yes: yes-bias is removed with skill")


def _log_odds(predicted: pd.Series) -> pd.Series:
    share = pd.to_numeric(predicted.replace({"yes": "1", "no": "0"}), errors="coerce")
    if share.isna().any() or not share.between(0, 1).all():
        raise InputError(
            "a prediction is neither yes, no nor a probability of yes",
            column="predicted",
            value=predicted[share.isna() | ~share.between(0, 1)].iloc[0],
        )
    clipped = share.clip(_CLIP, 1 - _CLIP)
    return np.log(clipped / (1 - clipped))
