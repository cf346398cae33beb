"""Which datasets are computed together: few shapes, bounded memory, all cores busy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.density.batch import bucket_lengths
from selfinterp_stats.inference.engines.importance import proposals
from selfinterp_stats.inference.settings import Sampling

# Datasets computed together where memory does not forbid it. Chains of NUTS advance together:
# enough of them fill the vector units, but one long trajectory should not hold up many others.
TOGETHER = {"importance": 50, "auto": 50, "nuts": 32, "bambi": 1}
TOGETHER_ON_GPU = {"importance": 1000, "auto": 1000, "nuts": 1000, "bambi": 1}
# Of the memory that is free when a run starts.
SHARE_OF_FREE = 0.25
# On a GPU all proposals are evaluated at once; the smallest that JAX is used on have this much.
BYTES_ON_GPU = 8 * 2**30


@dataclass(frozen=True)
class Task:
    """Datasets that are computed together.

    Attributes
    ----------
    index : int
    which : (dataset,) array of int
        Their positions among all datasets.
    length : int
        Rows that each is padded to.
    """

    index: int
    which: np.ndarray
    length: int


@dataclass(frozen=True)
class Plan:
    """All tasks of a run, and how many datasets each of them computes."""

    tasks: tuple[Task, ...]
    size: int


def plan(
    sizes: np.ndarray,
    good: np.ndarray,
    sampling: Sampling,
    *,
    parameters: int,
    batch_size: int | None,
    workers: int,
    on_gpu: bool = False,
) -> Plan:
    """Sort datasets into tasks.

    Parameters
    ----------
    sizes : (dataset,) array of int
        Rows of each.
    good : (good dataset,) array of int
        Positions of those that are to be computed.
    sampling : Sampling
    parameters : int
    batch_size : int or None
        Datasets computed together; chosen unless given.
    workers : int
        Tasks that are computed at the same time.
    on_gpu : bool
    """
    lengths = bucket_lengths(sizes[good])
    if batch_size is None:
        free = min(bytes_free(), BYTES_ON_GPU) if on_gpu else bytes_free()
        fit = free * SHARE_OF_FREE / workers
        each = bytes_of_one(sampling, parameters, int(lengths[-1]), on_gpu=on_gpu)
        most = (TOGETHER_ON_GPU if on_gpu else TOGETHER)[sampling.engine]
        most = int(np.clip(fit // each, 1, most))
        # A few datasets are shared out among the workers, in a power of two, so that the number
        # of shapes stays small.
        shared = -(-len(good) // workers)
        batch_size = min(most, 1 << (shared - 1).bit_length())
    tasks: list[Task] = []
    bucket = np.searchsorted(lengths, sizes[good])
    for i, length in enumerate(lengths):
        members = good[bucket == i]
        for start in range(0, len(members), batch_size):
            which = members[start : start + batch_size]
            tasks.append(Task(len(tasks), which, int(length)))
    return Plan(tuple(tasks), batch_size)


def bytes_of_one(sampling: Sampling, parameters: int, rows: int, *, on_gpu: bool = False) -> int:
    """About how much memory one dataset takes while it is computed."""
    kept = sampling.draws * parameters * 8
    n = proposals(sampling.chains, sampling.draws // sampling.chains)
    evaluated = n * rows * 8 if on_gpu else 0
    return 4 * kept + 2 * n * (parameters + 8) * 8 + rows * parameters * 16 + evaluated


def bytes_free() -> int:
    """Memory that is free on this machine, or that its container still allows."""
    import psutil

    return int(psutil.virtual_memory().available)


def check_draws_fit(n: int, sampling: Sampling, parameters: int, itemsize: int) -> None:
    """Refuse to keep more draws than memory holds.

    Raises
    ------
    InputError
        If they would take more than half of what is free.
    """
    needed = n * sampling.draws * parameters * itemsize
    if needed > bytes_free() / 2:
        raise InputError(
            f"the draws of {n:,} datasets take {needed / 2**30:.1f} GiB",
            allowed=f"half of the {bytes_free() / 2**30:.1f} GiB that are free",
            remedy="Keep summaries alone (keep='summaries'), or write the draws to a folder "
            "(store=...).",
        )
