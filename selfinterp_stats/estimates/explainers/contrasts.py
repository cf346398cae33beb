"""Which weighted sums of cells answer which question, and which questions a design leaves open.

Cells of a design are taken as skill of the explainer + difficulty of the target + self effect.
Every quantity is a weighted sum of the cells, so that it is the same function of cell means, of
logits, and of each posterior draw of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

DELTA: Final = "delta"
DELTA_OF_TARGET: Final = "delta_of_target"
GAP: Final = "self_cross_gap"
CENTRED: Final = "double_centred"
BEYOND: Final = "delta_beyond_similarity"
GRADIENT: Final = "similarity_gradient"

# What is left of a column after projection, as a share of it, below which it is explained.
_NOTHING: Final = 1e-8

Cell = tuple[str, str]


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of cells.

    Attributes
    ----------
    quantity : str
    target : str
        Empty for what is about all targets.
    weights : (cell,) array or None
        None where the design does not identify the quantity.
    note : str
        What the number holds, or why there is none.
    """

    quantity: str
    target: str
    weights: np.ndarray | None
    note: str = ""


def contrasts(cells: Sequence[Cell], similarity: np.ndarray | None = None) -> list[Contrast]:
    """Everything that is asked of a crossed design.

    Parameters
    ----------
    cells : sequence of (explainer, target)
        Each cell once.
    similarity : (cell,) array, optional
        Of explainer and target.

    Returns
    -------
    list of Contrast
        ``self_cross_gap`` per target: self minus the mean of its cross cells. ``delta``: the
        least-squares self effect beside effects of explainers and targets. ``delta_of_target``:
        the same with a self effect for each target. ``double_centred`` per target: its self cell
        less the means of its row and column, plus the grand mean; only of a full rectangle.
        With similarities ``delta_beyond_similarity``: delta beside a linear gradient over them,
        which is ``similarity_gradient`` (per unit of similarity).
    """
    own = _own(cells)
    targets = [target for (_, target), is_own in zip(cells, own, strict=True) if is_own]
    per_target = [
        *(_gap(cells, target) for target in targets),
        *(_delta_of_target(cells, target) for target in targets),
        *(found for target in targets if (found := _centred(cells, target)) is not None),
    ]
    weights = _least_squares(own[:, None].astype(float), _additive(cells))[0]
    note = "" if weights is not None else _why_no_delta(cells)
    delta = Contrast(DELTA, "", weights, note)
    if similarity is None:
        return [*per_target, delta]
    return [*per_target, delta, *_beside_similarity(cells, similarity)]


def _beside_similarity(cells: Sequence[Cell], similarity: np.ndarray) -> list[Contrast]:
    missing = [cell for cell, value in zip(cells, similarity, strict=True) if np.isnan(value)]
    if missing:
        who, whom = missing[0]
        note = f"not identified: no similarity of {who} and {whom} is given"
        return [Contrast(quantity, "", None, note) for quantity in (BEYOND, GRADIENT)]
    effects = np.column_stack([_own(cells).astype(float), similarity])
    beyond, gradient = _least_squares(effects, _additive(cells))
    if beyond is None or gradient is None:
        note = (
            "not identified: with these cells a gradient over similarity cannot be told from the "
            "self effect, skill and difficulty; it takes cross cells that differ in similarity"
        )
        return [Contrast(quantity, "", None, note) for quantity in (BEYOND, GRADIENT)]
    return [
        Contrast(BEYOND, "", beyond, "self effect beside a linear gradient over similarity"),
        Contrast(GRADIENT, "", gradient, "per unit of similarity of explainer and target"),
    ]


def _own(cells: Sequence[Cell]) -> np.ndarray:
    return np.array([explainer == target for explainer, target in cells])


def _additive(cells: Sequence[Cell]) -> np.ndarray:
    """Indicators of explainers and of targets."""
    columns = [
        [float(cell[side] == name) for cell in cells]
        for side in (0, 1)
        for name in dict.fromkeys(cell[side] for cell in cells)
    ]
    return np.array(columns).T


def _least_squares(effects: np.ndarray, others: np.ndarray) -> list[np.ndarray | None]:
    """Weights of each effect's least-squares estimate beside all other columns."""
    found: list[np.ndarray | None] = []
    for i in range(effects.shape[1]):
        rest = np.column_stack([others, np.delete(effects, i, axis=1)])
        column = effects[:, i]
        left = column - rest @ np.linalg.lstsq(rest, column, rcond=None)[0]
        size = float(left @ left)
        found.append(left / size if size > _NOTHING * float(column @ column) else None)
    return found


def _gap(cells: Sequence[Cell], target: str) -> Contrast:
    cross = [i for i, (who, whom) in enumerate(cells) if whom == target and who != target]
    if not cross:
        return Contrast(GAP, target, None, "no other model explains this target")
    weights = np.zeros(len(cells))
    weights[list(cells).index((target, target))] = 1
    weights[cross] = -1 / len(cross)
    return Contrast(GAP, target, weights, "holds the explainers' difference in skill too")


def _delta_of_target(cells: Sequence[Cell], target: str) -> Contrast:
    targets = [who for who, whom in cells if who == whom]
    effects = np.array([[float(cell == (name, name)) for name in targets] for cell in cells])
    weights = _least_squares(effects, _additive(cells))[targets.index(target)]
    if weights is not None:
        return Contrast(DELTA_OF_TARGET, target, weights, "skill and difficulty removed")
    return Contrast(
        DELTA_OF_TARGET,
        target,
        None,
        "not identified: a self effect of one target cannot be told from its explainer's skill "
        "here; it takes three or more models that explain each other",
    )


def _centred(cells: Sequence[Cell], target: str) -> Contrast | None:
    explainers = list(dict.fromkeys(who for who, _ in cells))
    targets = list(dict.fromkeys(whom for _, whom in cells))
    if len(cells) < len(explainers) * len(targets):
        return None
    weights = np.array(
        [
            ((who == target) - 1 / len(explainers)) * ((whom == target) - 1 / len(targets))
            for who, whom in cells
        ]
    )
    return Contrast(CENTRED, target, weights, "self cell less its row's and its column's mean")


def _why_no_delta(cells: Sequence[Cell]) -> str:
    if len({target for _, target in cells}) == 1:
        return (
            "not identified: with one target the self effect cannot be told from the explainer's "
            "skill; see the gap"
        )
    return (
        "not identified: the self effect cannot be told from skill and difficulty with these cells"
    )
