"""From PyTensor's graphs to JAX functions."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jax

    Array = jax.Array

_TRACING = RLock()


def to_jax(
    inputs: Sequence[Any], outputs: Sequence[Any], *, stabilise: bool = True
) -> Callable[..., tuple[Array, ...]]:
    """Translate a PyTensor graph to a JAX function that returns a tuple.

    Parameters
    ----------
    inputs, outputs : sequence of PyTensor variables
    stabilise : bool
        Let PyTensor rewrite all it knows to rewrite, such as the log of a sigmoid. Where there is
        nothing of that kind to be found, that is most of the time this takes.
    """
    import jax
    from pytensor.compile.mode import Mode, RewriteDatabaseQuery, get_mode
    from pytensor.graph.fg import FunctionGraph

    was_64_bit = jax.config.read(
        "jax_enable_x64"
    )  # PyTensor's JAX linker switches it on when imported
    try:
        from pytensor.link.jax.dispatch import jax_funcify
    finally:
        jax.config.update("jax_enable_x64", was_64_bit)

    graph = FunctionGraph(inputs=list(inputs), outputs=list(outputs), clone=True)
    with warnings.catch_warnings():
        # No C code comes of this graph, so it does not matter what a compiler could link to.
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        needed = RewriteDatabaseQuery(include=["canonicalize", "jax"])
        mode = get_mode("JAX") if stabilise else Mode("jax", needed)
        mode.optimizer.rewrite(graph)
        # Parameter checks (sigma > 0 and the like) hold by construction of the transforms.
        warnings.filterwarnings("ignore", message="Skipping Check", category=UserWarning)
        function = jax_funcify(graph)
    _remove_sources(function)

    def traced(*args: Array) -> tuple[Array, ...]:
        # Runs as JAX traces it, so that the lock, which filters of several threads need, is no
        # burden. PyTensor's graphs ask for 64 bits also where 32 are wanted.
        with _TRACING, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Explicitly requested dtype")
            computed: tuple[Array, ...] = function(*args)
        return computed

    return traced


def _remove_sources(function: FunctionType) -> None:
    """Remove the files with the source of a function that PyTensor wrote, and of those it calls.

    PyTensor leaves each of them in the folder for temporary files.
    """
    found, waiting = {function}, [function]
    while waiting:
        one = waiting.pop()
        called = []
        for cell in one.__closure__ or ():
            with suppress(ValueError):  # of a variable that was never set
                called.append(cell.cell_contents)
        if hasattr(one, "__source__"):  # only what PyTensor compiled has it
            called += one.__globals__.values()
            written = Path(one.__code__.co_filename)
            # Elsewhere it was asked for, by PyTensor's own flag.
            if written.parent == Path(tempfile.gettempdir()):
                written.unlink(missing_ok=True)
        new = {each for each in called if isinstance(each, FunctionType)} - found
        found |= new
        waiting += new
