"""Ctrl-C leaves no half result, whenever it comes; for all commands see reports/interrupts.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

# Writes a result into a folder again and again, each time with an interrupt at another step of the
# code that puts it in place, and prints what was left each time.
AT_EVERY_STEP = """
import json, os, shutil, signal, sys, tempfile
from pathlib import Path

module, kind = sys.argv[1:]
if module == "selfinterp_stats.study.wholefolder":
    from selfinterp_stats.study import wholefolder as tested
    whole = tested.whole_folder
else:
    from data_collection import folders as tested
    def whole(out):
        return tested.whole_folder(out, "a study", {})

def write(folder, text):
    with whole(folder) as partial:
        for name in ("one.txt", "two.txt"):
            (partial / name).write_text(text)

def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if path.name != "collection.json"
    }

def attempt(at, place):
    out = place / "new" / "out" if kind == "in a new folder" else place / "out"
    if kind == "over an earlier one":
        write(out, "earlier")
    elif kind == "into an empty folder":
        out.mkdir()
    before = contents(place)
    steps = 0
    def trace(frame, event, _):
        nonlocal steps
        if frame.f_code.co_filename != tested.__file__:
            return None
        if event == "line":
            steps += 1
            if steps == at + 1:
                os.kill(os.getpid(), signal.SIGINT)
        return trace
    sys.settrace(trace)
    try:
        write(out, "new")
        raised = False
    except KeyboardInterrupt:
        raised = True
    finally:
        sys.settrace(None)
    after = contents(place)
    new = {f"{out.relative_to(place)}/{name}": "new" for name in ("one.txt", "two.txt")}
    files = {name: text for name, text in after.items() if text is not None}
    left = "before" if after == before else "new" if files == new else repr(after)
    return steps, raised, left

found = []
at = 0
while True:
    place = Path(tempfile.mkdtemp())
    try:
        steps, raised, left = attempt(at, place)
    except KeyboardInterrupt:
        steps, raised, left = at + 1, True, "raised elsewhere"
    shutil.rmtree(place)
    if at >= steps:
        break
    found.append([raised, left])
    at += 1
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    "kind",
    ["in its place", "in a new folder", "over an earlier one", "into an empty folder"],
)
@pytest.mark.parametrize(
    "module", ["selfinterp_stats.study.wholefolder", "data_collection.folders"]
)
def test_an_interrupt_at_every_step_of_writing_leaves_the_old_result_or_the_new(module, kind):
    ran = subprocess.run(
        [sys.executable, "-c", AT_EVERY_STEP, module, kind],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert len(found) > 30
    assert {left for _, left in found} <= {"before", "new"}
    # An interrupt is never lost.
    assert all(raised for raised, _ in found)


def test_commands_that_are_interrupted_leave_nothing_half_done(tmp_path):
    ran = subprocess.run(
        [
            *(sys.executable, str(ROOT / "benchmarks" / "interrupts.py")),
            *("--commands", "simulate", "--moments", "4", "--out", str(tmp_path / "found.md")),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    row = (tmp_path / "found.md").read_text().splitlines()[-1]
    assert row.startswith("| `simulate` |")
    assert row.endswith("| 0 |")


# As an extension module in C says it that was interrupted while it was loaded.
AS_AN_IMPORT_ERROR = """
import sys

class Interrupted:
    def find_spec(self, name, *_):
        if name == "numpy":
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt as interrupt:
                raise ImportError("initialization failed") from interrupt

sys.meta_path.insert(0, Interrupted())
"""
# When the result is there, and only its place is still to be printed.
WHILE_PRINTING = """
import os, signal, sys

class Out:
    def write(self, text):
        os.kill(os.getpid(), signal.SIGINT)
    def flush(self):
        pass

sys.stdout = Out()
"""
# Where Python prints an exception and goes on as if there had been none, as in JAX's callback.
AS_GARBAGE_IS_COLLECTED = """
import gc, os, signal, sys

def interrupt(*_):
    if "numpy" in sys.modules and interrupt in gc.callbacks:
        gc.callbacks.remove(interrupt)
        os.kill(os.getpid(), signal.SIGINT)

gc.callbacks.append(interrupt)
"""
# Longer than the test waits.
WHILE_A_THREAD_COMPUTES = f"""
import threading, time

threading.Thread(target=time.sleep, args=(600,)).start()
{AS_AN_IMPORT_ERROR}
"""


@pytest.mark.parametrize(
    ("code", "left"),
    [
        (AS_AN_IMPORT_ERROR, "nothing was written"),
        (WHILE_PRINTING, "{out} had been written, whole"),
        (AS_GARBAGE_IS_COLLECTED, "nothing was written"),
        (WHILE_A_THREAD_COMPUTES, "nothing was written"),
    ],
)
def test_an_interrupt_says_what_it_left_whatever_becomes_of_it(tmp_path, code, left):
    out = tmp_path / "out"
    ran = subprocess.run(
        [
            *(sys.executable, "-c", f"{code}\nfrom selfinterp_stats.cli.main import main; main()"),
            *("simulate", "--trained", "2", "--native", "0", "--out", str(out)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 130
    assert ran.stderr.lstrip("\n") == f"selfinterp: interrupted; {left.format(out=out)}.\n"
    assert out.exists() == ("whole" in left)
