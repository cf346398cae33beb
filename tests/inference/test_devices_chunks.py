"""Tasks on devices: each is done once, its result belongs to it, and no more are begun than fit."""

from __future__ import annotations

import threading
from collections import Counter

import jax
import pytest

from selfinterp_stats.inference.running.devices import cores, devices, on_devices


def places(n):
    return jax.local_devices(backend="cpu")[:1] * n


@pytest.fixture
def alike():
    """A shape that all tasks of one test have, and none of another test."""
    shape = object()
    return lambda task: (shape, task % 1)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 33])
def test_every_task_comes_back_once_with_its_own_result(alike, n, workers):
    found = list(on_devices(lambda task: task**2, range(n), places(workers), alike))
    assert sorted(found) == [(task, task**2) for task in range(n)]


def test_tasks_are_done_at_the_same_time(alike):
    # The first of a shape is alone, since it compiles.
    list(on_devices(abs, [0], places(2), alike))
    meeting = threading.Barrier(2, timeout=30)  # a task alone would wait there in vain
    found = on_devices(lambda _: meeting.wait(), range(8), places(2), alike)
    assert sorted(task for task, _ in found) == list(range(8))


def test_the_first_task_of_a_shape_is_finished_before_others_of_that_shape_begin():
    lock, begun, finished, early = threading.Lock(), Counter(), Counter(), []
    new = object()

    def do(task):
        shape = task % 2
        with lock:
            if begun[shape] and not finished[shape]:
                early.append(task)
            begun[shape] += 1
        with lock:
            finished[shape] += 1

    found = on_devices(do, range(20), places(4), lambda task: (new, task % 2))
    assert sorted(task for task, _ in found) == list(range(20))
    assert early == []


def test_results_that_nobody_takes_hold_up_the_tasks(alike):
    begun = []
    found = on_devices(begun.append, range(50), places(2), alike)
    for taken, _ in enumerate(found, start=1):
        # Two for each of two places.
        assert len(begun) <= taken + 2 * 2
    assert sorted(begun) == list(range(50))


def test_an_error_in_a_task_is_not_swallowed_and_ends_the_run(alike):
    begun = []

    def fails(task):
        begun.append(task)
        raise ValueError(f"task {task} failed")

    with pytest.raises(ValueError, match="task 0 failed"):
        list(on_devices(fails, range(50), places(2), alike))
    assert begun == [0]


def test_a_task_runs_with_its_place_as_the_default_device(alike):
    (device,) = places(1)
    found = on_devices(lambda _: jax.numpy.ones(()).device, [0], [device], alike)
    assert list(found) == [(0, device)]


def test_one_cpu_does_a_task_per_core():
    if jax.devices()[0].platform != "cpu" or len(jax.local_devices(backend="cpu")) > 1:
        pytest.skip("there are several devices")
    assert devices("cpu") == devices(None) == places(cores())
    assert cores() >= 1
