"""What is kept of a run while it goes on: arrays over all datasets, in memory."""

from __future__ import annotations

import numpy as np

from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.running.chunk import Chunk
from selfinterp_stats.inference.running.plan import Task
from selfinterp_stats.inference.settings import Keep


class InMemory:
    """Collects tasks' results in arrays of all datasets.

    Parameters
    ----------
    n : int
        Number of datasets; those that are never collected stay missing.
    keep : {"draws", "summaries"}
    """

    def __init__(self, n: int, keep: Keep) -> None:
        self._n = n
        self._keep = keep
        self._arrays: dict[tuple[str, str], np.ndarray] = {}
        self.engines = np.full(n, "", dtype="U10")
        self.problems = np.full(n, "", dtype=object)

    def has(self, task: Task) -> bool:  # noqa: ARG002
        """Whether a task need not be done any more."""
        return False

    def put(self, task: Task, chunk: Chunk) -> None:
        """Take the result of a task."""
        for key, values in arrays_of(chunk, self._keep).items():
            if key not in self._arrays:
                self._arrays[key] = np.full(
                    (self._n, *values.shape[1:]), empty(values.dtype), values.dtype
                )
            self._arrays[key][task.which] = values
        self.engines[task.which] = chunk.engines
        self.problems[task.which] = chunk.problems

    def draws(self) -> Draws:
        """The draws; without any, where summaries alone were kept."""
        values = self._arrays.get(("draws", "values"))
        return Draws(
            np.empty((self._n, 0, 0, 0)) if values is None else values,
            self._of("per_draw"),
            self._of("per_dataset"),
        )

    def summaries(self) -> dict[str, np.ndarray]:
        """What `summarise` says, (dataset, parameter) arrays."""
        return self._of("summary")

    def _of(self, kind: str) -> dict[str, np.ndarray]:
        return {name: values for (its, name), values in self._arrays.items() if its == kind}


def arrays_of(chunk: Chunk, keep: Keep) -> dict[tuple[str, str], np.ndarray]:
    """The arrays of a result that are to be kept, by kind and name; the first axis is dataset."""
    draws = chunk.draws
    arrays = {("summary", name): it for name, it in chunk.summaries.items()}
    arrays |= {("per_dataset", name): it for name, it in draws.per_dataset.items()}
    if keep == "draws":
        arrays[("draws", "values")] = draws.values
        arrays |= {("per_draw", name): it for name, it in draws.per_draw.items()}
    return arrays


def empty(kind: np.dtype) -> float | int | bool:
    """What stands where there is no value."""
    return np.nan if np.issubdtype(kind, np.floating) else kind.type(0).item()
