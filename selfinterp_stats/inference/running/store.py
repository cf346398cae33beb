"""A run's results on disk, as Zarr arrays: a run that is stopped goes on where it was.

Every task owns one block of rows in every array, and so files of its own; when all of them are
written, and only then, a mark is set that the task is done. A run that is killed in between
leaves files without a mark, and the task is done again. What a folder holds is known by a hash
of all that shapes the draws; a run that differs in any of it is refused the folder.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from selfinterp_stats._version import __version__
from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.prepare import Prepared
from selfinterp_stats.inference.running.chunk import Chunk
from selfinterp_stats.inference.running.kept import arrays_of, empty
from selfinterp_stats.inference.running.plan import Plan, Task
from selfinterp_stats.inference.settings import ENGINES, Keep

MANIFEST = "selfinterp"
DONE = "done"
# Dimensions after the first, by kind of array.
DIMS = {
    "draws": ("chain", "draw", "parameter"),
    "per_draw": ("chain", "draw"),
    "per_dataset": (),
    "summary": ("parameter",),
}
LIBRARIES = ("jax", "jaxlib", "numpyro", "numpy", "pymc", "bambi")


class Store:
    """Collects tasks' results in a folder.

    Use `Store.open`.
    """

    def __init__(self, folder: Path, n: int, layout: Plan, keep: Keep) -> None:
        self._folder = folder
        self._layout = layout
        self._keep = keep
        self._group: Any = _open(folder)
        (folder / DONE).mkdir(exist_ok=True)
        self._done = {int(path.stem): _read(path) for path in (folder / DONE).glob("*.json")}
        self._n = n

    @classmethod
    def open(
        cls, folder: Path, prepared: Prepared, layout: Plan, keep: Keep, about: Mapping[str, Any]
    ) -> Store:
        """Open the folder of a run, or make one.

        Parameters
        ----------
        folder : Path
        prepared : Prepared
        layout : Plan
        keep : {"draws", "summaries"}
        about : mapping
            What else shapes the results: sampling, precision, summaries.

        Raises
        ------
        InputError
            If the folder holds something else, or another run.
        """
        manifest = _manifest(prepared, layout, keep, about)
        found = manifest_of(folder)
        if found is None:
            _create(folder, manifest)
        else:
            differ = [key for key in manifest if found.get(key) != manifest[key]]
            if differ:
                raise InputError(
                    f"the folder holds another run; these differ: {', '.join(differ)}",
                    file=folder,
                    remedy="Name another folder, or delete this one.",
                )
        return cls(folder, len(prepared.datasets.labels), layout, keep)

    def has(self, task: Task) -> bool:
        """Whether a task need not be done any more."""
        return task.index in self._done

    def put(self, task: Task, chunk: Chunk) -> None:
        """Write the result of a task, and then that it is done."""
        arrays = arrays_of(chunk, self._keep)
        arrays["per_dataset", "engine"] = np.array(
            [ENGINES.index(engine) for engine in chunk.engines], dtype=np.int8
        )
        for (kind, name), values in arrays.items():
            start, size = task.index * self._layout.size, self._layout.size
            # Whole, so that what a killed run left of the block is never read.
            block = np.full((size, *values.shape[1:]), _missing(name, values), values.dtype)
            block[: len(values)] = values
            self._array(kind, name, values)[start : start + size] = block
        problems = {
            int(i): text for i, text in zip(task.which, chunk.problems, strict=True) if text
        }
        _write(self._folder / DONE / f"{task.index}.json", problems)
        self._done[task.index] = {str(i): text for i, text in problems.items()}

    @property
    def rows(self) -> np.ndarray:
        """In which row of the arrays each dataset is; a row of missing values for the others."""
        missing = len(self._layout.tasks) * self._layout.size
        rows = np.full(self._n, missing)
        for task in self._layout.tasks:
            rows[task.which] = task.index * self._layout.size + np.arange(len(task.which))
        return rows

    @property
    def engines(self) -> np.ndarray:
        """Which engine made each posterior; empty where there is none."""
        codes = self._all("per_dataset")["engine"][self.rows]
        return np.where(codes < 0, "", np.array(ENGINES)[codes])

    @property
    def problems(self) -> np.ndarray:
        """Why a dataset has no draws; empty where it has."""
        problems = np.full(self._n, "", dtype=object)
        for found in self._done.values():
            for position, text in found.items():
                problems[int(position)] = text
        return problems

    def draws(self) -> Draws:
        """The draws, which stay in the folder until they are used."""
        import xarray as xr

        rows = self.rows
        per_dataset = {
            name: values[rows]
            for name, values in self._all("per_dataset").items()
            if name != "engine"
        }
        if self._keep == "summaries":
            return Draws(np.empty((self._n, 0, 0, 0)), {}, per_dataset)
        in_folder = xr.open_zarr(self._folder / "draws", consolidated=False, chunks=None)
        per_draw = {name: values[rows] for name, values in self._all("per_draw").items()}
        return Draws(in_folder["values"].variable[rows], per_draw, per_dataset)

    def summaries(self) -> dict[str, np.ndarray]:
        """What `summarise` says, (dataset, parameter) arrays."""
        return {name: values[self.rows] for name, values in self._all("summary").items()}

    def _all(self, kind: str) -> dict[str, np.ndarray]:
        """All arrays of a kind, in memory and with the rows of the folder."""
        if kind not in self._group:
            return {}
        return {name: np.asarray(values[:]) for name, values in self._group[kind].arrays()}

    def _array(self, kind: str, name: str, values: np.ndarray) -> Any:
        """An array over all datasets, made when its first block comes."""
        path = f"{kind}/{name}"
        if path in self._group:
            return self._group[path]
        # The last row stays missing: it stands for the datasets that could not be fitted.
        rows = len(self._layout.tasks) * self._layout.size + 1
        return self._group.create_array(
            path,
            shape=(rows, *values.shape[1:]),
            chunks=(self._layout.size, *values.shape[1:]),
            dtype=values.dtype,
            fill_value=_missing(name, values),
            dimension_names=("dataset", *DIMS[kind]),
            compressors=None if kind == "draws" else "auto",
        )


def _missing(name: str, values: np.ndarray) -> float | int | bool:
    """What stands in an array where there is no value."""
    return -1 if name == "engine" else empty(values.dtype)


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """What a folder says of the run that it holds; None where there is no folder.

    Raises
    ------
    InputError
        If there is something else.
    """
    if not folder.exists() or (
        folder.is_dir() and not any(_is_whole(it) for it in folder.iterdir())
    ):
        return None
    try:
        manifest: Any = _open(folder).attrs[MANIFEST]
    except (KeyError, OSError, ValueError):
        raise InputError(
            "this is no folder of a run", file=folder, remedy="Name a new or an empty folder."
        ) from None
    return dict(manifest)


def _is_whole(path: Path) -> bool:
    """Not a file that Zarr was still writing when a run was killed at its very start."""
    return path.suffix != ".partial"


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise InputError(
            "a store needs Zarr, which is not installed",
            remedy="pip install 'selfinterp-stats[store]'",
        ) from error
    return zarr


def _open(folder: Path) -> Any:
    return _zarr().open_group(folder, mode="r+")


def _create(folder: Path, manifest: Mapping[str, Any]) -> None:
    _zarr().create_group(folder, overwrite=False, attributes={MANIFEST: dict(manifest)})


def _manifest(
    prepared: Prepared, layout: Plan, keep: Keep, about: Mapping[str, Any]
) -> dict[str, Any]:
    """All that shapes the results, in words or as a hash."""
    datasets, rows = prepared.datasets, prepared.rows
    data = hashlib.sha256()
    data.update(json.dumps([datasets.labels, list(datasets.problems)]).encode())
    for array in (rows.X, rows.y, rows.other, rows.starts):
        data.update(np.ascontiguousarray(array).tobytes())
    specs = prepared.specs or (prepared.spec,)
    priors = hashlib.sha256(repr([spec.priors for spec in specs]).encode()).hexdigest()
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {
        "data": data.hexdigest(),
        "model": f"{prepared.spec.formula} ({prepared.spec.family}, {prepared.spec.link})",
        "priors": priors,
        **about,
        "keep": keep,
        "batch_size": layout.size,
        "versions": {"selfinterp-stats": __version__, **versions},
    }


def _read(path: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(path.read_text())
    return found


def _write(path: Path, content: Mapping[int, str]) -> None:
    """Write a file that is there whole or not at all, whenever the machine stops."""
    beside = path.with_suffix(".tmp")
    with beside.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
