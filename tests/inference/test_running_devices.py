"""Other devices, little memory, few cores: what comes out stays the same, and it comes.

In one layout (batch size and padding) draws are the same bit for bit, whatever computes them; for
other layouts see ``test_seeds_draws.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from batches import DRAWS, FEW, MANY, draws, fit


@pytest.fixture(scope="module")
def here():
    return fit()


OTHER_PROCESS = """
import json, os, sys, threading
from pathlib import Path
import jax, numpy as np
from batches import DRAWS, FEW, MANY, datasets, draws, fit
from selfinterp_stats.inference.running.devices import devices, on_devices

np.save(sys.argv[1], draws(fit()))
fit(engine="nuts")

meeting, used = threading.Barrier(2, timeout=60), set()
def meet(task):
    used.add(str(jax.numpy.ones(()).device))
    meeting.wait()
list(on_devices(meet, [0, 1], devices(None), shape=lambda task: task))

def peak(n, **options):
    # The most memory at a time, where Linux can tell.
    if not os.access("/proc/self/clear_refs", os.W_OK):
        return None
    data = datasets(n)
    Path("/proc/self/clear_refs").write_text("5")
    fit(data, draws=DRAWS, **options)
    (line,) = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x]
    return int(line.split()[1]) * 1024

peak(FEW, keep="summaries")  # whatever is compiled, is compiled here
peaks = [peak(n, keep="summaries") for n in (FEW, MANY)]
print(json.dumps({"devices": sorted(used), "peaks": peaks, "control": peak(MANY)}))
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """What another process with two devices had to say: draws, figures, and its programs."""
    path = tmp_path_factory.mktemp("elsewhere") / "draws.npy"
    programs = tmp_path_factory.mktemp("programs")
    ended = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parent),
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
            "JAX_DUMP_IR_TO": str(programs),
            # Memory that is given back is given back to the system at once.
            "MALLOC_ARENA_MAX": "1",
            "MALLOC_MMAP_THRESHOLD_": "65536",
        },
    )
    assert ended.returncode == 0, ended.stderr
    texts = {path.name: path.read_text() for path in programs.glob("*.mlir")}
    return np.load(path), json.loads(ended.stdout), texts


def test_two_devices_share_the_work_and_give_the_same_draws(here, elsewhere):
    values, seen, _ = elsewhere
    assert seen["devices"] == ["cpu:0", "cpu:1"]
    np.testing.assert_array_equal(values, draws(here))


def test_memory_does_not_grow_with_the_number_of_datasets_where_summaries_are_kept(elsewhere):
    _, seen, _ = elsewhere
    if seen["control"] is None:
        pytest.skip("the system does not tell the most memory that was used of late")
    few, many = seen["peaks"]
    of_draws = (MANY - FEW) * DRAWS * 2 * 4  # two parameters in 32-bit floats
    # The rows, their labels among them, and 18 summaries take some 10 kB for each dataset, its
    # draws 64 kB.
    assert many - few < of_draws / 2
    # The measure sees the draws where they are kept.
    assert seen["control"] - few > of_draws


def test_no_program_waits_for_threads_that_others_may_hold(elsewhere):
    """LAPACK's batches do: as many programs at a time as XLA has threads then wait for ever."""
    *_, programs = elsewhere
    for ours in ("fit", "run", "chunk"):  # of Laplace, NUTS and importance
        assert any(f"_jit_{ours}" in name for name in programs)
    assert [name for name, text in programs.items() if "lapack" in text] == []


LAPACK = """
import selfinterp_stats
import jax, jax.numpy as jnp, numpy as np

jax.config.update("jax_enable_x64", True)

def several(x):
    one, square = jnp.eye(x.shape[1]), x @ x.transpose(0, 2, 1)
    inverses = jnp.linalg.inv(square + one).sum() + jnp.linalg.inv(x + 30 * one).sum()
    values = jnp.linalg.eigh(x + x.transpose(0, 2, 1))[0].sum()
    return inverses + values + jnp.linalg.cholesky(square + 2 * one).sum()

program = jax.jit(several)
x = np.random.default_rng(0).normal(size=(400, 14, 14))
for _ in range(50):
    float(program(x))
"""


def test_priors_whose_densities_need_lapack_are_computed_on_few_cores_too():
    """Without more threads than JAX asks for, this waits for ever on two cores."""
    environment = {name: value for name, value in os.environ.items() if name != "NPROC"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    subprocess.run([sys.executable, "-c", LAPACK], env=environment, check=True, timeout=200)
