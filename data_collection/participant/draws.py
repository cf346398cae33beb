"""Random numbers that depend on what they are for, and on nothing else.

A number is drawn from a hash of the words that name it, so the order of requests, other models and
restarts of the server change nothing.
"""

from __future__ import annotations

from hashlib import blake2b
from statistics import NormalDist
from typing import Final

_STANDARD: Final = NormalDist()
_STEP: Final = 2.0**-53


def uniforms(count: int, *words: object) -> list[float]:
    """Numbers between 0 and 1, neither of them included.

    Parameters
    ----------
    count : int
        At most 8 cost one hash.
    words : object
        What the numbers are for; told apart by their text.
    """
    found: list[float] = []
    name = "\x1f".join(map(str, words)).encode("utf-8", "surrogatepass")
    block = 0
    while len(found) < count:
        digest = blake2b(name, salt=block.to_bytes(16, "big")).digest()
        found += [
            ((int.from_bytes(digest[i : i + 8], "big") >> 11) + 0.5) * _STEP
            for i in range(0, 64, 8)
        ]
        block += 1
    return found[:count]


def uniform(*words: object) -> float:
    """One number between 0 and 1."""
    return uniforms(1, *words)[0]


def normals(count: int, *words: object) -> list[float]:
    """Standard normal numbers."""
    return [_STANDARD.inv_cdf(u) for u in uniforms(count, *words)]
