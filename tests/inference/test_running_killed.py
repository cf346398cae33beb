"""Runs that are killed, and what the next process finds of them: results and compiled code.

One process imports what a run needs and then becomes several runs, one after the other, each of
which is killed at a random moment after it has finished at least one task. What may be wrong with
the folder of compiled code is the same for every program: it is shown with one that takes no time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from batches import BATCH, datasets, draws, fit

N, KILLS = 60, 3

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

RUNS = """
import json, os, random, signal, sys, time
from pathlib import Path

import bambi, jax, numpyro, pymc, zarr  # no threads yet: none starts before JAX computes

from batches import datasets, fit
from selfinterp_stats.inference.running import compiled

folder, caches, n, kills = json.loads(sys.argv[1])
marks = lambda: len(list((Path(folder) / "done").glob("*.json")))
files = lambda: {path.name: path.stat().st_size for path in Path(caches).rglob("*-cache")}
random.seed()

def run(what):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            what()
            status = 0
        finally:
            os._exit(status)
    return pid

def small():
    compiled.SECONDS = 0
    compiled.keep_compiled()
    assert int(jax.jit(lambda x: 2 * x)(21)) == 42

def ended(what):
    return os.waitstatus_to_exitcode(os.waitpid(run(what), 0)[1])

said = {"marks": [], "files": [], "ended": []}
for _ in range(kills):
    before, pid = marks(), run(lambda: fit(datasets(n), store=folder))
    while marks() == before and os.waitpid(pid, os.WNOHANG) == (0, 0):
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.05))
    os.kill(pid, signal.SIGKILL)
    said["ended"].append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    said["marks"].append(marks())
    said["files"].append(files())

files_of_runs = files()
# A home in which nothing can be written: a file stands where the folder would be.
Path(caches, "file").touch()
os.environ["XDG_CACHE_HOME"] = os.environ["HOME"] = str(Path(caches, "file"))
said["without_home"] = ended(small)
os.environ["XDG_CACHE_HOME"] = os.environ["HOME"] = caches
said["small"] = [ended(small)]
(path,) = (path for path in Path(caches).rglob("*-cache") if path.name not in files_of_runs)
# A file that was cut off while it was written.
path.write_bytes(path.read_bytes()[:100])
said["small"].append(ended(small))
said["one_file"] = len(files()) == len(files_of_runs) + 1
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The store that was left behind, and what was seen of the runs."""
    store, home = tmp_path_factory.mktemp("killed") / "store", tmp_path_factory.mktemp("home")
    # Where a folder for compiled code is named, this package leaves the choice to JAX.
    ours = ("JAX_COMPILATION_CACHE_DIR", "JAX_COMPILATION_CACHE_MAX_SIZE")
    outside = {key: it for key, it in os.environ.items() if key not in ours}
    ended = subprocess.run(
        [sys.executable, "-c", RUNS, json.dumps([str(store), str(home), N, KILLS])],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={
            **outside,
            "PYTHONPATH": str(Path(__file__).parent),
            "XDG_CACHE_HOME": str(home),
            "HOME": str(home),
        },
    )
    assert ended.returncode == 0, ended.stderr
    return store, json.loads(ended.stdout)


def test_a_killed_run_goes_on_where_it_was_and_ends_as_if_it_had_not_been_killed(killed):
    store, seen = killed
    assert seen["ended"] == [-signal.SIGKILL] * KILLS
    done = seen["marks"][-1]
    assert KILLS <= done < N / BATCH
    data, told = datasets(N), []
    resumed = fit(data, store=store, progress=lambda n, _: told.append(n))
    assert told == [done * BATCH] + [BATCH] * (N // BATCH - done)
    np.testing.assert_array_equal(draws(resumed), draws(fit(data)))


def test_a_second_process_compiles_nothing_anew(killed):
    _, seen = killed
    first, *later = seen["files"]
    assert sorted(name.rsplit("-", 2)[0] for name in first) == ["jit_chunk", "jit_fit"]
    assert later == [first] * (KILLS - 1)


def test_a_home_that_cannot_be_written_does_no_harm(killed):
    assert killed[1]["without_home"] == 0


def test_compiled_code_that_was_cut_off_is_compiled_again(killed):
    assert killed[1]["small"] == [0, 0]
    assert killed[1]["one_file"]  # it is what was looked for the second time
