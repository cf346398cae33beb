"""Where tasks are done: this machine's devices, or the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from selfinterp_stats.inference.prepare import Prepared
from selfinterp_stats.inference.running.chunk import Chunk
from selfinterp_stats.inference.running.devices import devices, on_devices
from selfinterp_stats.inference.running.job import Job, do, inputs_of
from selfinterp_stats.inference.running.plan import Task
from selfinterp_stats.inference.settings import Running, Sampling


class Workplace(Protocol):
    """Some place that does tasks.

    Attributes
    ----------
    workers : int
        Tasks that are done at the same time.
    on_gpu : bool
    """

    @property
    def workers(self) -> int:  # noqa: D102
        ...

    @property
    def on_gpu(self) -> bool:  # noqa: D102
        ...

    def results(
        self, job: Job, prepared: Prepared, tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Chunk]]:
        """Do the tasks and hand out their results, in the order in which they are finished."""
        ...


@contextmanager
def workplace(running: Running, sampling: Sampling) -> Iterator[Workplace]:
    """Open the place that the settings ask for."""
    if running.cluster is not None:
        from selfinterp_stats.inference.running.cluster import cluster

        with cluster(running.cluster) as place:
            yield place
    elif sampling.engine == "bambi":
        if running.device == "gpu":
            devices("gpu")  # says so now where there is none
        yield OneAfterTheOther()
    else:
        from selfinterp_stats.inference.running.compiled import keep_compiled

        keep_compiled()
        yield Devices.of(running)


@dataclass(frozen=True)
class Devices:
    """JAX's devices on this machine."""

    found: tuple[Any, ...]
    workers: int
    on_gpu: bool

    @classmethod
    def of(cls, running: Running) -> Devices:
        """The devices of the kind that is asked for."""
        found = devices(running.device)
        return cls(tuple(found), len(found), found[0].platform != "cpu")

    def results(
        self, job: Job, prepared: Prepared, tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Chunk]]:
        """Do the tasks and hand out their results, in the order in which they are finished."""
        yield from on_devices(
            lambda task: do(job, inputs_of(task, prepared), prepared.lifted),
            tasks,
            self.found,
            shape=lambda task: (
                prepared.lifted,
                replace(job.sampling, seed=0),
                job.size,
                task.length,
            ),
        )


@dataclass(frozen=True)
class OneAfterTheOther:
    """For Bambi, which runs processes of its own."""

    workers: int = 1
    on_gpu: bool = False

    def results(
        self, job: Job, prepared: Prepared, tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Chunk]]:
        """Do the tasks in their order."""
        for task in tasks:
            yield task, do(job, inputs_of(task, prepared), None)
