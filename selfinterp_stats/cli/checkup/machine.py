"""The machine: memory, cores, compiler."""

from __future__ import annotations

import shutil
import sys
from typing import Final

from selfinterp_stats.cli.checkup.finding import Finding, ok, warning

_GIB: Final = 2**30
# The paper's refit takes 1.1 GiB, page and figures included.
_ENOUGH: Final = 2 * _GIB


def memory() -> Finding:
    """Memory that is free, and the cores that this process may use."""
    import psutil

    from selfinterp_stats.inference.running.devices import cores

    memory = psutil.virtual_memory()
    usable = cores()
    found = (
        f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB free, "
        f"{usable} core{'s' if usable != 1 else ''}"
    )
    facts = {"free_bytes": memory.available, "total_bytes": memory.total, "cores": usable}
    if memory.available < _ENOUGH:
        return warning(
            "memory",
            found,
            "Large studies may need more: close other programs, or give --batch-size.",
            **facts,
        )
    return ok("memory", found, **facts)


def compiler() -> Finding:
    """The C++ compiler that PyTensor would use; none is needed."""
    name = "clang++" if sys.platform == "darwin" else "g++"
    path = shutil.which(name)
    found = path or f"no {name}; none is needed, only --engine bambi is slower without"
    return ok("compiler", found, path=path)
