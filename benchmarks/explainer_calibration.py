"""Whether the crossed model of explainers is calibrated, in studies whose truth is from its prior.

Run as ``python benchmarks/explainer_calibration.py``: 400 studies of 2 x 2 to 5 x 5 models, fewer
of the larger ones, every study a full design; all of one size are fitted by one compiled model.
Of 400 between 91.4% and 98.5% of delta's 95% HDIs hold the truth where the true rate is 95%. The
ranks of the truth among the draws are uniform where the posterior is right (simulation-based
calibration, Talts et al. 2018): Neyman's smooth test, for every kind of parameter, Holm's
correction over them.

Some studies of two sizes are then fitted with an explainer better or worse by two logits, or a
target easier or harder: the items' random numbers are the same, so that the difference of the two
estimates of delta is what the bias does and little else. Its mean is given with its Monte Carlo
error.

Studies are written to reports/explainers/calibration_studies.csv as they come; what is there is
not fitted again. Writes reports/explainers/calibration.{json,md} of all studies that are there and
exits with 1 when a claim fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.calibration.explainers import (
    SDS,
    FullDesign,
    SimulatedStudy,
    draw_study,
)
from selfinterp_stats.estimates.calibration.uniformity import holm, uniformity
from selfinterp_stats.estimates.explainers.contrasts import DELTA
from selfinterp_stats.estimates.explainers.sampling import AT_ONCE, Sampled
from selfinterp_stats.inference.summary.summaries import ess_bulk, hdi, rhat

REPORTS: Final = Path(__file__).resolve().parents[1] / "reports" / "explainers"
STUDIES: Final = "calibration_studies.csv"
BIASES: Final = {
    "explainer better by 2 logits": (2.0, 0.0),
    "explainer worse by 2 logits": (-2.0, 0.0),
    "target easier by 2 logits": (0.0, 2.0),
    "target harder by 2 logits": (0.0, -2.0),
}
COVERAGE: Final = (0.914, 0.985)
RANKED: Final = 100
"""Draws that a rank is taken among: a tenth of them, and so nearly independent."""
LEVEL: Final = 0.01
MORE: Final = 4
"""How many times more draws a study gets that fails its diagnostics."""


class Fitter:
    """Studies of one size, fitted by one compiled model.

    Parameters
    ----------
    size, items, draws, seed : int
        Models; items per target; draws per study.
    """

    def __init__(self, size: int, items: int, draws: int, seed: int) -> None:
        self.size, self.items, self.draws, self.seed = size, items, draws, seed
        self.design = FullDesign(size)

    def fit(self, studies: list[int], biases: list[str]) -> pd.DataFrame:
        """One row per study: delta's truth, interval, mean and diagnostics; ranks of the truth."""
        started = time.process_time()
        made = [
            draw_study(
                self.size,
                self.items,
                np.random.default_rng([self.seed, self.size, study]),
                BIASES.get(bias, (0.0, 0.0)),
            )
            for study, bias in zip(studies, biases, strict=True)
        ]
        labels = [f"{self.size}/{study}" for study in studies]
        found = self._sampled(made, labels, self.draws)
        rows = [self._row(*one) for one in zip(made, found, strict=True)]
        for i, row in enumerate(rows):
            if row["ess_bulk"] < 400 or row["rhat"] > 1.01:
                (more,) = self._sampled([made[i]], [labels[i]], MORE * self.draws)
                rows[i] = self._row(made[i], more)
        seconds = (time.process_time() - started) / len(made)
        return pd.DataFrame({"size": self.size, "study": studies, "bias": biases}).join(
            pd.DataFrame(rows).assign(cpu_seconds=round(seconds, 3))
        )

    def _sampled(self, made: list[SimulatedStudy], labels: list[str], draws: int) -> list[Sampled]:
        return self.design.fit(made, labels, draws=draws, seed=self.seed, enough=150)

    def _row(self, made: SimulatedStudy, found: Sampled) -> dict[str, Any]:
        draws = {name: found.values["cell"] @ of for name, of in self.design.weights.items()}
        truth = {name: float(made.cells @ of) for name, of in self.design.weights.items()}
        draws |= {name: found.values[name] for name in SDS}
        draws["sd_item"] = found.values["sd_item"][..., 0]
        truth |= made.sds | {"sd_item": float(made.item_sds[0])}
        delta = draws[DELTA]
        low, high = hdi(delta[None])
        every = delta.size // RANKED
        return {
            "truth": truth[DELTA],
            "low": float(low[0]),
            "high": float(high[0]),
            "mean": float(delta.mean()),
            "sd": float(delta.std()),
            "ess_bulk": float(ess_bulk(delta[None])[0]),
            "rhat": float(rhat(delta[None])[0]),
            "draws": delta.size,
            "engine": found.engine,
            "diverging": found.diverging,
            **{
                f"rank_{name}": int((of.ravel()[::every][:RANKED] < truth[name]).sum())
                for name, of in draws.items()
            },
        }


def covered(studies: pd.DataFrame) -> pd.Series:
    """Which studies' intervals hold the truth."""
    return studies["truth"].between(studies["low"], studies["high"])


def figures(studies: pd.DataFrame) -> dict[str, float]:
    """What is told of a set of studies."""
    z = (studies["mean"] - studies["truth"]) / studies["sd"]
    return {
        "studies": len(studies),
        "coverage": float(covered(studies).mean()),
        "mean_z": float(z.mean()),
        "sd_z": float(z.std()),
        "by_nuts": int((studies["engine"] == "nuts").sum()),
        "diverging": int(studies["diverging"].sum()),
        "smallest_ess_bulk": float(studies["ess_bulk"].min()),
        "largest_rhat": float(studies["rhat"].max()),
        "cpu_seconds": float(studies["cpu_seconds"].sum()),
    }


def rank_tests(studies: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Uniformity of the ranks of every kind of parameter."""
    names = [name for name in studies if str(name).startswith("rank_")]
    tests = [uniformity(studies[[name]].to_numpy(int), RANKED) for name in names]
    adjusted = holm(np.array([one.p_value for one in tests]))
    return {
        str(name).removeprefix("rank_"): {
            "p": one.p_value,
            "p_holm": float(p),
            "shift": one.shift,
            "spread": one.spread,
        }
        for name, one, p in zip(names, tests, adjusted, strict=True)
    }


def moved(plain: pd.DataFrame, biased: pd.DataFrame) -> dict[str, float]:
    """How far biases move delta, study by study."""
    both = biased.merge(plain, on=["size", "study"], suffixes=("", "_plain"))
    shift = both["mean"] - both["mean_plain"]
    return {
        "studies": len(both),
        "mean_shift": float(shift.mean()),
        "monte_carlo_error": float(shift.std(ddof=1) / np.sqrt(len(both))),
        "coverage": float(covered(both).mean()),
    }


def concluded(studies: pd.DataFrame) -> dict[str, Any]:
    """All that is told of the studies so far."""
    plain, biased = studies[studies["bias"] == ""], studies[studies["bias"] != ""]
    designs = {f"{n} x {n}": figures(of) for n, of in plain.groupby("size")}
    designs["all"] = whole = figures(plain)
    found: dict[str, Any] = {"designs": designs, "ranks": {}, "biases": {}}
    low, high = COVERAGE
    claims = {
        f"coverage of {len(plain)} studies within {low:.1%} and {high:.1%}": bool(
            low <= whole["coverage"] <= high
        ),
        "bulk ESS of delta from 400, R-hat up to 1.01 in every study": bool(
            whole["smallest_ess_bulk"] >= 400 and whole["largest_rhat"] <= 1.01
        ),
    }
    if len(plain) > 20:
        found["ranks"] = rank_tests(plain)
        claims[f"ranks uniform at the level {LEVEL:g} (Holm)"] = bool(
            min(one["p_holm"] for one in found["ranks"].values()) >= LEVEL
        )
    if len(biased) > len(BIASES):
        found["biases"] = {name: moved(plain, of) for name, of in biased.groupby("bias")}
        found["biases"]["all"] = whole = moved(plain, biased)
        claims["no bias moves delta by more than four Monte Carlo errors"] = all(
            abs(one["mean_shift"]) < 4 * one["monte_carlo_error"]
            for one in found["biases"].values()
        )
    return found | {"claims": claims}


def report(found: dict[str, Any]) -> str:
    """The result in words and tables."""
    lines = [
        "# Calibration of the explainer model",
        "",
        (
            f"`python benchmarks/explainer_calibration.py`, seed {found['seed']}: "
            f"{found['items']} items per target, truths from the prior, {found['draws']:,} draws "
            f"per study, {found['cpu_seconds'] / 60:.0f} minutes of CPU time. Each study is a row "
            f"of `{STUDIES}`."
        ),
        "",
        *(f"- {'held' if held else 'FAILED'}: {what}" for what, held in found["claims"].items()),
        "",
        (
            "| design | studies | coverage of delta's 95% HDI | mean z | sd z | fitted by NUTS "
            "| divergences | smallest ESS | largest R-hat |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {it['studies']} | {it['coverage']:.1%} | {it['mean_z']:.2f} "
        f"| {it['sd_z']:.2f} | {it['by_nuts']} | {it['diverging']} "
        f"| {it['smallest_ess_bulk']:.0f} | {it['largest_rhat']:.3f} |"
        for name, it in found["designs"].items()
    ]
    lines += [
        "",
        (
            f"Ranks of the truth among {RANKED} draws: Neyman's smooth test with four components. "
            "A positive shift says that posteriors are too low, a positive spread that they are "
            "too narrow."
        ),
        "",
        "| parameter | p | p (Holm) | shift | spread |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {it['p']:.3f} | {it['p_holm']:.3f} | {it['shift']:+.3f} "
        f"| {it['spread']:+.3f} |"
        for name, it in found["ranks"].items()
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


def wanted_studies(given: argparse.Namespace) -> list[tuple[int, int, str]]:
    """Size, number and bias of all studies; each bias has as many of each size."""
    wanted = [
        (size, study, "")
        for size, count in zip(given.sizes, given.studies, strict=True)
        for study in range(count)
    ]
    names = list(BIASES)
    wanted += [
        (size, study, names[study % len(names)])
        for size in given.sizes[:2]
        for study in range(given.biased)
    ]
    return wanted


def main() -> int:
    """Fit what is missing, print the report and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 3, 4, 5])
    parser.add_argument("--studies", type=int, nargs="+", default=[232, 180, 64, 24], help="each")
    parser.add_argument("--biased", type=int, default=40, help="of each of the first two sizes")
    parser.add_argument("--items", type=int, default=200, help="per target")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=REPORTS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / STUDIES
    studies = pd.read_csv(file, keep_default_na=False) if file.is_file() else pd.DataFrame()
    keys = ["size", "study", "bias"]
    there = set(studies[keys].itertuples(index=False, name=None)) if len(studies) else set()
    missing = [one for one in wanted_studies(given) if one not in there]
    for size in given.sizes:
        of_size = [(study, bias) for its, study, bias in missing if its == size]
        if not of_size:
            continue
        fitter = Fitter(size, given.items, given.draws, given.seed)
        for start in range(0, len(of_size), AT_ONCE):
            some = of_size[start : start + AT_ONCE]
            rows = fitter.fit([study for study, _ in some], [bias for _, bias in some])
            rows.to_csv(file, mode="a", header=not file.is_file(), index=False)
            print(size, some[-1][0], f"{rows['cpu_seconds'].sum():.1f} s of CPU time", flush=True)
    studies = pd.read_csv(file, keep_default_na=False)
    found = {
        **{name: getattr(given, name) for name in ("seed", "items", "draws")},
        "cpu_seconds": float(studies["cpu_seconds"].sum()),
        **concluded(studies),
    }
    (given.out / "calibration.json").write_text(json.dumps(found, indent=1) + "\n")
    (given.out / "calibration.md").write_text(report(found))
    print(report(found), flush=True)
    return int(not all(found["claims"].values()))


if __name__ == "__main__":
    sys.exit(main())
