"""Coverage of the three estimators of `selfinterp propagate`, by simulation.

    python benchmarks/latent_coverage.py [--studies N] [--scenarios N] [--conditions N] [--seed N]
        [--out DIR] [--keep-settled]

Draws studies from the prior of the joint latent model (its docstring says what that is), estimates
the correlations of each by the latent model, by the plug-in and by carrying stage-1 draws through,
and counts how often the 95% HDIs hold the correlation that a study was drawn with. Studies are
done in parts; a part that is finished is kept in OUT/parts until all are, so that the same command
goes on where it was stopped. A study's posterior whose R-hat is above 1.01 or whose bulk ESS is
below 400 is drawn again, with 4 and then 16 times as many draws. With --keep-settled the studies of
an earlier result whose diagnostics are good are taken from OUT as they are.

Writes ``latent_coverage.{csv,json,md}`` to ``reports/benchmarks/``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from reproduce import ROOT, describe_machine

os.environ.setdefault("PYTENSOR_FLAGS", "blas__ldflags=")

TOGETHER = 20
# Of the latent model's first correlation: what a calibrated method leaves once in a thousand.
ALLOWED = (0.914, 0.985)
# Below this no correlation counts as attenuated: a ratio to a small truth says nothing.
LARGE = 0.3
# Limits of every reported quantity.
MAX_RHAT, MIN_ESS = 1.01, 400
ORDER = ("plug_in", "carried_through", "latent")


def main(arguments: list[str] | None = None) -> int:
    """Run the simulation and write its report."""
    options = _options().parse_args(arguments)
    from selfinterp_stats.estimates.propagation.coverage import interval_coverage
    from selfinterp_stats.estimates.propagation.simulated import SimulatedDesign

    design = SimulatedDesign(scenarios=options.scenarios, conditions=options.conditions)
    parts = options.out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    names = [f"{i:04d}" for i in range(options.studies)]
    frames, kept = _kept(options) if options.keep_settled else ([], None)
    todo = [name for name in names if not frames or name not in set(frames[0]["study"])]
    for first in range(0, len(todo), TOGETHER):
        some = todo[first : first + TOGETHER]
        file = parts / f"{options.seed}-{options.scenarios}-{options.conditions}-{some[0]}.csv"
        if not file.is_file():
            start = perf_counter()
            part = interval_coverage(some, design, seed=options.seed)
            part.assign(seconds=perf_counter() - start).to_csv(file, index=False)
            done = first + len(some)
            print(f"{done} of {len(todo)}: {perf_counter() - start:.0f} s", flush=True)
        frames.append(pd.read_csv(file, dtype={"study": str}))
    table = pd.concat(frames, ignore_index=True)
    table = table.sort_values(["study", "condition", "estimator"], ignore_index=True)
    seconds = float(sum(frame["seconds"].iloc[0] for frame in frames))
    record = {
        "what": "95% HDIs of the latent correlation in studies drawn from the joint model's prior",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python benchmarks/latent_coverage.py", *sys.argv[1:]]),
        "design": vars(design),
        "studies": len(names),
        "seed": options.seed,
        "seconds": round(seconds),
        "kept": kept,
        "load_average": os.getloadavg(),
        "machine": describe_machine(),
        "estimators": [summary(table, estimator) for estimator in ORDER],
    }
    table.drop(columns="seconds").to_csv(options.out / "latent_coverage.csv", index=False)
    (options.out / "latent_coverage.json").write_text(json.dumps(record, indent=1) + "\n")
    (options.out / "latent_coverage.md").write_text(markdown(record))
    for file in parts.glob("*.csv"):
        file.unlink()
    parts.rmdir()
    print(markdown(record))
    low, high = ALLOWED
    return int(not low <= record["estimators"][-1]["covered_first"] <= high)


def _kept(options: argparse.Namespace) -> tuple[list[pd.DataFrame], dict[str, object]]:
    """The studies of an earlier result of the same design that have settled, and where from."""
    record = json.loads((options.out / "latent_coverage.json").read_text())
    about = (record["seed"], record["design"]["scenarios"], record["design"]["conditions"])
    if about != (options.seed, options.scenarios, options.conditions):
        raise SystemExit("the earlier result is of another design")
    table = pd.read_csv(options.out / "latent_coverage.csv", dtype={"study": str})
    poor = table.loc[unsettled(table) & (table["estimator"] == "latent"), "study"]
    table = table[~table["study"].isin(poor)]
    kept = {"studies": table["study"].nunique(), "when": record["when"]}
    return [table.assign(seconds=float(record["seconds"]))], kept


def unsettled(rows: pd.DataFrame) -> pd.Series:
    """Where R-hat or bulk ESS say that draws have not settled."""
    return (rows["rhat"] > MAX_RHAT) | (rows["ess_bulk"] < MIN_ESS)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--scenarios", type=int, default=30)
    parser.add_argument("--conditions", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep-settled", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "benchmarks")
    return parser


def summary(table: pd.DataFrame, estimator: str) -> dict[str, object]:
    """What came of one estimator.

    ``covered_first`` counts one correlation per study, so that studies are independent trials;
    ``covered_all`` counts every condition's.
    """
    rows = table[table["estimator"] == estimator]
    large = rows[rows["truth"].abs() > LARGE]
    ratio = large["median"] / large["truth"]
    first = rows[rows["condition"] == 0]
    return {
        "estimator": estimator,
        "correlations": len(rows),
        "covered_first": float(first["covered"].mean()),
        "covered_all": float(rows["covered"].mean()),
        "median_width": float((rows["hdi_high"] - rows["hdi_low"]).median()),
        "ratio_to_truth": float(ratio.median()),
        "root_mean_square_error": float(np.sqrt(((rows["median"] - rows["truth"]) ** 2).mean())),
        "unsettled": int(unsettled(rows).sum()),
        "worst_rhat": float(rows["rhat"].max()),
        "least_ess_bulk": float(rows["ess_bulk"].min()),
        "worst_pareto_k": float(rows["pareto_k"].max()),
    }


def markdown(record: dict) -> str:
    """The report that people read."""
    low, high = ALLOWED
    d, machine = record["design"], record["machine"]
    design = (
        f"{record['studies']} studies drawn from the joint model's prior, each with "
        f"{d['scenarios']} scenarios, {d['attributes']} attributes, {d['trials']} choices and "
        f"{d['reports']} reports per scenario and condition; conditions: {d['conditions']}. The "
        "truth is the correlation of true max-scaled weights with expected reports that a study "
        "was drawn with, uniform on (-1, 1). A calibrated 95% HDI holds it in "
        f"{low:.1%} to {high:.1%} of 400 studies, but for once in a thousand."
    )
    heads = (
        "estimator",
        "HDI holds the truth, first condition",
        "all conditions",
        "median width",
        f"median of estimate / truth where abs(truth) > {LARGE}",
        "root mean square error",
    )
    names = ("median_width", "ratio_to_truth", "root_mean_square_error")
    rows = [
        [
            str(one["estimator"]),
            *(f"{one[name]:.1%}" for name in ("covered_first", "covered_all")),
            *(f"{one[name]:.3f}" for name in names),
        ]
        for one in record["estimators"]
    ]
    latent = record["estimators"][-1]
    question = (
        "The plug-in and the carried-through estimator answer another question (what the measured "
        "weights and reports correlate at): that they miss this truth is attenuation, not an error "
        "in their computation."
    )
    diagnostics = (
        f"Latent model over all studies: worst R-hat {latent['worst_rhat']:.3f}, least bulk ESS "
        f"{latent['least_ess_bulk']:.0f}, worst Pareto k {latent['worst_pareto_k']:.2f}, with "
        "2,000 draws kept per study; "
        f"{latent['unsettled']} have an R-hat above {MAX_RHAT} or a bulk ESS below {MIN_ESS} after "
        "up to 16 times as many draws were made of those that had."
    )
    if record["kept"]:
        diagnostics += (
            f" Of the studies, {record['kept']['studies']} are as they were found on "
            f"{record['kept']['when']}; the others were unsettled then and have been drawn again."
        )
    how = (
        f"`{record['command']}`, {record['seconds']:,} s, load average "
        f"{record['load_average'][0]:.1f}; {machine['cpu']}, {machine['cores']} cores; "
        f"{record['when']}."
    )
    table = [f"| {' | '.join(row)} |" for row in (heads, ["---"] + ["---:"] * 5, *rows)]
    parts = ("# Coverage of the latent correlation", design, "\n".join(table))
    return "\n\n".join((*parts, question, diagnostics, how)) + "\n"


if __name__ == "__main__":
    sys.exit(main())
