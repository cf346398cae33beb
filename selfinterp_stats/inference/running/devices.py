"""Run one compiled function over the datasets of a batch, chunk by chunk, on all that is there.

Chunks have one fixed size, so that nothing is compiled twice and the last chunk of a batch is
computed exactly as the others. On a CPU one thread per core takes the next chunk; with
accelerators, one thread per device.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

Progress = Callable[[int], None]


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def over_chunks(
    compiled: Callable[..., Any],
    arrays: tuple[np.ndarray, ...],
    *,
    chunk: int,
    x64: bool = False,
    progress: Progress | None = None,
) -> Any:
    """Apply a compiled function to all datasets.

    Parameters
    ----------
    compiled : callable
        A jitted function of arrays whose first axis is the dataset; returns a pytree of such
        arrays and treats datasets independently of each other.
    arrays : tuple of (dataset, ...) arrays
    chunk : int
        Datasets per call. A last chunk that is short is filled with copies of its last dataset.
    x64 : bool
        Compute in 64-bit floats; the arrays must have the matching dtype.
    progress : callable, optional
        Called with the number of datasets that have just been finished.

    Returns
    -------
    pytree of (dataset, ...) NumPy arrays
    """
    import jax

    n = len(arrays[0])
    devices = jax.local_devices()
    workers = cores() if devices[0].platform == "cpu" else len(devices)

    def run(task: tuple[int, int]) -> Any:
        index, start = task
        stop = min(start + chunk, n)
        parts = [a[start:stop] for a in arrays]
        if stop - start < chunk:
            parts = [np.concatenate([p, np.repeat(p[-1:], chunk - len(p), axis=0)]) for p in parts]
        with jax.enable_x64(x64), jax.default_device(devices[index % len(devices)]):
            result = jax.device_get(compiled(*parts))
        if progress is not None:
            progress(stop - start)
        return jax.tree.map(lambda leaf: leaf[: stop - start], result)

    # A few datasets need no chunk of full size; powers of two keep the number of shapes small.
    chunk = min(chunk, 1 << (n - 1).bit_length())
    tasks = list(enumerate(range(0, n, chunk)))
    if len(tasks) == 1:
        results = [run(tasks[0])]
    else:
        with ThreadPoolExecutor(workers) as pool:
            # The first call compiles; the others wait for it rather than compile as well.
            first = run(tasks[0])
            results = [first, *pool.map(run, tasks[1:])]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *results)
