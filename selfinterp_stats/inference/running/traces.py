"""How often JAX traced a function: what is traced anew is compiled anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# By the module of the traced function; a test asserts that nothing is compiled twice.
TRACES: Counter[str] = Counter()


def traced(function: Callable[P, R]) -> Callable[P, R]:
    """Count the traces of a function that is about to be compiled."""

    @wraps(function)
    def counting(*args: P.args, **kwargs: P.kwargs) -> R:
        TRACES[function.__module__.rpartition(".")[2]] += 1
        return function(*args, **kwargs)

    return counting
