"""Folders in which libraries keep what they need not make twice: where, writable, how large."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from selfinterp_stats.cli.checkup.finding import Finding, ok, warning
from selfinterp_stats.cli.checkup.trial import PartError, Trial

_MIB: Final = 2**20


def user_cache() -> Finding:
    """The package's own folder in the user's cache."""
    import platformdirs

    own = platformdirs.user_cache_path("selfinterp-stats")
    return _cache(
        "user cache",
        own,
        "Fetch the paper's data with --dest, and name their folder in SELFINTERP_DATA.",
    )


def of_libraries(trial: Trial) -> list[Finding]:
    """The folders of the libraries, as the trial found them set."""
    try:
        # None where there is no folder, since it could not be made.
        folders: Mapping[str, Any] = trial["folders"]
    except PartError:
        return []  # why is said where the libraries are
    return [
        _cache(
            "compiled by JAX",
            folders["jax"],
            "Every command compiles anew, some seconds each. Name a folder that can be written in "
            "JAX_COMPILATION_CACHE_DIR.",
        ),
        _cache(
            "compiled by PyTensor",
            folders["pytensor"],
            "Only --engine bambi may need it. Name a folder that can be written with "
            "PYTENSOR_FLAGS=base_compiledir=FOLDER,blas__ldflags=",
        ),
        _cache(
            "Matplotlib's cache",
            folders["matplotlib"],
            "Figures still come out, after a notice and a search for fonts each time. Name a "
            "folder that can be written in MPLCONFIGDIR.",
        ),
    ]


def _cache(check: str, folder: str | Path | None, remedy: str) -> Finding:
    if folder is None:
        return warning(check, "there is none: its folder cannot be made", remedy, folder=None)
    path = Path(folder)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    facts = {"folder": str(path), "bytes": size}
    if not writable(path):
        return warning(check, f"{path} cannot be written", remedy, writable=False, **facts)
    there = f"{size / _MIB:.1f} MiB" if path.is_dir() else "not made yet"
    return ok(check, f"{path}, {there}", writable=True, **facts)


def writable(folder: Path) -> bool:
    """Whether a file can be made in a folder, or in the nearest one above it that exists.

    Asked by making one: what permissions say is not all, on a disk mounted for reading.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            return True
    except OSError:
        return False
