"""Tasks on the workers of a Dask cluster, on this machine or on others.

Dask carries tasks to workers and does again what a lost worker leaves undone. A worker lifts and
compiles the model once, when its first task comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from selfinterp_stats.errors import InputError, ServiceError
from selfinterp_stats.inference.density.batch import Batch
from selfinterp_stats.inference.prepare import Prepared
from selfinterp_stats.inference.running.chunk import Chunk
from selfinterp_stats.inference.running.compiled import keep_compiled
from selfinterp_stats.inference.running.devices import cores
from selfinterp_stats.inference.running.job import Job, OneByOne, do, inputs_of
from selfinterp_stats.inference.running.plan import Task

LOCAL = "local"
SECONDS_TO_CONNECT = 10
# How often a task may lose its worker before it is taken to be the cause: on this machine. A
# scheduler elsewhere has its own setting.
LOST_WORKERS = 10
AGAIN = "With a store, the same call goes on where it was stopped."
# One task at a time on one core: XLA and BLAS would each start threads for all cores.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NPROC": "1",  # how many threads XLA has for everything but Eigen's products
    "PYTENSOR_FLAGS": "blas__ldflags=",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


@dataclass(frozen=True)
class Cluster:
    """The workers that a Dask scheduler knows."""

    client: Any
    workers: int
    on_gpu: bool = False

    def results(
        self, job: Job, prepared: Prepared, tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Chunk]]:
        """Do the tasks and hand out their results, in the order in which they are finished.

        Raises
        ------
        ServiceError
            If the scheduler or all workers are lost.
        """
        from distributed import CancelledError, KilledWorker, as_completed

        # A result, unlike scattered data, is made again when all workers that had it are lost.
        shared = self.client.submit(unchanged, job, pure=False)
        remaining = iter(tasks)
        begun: dict[Any, Task] = {}
        finished = as_completed(with_results=True, raise_errors=True)

        def begin() -> None:
            task = next(remaining, None)
            if task is not None:
                inputs = inputs_of(task, prepared)
                future = self.client.submit(on_worker, shared, inputs, pure=False, retries=2)
                begun[future.key] = task
                finished.add(future)

        # Twice as many as are worked on, so that no worker waits and inputs take little memory.
        for _ in range(2 * self.workers):
            begin()
        try:
            for future, chunk in finished:
                if isinstance(chunk, CancelledError):
                    raise ServiceError("the connection to the Dask scheduler was lost. " + AGAIN)
                begin()
                yield begun.pop(future.key), chunk
        except KilledWorker as error:
            raise ServiceError(
                "a task lost its worker again and again; where memory is short on the workers, a "
                f"smaller batch size helps ({error}). {AGAIN}"
            ) from error


def unchanged(job: Job) -> Job:
    """Make what all tasks share a result of the cluster's own."""
    return job


def on_worker(job: Job, inputs: Batch | OneByOne) -> Chunk:
    """Do one task where Dask has carried it."""
    keep_compiled()
    return do(job, inputs, None)


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """Connect to a scheduler, or start workers on this machine.

    Parameters
    ----------
    address : str
        For instance ``tcp://10.0.0.1:8786``; ``local`` for one worker per core of this machine.

    Raises
    ------
    InputError
        If Dask is not installed.
    ServiceError
        If nothing answers at the address, or there are no workers.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise InputError(
            "a cluster needs Dask, which is not installed",
            remedy="pip install 'selfinterp-stats[cluster]'",
        ) from error
    with dask.config.set({"distributed.scheduler.allowed-failures": LOST_WORKERS}):
        if address == LOCAL:
            with (
                LocalCluster(
                    n_workers=cores(),
                    threads_per_worker=1,
                    env=ONE_THREAD,
                    dashboard_address=":0",  # none, but Dask would still look for its usual port
                    scheduler_kwargs={"dashboard": False},
                ) as local,
                Client(local) as client,
            ):
                yield Cluster(client, cores())
            return
        try:
            client = Client(address, timeout=SECONDS_TO_CONNECT)
        except (OSError, TimeoutError, ValueError) as error:
            raise ServiceError(
                f"no Dask scheduler answers at {address!r} ({error}). Start one with "
                "'dask scheduler', or use the workers of this machine with 'local'."
            ) from error
        with client:
            yield Cluster(client, _threads(client, address))


def _threads(client: Any, address: str) -> int:
    """How many tasks the workers do at a time; waits a little for the first of them."""
    try:
        client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
    except TimeoutError as error:
        raise ServiceError(
            f"the Dask scheduler at {address!r} has no workers. Start some with "
            f"'dask worker {address}'."
        ) from error
    return int(sum(client.nthreads().values()))
