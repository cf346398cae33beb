"""Kills a collection again and again, and shows that nothing is lost and nothing asked twice.

    python benchmarks/kill.py [--calls 10000] [--kills 50] [--concurrency 50] [--seed 0]

Choices and reports are collected from a server that misbehaves: 429 with Retry-After, 500,
answers cut off, requests that hang, garbage, wrong names, refusals. One collection is left alone.
The other is killed (SIGKILL, from outside) at random moments and started again each time. After
each kill the server, which counts, is asked what reached it. What must hold:

1. the two exported folders are the same, byte for byte;
2. no trial that was in the journal when the collector died is ever asked again;
3. each kill leaves no more trials that were asked and not yet written down than calls may be out.

Prints a summary and writes it to ``reports/collection/``. Exit status 1 when a claim fails.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from collection import (
    LIBRARIES,
    MODEL,
    ROOT,
    SEED,
    environment,
    selfinterp,
    server,
    stats,
    write_scenarios,
)
from reproduce import describe_machine

# Trials of each scenario; nine choices to a report.
CHOICES = 9
REPORTS = 1
MISCHIEF = {
    "--too-many": 0.02,
    "--retry-after": 0.1,
    "--error": 0.02,
    "--cut": 0.02,
    "--hang": 0.002,
    "--garbage": 0.02,
    "--wrong-name": 0.1,
    "--refuse": 0.02,
    "--truncate": 0.02,
}
TIMEOUT = 5.0
# Seconds after a kill until the server has taken in what was on its way.
SETTLING = 0.2


@dataclass
class Design:
    """How much is collected, and where."""

    calls: int
    concurrency: int
    scenarios: Path

    @property
    def rounds(self) -> int:
        """How many times nine choices and one report of each scenario."""
        return self.calls // (len(json.loads(self.scenarios.read_text())) * (CHOICES + REPORTS))

    def commands(self, url: str, journal: Path) -> list[list[str]]:
        """Choices, then reports."""
        per_scenario = {"choices": CHOICES * self.rounds, "reports": REPORTS * self.rounds}
        return [
            selfinterp(
                *("collect", task, "--scenarios", self.scenarios, "--model", MODEL),
                *("--base-url", url, "--journal", journal, "--per-scenario", count),
                *("--seed", SEED, "--concurrency", self.concurrency, "--timeout", TIMEOUT),
            )
            for task, count in per_scenario.items()
        ]

    def prompts(self) -> dict[str, str]:
        """What the server counts by (hash of the user message), by what the journal keeps."""
        from data_collection.prompts import choice_messages, report_messages
        from data_collection.records import hash_of
        from data_collection.scenarios import load_scenarios
        from data_collection.trials import make_trials

        listed = load_scenarios(self.scenarios)
        found = {}
        for messages_of, count in ((choice_messages, CHOICES), (report_messages, REPORTS)):
            for trial in make_trials(listed, count * self.rounds, SEED):
                messages = messages_of(trial)
                text = messages[-1]["content"].encode()
                found[hash_of(messages)] = sha256(text).hexdigest()
        return found


@dataclass
class Outcome:
    """What was seen.

    Attributes
    ----------
    at : list of int
        Answers that the journal held after each kill.
    underway : list of int
        Trials that had reached the server then and were not in the journal.
    asked_again : int
        Trials of the journal that reached the server again after a kill.
    calls : int
        That the server received in all.
    same : bool
        Whether the exported folders are.
    files : dict of str to str
        SHA-256 of each exported file.
    """

    at: list[int] = field(default_factory=list)
    underway: list[int] = field(default_factory=list)
    asked_again: int = 0
    calls: int = 0
    same: bool = False
    files: dict[str, str] = field(default_factory=dict)

    def failures(self, design: Design, kills: int) -> list[str]:
        """The claims that do not hold."""
        wrong = []
        if not self.same:
            wrong.append("the exported folders differ")
        if self.asked_again:
            wrong.append(f"{self.asked_again} trials of the journal were asked again")
        if len(self.at) < kills:
            wrong.append(f"only {len(self.at)} of {kills} kills met a collector at work")
        if max(self.underway, default=0) > design.concurrency:
            wrong.append(f"a kill left {max(self.underway)} trials asked and not written down")
        return wrong


class Watched:
    """A journal and a server, looked at from outside."""

    def __init__(self, journal: Path, url: str, prompts: dict[str, str]) -> None:
        self._journal = journal
        self._url = url
        self._prompts = prompts

    def written(self) -> list[str]:
        """The server's names of the prompts whose trials are in the journal."""
        if not self._journal.exists():
            return []
        connection = sqlite3.connect(f"file:{self._journal}?mode=ro", uri=True)
        try:
            rows = connection.execute(
                "SELECT prompt_sha256 FROM reply WHERE superseded = 0 AND status != 'failed'"
            ).fetchall()
        except sqlite3.OperationalError:
            return []  # killed before the tables were made
        finally:
            connection.close()
        return [self._prompts[sha] for (sha,) in rows]

    def received(self) -> dict[str, int]:
        """How often each prompt reached the server."""
        return {row["prompt_sha256"]: row["received"] for row in stats(self._url)["prompts"]}


def killed_run(
    design: Design, url: str, journal: Path, kills: int, chance: random.Random, outcome: Outcome
) -> None:
    """Collect, killed at random moments; each kill is noted in `outcome`."""
    watched = Watched(journal, url, design.prompts())
    sealed: dict[str, int] = {}
    # A collector dies a moment after the journal holds so many answers.
    moments = deque(sorted(chance.randrange(design.calls) for _ in range(kills)))
    for command in design.commands(url, journal):
        while moments and _killed(command, watched, moments[0], chance.uniform(0, 0.1)):
            moments.popleft()
            time.sleep(SETTLING)
            written, received = watched.written(), watched.received()
            outcome.at.append(len(written))
            outcome.asked_again += _asked_again(sealed, received)
            outcome.underway.append(len(set(received) - set(written)))
            sealed = {sha: received[sha] for sha in written}
        subprocess.run(command, check=True, capture_output=True, env=environment())
    received = watched.received()
    outcome.asked_again += _asked_again(sealed, received)
    outcome.calls = sum(received.values())


def _asked_again(sealed: dict[str, int], received: dict[str, int]) -> int:
    """Prompts that reached the server again after their trials were in the journal."""
    return sum(received[sha] != count for sha, count in sealed.items())


def _killed(command: list[str], watched: Watched, at: int, moment: float) -> bool:
    """Start a collector and kill it; False when it was done before that."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment()
    )
    while process.poll() is None and len(watched.written()) < at:
        time.sleep(0.02)
    time.sleep(moment)
    if process.poll() is None:
        process.kill()
    _, said = process.communicate()
    if process.returncode > 0:
        raise RuntimeError(f"the collector ended with {process.returncode}:\n{said.decode()}")
    return process.returncode < 0


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def exported(journal: Path, out: Path) -> dict[str, str]:
    """Export a journal, which must be complete; hashes of the files."""
    command = selfinterp("collect", "export", "--journal", journal, "--out", out)
    subprocess.run(command, check=True, capture_output=True, env=environment())
    return hashes(out)


def kill_test(design: Design, kills: int, seed: int, folder: Path) -> Outcome:
    """Both collections, from two servers that misbehave alike."""
    options = [word for pair in MISCHIEF.items() for word in pair]
    outcome = Outcome()
    with server(*options) as url:
        for command in design.commands(url, folder / "left_alone.sqlite"):
            subprocess.run(command, check=True, capture_output=True, env=environment())
    with server(*options) as url:
        journal = folder / "killed.sqlite"
        killed_run(design, url, journal, kills, random.Random(seed), outcome)
    outcome.files = exported(folder / "left_alone.sqlite", folder / "left_alone")
    outcome.same = outcome.files == exported(journal, folder / "killed")
    return outcome


def as_markdown(design: Design, outcome: Outcome, machine: dict[str, object]) -> str:
    """What was done and seen, for people."""
    total = sum(outcome.underway)
    mischief = ", ".join(f"{name.strip('-')} {value}" for name, value in MISCHIEF.items())
    return (
        f"{design.calls:,} trials (nine choices to one report) at {design.concurrency} calls at "
        f"once, from a server that misbehaves (shares of calls; seconds for retry-after): "
        f"{mischief}. {machine['cores']} cores, Python {machine['python']}.\n\n"
        "| | |\n|---|---:|\n"
        f"| kills (SIGKILL) | {len(outcome.at)} |\n"
        f"| calls that the server received, repeated ones included | {outcome.calls:,} |\n"
        f"| trials of the journal that were asked again | {outcome.asked_again} |\n"
        f"| trials asked but not yet written down when killed: most, of at most "
        f"{design.concurrency} | {max(outcome.underway, default=0)} |\n"
        f"| the same, sum over kills | {total:,} |\n"
        f"| exported folder the same as of the collection left alone, byte for byte | "
        f"{'yes' if outcome.same else 'NO'} ({len(outcome.files)} files) |\n"
    )


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line of this script."""
    parser = argparse.ArgumentParser(description="Kill a collection and resume it")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--scenarios", type=int, default=100, help="how many")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "collection")
    options = parser.parse_args(arguments)
    if options.calls % (options.scenarios * (CHOICES + REPORTS)):
        parser.error("--calls must be a multiple of ten times --scenarios")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write; 1 when a claim fails."""
    options = read_options(arguments)
    machine = describe_machine(LIBRARIES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenarios = write_scenarios(folder / "scenarios.json", options.scenarios)
        design = Design(options.calls, options.concurrency, scenarios)
        began = time.monotonic()
        outcome = kill_test(design, options.kills, options.seed, folder)
        seconds = time.monotonic() - began
        wrong = outcome.failures(design, options.kills)
        text = as_markdown(design, outcome, machine)
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    record = {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": machine,
        "calls": options.calls,
        "concurrency": options.concurrency,
        "seed": options.seed,
        "seconds": seconds,
        "mischief": MISCHIEF,
        **asdict(outcome),
    }
    (options.out / "kill.json").write_text(json.dumps(record, indent=2) + "\n")
    (options.out / "kill.md").write_text(f"# Killed and resumed\n\n{text}")
    for claim in wrong:
        print(claim, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
