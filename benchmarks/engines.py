"""Seconds and effective draws of the engines beside their peers, and how their cost grows.

    python benchmarks/engines.py --data DIR [--part NAME ...] [--quick]
    python benchmarks/engines.py --device gpu [--data DIR]

Parts: ``package`` (importance, auto, nuts on the paper's 400 scenarios), ``peers`` (nutpie's
with_data, hand-written NumPyro, Bambi + PyMC in a loop), ``brms`` (the authors' settings),
``growth`` (over datasets, rows, predictors), ``workers`` (one and two Dask workers) and ``gpu``
(only with ``--device gpu``; then it is the one part that runs). Peers that are not installed are
left out, with the reason.

Writes ``engines.{json,md,png,svg}`` to ``reports/benchmarks/``. A part that is measured again
replaces its old figures; those of the others stay.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contest.figure import draw
from contest.parts import PARTS, QUICK, Bench, Scale
from contest.report import markdown
from reproduce import ROOT, CommandFailedError, describe_machine

PEERS = ("nutpie", "numba", "distributed")


def machine() -> dict[str, object]:
    """As for the other benchmarks, with the peers' versions."""
    found = describe_machine()
    libraries: dict[str, str] = dict(found["libraries"])  # type: ignore[call-overload]
    for name in PEERS:
        try:
            libraries[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**found, "libraries": libraries}


def write(record: dict[str, Any], folder: Path) -> Path:
    """All files of the report; returns the path of the one that people read."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "engines.json").write_text(json.dumps(record, indent=1) + "\n")
    growth = record["parts"].get("growth")
    if growth:
        draw(growth["results"], folder)
    report = folder / "engines.md"
    report.write_text(markdown(record))
    return report


def earlier(folder: Path, *, quick: bool) -> dict[str, Any]:
    """What was measured before on the same scale."""
    file = folder / "engines.json"
    record = json.loads(file.read_text()) if file.exists() else {"quick": quick, "parts": {}}
    return record if record["quick"] == quick else {"quick": quick, "parts": {}}


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("SELFINTERP_DATA"), help="a study folder"
    )
    parser.add_argument("--part", nargs="+", choices=PARTS, help="all but gpu unless given")
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it runs")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "benchmarks")
    options = parser.parse_args(arguments)
    if options.device == "gpu":
        options.part = ["gpu"]
    options.part = options.part or [name for name in PARTS if name != "gpu"]
    if options.data is None and {"package", "peers", "brms"} & set(options.part):
        parser.error("name the study folder: --data DIR or SELFINTERP_DATA")
    options.data = options.data and Path(options.data).resolve()
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure part by part, write after each; 1 when a measured process failed."""
    options = read_options(arguments)
    record = earlier(options.out, quick=options.quick)
    failed = False
    with tempfile.TemporaryDirectory(prefix="engines") as scratch:
        bench = Bench(options.data, QUICK if options.quick else Scale(), Path(scratch))
        for name in options.part:
            print(f"-- {name}", file=sys.stderr)
            about = {"measured": datetime.now(UTC).date().isoformat(), "machine": machine()}
            try:
                results = PARTS[name](bench)
            except CommandFailedError as error:
                print(error, file=sys.stderr)
                failed = True
                continue
            record["parts"][name] = {**about, "results": results}
            report = write(record, options.out)
            print(f"written to {report}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
