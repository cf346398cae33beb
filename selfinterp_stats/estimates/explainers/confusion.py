"""F1 as a functional of the posterior of the confusion table.

The table of a cell, what is true by what was said, is multinomial with a Dirichlet posterior.
Explainers of a target answered the same items, so that their tables are drawn together: every
item gets one exponential weight that counts in the tables of all (a Bayesian bootstrap, Rubin
1981), and every entry of a table a gamma weight of its own for the prior. By the additivity of
gamma variates each table is then exactly Dirichlet(counts + prior).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.explainers.cells import CellDraws
from selfinterp_stats.estimates.explainers.sampling import CHAINS, Sampled
from selfinterp_stats.study.explainers.sentences import INVALID, VERDICTS

PRIOR: Final = 0.5
"""Of each entry of the table (Jeffreys)."""
SAID: Final = (*VERDICTS, INVALID)
_SIZE: Final = len(VERDICTS) * len(SAID)


def f1_scores(
    rows: pd.DataFrame, label: str, *, draws: int = 4000, seed: int = 0
) -> dict[str, CellDraws]:
    """Draw the F1 of both verdicts in every cell, in percentage points.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `ExplainerStudy.items`, with verdicts in `predicted` and `expected`.
    label : str
        With the seed it settles the draws.
    draws : int
        Over all chains.
    seed : int

    Returns
    -------
    dict of str to CellDraws
        By verdict; an invalid answer counts as a miss.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, *f"{label} / f1".encode()]))
    pairs = list(dict.fromkeys(zip(rows["explainer"], rows["target"], strict=True)))
    tables = confusion_draws(rows, pairs, draws, rng)
    grouped = rows.groupby(["explainer", "target"])["run"].nunique()
    runs = np.array([grouped[pair] for pair in pairs])
    exact = Sampled({}, "exact", float("nan"), float("nan"))
    priors = f"entries of the confusion table ~ Dirichlet({PRIOR:g})"
    return {
        verdict: CellDraws(
            tuple(pairs),
            runs,
            {"points": (100 * _f1(tables, place)).reshape(CHAINS, -1, len(pairs))},
            priors,
            exact,
        )
        for place, verdict in enumerate(VERDICTS)
    }


def confusion_draws(
    rows: pd.DataFrame, pairs: list[tuple[str, str]], draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw the confusion tables, a (draw, pair, true, said) array that sums to 1 per table."""
    cell = pd.MultiIndex.from_tuples(pairs).get_indexer(
        pd.MultiIndex.from_frame(rows[["explainer", "target"]])
    )
    true = pd.Index(VERDICTS).get_indexer(rows["expected"])
    said = pd.Index(SAID).get_indexer(rows["predicted"])
    entry = (cell * len(VERDICTS) + true) * len(SAID) + said
    item = rows.groupby(["target", "item"]).ngroup().to_numpy()
    counts = np.zeros((item.max() + 1, len(pairs) * _SIZE), dtype=np.int16)
    np.add.at(counts, (item, entry), 1)
    patterns, times = np.unique(counts, axis=0, return_counts=True)
    # The weights of items with one pattern sum up to one gamma variate.
    weights = rng.standard_gamma(times.astype(float), size=(draws, len(times))) @ patterns
    weights += rng.standard_gamma(PRIOR, size=weights.shape)
    tables = weights.reshape(draws, len(pairs), len(VERDICTS), len(SAID))
    found: np.ndarray = tables / tables.sum(axis=(2, 3), keepdims=True)
    return found


def _f1(tables: np.ndarray, place: int) -> np.ndarray:
    hits = tables[:, :, place, place]
    true, said = tables[:, :, place].sum(axis=2), tables[:, :, :, place].sum(axis=2)
    found: np.ndarray = 2 * hits / (true + said)
    return found
