"""How posteriors are sampled and where the work is done, as values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from selfinterp_stats.errors import InputError

Engine = Literal["auto", "importance", "nuts", "bambi"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
Device = Literal["cpu", "gpu"]
Keep = Literal["draws", "summaries"]


class Progress(Protocol):
    """What is told of the progress of a run."""

    def __call__(self, datasets: int, effective: float = math.nan, /) -> None:
        """Take note.

        Parameters
        ----------
        datasets : int
            That were just finished.
        effective : float
            Their effective draws; not a number where nothing was summarised.
        """


@dataclass(frozen=True)
class Sampling:
    """How posteriors are sampled.

    Attributes
    ----------
    engine : {"auto", "importance", "nuts", "bambi"}
        ``importance`` draws around the mode, and a second time with what it learnt where the
        Pareto k exceeds 0.7 (or where hardly a proposal was accepted); ``auto`` does the same and
        refits with NUTS what still is not to be trusted.
    chains, draws : int
        Chains, and draws kept over all of them together.
    seed : int
        With the engine and the number of draws it settles the draws of a dataset of given
        labels, whatever else is fitted beside it: bit for bit in chunks of one shape, and
        elsewhere to rounding (importance) or within Monte Carlo error (NUTS).
    x64 : bool or None
        Sample in 64-bit floats. Unless given: in 32-bit floats where outcomes are yes or no and
        rows at most a thousand, so that the log-density keeps four digits after the point.
    """

    engine: Engine = "auto"
    chains: int = 4
    draws: int = 4000
    seed: int = 0
    x64: bool | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise InputError("unknown engine", value=self.engine, allowed=", ".join(ENGINES))
        if self.chains < 1 or self.draws < 1 or self.draws % self.chains:
            raise InputError(
                "the number of draws cannot be shared out",
                value=self.draws,
                allowed=f"a positive multiple of the {self.chains} chains",
            )


@dataclass(frozen=True)
class Running:
    """Where the work is done and what is kept of it.

    Attributes
    ----------
    batch_size : int or None
        Datasets computed together; bounds the memory. Chosen from what is free unless given.
    keep : {"draws", "summaries"}
        Whether draws are kept, or only what `summarise` says of them.
    store : Path or None
        A folder in which finished work is kept as Zarr arrays, so that a run that was stopped
        goes on where it was.
    device : {"cpu", "gpu"} or None
        JAX's own choice unless given.
    cluster : str or None
        Address of a Dask scheduler, or ``"local"`` for workers on this machine.

    Raises
    ------
    InputError
        A batch is empty, something is not one of the named, or a device is named beside a cluster.
    """

    batch_size: int | None = None
    keep: Keep = "draws"
    store: Path | None = None
    device: Device | None = None
    cluster: str | None = None

    def __post_init__(self) -> None:
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError("a batch holds at least one dataset", value=self.batch_size)
        for name, kinds in (("keep", Keep), ("device", Device)):
            value = getattr(self, name)
            if value is not None and value not in get_args(kinds):
                raise InputError(f"unknown {name}", value=value, allowed=", ".join(get_args(kinds)))
        if self.device is not None and self.cluster is not None:
            raise InputError(
                f"the work goes to a cluster (cluster={self.cluster!r}), and a device "
                f"(device={self.device!r}) is one of this machine",
                remedy="Leave the device out: each worker uses what it finds.",
            )
