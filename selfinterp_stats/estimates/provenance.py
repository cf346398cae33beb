"""What made a result: package, Python, libraries, commit, machine."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

LIBRARIES: Final = (
    "arviz",
    "bambi",
    "jax",
    "numpy",
    "numpyro",
    "pandas",
    "pymc",
    "pytensor",
    "xarray",
)


def provenance() -> dict[str, Any]:
    """Versions, commit and device.

    Returns
    -------
    dict
        ``package, version, commit, python, platform, libraries, device``; ``commit`` is None
        where the package does not run from a checkout.
    """
    import jax

    from selfinterp_stats._version import __version__

    return {
        "package": "selfinterp-stats",
        "version": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in LIBRARIES},
        "device": f"{jax.local_device_count()} x {jax.local_devices()[0].device_kind}",
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The checkout's commit, with a mark where the package differs from it."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--", "selfinterp_stats")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head} (modified)" if changed else head


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=5
    )
    return done.stdout.strip()
