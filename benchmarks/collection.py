"""What collecting costs beside the calls themselves: CPU time and memory, on this machine.

    python benchmarks/collection.py [--calls 10000] [--concurrency 200] [--runs 3]

The same choices are asked of the same simulated server twice over: by a bare loop over the openai
client, which keeps the replies in a list, and by ``selfinterp collect choices``, which commits
every reply to a journal. Each run is a process of its own and all of its CPU time counts, imports
too. The two take turns, so that a machine that gets slower slows both. Collecting must not take
more than 1.3 times the CPU of the bare loop, nor more than 300 MiB, nor more memory for more
calls.

Prints a table and writes it, with the machine's description, to ``reports/benchmarks/``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from reproduce import Run, describe_machine, fresh_process

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # this checkout is measured, whichever is installed
LIBRARIES = ("selfinterp-stats", "openai", "httpx", "httpx2", "starlette", "uvicorn")
SCENARIOS = 100
MODEL = "model-a"
SEED = 2
MOST_CPU = 1.3
MOST_MIB = 300.0


def write_scenarios(path: Path, count: int = SCENARIOS) -> Path:
    """Scenarios in the form of ``candidate_scenarios.json``."""
    ranges = {"size": 100, "weight": 40, "age": 12, "price": 900, "rating": 5}
    scenarios = [
        {
            "short_name": f"purchase_{number}",
            "question": f"Imagine you are buyer {number}. Which of these would you choose?",
            "attributes": [
                {"name": f"{name}_{number}", "units": "units", "range": [0, top]}
                for name, top in ranges.items()
            ],
        }
        for number in range(count)
    ]
    path.write_text(json.dumps(scenarios))
    return path


def selfinterp(*arguments: object) -> list[str]:
    """The command line of this checkout, with this interpreter."""
    code = "from selfinterp_stats.cli.main import main; main()"
    return [sys.executable, "-c", code, *map(str, arguments)]


def environment() -> dict[str, str]:
    """Of processes that use this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "sk-benchmark"}


@contextmanager
def server(*options: object) -> Iterator[str]:
    """The simulated participant in a process of its own; yields its base URL."""
    process = subprocess.Popen(
        selfinterp("collect", "simulate-server", "--port", 0, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def stats(url: str) -> dict[str, Any]:
    """What the server was asked."""
    with urlopen(url.removesuffix("/v1") + "/stats") as response:
        return json.load(response)


async def bare_loop(url: str, scenarios: Path, calls: int, concurrency: int) -> list[str | None]:
    """The least that asks the same: the client, a semaphore and a list."""
    from openai import AsyncOpenAI

    from data_collection.prompts import choice_messages
    from data_collection.scenarios import load_scenarios
    from data_collection.trials import make_trials

    client = AsyncOpenAI(base_url=url, max_retries=0)
    places = asyncio.Semaphore(concurrency)
    listed = load_scenarios(scenarios)
    trials = make_trials(listed, calls // len(listed), SEED)

    async def ask(trial: Any) -> str | None:
        async with places:
            completion = await client.chat.completions.create(
                model=MODEL, messages=choice_messages(trial), temperature=0
            )
        return completion.choices[0].message.content

    return await asyncio.gather(*map(ask, trials))


def time_bare(url: str, scenarios: Path, calls: int, concurrency: int) -> Run:
    """The bare loop in a fresh process."""
    arguments = ["--bare", url, "--scenarios", scenarios]
    arguments += ["--calls", calls, "--concurrency", concurrency]
    return fresh_process([sys.executable, __file__, *map(str, arguments)], env=environment())


def time_collect(url: str, scenarios: Path, calls: int, concurrency: int) -> Run:
    """``selfinterp collect choices`` into a new journal; every reply must be in it."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal.sqlite"
        command = selfinterp("collect", "choices", "--scenarios", scenarios, "--model", MODEL)
        command += ["--base-url", url, "--journal", str(journal), "--seed", str(SEED)]
        command += ["--per-scenario", str(calls // SCENARIOS), "--concurrency", str(concurrency)]
        run = fresh_process(command, env=environment())
        connection = sqlite3.connect(journal)
        kept = connection.execute("SELECT count(*) FROM reply WHERE text IN ('A', 'B')").fetchone()
        connection.close()
        assert kept == (calls,), f"{kept[0]} of {calls} replies are in the journal"
    return run


def measure(calls: int, concurrency: int, runs: int) -> dict[str, Any]:
    """Take turns, and collect a quarter of the calls as well, to see whether memory grows."""
    found: dict[str, list[Run]] = {"bare": [], "collect": [], "quarter": []}
    with tempfile.TemporaryDirectory() as folder, server() as url:
        scenarios = write_scenarios(Path(folder) / "scenarios.json")
        for _ in range(runs):
            found["bare"].append(time_bare(url, scenarios, calls, concurrency))
            found["collect"].append(time_collect(url, scenarios, calls, concurrency))
            found["quarter"].append(time_collect(url, scenarios, calls // 4, concurrency))
            print(*(f"{name} {last[-1].cpu_seconds:.1f} s" for name, last in found.items()),
                  sep=", ", file=sys.stderr)  # fmt: skip
        asked = stats(url)["answered"]
    assert asked == runs * (2 * calls + calls // 4), "the server counts other calls"
    pairs = zip(found["bare"], found["collect"], strict=True)
    return {
        "calls": calls,
        "concurrency": concurrency,
        "ratio": statistics.median(ours.cpu_seconds / bare.cpu_seconds for bare, ours in pairs),
        "peak_mib": max(run.peak_mib for run in found["collect"]),
        "growth_mib": statistics.median(run.peak_mib for run in found["collect"])
        - statistics.median(run.peak_mib for run in found["quarter"]),
        "runs": {
            name: [
                {"cpu_seconds": run.cpu_seconds, "seconds": run.seconds, "peak_mib": run.peak_mib}
                for run in runs_of
            ]
            for name, runs_of in found.items()
        },
    }


def as_markdown(found: dict[str, Any], machine: dict[str, Any]) -> str:
    """The table that people read, with the machine that it was measured on."""
    calls = found["calls"]
    names = {
        "bare": f"bare loop, {calls:,} calls",
        "collect": f"collect, {calls:,} calls",
        "quarter": f"collect, {calls // 4:,} calls",
    }
    where = (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}, Python {machine['python']}, openai "
        f"{machine['libraries']['openai']}; load when it began {machine['load_at_start']}, with "
        "the server on the same machine."
    )
    lines = [
        where,
        "",
        "| what | runs | CPU, s | CPU per call, ms | on the clock, s | peak, MiB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, label in names.items():
        runs = found["runs"][name]
        cpu, seconds, peak = (
            statistics.median(run[key] for run in runs)
            for key in ("cpu_seconds", "seconds", "peak_mib")
        )
        count = calls // 4 if name == "quarter" else calls
        lines.append(
            f"| {label} | {len(runs)} | {cpu:.1f} | {1e3 * cpu / count:.2f} | {seconds:.1f} "
            f"| {peak:.0f} |"
        )
    judged = (
        f"At {found['concurrency']} calls at once. CPU of collecting over that of the bare loop "
        f"run just before it, median: {found['ratio']:.2f} (to stay under {MOST_CPU}). Peak "
        f"memory: {found['peak_mib']:.0f} MiB (to stay under {MOST_MIB:.0f}), "
        f"{found['growth_mib']:+.1f} MiB against a quarter of the calls."
    )
    return "\n".join([*lines, "", judged]) + "\n"


def failures(found: dict[str, Any]) -> list[str]:
    """The claims that do not hold."""
    wrong = []
    if found["ratio"] > MOST_CPU:
        wrong.append(f"collecting takes {found['ratio']:.2f} times the CPU of the bare loop")
    if found["peak_mib"] > MOST_MIB:
        wrong.append(f"collecting takes {found['peak_mib']:.0f} MiB")
    return wrong


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line of this script."""
    parser = argparse.ArgumentParser(description="CPU time and memory of selfinterp collect")
    parser.add_argument("--calls", type=int, default=10_000, help="a multiple of 400")
    parser.add_argument("--concurrency", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "benchmarks")
    parser.add_argument("--bare", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--scenarios", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.calls < 4 * SCENARIOS or options.calls % (4 * SCENARIOS):
        parser.error(f"--calls must be a multiple of {4 * SCENARIOS}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when a claim does not hold."""
    options = read_options(arguments)
    if options.bare:
        replies = asyncio.run(
            bare_loop(options.bare, options.scenarios, options.calls, options.concurrency)
        )
        return 0 if all(reply in ("A", "B") for reply in replies) else 1
    machine = describe_machine(LIBRARIES)
    found = measure(options.calls, options.concurrency, options.runs)
    text = as_markdown(found, machine)
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    record = {"measured": datetime.now(UTC).date().isoformat(), "machine": machine, **found}
    (options.out / "collection.json").write_text(json.dumps(record, indent=2) + "\n")
    (options.out / "collection.md").write_text(f"# CPU and memory of collecting\n\n{text}")
    for wrong in failures(found):
        print(wrong, file=sys.stderr)
    return 1 if failures(found) else 0


if __name__ == "__main__":
    sys.exit(main())
