"""How often delta's 95% HDI holds the truth in studies whose truth comes from the prior.

Run as ``python benchmarks/explainer_calibration.py``: 400 studies of 2 x 2 to 5 x 5 models, fewer
of the larger ones, every study a full design; all of one size are fitted by one compiled model.
Of 400 between 91.4% and 98.5% are covered where the true rate is 95%. The ranks of the truth among
the draws are uniform where the posterior is right (simulation-based calibration, Talts et al.
2018).

The first studies of two sizes are then fitted with an explainer better or worse by two logits, and
a target easier or harder: the items' random numbers are the same, so that the difference of the
two estimates of delta is what the bias does and little else. Its mean is given with its Monte
Carlo error.

Writes reports/explainers/calibration.{json,md}.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import chisquare

from selfinterp_stats.estimates.explainers.contrasts import DELTA, contrasts
from selfinterp_stats.estimates.explainers.sampling import sample, steadied_model
from selfinterp_stats.inference.density.steadied import wide_model
from selfinterp_stats.inference.summary.summaries import ess_bulk, hdi, rhat
from selfinterp_stats.models.explainers.crossed import CellName, Part, parts_of
from selfinterp_stats.models.explainers.items import ITEM_SD, ItemDesign, item_model
from selfinterp_stats.models.explainers.patterns import Collapsed, Patterns

REPORTS: Final = Path(__file__).resolve().parents[1] / "reports" / "explainers"
BIASES: Final = {
    "explainer better by 2 logits": {"skill": 2.0},
    "explainer worse by 2 logits": {"skill": -2.0},
    "target easier by 2 logits": {"difficulty": 2.0},
    "target harder by 2 logits": {"difficulty": -2.0},
}


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
        times=np.zeros((1, len(site))),
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
    size: int, items: int, skill: float, difficulty: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The true cells of one study and how often each pattern was seen."""
    data = layout(size)
    cells = sum(
        drawn_sd(part, rng) * part.matrix @ rng.standard_normal(part.matrix.shape[1])
        for part in parts_of(data.cells)
    )
    cells = cells + skill * np.array([cell.explainer == "m0" for cell in data.cells])
    cells = cells + difficulty * np.array([cell.target == "m1" for cell in data.cells])
    powers = 2 ** np.arange(size)[::-1]
    times = []
    for target in range(size):
        effect = ITEM_SD * abs(rng.standard_normal()) * rng.standard_normal((items, 1))
        chance = 1 / (1 + np.exp(-(cells[target * size : (target + 1) * size] + effect)))
        right = rng.random((items, size)) < chance
        times.append(np.bincount(right @ powers, minlength=2**size))
    return cells, np.concatenate(times).astype(float)


class Fitter:
    """Studies of one size, fitted by one compiled model.

    Parameters
    ----------
    size, items, draws, batch, seed : int
        Models; items per target; draws per study; studies fitted together.
    """

    def __init__(self, size: int, items: int, draws: int, batch: int, seed: int) -> None:
        self.size, self.items, self.draws, self.batch, self.seed = size, items, draws, batch, seed
        self.data = layout(size)
        design = ItemDesign(tuple(parts_of(self.data.cells)), size**2, size, 1, 1)
        names = [f"given_{name}" for name in Patterns._fields]
        self.model = steadied_model(item_model(design, self.data), names, design.sampled_sds())
        self.wide = wide_model(self.model)
        asked = contrasts([cell.pair for cell in self.data.cells])
        self.delta = next(one.weights for one in asked if one.quantity == DELTA)

    def fit(self, studies: int, skill: float = 0.0, difficulty: float = 0.0) -> pd.DataFrame:
        """One row per study: truth, interval, mean, rank of the truth, diagnostics."""
        return pd.concat(
            [
                self._some(range(start, start + self.batch), skill, difficulty)
                for start in range(0, studies, self.batch)
            ],
            ignore_index=True,
        )

    def _some(self, which: range, skill: float, difficulty: float) -> pd.DataFrame:
        made = [
            simulated(
                self.size,
                self.items,
                skill,
                difficulty,
                np.random.default_rng([self.seed, self.size, study]),
            )
            for study in which
        ]
        arrays = [np.broadcast_to(a, (len(made), *a.shape)) for a in self.data.patterns]
        patterns = Patterns(*arrays)._replace(times=np.array([[times] for _, times in made]))
        found = sample(
            self.model,
            patterns,
            [f"{self.size}/{study}" for study in which],
            draws=self.draws,
            seed=self.seed,
            wide=self.wide,
            enough=150,
        )
        draws = np.array([one.values["cell"] @ self.delta for one in found])
        truth = np.array([cells @ self.delta for cells, _ in made])
        low, high = hdi(draws)
        return pd.DataFrame(
            {
                "size": self.size,
                "study": list(which),
                "truth": truth,
                "low": low,
                "high": high,
                "mean": draws.mean(axis=(1, 2)),
                "sd": draws.std(axis=(1, 2)),
                "rank": (draws < truth[:, None, None]).mean(axis=(1, 2)),
                "ess_bulk": ess_bulk(draws),
                "rhat": rhat(draws),
                "engine": [one.engine for one in found],
            }
        )


def covered(studies: pd.DataFrame) -> pd.Series:
    """Which studies' intervals hold the truth."""
    return studies["truth"].between(studies["low"], studies["high"])


def figures(studies: pd.DataFrame) -> dict[str, float]:
    """What is told of a set of studies."""
    z = (studies["mean"] - studies["truth"]) / studies["sd"]
    counts = np.histogram(studies["rank"], bins=10, range=(0, 1))[0]
    return {
        "studies": len(studies),
        "coverage": float(covered(studies).mean()),
        "mean_z": float(z.mean()),
        "sd_z": float(z.std()),
        "sbc_p": float(chisquare(counts).pvalue),
        "by_nuts": int((studies["engine"] == "nuts").sum()),
        "smallest_ess_bulk": float(studies["ess_bulk"].min()),
        "largest_rhat": float(studies["rhat"].max()),
    }


def moved(plain: pd.DataFrame, biased: pd.DataFrame) -> dict[str, float]:
    """How far a bias moves delta, study by study."""
    shift = biased["mean"].to_numpy() - plain["mean"].to_numpy()[: len(biased)]
    return {
        "studies": len(shift),
        "mean_shift": float(shift.mean()),
        "monte_carlo_error": float(shift.std(ddof=1) / np.sqrt(len(shift))),
        "coverage": float(covered(biased).mean()),
    }


def report(found: dict[str, Any]) -> str:
    """The result in words and tables."""
    lines = [
        "# Calibration of the explainer model",
        "",
        (
            f"`python benchmarks/explainer_calibration.py`, seed {found['seed']}: "
            f"{found['items']} items per target, truths from the prior, {found['draws']:,} draws "
            f"per study, {found['cpu_seconds'] / 60:.0f} minutes of CPU time."
        ),
        "",
        (
            "| design | studies | coverage of the 95% HDI | mean z | sd z | uniform ranks, p "
            "| fitted by NUTS | smallest ESS | largest R-hat |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {it['studies']} | {it['coverage']:.1%} | {it['mean_z']:.2f} "
        f"| {it['sd_z']:.2f} | {it['sbc_p']:.2f} | {it['by_nuts']} "
        f"| {it['smallest_ess_bulk']:.0f} | {it['largest_rhat']:.3f} |"
        for name, it in found["designs"].items()
    ]
    lines += [
        "",
        (
            "The same studies with one explainer or one target biased, and how far the estimate of "
            "delta moves (logits):"
        ),
        "",
        "| bias | studies | mean shift | its Monte Carlo error | coverage |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {it['studies']} | {it['mean_shift']:+.3f} | {it['monte_carlo_error']:.3f} "
        f"| {it['coverage']:.1%} |"
        for name, it in found["biases"].items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit, print the report and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 3, 4, 5])
    parser.add_argument("--studies", type=int, nargs="+", default=[130, 130, 90, 50], help="each")
    parser.add_argument("--biased", type=int, default=10, help="of each of the first two sizes")
    parser.add_argument("--items", type=int, default=200, help="per target")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=10, help="a divisor of all numbers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=REPORTS)
    given = parser.parse_args()
    started = time.process_time()
    plain: dict[str, pd.DataFrame] = {}
    moves: dict[str, list[tuple[pd.DataFrame, pd.DataFrame]]] = {name: [] for name in BIASES}
    given.out.mkdir(parents=True, exist_ok=True)
    for size, studies in zip(given.sizes, given.studies, strict=True):
        fitter = Fitter(size, given.items, given.draws, given.batch, given.seed)
        one = plain[f"{size} x {size}"] = fitter.fit(studies)
        if given.biased and size in given.sizes[:2]:
            for name, bias in BIASES.items():
                moves[name].append((one[: given.biased], fitter.fit(given.biased, **bias)))
        together = plain | {"all": pd.concat(plain.values())}
        found = {
            **{name: getattr(given, name) for name in ("seed", "items", "draws")},
            "cpu_seconds": time.process_time() - started,
            "designs": {name: figures(of) for name, of in together.items()},
            "biases": {
                name: moved(*map(pd.concat, zip(*pairs, strict=True)))
                for name, pairs in moves.items()
                if pairs
            },
        }
        (given.out / "calibration.json").write_text(json.dumps(found, indent=1) + "\n")
        (given.out / "calibration.md").write_text(report(found))
        print(report(found), flush=True)


if __name__ == "__main__":
    main()
