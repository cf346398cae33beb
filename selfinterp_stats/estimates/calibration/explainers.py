"""The crossed model of explainers and targets, calibrated on full designs drawn from its prior.

Every target's items are answered by every explainer; there are no classes, clusters or runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit, log_expit

from selfinterp_stats.estimates.calibration.ranks import Ranks, ranks_among, refuse_few, thinned
from selfinterp_stats.estimates.explainers.contrasts import DELTA, contrasts
from selfinterp_stats.estimates.explainers.sampling import ENOUGH, Sampled, sample, steadied_model
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.inference.density.steadied import wide_model
from selfinterp_stats.models.explainers.crossed import CellName, parts_of
from selfinterp_stats.models.explainers.items import ITEM_SD, ItemDesign, item_model
from selfinterp_stats.models.explainers.patterns import Collapsed, Patterns

if TYPE_CHECKING:
    from selfinterp_stats.inference.settings import Progress

# Each simulation is a whole study.
MOST: Final = 100
MODELS: Final = 2
ITEMS: Final = 200
TOGETHER: Final = 20
SDS: Final = ("sd_explainer", "sd_target", "sd_pair")
# For the likelihood of the truth and of draws: more nodes than the model has.
_NODES: Final = 61


def layout(models: int) -> Collapsed:
    """Every pattern of answers of a full design, none of them seen yet."""
    names = [f"m{i}" for i in range(models)]
    cells = tuple(CellName(who, whom) for whom in names for who in names)
    right = np.array(list(itertools.product((0, 1), repeat=models)))
    answers = np.concatenate([1 - right, right], axis=1).astype(float)
    nothing = np.zeros(models, dtype=int)
    patterns = Patterns(
        cell=np.arange(len(cells)).reshape(models, models),
        target=np.arange(models),
        klass=nothing,
        group=nothing,
        answers=np.repeat(answers[None], models, axis=0),
        times=np.zeros((1, models * len(answers))),
        copies=np.ones(1),
    )
    return Collapsed(patterns, cells, tuple(names), ("",), ("",))


@dataclass(frozen=True)
class SimulatedStudy:
    """A study and the truth behind it.

    Attributes
    ----------
    cells : (cell,) array
        Logits.
    sds : dict of str to float
        By the model's names.
    item_sds : (target,) array
    times : (pattern,) array
        How often each was seen.
    """

    cells: np.ndarray
    sds: dict[str, float]
    item_sds: np.ndarray
    times: np.ndarray


def draw_study(
    models: int, items: int, rng: np.random.Generator, bias: tuple[float, float] = (0.0, 0.0)
) -> SimulatedStudy:
    """Draw a study from the prior.

    Parameters
    ----------
    models : int
        Each of them explainer and target.
    items : int
        Of each target.
    rng : numpy.random.Generator
    bias : (float, float)
        Logits by which the first explainer is better, and the second target easier.
    """
    data = layout(models)
    cells, sds = np.zeros(len(data.cells)), {}
    for part in parts_of(data.cells):
        sd = sds[f"sd_{part.name}"] = part.sd_at(rng.standard_normal())
        cells += sd * part.matrix @ rng.standard_normal(part.matrix.shape[1])
    cells += bias[0] * np.array([cell.explainer == "m0" for cell in data.cells])
    cells += bias[1] * np.array([cell.target == "m1" for cell in data.cells])
    powers = 2 ** np.arange(models)[::-1]
    item_sds = ITEM_SD * abs(rng.standard_normal(models))
    times = []
    for target, logits in enumerate(cells.reshape(models, models)):
        chance = expit(logits + item_sds[target] * rng.standard_normal((items, 1)))
        right = rng.random((items, models)) < chance
        times.append(np.bincount(right @ powers, minlength=2**models))
    return SimulatedStudy(cells, sds, item_sds, np.concatenate(times).astype(float))


class FullDesign:
    """Studies of so many models, fitted by one compiled model.

    Parameters
    ----------
    models : int
        Each of them explainer and target.
    """

    def __init__(self, models: int) -> None:
        self.data = layout(models)
        design = ItemDesign(tuple(parts_of(self.data.cells)), models**2, models, 1, 1)
        names = [f"given_{name}" for name in Patterns._fields]
        self._model = steadied_model(item_model(design, self.data), names, design.sampled_sds())

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """What is asked of the cells, each as the weights of its sum: (cell,) arrays."""
        pairs = [cell.pair for cell in self.data.cells]
        models = len(self.data.cells) ** 0.5
        return {
            DELTA: next(one.weights for one in contrasts(pairs) if one.quantity == DELTA),
            "mean": np.full(len(pairs), 1 / len(pairs)),
            "skill": np.array([(who == "m0") - float(who == "m1") for who, _ in pairs]) / models,
            "difficulty": np.array([(of == "m0") - float(of == "m1") for _, of in pairs]) / models,
        }

    def fit(
        self,
        studies: Sequence[SimulatedStudy],
        labels: Sequence[str],
        *,
        draws: int,
        seed: int,
        enough: float = ENOUGH,
    ) -> list[Sampled]:
        """Fit studies; `labels`, `draws`, `seed` and `enough` as for `sampling.sample`."""
        arrays = [np.broadcast_to(a, (len(studies), *a.shape)) for a in self.data.patterns]
        patterns = Patterns(*arrays)._replace(times=np.array([[one.times] for one in studies]))
        return sample(
            self._model,
            patterns,
            labels,
            wide=self._wide,
            draws=draws,
            seed=seed,
            enough=enough,
        )

    def log_likelihood(
        self, cells: np.ndarray, item_sds: np.ndarray, study: SimulatedStudy
    ) -> np.ndarray:
        """Log-likelihood of a study, its items integrated out, by draw.

        Parameters
        ----------
        cells : (draw, cell) array
        item_sds : (draw, target) array
        study : SimulatedStudy

        Returns
        -------
        (draw,) array
        """
        nodes, shares = np.polynomial.hermite_e.hermegauss(_NODES)
        models = item_sds.shape[1]
        logits = cells.reshape(-1, models, models, 1) + item_sds[..., None, None] * nodes
        right = self.data.patterns.answers[0, :, models:]  # (pattern, explainer)
        of_patterns = np.einsum("pe,dten->dtpn", right, log_expit(logits))
        of_patterns += np.einsum("pe,dten->dtpn", 1 - right, log_expit(-logits))
        chances = np.exp(of_patterns) @ (shares / shares.sum())
        return np.asarray(np.log(chances).reshape(len(cells), -1) @ study.times)

    @cached_property
    def _wide(self) -> object:
        return wide_model(self._model)


@dataclass(frozen=True)
class CalibratedExplainers:
    """The crossed model of right and wrong answers, to be calibrated.

    Attributes
    ----------
    name : str
    stand_in : str
        Empty: all priors are proper and fixed.
    """

    name: str = "explainers on targets"
    stand_in: str = ""

    def ranks(
        self, simulations: int, settings: Settings, progress: Progress | None = None
    ) -> Ranks:
        """Draw studies from the prior, at most `MOST`, and rank their truth."""
        refuse_few(simulations)
        number = min(simulations, MOST)
        design = FullDesign(MODELS)
        studies = [
            draw_study(MODELS, ITEMS, np.random.default_rng([settings.seed, i, MODELS]))
            for i in range(number)
        ]
        found: list[Sampled] = []
        for first in range(0, number, TOGETHER):
            some = studies[first : first + TOGETHER]
            labels = [f"{self.name} {first + i:04d}" for i in range(len(some))]
            found += design.fit(some, labels, draws=settings.draws, seed=settings.seed)
            if progress is not None:
                progress(simulations * len(some) // number)
        truth = np.array([_truth(design, one) for one in studies])
        draws = np.stack([_quantities(design, one) for one in found])
        likelihood, likelihoods = zip(
            *[_likelihoods(design, *both) for both in zip(studies, found, strict=True)], strict=True
        )
        kinds = ("delta", *["cells"] * (len(design.weights) - 1), *["sds"] * len(SDS))
        return ranks_among(
            self,
            (*kinds, *["sds of items"] * MODELS),
            truth,
            draws,
            np.array(likelihood)[:, None],
            np.stack(likelihoods)[:, None],
            engines=np.array([one.engine for one in found]),
        )


def _truth(design: FullDesign, study: SimulatedStudy) -> list[float]:
    cells = [float(study.cells @ weights) for weights in design.weights.values()]
    return [*cells, *[study.sds[name] for name in SDS], *study.item_sds]


def _quantities(design: FullDesign, found: Sampled) -> np.ndarray:
    """(quantity, chain, draw) array, in the order of `_truth`."""
    cells = [found.values["cell"] @ weights for weights in design.weights.values()]
    item_sds = np.moveaxis(found.values["sd_item"], -1, 0)
    return np.stack([*cells, *[found.values[name] for name in SDS], *item_sds])


def _likelihoods(
    design: FullDesign, study: SimulatedStudy, found: Sampled
) -> tuple[float, np.ndarray]:
    """Log-likelihood of the truth, and of the ranked draws."""
    cells, item_sds = (
        thinned(np.moveaxis(found.values[name], -1, 0)[None])[0].T for name in ("cell", "sd_item")
    )
    of_truth = design.log_likelihood(study.cells[None], study.item_sds[None], study)
    return float(of_truth[0]), design.log_likelihood(cells, item_sds, study)
