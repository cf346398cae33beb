"""What is compared between designs of one task: conditions, and training sizes.

Designs are fitted apart, so that their draws are independent. Items that two conditions share
make the true interval of a contrast a little narrower than the one given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np

from selfinterp_stats.estimates.explainers.contrasts import DELTA, contrasts
from selfinterp_stats.estimates.explainers.measures import Measure

CHANNEL: Final = "channel_contrast"
PER_DOUBLING: Final = "per_doubling"
APART: Final = "conditions taken as independent: items that they share would if anything narrow it"
_WITHOUT: Final = ("without", "no ", "no_", "no-", "off", "none", "baseline")


@dataclass(frozen=True)
class Design:
    """One design of a task with its outcome as a whole.

    Attributes
    ----------
    names : dict of str to object
        `task`, `condition`, `training_items`.
    measure : Measure
    """

    names: dict[str, Any]
    measure: Measure

    def sums(self, scale: str) -> dict[str, np.ndarray]:
        """Draws of delta and of the mean self and cross cell, (chain, draw) arrays."""
        fitted = self.measure.fitted
        draws = fitted.scales[scale]
        own = np.array([who == whom for who, whom in fitted.pairs])
        weights = delta_weights(self.measure)
        assert weights is not None
        found = {DELTA: weights, "self": own / own.sum(), "cross": ~own / (~own).sum()}
        return {name: draws @ weight for name, weight in found.items()}


@dataclass(frozen=True)
class Comparison:
    """A quantity that several designs have in common.

    Attributes
    ----------
    names : dict of str to object
        What the row is about.
    quantity, scale : str
    draws : (chain, draw) array
    note : str
    """

    names: dict[str, Any]
    quantity: str
    scale: str
    draws: np.ndarray
    note: str


def delta_weights(measure: Measure) -> np.ndarray | None:
    """Weights of the cells that make delta, where the design identifies it."""
    return next(c.weights for c in contrasts(measure.fitted.pairs) if c.quantity == DELTA)


def comparisons(designs: Sequence[Design]) -> Iterator[Comparison]:
    """Contrasts of conditions, and slopes over training size, as far as there are several."""
    usable = [one for one in designs if delta_weights(one.measure) is not None]
    for group in _groups(usable, ("task", "training_items")):
        yield from _conditions(group)
    for group in _groups(usable, ("task", "condition")):
        yield from _sizes(group)


def _groups(designs: Sequence[Design], by: tuple[str, str]) -> list[list[Design]]:
    def key(one: Design) -> tuple[str, str]:
        return str(one.names[by[0]]), str(one.names[by[1]])

    groups = [list(group) for _, group in groupby(sorted(designs, key=key), key)]
    return [group for group in groups if len(group) > 1]


def _conditions(group: list[Design]) -> Iterator[Comparison]:
    """Delta of each condition less that of the one without the channel."""
    baseline = next((one for one in group if _is_without(one.names["condition"])), group[0])
    for one in group:
        if one is baseline:
            continue
        low, high = baseline.names["condition"], one.names["condition"]
        for scale in _scales([one, baseline]):
            yield Comparison(
                {**one.names, "condition": f"{high or '(none)'} - {low or '(none)'}"},
                CHANNEL,
                scale,
                one.sums(scale)[DELTA] - baseline.sums(scale)[DELTA],
                f"delta of {high!r} less delta of {low!r}; {APART}",
            )


def _is_without(condition: str) -> bool:
    text = condition.lower()
    return not text or text.startswith(_WITHOUT)


def _sizes(group: list[Design]) -> Iterator[Comparison]:
    """How much is gained per doubling of the training size, by least squares over the sizes."""
    sizes = np.array([one.names["training_items"] for one in group], dtype=float)
    group = [one for one, size in zip(group, sizes, strict=True) if size > 0]
    x = np.log2(sizes[sizes > 0])
    if len(np.unique(x)) < 2:
        return
    slope = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    names = {**group[0].names, "training_items": np.nan}
    for scale in _scales(group):
        sums = [one.sums(scale) for one in group]
        for name in sums[0]:
            draws = sum(weight * one[name] for weight, one in zip(slope, sums, strict=True))
            note = f"over {len(x)} training sizes, {min(sizes):,.0f} to {max(sizes):,.0f} items"
            yield Comparison(names, f"{name}_{PER_DOUBLING}", scale, np.asarray(draws), note)


def _scales(group: Sequence[Design]) -> list[str]:
    common = set.intersection(*(set(one.measure.fitted.scales) for one in group))
    return [scale for scale in ("logit", "points") if scale in common]
