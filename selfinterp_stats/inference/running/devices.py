"""The devices of this machine: one task after the other on each, all of them at once.

On a CPU one thread per core takes the next task; with accelerators, one thread per device.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.settings import Device

T = TypeVar("T")
R = TypeVar("R")

# Shapes of tasks that were compiled in this process.
_DONE: set[Hashable] = set()


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def devices(kind: Device | None) -> list[Any]:
    """JAX's devices, one entry for each task that is to be computed at a time.

    Parameters
    ----------
    kind : {"cpu", "gpu"} or None
        JAX's own choice unless given.

    Raises
    ------
    InputError
        If there is no such device.
    """
    import jax

    try:
        found = jax.local_devices(backend=kind) if kind else jax.local_devices()
    except RuntimeError as error:
        raise InputError(
            "JAX finds no GPU on this machine",
            value=kind,
            allowed="cpu",
            remedy="With an NVIDIA GPU and its driver: pip install 'selfinterp-stats[cuda]'.",
        ) from error
    if found[0].platform == "cpu" and len(found) == 1:
        return found * cores()
    return list(found)


def on_devices(
    do: Callable[[T], R],
    tasks: Sequence[T],
    where: Sequence[Any],
    shape: Callable[[T], Hashable],
) -> Iterator[tuple[T, R]]:
    """Do tasks on all devices, and hand out results as they are finished.

    Parameters
    ----------
    do : callable
        Runs with one of the devices as JAX's default.
    tasks : sequence
    where : sequence of devices
    shape : callable
        All that a task's compilation depends on. The first task of a shape that this process
        has not done before compiles; others of that shape wait for it rather than compile as
        well.
    """
    import jax

    free = list(where)

    def run(task: T) -> R:
        device = free.pop()
        try:
            with jax.default_device(device):
                return do(task)
        finally:
            free.append(device)

    firsts: dict[Hashable, T] = {}
    later = []
    for task in tasks:
        if shape(task) in _DONE or shape(task) in firsts:
            later.append(task)
        else:
            firsts[shape(task)] = task
    with ThreadPoolExecutor(len(where)) as pool:
        for some in (list(firsts.values()), later):
            waiting: dict[Future[R], T] = {}
            remaining = iter(some)
            try:
                for task in remaining:
                    waiting[pool.submit(run, task)] = task
                    # No more are begun than are soon to be collected: results take memory.
                    if len(waiting) >= 2 * len(where):
                        yield from _finished(waiting)
                while waiting:
                    yield from _finished(waiting)
            finally:
                for future in waiting:
                    future.cancel()
            _DONE.update(firsts)


def _finished(waiting: dict[Future[R], T]) -> Iterator[tuple[T, R]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        yield waiting.pop(future), future.result()
