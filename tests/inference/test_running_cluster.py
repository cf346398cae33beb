"""Tasks on the workers of a Dask cluster: two processes on this machine."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest
from batches import datasets, draws, fit
from distributed import LocalCluster

from selfinterp_stats.errors import ServiceError
from selfinterp_stats.inference.running import cluster

N = 60
SECONDS_TO_START = 60


def workers(n):
    return LocalCluster(
        n_workers=n,
        threads_per_worker=1,
        dashboard_address=":0",
        scheduler_kwargs={"dashboard": False},
    )


def running_process(nanny):
    """The number of the worker's process, once it has one: a killed one is being replaced."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if (pid := nanny.pid) is not None:
            return pid
        time.sleep(0.05)
    raise TimeoutError("the worker was not started again")


@pytest.fixture(scope="module")
def two_workers():
    with workers(2) as local:
        yield local


def test_two_workers_give_the_same_draws_and_share_the_work(two_workers):
    np.testing.assert_array_equal(draws(fit(cluster=two_workers.scheduler_address)), draws(fit()))


def test_workers_that_die_cost_time_and_no_results(two_workers):
    """First one of them, later both, the shared part of the job included."""
    data, told = datasets(N), []

    def kill(n, effective):
        told.append(n)
        dying = {3: 1, 8: 2}.get(len(told), 0)
        for nanny in list(two_workers.workers.values())[:dying]:
            os.kill(running_process(nanny), signal.SIGKILL)

    fitted = fit(data, cluster=two_workers.scheduler_address, progress=kill)
    assert sum(told) == N
    np.testing.assert_array_equal(draws(fitted), draws(fit(data)))


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("nonsense", "missing port number in address 'nonsense'"),
        # Port 9 is the one of the discard service, which no machine offers any more.
        (
            "tcp://127.0.0.1:9",
            "Timed out trying to connect to tcp://127.0.0.1:9 after 0.5 s",
        ),
    ],
)
def test_a_cluster_that_is_not_there(monkeypatch, address, why):
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.5)
    with pytest.raises(ServiceError) as caught:
        fit(cluster=address)
    assert str(caught.value) == (
        f"no Dask scheduler answers at {address!r} ({why}). Start one with 'dask scheduler', or "
        "use the workers of this machine with 'local'."
    )
    assert caught.value.exit_code == 3


def test_a_cluster_without_workers(monkeypatch):
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.5)
    with workers(0) as empty:
        address = empty.scheduler_address
        with pytest.raises(ServiceError) as caught:
            fit(cluster=address)
    assert str(caught.value) == (
        f"the Dask scheduler at {address!r} has no workers. Start some with "
        f"'dask worker {address}'."
    )
