"""Interrupts commands (SIGINT, as Ctrl-C sends it) at many moments and looks at what they leave.

    python benchmarks/interrupts.py [--moments 16] [--commands simulate weights ...]

Each command runs once to its end and is then started again for every moment. Half of the moments
are spread over that time; the others count from when the hidden folder appears in which the result
is written, and are spread over what is left then, since half a result could come from there alone.
Every second time an earlier result is in place. What must hold:

1. exit status 130 and one line that says what was left, or the command had done its work before;
2. no traceback; nothing on stdout unless the result is there;
3. the output folder is as it was before, or whole; beside it nothing that was not there, nor in the
   folder for temporary files;
4. some interrupts come in time.

Prints a summary and writes it to ``reports/interrupts.md``, where the rows of other commands stay.
Exit status 1 when a claim fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from reproduce import describe_machine

ROOT = Path(__file__).resolve().parents[1]
# Says when the command's own code begins: what an interpreter does before that is not its own.
STARTED = "import os, selfinterp_stats.cli.main as m; os.write(2, b'started\\n'); m.main()"
OUT = "result"
# Small, so that a command takes seconds: what is computed does not matter here.
STUDY = ("simulate", "--trained", "6", "--native", "6", "--base-model", "m", "--out", "study")
INPUTS = ("study", "explained.csv")
FEW = ("--draws", "400", "--regression-draws", "400")
COMMANDS = {
    "simulate": ("simulate", "--trained", "40", "--native", "40"),
    "weights": ("weights", "--data", "study", "--draws", "400"),
    "reproduce": ("reproduce", "--data", "study", *FEW),
    "priors": ("priors", "--data", "study", "--draws", "400", "--only", "student_t"),
    "propagate": ("propagate", "--data", "study", "--draws", "400"),
    "explainers": ("explainers", "--data", "explained.csv", "--draws", "400"),
}
EARLIER = {"run.json": '{"package": "selfinterp-stats"}', "index.html": "an earlier result"}
NOTHING = "selfinterp: interrupted; nothing was written."
WHOLE = re.compile(r"selfinterp: interrupted; .* had been written, whole\.")
SECONDS = re.compile(r"\d+\.\d s")


@dataclass(frozen=True)
class Moment:
    """When to interrupt: so many seconds after the start, or after the hidden folder appears."""

    seconds: float
    writing: bool


@dataclass(frozen=True)
class Left:
    """What a command left.

    Attributes
    ----------
    status : int
    out, err : str
    files : dict of str to bytes or None
        Everything beside what was there to be read; None for a folder.
    temporary : list of str
        What is left in the folder for temporary files.
    """

    status: int
    out: str
    err: str
    files: dict[str, bytes | None]
    temporary: list[str]


def moments(count: int, before: float, writing: float) -> Iterator[Moment]:
    """Half of them over the seconds before a result is written and then, half over these alone."""
    half = count // 2
    for number in range(count - half):
        yield Moment((before + writing) * (number + 0.5) / (count - half), writing=False)
    for number in range(half):
        yield Moment(writing * number / half, writing=True)


def start(command: str, folder: Path) -> subprocess.Popen[str]:
    """Start a command in a folder that holds its inputs; come back when its own code begins.

    What JAX compiles is kept in ``cache`` beside the folder, as it is in a user's home.
    """
    _temporary(folder).mkdir()
    going = subprocess.Popen(
        [sys.executable, "-c", STARTED, *COMMANDS[command], "--out", OUT],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(folder.parent / "cache"),
            "TMPDIR": str(_temporary(folder)),
        },
    )
    assert going.stderr is not None
    assert going.stderr.readline() == "started\n"
    return going


def finish(going: subprocess.Popen[str], folder: Path) -> Left:
    """Wait for the end, and look at what is left."""
    out, err = going.communicate(timeout=300)
    temporary = sorted(path.name for path in _temporary(folder).iterdir())
    shutil.rmtree(_temporary(folder))
    return Left(going.returncode, out, err, _files(folder), temporary)


def interrupted(command: str, folder: Path, moment: Moment) -> Left:
    """Start a command and interrupt it at a moment."""
    going = start(command, folder)
    if moment.writing:
        _wait_for_hidden(going, folder)
    time.sleep(moment.seconds)
    going.send_signal(signal.SIGINT)
    return finish(going, folder)


def _wait_for_hidden(going: subprocess.Popen[str], folder: Path) -> None:
    """Wait until the folder is there in which a result is being written."""
    while going.poll() is None and not any(
        entry.name.startswith(f".{OUT}.") for entry in os.scandir(folder)
    ):
        time.sleep(0.0005)


def _temporary(folder: Path) -> Path:
    """The folder for temporary files of a command that runs in a folder."""
    return folder.with_name(f"{folder.name} temporary")


def _files(folder: Path) -> dict[str, bytes | None]:
    """What is in a folder beside the inputs."""
    paths = (
        path
        for path in sorted(folder.rglob("*"))
        if path.relative_to(folder).parts[0] not in INPUTS
    )
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in paths
    }


def make_inputs(folder: Path) -> None:
    """What the commands read."""
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", STARTED, *STUDY],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    rows = [
        f"{explainer},{target},features,{item},{int((item + (explainer == target)) % 3 > 0)}\n"
        for explainer, target, item in product("ab", "ab", range(30))
    ]
    (folder / "explained.csv").write_text("explainer,target,task,item,outcome\n" + "".join(rows))


def prepare(folder: Path, inputs: Path, *, earlier: bool) -> None:
    """A folder with the inputs and, if wanted, an earlier result."""
    shutil.copytree(inputs, folder)
    if earlier:
        (folder / OUT).mkdir()
        for name, text in EARLIER.items():
            (folder / OUT / name).write_text(text)


def _lines(err: str) -> list[str]:
    """What was said on stderr, without times. An empty line ends that on which a ^C is shown."""
    return [SECONDS.sub("", line) for line in err.splitlines() if line]


def judged(left: Left, before: dict[str, bytes | None], by_itself: Left) -> tuple[str, list[str]]:
    """How an interrupted command ended, and which claims that breaks."""
    wrong = []
    lines = _lines(left.err)
    last = lines[-1] if lines else ""
    done = set(left.files) == set(by_itself.files)
    if "Traceback" in left.err or "Exception ignored" in left.err:
        wrong.append(f"a traceback: {left.err}")
    if left.files == before and not done:
        how = "interrupted, nothing written"
        if left.status != 130 or last != NOTHING or left.out:
            wrong.append(f"status {left.status}, {last!r}, {left.out!r}")
    elif done:
        how = "the result was whole before"
        said = WHOLE.fullmatch(last) or "interrupted" not in left.err
        # Where nothing of Python is left, the signal ends the process; a shell calls that 130 too.
        if left.status not in (0, 130, -signal.SIGINT) or not said:
            wrong.append(f"status {left.status} with a whole result, {last!r}")
    else:
        how = "half a result"
        changed = sorted(
            name for name in before.keys() | left.files if left.files.get(name) != before.get(name)
        )
        wrong.append(f"half a result: {', '.join(changed)}")
    more = [line for line in lines[:-1] if line not in _lines(by_itself.err)]
    if more and not wrong:
        wrong.append(f"lines more: {more}")
    if left.temporary:
        wrong.append(f"temporary files: {', '.join(left.temporary)}")
    return how, wrong


def sweep(
    command: str, count: int, inputs: Path, scratch: Path
) -> tuple[float, Counter[str], list[str]]:
    """Interrupt one command at many moments.

    Returns
    -------
    (float, Counter, list of str)
        The command's seconds without an interrupt, how the others ended, and what was wrong.
    """
    for name in ("compiled", "whole"):
        prepare(scratch / name, inputs, earlier=False)
    finish(start(command, scratch / "compiled"), scratch / "compiled")
    going, began = start(command, scratch / "whole"), time.monotonic()
    _wait_for_hidden(going, scratch / "whole")
    before_writing = time.monotonic() - began
    reference = finish(going, scratch / "whole")
    writing = time.monotonic() - began - before_writing
    if reference.status or reference.temporary:
        return 0.0, Counter(), [f"{command} fails by itself: {reference.err} {reference.temporary}"]
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    for number, moment in enumerate(moments(count, before_writing, writing)):
        folder = scratch / f"{number}"
        # `simulate` replaces nothing: it would refuse a folder with a result in it.
        prepare(folder, inputs, earlier=command != "simulate" and number % 2 == 1)
        before = _files(folder)
        how, broken = judged(interrupted(command, folder, moment), before, reference)
        ends[how] += 1
        if broken:
            wrong.append(f"{command}, {moment}: {'; '.join(broken)}")
            print(wrong[-1], file=sys.stderr, flush=True)
        shutil.rmtree(folder)
    if not ends["interrupted, nothing written"]:
        wrong.append(f"{command}: not one interrupt came in time")
    return before_writing + writing, ends, wrong


def kept(report: Path) -> dict[str, str]:
    """The rows of an earlier report, by command."""
    if not report.exists():
        return {}
    lines = report.read_text().splitlines(keepends=True)
    return {row[1]: row[0] for line in lines if (row := re.match(r"\| `(\w+)` .*\n", line))}


def write_report(out: Path, rows: Mapping[str, str]) -> str:
    """The rows with what they mean."""
    text = (
        "# Interrupted\n\n"
        "SIGINT to commands at many moments: half of them spread over the time that the command "
        "takes by itself, half over that in which its result is written; every second time (but "
        "for `simulate`, which replaces nothing) over an earlier result. The studies are small. "
        "Made by `python benchmarks/interrupts.py`.\n\n"
        "| command | Python | load when it began | time by itself | interrupts | status 130, one "
        "line, nothing changed | the result was whole before | half a result, a traceback, a "
        "temporary file or anything else |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|\n"
        + "".join(rows[command] for command in COMMANDS if command in rows)
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write; 1 when a claim fails."""
    parser = argparse.ArgumentParser(description="Interrupt commands at many moments")
    parser.add_argument("--moments", type=int, default=16, help="of each command")
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "interrupts.md")
    options = parser.parse_args(arguments)
    # Started in a shell's background it would ignore the signal, and so would the commands.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wrong: list[str] = []
    rows = kept(options.out)
    text = ""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        make_inputs(scratch / "inputs")
        for command in options.commands:
            machine = describe_machine(())
            (scratch / command).mkdir()
            seconds, ends, broken = sweep(
                command, options.moments, scratch / "inputs", scratch / command
            )
            wrong += broken
            rows[command] = (
                f"| `{command}` | {machine['python']} | {machine['load_at_start']} | "
                f"{seconds:.1f} s | {options.moments} | {ends['interrupted, nothing written']} | "
                f"{ends['the result was whole before']} | {len(broken)} |\n"
            )
            # After each command: the next may take long.
            text = write_report(options.out, rows)
    print(text)
    for claim in wrong:
        print(claim, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
