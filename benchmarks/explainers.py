"""The explainer studies' numbers: published cells, real data, and how long large studies take.

    python benchmarks/explainers.py --data DIR [--only NAME ...]

DIR holds ``explainer_data/`` and ``reference/explainer_tables.csv``. Each study is made a tidy
table where it is not one, and goes through `selfinterp explainers`, in a process of its own.
Writes ``reports/explainers/`` and exits with 1 when a claim fails.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.study.explainers.simulate import ExplainerDesign, simulate_explainers

ROOT: Final = Path(__file__).resolve().parents[1]
REPORTS: Final = ROOT / "reports" / "explainers"
DIAGONALS: Final = {
    "xsum": {"gpt35": 0.02, "gpt4": 0.18, "llama": 0.24},
    "cnn": {"gpt35": 0.05, "gpt4": 0.23, "llama": 0.09},
    "xsum, five authors": {"gpt35": 0.15, "gpt4": 0.24, "llama": 0.06},
}
_COMMAND: Final = "from selfinterp_stats.cli.main import main; main()"
PATCHING_ITEMS: Final = 14_357
ITEMS_PER_TEXT: Final = 7


@dataclass(frozen=True)
class Ran:
    """One run of the command: its tables, and what it took."""

    table: pd.DataFrame
    cells: pd.DataFrame
    seconds: float
    cpu_seconds: float

    def one(self, quantity: str, scale: str, target: str = "", task: str | None = None) -> Any:
        """A row of the table."""
        rows = self.table[(self.table["quantity"] == quantity) & (self.table["scale"] == scale)]
        rows = rows[
            (rows["target"] == target) & (rows["task"].isin([task or rows["task"].iloc[0]]))
        ]
        return rows.iloc[0]

    @property
    def health(self) -> dict[str, float]:
        """The worst diagnostics of what is reported."""
        return {
            "largest_rhat": float(self.table["rhat"].max()),
            "smallest_ess_bulk": float(self.table["ess_bulk"].min()),
        }


def selfinterp(folder: Path, *options: str | Path) -> Ran:
    """Run `selfinterp explainers`."""
    out = Path(tempfile.mkdtemp(dir=folder)) / "out"
    command = [sys.executable, "-c", _COMMAND, "explainers", "--out", out, *options]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(list(map(str, command)), check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    table = pd.read_csv(out / "tables" / "explainers.csv", dtype={"target": object})
    table["target"] = table["target"].fillna("")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(table, pd.read_csv(out / "tables" / "cells.csv"), seconds, cpu)


def temperature_table(folder: Path) -> pd.DataFrame:
    """Four models guess each other's sampling temperature."""
    rows = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("*.csv"))])
    truth = np.where(rows["temperature"] > 1, "HIGH", "LOW")
    run = rows["run_id"].astype(int).astype(str)
    parts = [rows["prompt_type"], rows["temperature"].astype(str), run]
    return pd.DataFrame(
        {
            "explainer": rows["predictor_model"],
            "target": rows["predicted_model"],
            "task": "temperature",
            "item": rows["subject"].str.cat(parts, sep="/"),
            "outcome": (rows["predicted_temperature"].str.rstrip(".") == truth).astype(int),
            "cluster": rows["subject"],
            "class": rows["prompt_type"],
        }
    )


def recognition_table(folder: Path, *, square: bool) -> pd.DataFrame:
    """Three models say whether a summary is their own: the probability of yes."""
    rows = pd.concat(
        [pd.DataFrame(json.loads(p.read_text())) for p in sorted(folder.glob("*.json"))]
    )
    if square:
        rows = rows[rows["target_model"].isin(rows["model"].unique())]
    own = rows["ground_truth"] == 1
    score = rows["recognition_score"].astype(float)
    return pd.DataFrame(
        {
            "explainer": rows["model"],
            "target": rows["target_model"],
            "task": folder.name if square else f"{folder.name}, five authors",
            "item": rows["key"],
            "outcome": np.where(own, score > 0.5, score <= 0.5).astype(int),
            "predicted": score,
            "expected": np.where(own, "yes", "no"),
        }
    )


def published(data: Path, work: Path) -> dict[str, Any]:
    """The interactions of the published cells."""
    cells = data / "reference" / "explainer_tables.csv"
    ran = selfinterp(work, "--data", cells, "--run-sd-spread", "0")
    claims, shown = {}, {}
    for task, delta, se, with_runs in (
        ("activation_patching", 8.4, 0.6, 5.0),
        ("input_ablation", 16.2, 1.2, 5.1),
    ):
        for quantity, wanted in (("delta", se), ("delta_new_run", with_runs)):
            row = ran.one(quantity, "points", task=task)
            sd = (row["hdi_high"] - row["hdi_low"]) / (2 * 1.96)
            shown[f"{task}, {quantity}"] = f"{row['median']:.2f} +- {sd:.2f}"
            # The model shrinks cells a little towards each other: a tenth of the standard error.
            error = abs(row["median"] - delta) < 0.1 * wanted + 0.05 + 4 * row["mcse_median"]
            claims[f"{task}, {quantity}: {delta} +- {wanted}"] = bool(
                error and abs(sd - wanted) < 0.1 * wanted
            )
    return {"ran": ran, "shown": shown, "claims": claims}


def temperature(data: Path, work: Path) -> dict[str, Any]:
    """A null, and surely so."""
    table = temperature_table(data / "explainer_data" / "temperature")
    table.to_csv(work / "temperature.csv", index=False)
    ran = selfinterp(work, "--data", work / "temperature.csv")
    delta = ran.one("delta", "points")
    counted = 100 * table.groupby(["explainer", "target"])["outcome"].mean()
    cells = ran.cells.drop_duplicates(["explainer", "target"])
    cells = cells.set_index(["explainer", "target"])["mean"]
    low, high = delta["hdi_low"], delta["hdi_high"]
    return {
        "ran": ran,
        "shown": {"delta, points": f"{delta['median']:.2f} [{low:.2f}, {high:.2f}]"},
        "claims": {
            "shares of all 16 cells as counted": bool(
                (cells.loc[counted.index] - counted).abs().max() < 1e-9
            ),
            "the HDI of delta holds 0 and lies inside +-5 points": bool(-5 < low < 0 < high < 5),
        },
    }


def recognition(data: Path, work: Path) -> dict[str, Any]:
    """30,000 rows; the double-centred diagonal, and the naive gap beside it."""
    folder = data / "explainer_data" / "recognition"
    files = []
    for corpus in ("xsum", "cnn"):
        for square in (True, False):
            files.append(work / f"{corpus}-{square}.csv")
            recognition_table(folder / corpus, square=square).to_csv(files[-1], index=False)
    options = [option for file in files for option in ("--data", file)]
    ran = selfinterp(work, *options)
    claims, shown = {}, {}
    for task, wanted in DIAGONALS.items():
        for target, value in wanted.items():
            row = ran.one("double_centred", "logit", target, task)
            naive = ran.one("naive_accuracy_gap", "points", target, task)["median"]
            shown[f"{task}, {target}"] = (
                f"{row['median']:.2f} [{row['hdi_low']:.2f}, {row['hdi_high']:.2f}]; "
                f"naive gap {naive:.0f} points"
            )
            claims[f"{task}, {target}: {value}"] = bool(row["hdi_low"] < value < row["hdi_high"])
    claims["30,000 rows and more in 3 minutes of CPU time"] = ran.cpu_seconds < 180
    return {"ran": ran, "shown": shown, "claims": claims}


def hint(data: Path, work: Path) -> dict[str, Any]:
    """Three runs each with 4 and 8 demonstrations."""
    folder = data / "explainer_data" / "hint"
    ran = selfinterp(work, "--data", folder, "--explainer", "m", "--target", "m")
    shown = {}
    for name in ("run_sd", "smallest_difference_by_items", "smallest_difference_with_runs"):
        row = ran.one(name, "points")
        shown[name] = f"{row['median']:.1f} [{row['hdi_low']:.1f}, {row['hdi_high']:.1f}]"
    low, high = (ran.one("run_sd", "points")[end] for end in ("hdi_low", "hdi_high"))
    # The sds of the runs' exact match are 6.7 and 4.0 points, counted from the files.
    claims = {
        f"the HDI of the run-to-run sd holds {counted}": bool(low < counted < high)
        for counted in (4.0, 6.7)
    }
    return {"ran": ran, "shown": shown, "claims": claims}


def patching(data: Path, work: Path) -> dict[str, Any]:  # noqa: ARG001 - simulated
    """14,357 items in each of four cells, clustered in texts, verdicts and contents in all."""
    truth = simulate_explainers(work / "patching", ExplainerDesign(models=2, items=PATCHING_ITEMS))
    items = pd.read_csv(work / "patching" / "items.csv", keep_default_na=False)
    place = items["item"].str.rpartition("/")[2].astype(int)
    items["cluster"] = items["target"] + "/" + (place // ITEMS_PER_TEXT).astype(str)
    items.to_csv(work / "patching.csv", index=False)
    ran = selfinterp(work, "--data", work / "patching.csv")
    delta = ran.one("delta", "points")
    known = truth.quantities.query("quantity == 'delta' and scale == 'points'")["truth"].iloc[0]
    return {
        "ran": ran,
        "shown": {
            "delta, points": f"{delta['median']:.2f} [{delta['hdi_low']:.2f}, "
            f"{delta['hdi_high']:.2f}], truth {known:.2f}"
        },
        "claims": {
            "five minutes of CPU time": ran.cpu_seconds < 300,
            "the truth within twice the HDI": bool(
                abs(delta["median"] - known) < delta["hdi_high"] - delta["hdi_low"]
            ),
        },
    }


PARTS: Final[dict[str, Callable[[Path, Path], dict[str, Any]]]] = {
    "published": published,
    "temperature": temperature,
    "recognition": recognition,
    "hint": hint,
    "patching": patching,
}


def report(found: dict[str, Any]) -> str:
    """The result in words and tables."""
    lines = ["# Explainer studies", "", "`python benchmarks/explainers.py --data DIR`", ""]
    for name, part in found.items():
        lines += [f"## {name.capitalize()}", "", PARTS[name].__doc__ or "", ""]
        lines += [f"- {what}: {value}" for what, value in part["shown"].items()]
        lines += [f"- {'held' if held else 'FAILED'}: {c}" for c, held in part["claims"].items()]
        took = (
            f"{part['seconds']:.0f} s, {part['cpu_seconds']:.0f} s of CPU time "
            f"(load {part['load']:.1f} on {os.cpu_count()} cores)"
        )
        if not np.isnan(part["largest_rhat"]):
            took += (
                f"; largest R-hat {part['largest_rhat']:.3f}, "
                f"smallest bulk ESS {part['smallest_ess_bulk']:.0f}"
            )
        lines += [f"- took {took}", ""]
    return "\n".join(lines)


def main() -> int:
    """Run all parts, print the report and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--out", type=Path, default=REPORTS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    earlier = given.out / "numbers.json"
    found = json.loads(earlier.read_text()) if earlier.is_file() else {}
    for name in given.only:
        with tempfile.TemporaryDirectory() as work:
            part = PARTS[name](given.data, Path(work))
        ran = part.pop("ran")
        taken = {"seconds": ran.seconds, "cpu_seconds": ran.cpu_seconds}
        if not np.isnan(ran.health["largest_rhat"]):
            part["claims"]["R-hat up to 1.01 and bulk ESS from 400 in every row"] = bool(
                ran.health["largest_rhat"] <= 1.01 and ran.health["smallest_ess_bulk"] >= 400
            )
        found[name] = {**part, **taken, **ran.health, "load": os.getloadavg()[0]}
        print(json.dumps({name: found[name]}, indent=1), flush=True)
        found = {name: found[name] for name in PARTS if name in found}
        earlier.write_text(json.dumps(found, indent=1) + "\n")
        (given.out / "numbers.md").write_text(report(found))
    return int(not all(all(part["claims"].values()) for part in found.values()))


if __name__ == "__main__":
    sys.exit(main())
