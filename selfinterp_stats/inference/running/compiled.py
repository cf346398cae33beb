"""What JAX has compiled is kept on disk, so that a second command starts fast."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import warnings
from functools import cache
from pathlib import Path
from typing import Any

# Compiling takes longer than this, or it is not worth a file.
SECONDS = 0.3


@cache
def keep_compiled() -> None:
    """Switch on JAX's own compilation cache, unless the user has settled where it is.

    The folder is one of this JAX on this kind of processor: code that was compiled for another
    is never looked at. A home that cannot be written to does no harm.
    """
    import jax

    settings: Any = jax.config
    if settings.jax_compilation_cache_dir is not None:
        return
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    # What a killed process left half-written, or another is just writing, is compiled anew.
    warnings.filterwarnings("ignore", message="Error reading persistent compilation cache entry")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", SECONDS)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def _folder() -> Path:
    import platformdirs

    versions = [importlib.metadata.version(name) for name in ("jax", "jaxlib")]
    about = "\n".join([*versions, platform.machine(), _processor()])
    name = hashlib.blake2b(about.encode(), digest_size=8).hexdigest()
    return Path(platformdirs.user_cache_path("selfinterp-stats")) / "compiled" / name


def _processor() -> str:
    """What the processor can do, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
