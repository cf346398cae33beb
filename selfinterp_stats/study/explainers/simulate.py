"""An explainer study with known truth, written as files that the reader reads.

An explanation is right with the chance that the crossed model says:

    logit = skill of explainer + difficulty of target + pair + self effect + run + item

and a wrong one is no sentence at all, has the wrong verdict, or names the wrong content.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.explainers.load import ITEMS_FILE
from selfinterp_stats.study.simulation.files import PARAMETERS_FILE, TRUTH_FILE, new_folder

TASK: Final = "input_ablation"
_LETTERS: Final = np.array(["a", "b", "c", "d"])
_CHANGED: Final = 0.4
# How a wrong answer is wrong: no sentence, wrong verdict, wrong content.
_WRONG: Final = (0.1, 0.5, 0.4)
_NODES: Final = 61


@dataclass(frozen=True)
class ExplainerDesign:
    """What is simulated; sds and the self effect in logits.

    Attributes
    ----------
    models : int
        Each explains all of them.
    items : int
        Of each target.
    runs : int
        Of each explainer and target.
    self_effect : float
    mean, skill_sd, difficulty_sd, pair_sd, run_sd, item_sd : float
    seed : int
    """

    models: int = 3
    items: int = 500
    runs: int = 1
    self_effect: float = 0.5
    mean: float = 0.0
    skill_sd: float = 0.7
    difficulty_sd: float = 0.7
    pair_sd: float = 0.2
    run_sd: float = 0.2
    item_sd: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("models", 2), ("items", 1), ("runs", 1)):
            if getattr(self, name) < least:
                raise InputError(
                    f"there are too few {name}", value=getattr(self, name), allowed=f"from {least}"
                )
        for name in ("self_effect", "mean"):
            if not np.isfinite(getattr(self, name)):
                raise InputError(
                    f"{name} is no number", value=getattr(self, name), allowed="such as 0.5"
                )
        for name in ("skill_sd", "difficulty_sd", "pair_sd", "run_sd", "item_sd"):
            if not 0 <= getattr(self, name) < np.inf:
                raise InputError(f"{name} is no sd", value=getattr(self, name), allowed="from 0")


@dataclass(frozen=True)
class ExplainerTruth:
    """What is known of a simulated explainer study.

    Attributes
    ----------
    folder : pathlib.Path
    design : ExplainerDesign
    cells : pandas.DataFrame
        `explainer`, `target`, `run`, `logit` and `points`, the chance of a right answer averaged
        over items.
    quantities : pandas.DataFrame
        `quantity`, `target`, `scale`, `truth`, named as in ``tables/explainers.csv``: the gaps
        and delta of these runs' cells.
    """

    folder: Path
    design: ExplainerDesign
    cells: pd.DataFrame
    quantities: pd.DataFrame


def simulate_explainers(
    folder: str | PathLike[str], design: ExplainerDesign | None = None
) -> ExplainerTruth:
    """Simulate a full design and write its folder.

    Parameters
    ----------
    folder : path-like
        Created; must not exist or be empty. Gets ``items.csv`` (a tidy table of items),
        ``simulation_truth.csv`` (the true cells) and ``simulation.json`` (the design and the true
        value of every quantity).
    design : ExplainerDesign, optional

    Raises
    ------
    InputError
        The folder exists and is not empty, or cannot be written.
    """
    design = design or ExplainerDesign()
    with new_folder(folder) as out:
        rng = np.random.default_rng(design.seed)
        cells = _cells(design, rng)
        items = pd.concat(list(_answers(design, cells, rng)), ignore_index=True)
        quantities = _quantities(cells)
        record = {
            "kind": "explainers",
            "parameters": asdict(design),
            "quantities": quantities.to_dict("records"),
        }
        items.to_csv(out / ITEMS_FILE, index=False, lineterminator="\n", encoding="utf-8")
        cells.to_csv(out / TRUTH_FILE, index=False, lineterminator="\n", encoding="utf-8")
        text = json.dumps(record, indent=1) + "\n"
        (out / PARAMETERS_FILE).write_text(text, encoding="utf-8", newline="\n")
    return ExplainerTruth(Path(folder), design, cells, quantities)


def _cells(design: ExplainerDesign, rng: np.random.Generator) -> pd.DataFrame:
    n = design.models
    who, whom, run = (
        axis.ravel() for axis in np.meshgrid(*map(np.arange, (n, n, design.runs)), indexing="ij")
    )
    skill = design.skill_sd * rng.standard_normal(n)
    difficulty = design.difficulty_sd * rng.standard_normal(n)
    pair = design.pair_sd * rng.standard_normal((n, n))
    logit = design.mean + skill[who] + difficulty[whom] + pair[who, whom]
    logit += design.self_effect * (who == whom)
    if design.runs > 1:
        logit += design.run_sd * rng.standard_normal(len(logit))
    nodes = np.linspace(-5, 5, _NODES)
    weights = np.exp(-(nodes**2) / 2)
    chance = 1 / (1 + np.exp(-(logit[:, None] + design.item_sd * nodes)))
    names = np.array([f"model-{i + 1}" for i in range(n)])
    return pd.DataFrame(
        {
            "explainer": names[who],
            "target": names[whom],
            "run": (run + 1).astype(str) if design.runs > 1 else "",
            "logit": logit,
            "points": 100 * chance @ weights / weights.sum(),
        }
    )


def _answers(
    design: ExplainerDesign, cells: pd.DataFrame, rng: np.random.Generator
) -> Iterator[pd.DataFrame]:
    for target, rows in cells.groupby("target", sort=False):
        easy = design.item_sd * rng.standard_normal(design.items)
        changed = rng.random(design.items) < _CHANGED
        letter = rng.integers(0, len(_LETTERS), design.items)
        expected = _sentences(changed, _LETTERS[letter])
        for cell in rows.itertuples(index=False):
            right = rng.random(design.items) < 1 / (1 + np.exp(-(cell.logit + easy)))
            wrong = rng.choice(3, size=design.items, p=_WRONG)
            other = _LETTERS[(letter + rng.integers(1, len(_LETTERS), design.items)) % 4]
            said = np.where(
                wrong == 1,
                _sentences(~changed, _LETTERS[letter]),
                _sentences(changed, other),
            )
            said = np.where(wrong == 0, "I cannot tell.", said)
            yield pd.DataFrame(
                {
                    "explainer": cell.explainer,
                    "target": target,
                    "task": TASK,
                    "item": [f"{target}/{i + 1}" for i in range(design.items)],
                    "outcome": right.astype(int),
                    "run": cell.run,
                    "predicted": np.where(right, expected, said),
                    "expected": expected,
                }
            )


def _sentences(changed: np.ndarray, content: np.ndarray) -> np.ndarray:
    return np.array(
        [
            f"The most likely output would change to <<<{what}>>>."
            if is_changed
            else f"The output would remain unchanged from <<<{what}>>>."
            for is_changed, what in zip(changed, content, strict=True)
        ]
    )


def _quantities(cells: pd.DataFrame) -> pd.DataFrame:
    """The gaps and delta; in a full square delta is the mean self less the mean cross cell."""
    rows = []
    for scale in ("logit", "points"):
        square = cells.groupby(["explainer", "target"], sort=False)[scale].mean().unstack()
        own = np.eye(len(square), dtype=bool)
        for place, target in enumerate(square.columns):
            column = square[target].to_numpy()
            gap = column[place] - np.delete(column, place).mean()
            rows.append(("self_cross_gap", target, scale, gap))
        delta = square.to_numpy()[own].mean() - square.to_numpy()[~own].mean()
        rows.append(("delta", "", scale, delta))
    return pd.DataFrame(rows, columns=["quantity", "target", "scale", "truth"])
