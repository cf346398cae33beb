"""The kill test and the benchmark of collecting, in small; the full ones are in ``reports/``.

By themselves ``benchmarks/kill.py`` and ``benchmarks/collection.py`` run in full.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def script(name, out, *options):
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / name), "--out", str(out), *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_collection_killed_twice_is_the_same_and_asks_nothing_again(tmp_path):
    options = ("--calls", 200, "--scenarios", 10, "--kills", 2, "--concurrency", 20)
    script("kill.py", tmp_path, *options)
    found = json.loads((tmp_path / "kill.json").read_text())
    assert len(found["at"]) == 2
    assert found["asked_again"] == 0
    assert max(found["underway"]) <= 20
    assert found["same"]
    assert "model-a_instilled_latent_selections.csv" in found["files"]


@pytest.mark.slow
def test_collecting_takes_little_more_than_the_calls_themselves(tmp_path):
    script("collection.py", tmp_path, "--calls", 800, "--runs", 1)
    found = json.loads((tmp_path / "collection.json").read_text())
    assert found["ratio"] <= 1.3
    assert found["peak_mib"] <= 300
