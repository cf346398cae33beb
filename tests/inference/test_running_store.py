"""A run's folder: what is read of it, what is done again, which other run is refused it."""

from __future__ import annotations

import json
import os
import signal
import threading

import numpy as np
import pytest
from batches import BATCH, NORMAL, datasets, draws, fit

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.running.traces import TRACES
from selfinterp_stats.models import Prior

N = 10  # two full tasks and half of one


@pytest.fixture(scope="module")
def in_memory():
    return fit(datasets(N))


@pytest.fixture
def store(tmp_path):
    """The folder of a finished run."""
    fit(datasets(N), store=tmp_path / "store")
    return tmp_path / "store"


def test_what_is_read_from_a_folder_is_what_is_kept_in_memory(store, in_memory):
    stored = fit(datasets(N), store=store)
    for group in in_memory.groups[1:]:
        for name, values in in_memory[group].dataset.variables.items():
            np.testing.assert_array_equal(stored[group][name].values, values.values)
            assert stored[group][name].dims == values.dims


def test_a_finished_run_is_read_and_not_done_again(store):
    files = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    told = []
    fit(datasets(N), store=store, progress=lambda *news: told.append(news))
    assert told == [(N, pytest.approx(np.nan, nan_ok=True))]
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == files


def test_draws_stay_in_the_folder_until_they_are_used(store):
    tree = fit(datasets(N), store=store)
    tree["posterior"]["x"].isel(dataset=[0]).load()
    for path in (store / "draws").rglob("*"):
        if path.is_file() and path.name != "zarr.json" and "/c/1/" in path.as_posix():
            path.unlink()
    # A block that is not there reads as missing: it is read now and not before.
    missing = np.isnan(draws(tree)).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(np.flatnonzero(missing), np.arange(BATCH, 2 * BATCH))


def test_summaries_alone_leave_no_draws(tmp_path, in_memory):
    tree = fit(datasets(N), store=tmp_path / "store", keep="summaries")
    assert "posterior" not in tree
    assert not (tmp_path / "store" / "draws").exists()
    for name, values in in_memory["summary"].dataset.data_vars.items():
        np.testing.assert_array_equal(tree["summary"][name].values, values.values)


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    data, told = datasets(60), []

    def interrupt(n, effective):
        told.append(n)
        if len(told) == 3:  # and it comes whenever it comes, while other tasks are worked on
            threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        fit(data, store=tmp_path / "store", progress=interrupt)
    done = len(list((tmp_path / "store" / "done").glob("*.json")))
    assert 3 <= done < 15
    told.clear()
    resumed = fit(data, store=tmp_path / "store", progress=lambda n, _: told.append(n))
    assert told == [done * BATCH] + [BATCH] * (15 - done)
    np.testing.assert_array_equal(draws(resumed), draws(fit(data)))


@pytest.mark.parametrize("left", ["nothing", "empty files", "cut files", "other numbers"])
@pytest.mark.parametrize("task", [0, 2], ids=["full", "half full"])
def test_a_task_without_its_mark_is_done_again_whatever_it_left(store, in_memory, task, left):
    (store / "done" / f"{task}.json").unlink()
    (store / "done" / f"{task}.tmp").write_text("{")
    for array in store.glob("*/*/c"):
        block = array / str(task)
        for path in [block] if block.is_file() else block.rglob("*"):
            if path.is_dir():
                continue
            if left == "nothing":
                path.unlink()
            elif left == "other numbers":
                other = array / "1" / path.relative_to(block)
                path.write_bytes(other.read_bytes())
            else:
                path.write_bytes(path.read_bytes()[: 0 if left == "empty files" else 10])
    told = []
    resumed = fit(datasets(N), store=store, progress=lambda n, _: told.append(n))
    again = 4 if task == 0 else 2
    assert told == [N - again, again]
    np.testing.assert_array_equal(draws(resumed), draws(in_memory))
    for name, values in in_memory["summary"].dataset.data_vars.items():
        np.testing.assert_array_equal(resumed["summary"][name].values, values.values)


def test_a_run_that_was_killed_before_it_began_begins(tmp_path, in_memory):
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "zarr.0a1b.partial").write_text("{")
    np.testing.assert_array_equal(draws(fit(datasets(N), store=folder)), draws(in_memory))


def refused(folder, differ):
    return (
        f"{folder}: the folder holds another run; these differ: {differ}. Name another folder, or "
        "delete this one."
    )


@pytest.mark.parametrize(
    ("change", "differ"),
    [
        ({"data": datasets(N, seed=1)}, "data"),
        ({"data": datasets(N + 1)}, "data"),
        ({"priors": {"common": Prior.of("Normal", mu=0, sigma=2)}}, "priors"),
        ({"priors": NORMAL | {"Intercept": Prior.of("Normal", mu=0, sigma=1)}}, "priors"),
        ({"formula": "y ~ x + f"}, "data, model"),
        ({"seed": 1}, "sampling"),
        ({"draws": 800}, "sampling"),
        ({"engine": "auto"}, "sampling"),
        ({"keep": "summaries"}, "keep"),
        ({"batch_size": 3}, "batch_size"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_the_folder_of_another_run_is_refused(store, change, differ):
    with pytest.raises(InputError) as caught:
        fit(**({"data": datasets(N), "store": store} | change))
    assert str(caught.value) == refused(store, differ)


def test_the_folder_of_other_versions_is_refused(store):
    meta = json.loads((store / "zarr.json").read_text())
    meta["attributes"]["selfinterp"]["versions"]["jax"] = "0.1"
    (store / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(InputError) as caught:
        fit(datasets(N), store=store)
    assert str(caught.value) == refused(store, "versions")


def test_the_batch_size_of_a_folder_is_taken_up(store):
    told = []
    (store / "done" / "1.json").unlink()
    fit(datasets(N), store=store, batch_size=None, progress=lambda n, _: told.append(n))
    assert told == [6, 4]


@pytest.mark.parametrize("there", ["a file", "other files"])
def test_what_is_no_folder_of_a_run_is_left_alone(tmp_path, there):
    path = tmp_path / "mine"
    if there == "a file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "mine").write_text("mine")
    with pytest.raises(InputError) as caught:
        fit(store=path)
    assert str(caught.value) == (
        f"{path}: this is no folder of a run. Name a new or an empty folder."
    )
    assert (path if there == "a file" else path / "mine").read_text() == "mine"


def test_a_folder_compiles_nothing_of_its_own(store, in_memory):
    before = TRACES.copy()
    (store / "done" / "0.json").unlink()
    fit(datasets(N), store=store)
    assert before == TRACES
