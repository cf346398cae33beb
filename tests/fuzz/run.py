"""Fuzzes every target for some minutes, side by side, and writes down what came of it.

    python tests/fuzz/run.py [--minutes 10] [--keep build/fuzz] [--out reports/fuzzing.md]

Needs atheris, which is not among the locked libraries: `make fuzz` puts it into an environment of
its own. Exit status 1 where a target broke: the input is then kept as ``crash-...`` below --keep,
and belongs into ``tests/fuzz/findings/`` once what broke is mended.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGETS = {
    "reply": "parser of replies (`data_collection/parsing.py`), and how the journal stores them",
    "table": "reader of CSV files (`study/csvfile.py`): any bytes",
    "study": "reader of studies (`load_study`, `load_tidy`): any bytes, or a changed table, as one "
    "of eight files",
}
LIBRARIES = ("atheris", "numpy", "pandas", "rapidfuzz")
_STATE = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/\S+")
_STAT = re.compile(r"stat::(\w+): +(\d+)")


def start(target: str, minutes: float, folder: Path) -> subprocess.Popen[bytes]:
    """Start one target; what it says goes to a file in its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    memory = Path("/dev/shm")
    options = (f"-max_total_time={round(60 * minutes)}", "-print_final_stats=1", "-timeout=60")
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, str(HERE / "under_atheris.py"), target, str(folder), *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            # The files that are read are written anew each time: where there is a disk in memory,
            # there.
            env={**os.environ, **({"TMPDIR": str(memory)} if memory.is_dir() else {})},
        )


def result(target: str, status: int, folder: Path) -> str:
    """A row of the report."""
    log = (folder / "log.txt").read_text(errors="replace")
    stats = dict(_STAT.findall(log))
    state = _STATE.findall(log)
    edges, features, inputs = state[-1] if state else ("", "", "")
    runs = int(stats.get("number_of_executed_units", 0))
    answered = "none" if status == 0 else "AN INPUT BROKE IT"
    return (
        f"| {TARGETS[target]} | {runs:,} | {stats.get('average_exec_per_sec', '')} | {edges} | "
        f"{features} | {inputs} | {stats.get('slowest_unit_time_sec', '')} s | {answered} |\n"
    )


def main() -> int:
    """Run, write; 1 where a target broke."""
    parser = argparse.ArgumentParser(description="Fuzz the parser and the reader")
    parser.add_argument("--minutes", type=float, default=10.0, help="of each target")
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "fuzzing.md")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    going = {name: start(name, options.minutes, options.keep / name) for name in TARGETS}
    status = {name: process.wait() for name, process in going.items()}
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    findings = (HERE / "findings" / "README.md").read_text()
    options.out.write_text(
        "# Fuzzed\n\n"
        f"{options.minutes:g} minutes each, side by side on {os.cpu_count()} cores with load "
        f"{load:.1f} before, {datetime.now(UTC).date()}. Python "
        f"{platform.python_version()}, {versions}. Made by `make fuzz MINUTES="
        f"{options.minutes:g}`. Whatever it is given, the parser must give a reply that the "
        "journal can hold, and the readers a table, a study or an `InputError` of one line.\n\n"
        "| target | inputs tried | per second | edges covered | features | inputs that reach "
        "something new | slowest | not answered |\n|---|---:|---:|---:|---:|---:|---:|---|\n"
        + "".join(result(name, status[name], options.keep / name) for name in TARGETS)
        + "\n## Found and mended\n\n"
        + findings.partition("\n\n")[2]
    )
    for name, ended in status.items():
        if ended:
            log = (options.keep / name / "log.txt").read_text(errors="replace")
            sys.stderr.write(log[log.find("=== Uncaught") :][:4_000] + "\n")
    return int(any(status.values()))


if __name__ == "__main__":
    sys.exit(main())
