"""From PyTensor's graphs to JAX functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from threading import RLock
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
        function: Callable[..., tuple[Array, ...]] = jax_funcify(graph)

    def traced(*args: Array) -> tuple[Array, ...]:
        # Runs as JAX traces it, so that the lock, which filters of several threads need, is no
        # burden. PyTensor's graphs ask for 64 bits also where 32 are wanted.
        with _TRACING, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Explicitly requested dtype")
            return function(*args)

    return traced
