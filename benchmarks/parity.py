"""How close each engine comes to brms on the paper's data, coefficient by coefficient.

    python benchmarks/parity.py --data DIR [--engine NAME ...] [--seed 0]

Stage 1 of all 400 scenarios with `importance` and with `nuts`, of 20 with `bambi` (the first five
of each base model and set, in alphabetical order), beside the brms figures in ``tests/reference``.
Prints a table and writes it with the machine and the versions to ``reports/parity.{md,json}``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

ENGINES = ("importance", "nuts", "bambi")
SCENARIO = ["base_model", "set", "scenario"]
BAMBI_SCENARIOS = 5  # of each base model and set
COLUMNS = {
    "engine": "engine",
    "scenarios": "scenarios",
    "coefficients": "coefficients",
    "largest_z_mean": "largest difference of a mean (combined MCSE)",
    "beyond": "means beyond 4.5",
    "rms_z_mean": "root mean square (1 = Monte Carlo error alone)",
    "largest_sd": "largest difference of an sd",
    "largest_hdi": "largest difference of an HDI end (posterior sd)",
    "median_hdi": "median of those",
    "smallest_ess": "smallest bulk ESS",
    "seconds": "seconds",
}


def measured(study: Any, engine: str, seed: int) -> dict[str, object]:
    """Fit with one engine and compare every coefficient with brms."""
    import brms

    from selfinterp_stats.estimates import fit_weights

    if engine == "bambi":
        every = study.choices[SCENARIO].drop_duplicates().sort_values(SCENARIO)
        chosen = every.groupby(SCENARIO[:2]).head(BAMBI_SCENARIOS)
        study = replace(study, choices=study.choices.merge(chosen, on=SCENARIO))
    start = time.perf_counter()
    fitted = fit_weights(study, engine=engine, seed=seed)
    seconds = time.perf_counter() - start
    compared = brms.compared_weights(fitted.posteriors)
    ends = [
        (compared[f"hdi_{end}"] - compared[f"hdi_{end}_brms"]).abs() / compared["sd_brms"]
        for end in ("low", "high")
    ]
    off = ends[0].combine(ends[1], max)
    return {
        "engine": engine,
        "scenarios": len(fitted.diagnostics),
        "coefficients": len(compared),
        "largest_z_mean": round(float(compared["z_mean"].abs().max()), 2),
        "beyond": int((compared["z_mean"].abs() > brms.AgreesWithBrms.MEANS).sum()),
        "rms_z_mean": round(float((compared["z_mean"] ** 2).mean() ** 0.5), 3),
        "largest_sd": f"{float((compared['sd_ratio'] - 1).abs().max()):.1%}",
        "largest_hdi": round(float(off.max()), 3),
        "median_hdi": round(float(off.median()), 3),
        "smallest_ess": round(float(compared["ess_bulk"].min())),
        "seconds": round(seconds, 1),
        "failing": fitted.diagnostics.loc[~fitted.diagnostics["ok"], "fit"].tolist(),
    }


def markdown(rows: list[dict[str, object]], machine: dict[str, object], seed: int) -> str:
    """Write the table, its figures explained, for people."""
    header = list(COLUMNS.values())
    lines = [
        "# Stage 1 beside brms",
        "",
        "Posterior means, sds and 95% HDIs of the five slopes and the intercept of every scenario,",
        "4,000 draws each, beside brms with 40,000. The largest of 2,400 differences that are",
        "Monte Carlo error alone is about 3.5 combined standard errors; the bars are 4.5 of them",
        "for means and 6% for sds.",
        "",
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(str(row[name]) for name in COLUMNS)} |" for row in rows),
        "",
        f"Seed {seed}. {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}.",
        "Seconds include compilation. Made by `python benchmarks/parity.py --data DIR`.",
        "",
    ]
    failing = [f"- {row['engine']}: {name}" for row in rows for name in row["failing"]]  # type: ignore[attr-defined]
    if failing:
        lines += ["Fits that a diagnostic marks:", "", *failing, ""]
    return "\n".join(lines)


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the paper's data")
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "reports")
    given = parser.parse_args()

    from reproduce import describe_machine

    from selfinterp_stats.study import load_study

    study = load_study(given.data)
    if not study.is_paper:
        parser.error("brms was run on the paper's data; these files are others")
    rows = []
    for engine in given.engine:
        rows.append(measured(study, engine, given.seed))
        print(rows[-1], file=sys.stderr)
    machine = describe_machine()
    text = markdown(rows, machine, given.seed)
    print(text)
    record = {"seed": given.seed, "machine": machine, "engines": rows}
    (given.out / "parity.md").write_text(text, encoding="utf-8")
    (given.out / "parity.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
