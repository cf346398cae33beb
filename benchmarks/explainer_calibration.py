"""How often delta's 95% HDI holds the truth in studies whose truth comes from the prior.

Run as ``python benchmarks/explainer_calibration.py --size 3 --studies 400``. Every study is a full
design of as many models as `--size`; all are fitted by one compiled model. 400 studies cover
between 91.4% and 98.5% where the true rate is 95% (four standard errors, rounded to the issue's
bounds). With `--bias` every study gets one explainer that many logits better, which must not move
delta.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from typing import Any

import numpy as np

from selfinterp_stats.estimates.explainers.contrasts import DELTA, contrasts
from selfinterp_stats.estimates.explainers.sampling import sample, steadied_model
from selfinterp_stats.inference.density.steadied import wide_model
from selfinterp_stats.inference.summary.summaries import ess_bulk, hdi, rhat
from selfinterp_stats.models.explainers.crossed import CellName, Part, parts_of
from selfinterp_stats.models.explainers.items import ITEM_SD, ItemDesign, item_model
from selfinterp_stats.models.explainers.patterns import Collapsed, Patterns


def layout(size: int) -> Collapsed:
    """Every pattern of a full design without classes and clusters, none of them seen yet."""
    names = [f"m{i}" for i in range(size)]
    cells = tuple(CellName(who, whom) for whom in names for who in names)
    answers = np.array(list(itertools.product((0, 1), repeat=size)))
    count = len(answers)
    nothing = np.zeros(len(cells), dtype=int)
    site = np.repeat(np.arange(len(cells)).reshape(size, size), count, axis=0)
    patterns = Patterns(
        cell=np.arange(len(cells)),
        target=np.repeat(np.arange(size), size),
        klass=nothing,
        group=nothing,
        site=site,
        answer=np.tile(answers, (size, 1)),
        seen=np.ones(site.shape),
        cluster=np.zeros(len(site), dtype=int),
        times=np.zeros(len(site)),
    )
    return Collapsed(patterns, cells, tuple(names), ("",), ("",))


def drawn_sd(part: Part, rng: np.random.Generator) -> float:
    """A standard deviation from its prior."""
    if part.prior == "fixed":
        return part.numbers[0]
    if part.prior == "half-normal":
        return part.numbers[0] * abs(rng.standard_normal())
    return float(part.numbers[0] * np.exp(part.numbers[1] * rng.standard_normal()))


def simulated(
    size: int, items: int, bias: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The true cells of one study and how often each pattern was seen."""
    data = layout(size)
    cells = sum(
        drawn_sd(part, rng) * part.matrix @ rng.standard_normal(part.matrix.shape[1])
        for part in parts_of(data.cells)
    )
    cells = cells + bias * np.array([cell.explainer == "m0" for cell in data.cells])
    powers = 2 ** np.arange(size)[::-1]
    times = []
    for target in range(size):
        effect = ITEM_SD * abs(rng.standard_normal()) * rng.standard_normal((items, 1))
        chance = 1 / (1 + np.exp(-(cells[target * size : (target + 1) * size] + effect)))
        right = rng.random((items, size)) < chance
        times.append(np.bincount(right @ powers, minlength=2**size))
    return cells, np.concatenate(times).astype(float)


def calibrate(
    size: int, studies: int, items: int, bias: float, draws: int, batch: int, seed: int
) -> dict[str, Any]:
    """Fit many studies and count how often delta's interval holds its truth."""
    rng = np.random.default_rng([seed, size])
    data = layout(size)
    design = ItemDesign(tuple(parts_of(data.cells)), len(data.cells), size, 1, 1)
    names = [f"given_{name}" for name in Patterns._fields]
    model = steadied_model(item_model(design, data), names, design.sampled_sds())
    wide = wide_model(model)
    asked = contrasts([cell.pair for cell in data.cells])
    weights = next(one.weights for one in asked if one.quantity == DELTA)
    started = time.perf_counter()
    truths, low, high, mean, sd, worth, apart, engines = [], [], [], [], [], [], [], []
    for start in range(0, studies, batch):
        pairs = [simulated(size, items, bias, rng) for _ in range(batch)]
        arrays = Patterns(*(np.broadcast_to(a, (batch, *a.shape)) for a in data.patterns))
        arrays = arrays._replace(times=np.array([times for _, times in pairs]))
        labels = [f"{size}/{start + i}" for i in range(batch)]
        found = sample(model, arrays, labels, draws=draws, seed=seed, wide=wide, enough=150)
        deltas = np.array([one.values["cell"] @ weights for one in found])
        ends = hdi(deltas)
        truths += [float(cells @ weights) for cells, _ in pairs]
        low += list(ends[0])
        high += list(ends[1])
        mean += list(deltas.mean(axis=(1, 2)))
        sd += list(deltas.std(axis=(1, 2)))
        worth += list(ess_bulk(deltas))
        apart += list(rhat(deltas))
        engines += [one.engine for one in found]
    truth = np.array(truths)
    covered = (np.array(low) <= truth) & (truth <= np.array(high))
    error = (np.array(mean) - truth) / np.array(sd)
    return {
        "size": size,
        "studies": len(truth),
        "items": items,
        "bias": bias,
        "coverage": float(covered.mean()),
        "mean_z": float(error.mean()),
        "sd_z": float(error.std()),
        "mean_error": float((np.array(mean) - truth).mean()),
        "smallest_ess_bulk": float(min(worth)),
        "largest_rhat": float(max(apart)),
        "by_nuts": engines.count("nuts"),
        "seconds": time.perf_counter() - started,
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2, choices=[2, 3, 4, 5])
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--items", type=int, default=200, help="per target")
    parser.add_argument("--bias", type=float, default=0.0, help="logits, of one explainer's skill")
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    print(json.dumps(calibrate(**vars(parser.parse_args())), indent=1))


if __name__ == "__main__":
    main()
