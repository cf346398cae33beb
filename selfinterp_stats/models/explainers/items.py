"""Right or wrong, and ordered scores: crossed cells, and items that explainers share.

    answer of explainer e to item i of target t in class k and cluster c
        ~ OrderedLogistic(cell[e, t] + item[i] + class[k] + cluster[c], cutpoints)
    item[i] ~ Normal(0, sd_item[t])

With two categories the only cutpoint is 0 and this is logistic regression. Item effects are
integrated out by Gauss-Hermite quadrature, once per response pattern. So are cluster effects
where there are many clusters; few, large ones are parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from selfinterp_stats.models.explainers.crossed import Part, covariance, parts_of
from selfinterp_stats.models.explainers.patterns import FEW_CLUSTERS, Collapsed
from selfinterp_stats.models.explainers.spreads import HALF_NORMAL, sampled_sd

if TYPE_CHECKING:
    import pymc as pm

ITEM_SD: Final = 1.5
"""Scale of the half-normal prior of the sd of items of a target, in logits."""
CLUSTER_SD: Final = 1.0
"""The same for clusters."""
CLASS_SD: Final = 1.0
"""Prior sd of the effect of a class of items, in logits."""
STEP: Final = (1.0, 0.75)
"""Median and log-sd of the log-normal prior of the steps between cutpoints."""
NODES: Final = 21
MANY_NODES: Final = 61
LARGE_ITEM_SD: Final = 2.5
"""From this sd of items on an answer hangs on the item so sharply that it takes `MANY_NODES`."""
CLUSTER_NODES: Final = 11
MANY_CLUSTER_NODES: Final = 41
LARGE_CLUSTER: Final = 20
"""From so many answers on a cluster's effect is told so well that it takes many nodes."""
_FAR: Final = 500.0


@dataclass(frozen=True)
class ItemDesign:
    """What shapes the model, beside the patterns.

    Attributes
    ----------
    parts : tuple of Part
        Of the covariance of the cells.
    cells, targets, classes, clusters : int
        How many there are; one class or one cluster is none.
    categories : int
    nodes, cluster_nodes : int
        Of the quadrature over items, and over clusters that are integrated out.
    """

    parts: tuple[Part, ...]
    cells: int
    targets: int
    classes: int
    clusters: int
    categories: int = 2
    nodes: int = NODES
    cluster_nodes: int = CLUSTER_NODES

    @classmethod
    def of(cls, data: Collapsed, categories: int = 2) -> ItemDesign:
        """The design of collapsed items."""
        answers = data.patterns.by_category.sum(axis=(2, 3)).ravel()
        large = bool((data.patterns.times @ answers).max() >= LARGE_CLUSTER)
        return cls(
            parts=tuple(parts_of(data.cells)),
            cells=len(data.cells),
            targets=len(data.targets),
            classes=len(data.classes),
            clusters=len(data.clusters),
            categories=categories,
            nodes=MANY_NODES if item_sd(data) > LARGE_ITEM_SD else NODES,
            cluster_nodes=MANY_CLUSTER_NODES if large else CLUSTER_NODES,
        )

    def sampled_sds(self) -> list[Part]:
        """The sds that are sampled, in the model's order, each with the effects that it governs."""
        size = self.cells + (self.clusters if 1 < self.clusters <= FEW_CLUSTERS else 0)
        below = size - self.cells
        parts = [
            Part(p.name, np.pad(p.matrix, ((0, below), (0, 0))), p.prior, p.numbers)
            for p in self.parts
        ]
        if below:
            matrix = np.vstack([np.zeros((self.cells, below)), np.eye(below)])
            parts.append(Part("cluster", matrix, HALF_NORMAL, (CLUSTER_SD,)))
        return parts

    @property
    def form(self) -> tuple[object, ...]:
        """What a model of this design is built from: equal for designs that share a model."""
        shapes = tuple(part.form for part in self.parts)
        # How many clusters there are shapes the model only where each is a parameter.
        clusters = FEW_CLUSTERS + 1 if self.integrates_clusters else self.clusters
        nodes = self.nodes, self.cluster_nodes if self.integrates_clusters else 0
        return (*shapes, self.cells, self.targets, self.classes, clusters, self.categories, *nodes)

    @property
    def integrates_clusters(self) -> bool:
        """Whether clusters are many, so that they are integrated out."""
        return self.clusters > FEW_CLUSTERS

    def describe_priors(self) -> str:
        """The priors in one line."""
        listed = [part.describe() for part in self.parts]
        listed.append(f"sd_item ~ HalfNormal({ITEM_SD:g}) per target")
        if self.classes > 1:
            listed.append(f"class ~ Normal(0, {CLASS_SD:g})")
        if self.clusters > 1:
            listed.append(f"sd_cluster ~ HalfNormal({CLUSTER_SD:g})")
        if self.categories > 2:
            listed.append(f"steps of cutpoints ~ LogNormal(log {STEP[0]:g}, {STEP[1]:g})")
        return "; ".join(listed)


def item_model(design: ItemDesign, data: Collapsed) -> pm.Model:
    """Build the model.

    Parameters
    ----------
    design : ItemDesign
    data : Collapsed
        Its patterns become inputs of the model, in the order of `Patterns`.
    """
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        given = {
            name: pm.Data(f"given_{name}", values)
            for name, values in data.patterns._asdict().items()
        }
        total = covariance(design.parts)
        # Sds come first and the effects under them next: the engines count on that order.
        effects = 1 < design.clusters <= FEW_CLUSTERS
        if effects:
            sd_cluster = sampled_sd("sd_cluster", HALF_NORMAL, (CLUSTER_SD,))
        cell = pm.MvNormal("cell", mu=np.zeros(design.cells), cov=total)
        if effects:
            cluster = pm.Normal("cluster", 0, sd_cluster, shape=design.clusters)
        if design.integrates_clusters:
            sd_cluster = sampled_sd("sd_cluster", HALF_NORMAL, (CLUSTER_SD,))
        sd_item = sampled_sd("sd_item", HALF_NORMAL, (ITEM_SD,), shape=design.targets)
        shift: Any = np.zeros(data.patterns.cell.shape[:1])
        if design.classes > 1:
            shift = shift + pm.Normal("class", 0, CLASS_SD, shape=design.classes)[given["klass"]]
        if effects:
            shift = shift + cluster[given["group"]]
        place = (cell[given["cell"]] + shift[:, None])[:, :, None]
        # All nodes of items at the first node of clusters, then at the second, and so on.
        nodes, log_weights = quadrature(design.nodes)
        shifts, log_shares = quadrature(design.cluster_nodes if design.integrates_clusters else 1)
        place = place + sd_item[given["target"]][:, None, None] * np.tile(nodes, len(shifts))
        if design.integrates_clusters:
            place = place + sd_cluster * np.repeat(shifts, len(nodes))
        logs = given["answers"] @ _log_chances(place, _cutpoints(design))
        logs = logs.reshape((data.patterns.items.size, len(shifts), len(nodes)))
        # What a pattern says is told once, however many clusters have items of it.
        sums = given["times"] @ pt.logsumexp(logs + log_weights, axis=2)
        of_clusters = pt.logsumexp(sums + log_shares, axis=1, keepdims=True)
        pm.Potential("items", given["copies"] @ of_clusters[:, 0])
    return model


def item_sd(data: Collapsed) -> float:
    """Guess the sd of items from how alike explainers answer: good enough to choose nodes by.

    On a latent logistic scale answers to one item correlate by sd^2 / (sd^2 + pi^2 / 3); the
    correlation of the answers themselves is about 2 / pi times the arc sine of that.
    """
    answers, times = data.patterns.by_category, data.patterns.items[:, :, None]
    seen, above = answers.sum(axis=2), answers[:, :, 1:].sum(axis=2)
    answered = (times * seen).sum(axis=1)
    share = (times * above).sum(axis=1) / np.maximum(answered, 1)
    apart = seen * (above - share[:, None])
    products = apart.sum(2) ** 2 - (apart**2).sum(2)
    pairs = seen.sum(2) * (seen.sum(2) - 1)
    times = times[:, :, 0]
    variance = (times[:, :, None] * apart**2).sum() / max(answered.sum(), 1)
    if not variance or not (times * pairs).sum():
        return 0.0
    alike = (times * products).sum() / (times * pairs).sum() / variance
    latent = min(0.99, max(0.0, float(np.sin(np.pi / 2 * min(1.0, max(0.0, alike))))))
    return float(np.sqrt(np.pi**2 / 3 * latent / (1 - latent)))


def quadrature(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and log-weights for an expectation under a standard normal.

    Gauss-Hermite for few nodes, which are best for smooth functions; evenly spaced ones from -5
    to 5 where there are many, whose gaps are narrower.
    """
    if n <= NODES:
        nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    else:
        nodes = np.linspace(-5, 5, n)
        weights = np.exp(-(nodes**2) / 2)
    return nodes, np.log(weights / weights.sum())


def _cutpoints(design: ItemDesign) -> Any:
    """Cutpoints between categories; the first is 0."""
    import pymc as pm
    import pytensor.tensor as pt

    if design.categories == 2:
        return pt.zeros(1)
    steps = pm.LogNormal("step", np.log(STEP[0]), STEP[1], shape=design.categories - 2)
    cuts = pt.concatenate([np.zeros(1), pt.cumsum(steps)])
    return pt.specify_shape(cuts, (design.categories - 1,))


def _log_chances(x: Any, cuts: Any) -> Any:
    """Log-chances of the categories, a (block, category * slot, node) array.

    `x` is the place of each slot of a block at each node.
    """
    import pytensor.tensor as pt

    # Beyond the bounds an exponential overflows, and its derivative is no number.
    x = pt.clip(x, -_FAR, _FAR)
    first = -pt.softplus(x - cuts[0])
    # log F(y) = y + log F(-y) of the logistic F: with two categories one softplus serves both.
    last = (x - cuts[-1]) - pt.softplus(x - cuts[-1])
    # log(F(high) - F(low)) of the logistic F, without a difference of rounded numbers
    between = [
        -pt.softplus(x - cuts[k + 1])
        - pt.softplus(cuts[k] - x)
        + pt.log(-pt.expm1(cuts[k] - cuts[k + 1]))
        for k in range(cuts.type.shape[0] - 1)
    ]
    return pt.concatenate([first, *between, last], axis=1)
