"""Random keys that depend on the seed and on what a dataset is called, on nothing else.

A dataset therefore gets the same draws alone, in any batch, in any order and on any worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np


def key_data(seed: int, *labels: str) -> np.ndarray:
    """Random key of one dataset.

    Parameters
    ----------
    seed : int
    *labels : str
        What the draws are for and for which dataset, for instance
        ``("importance", "gpt-4o", "native", "cake_pan")``.

    Returns
    -------
    (4,) uint32 array
        A key of the threefry generator, and what its counters begin with.
    """
    # A separator that no label contains keeps ("ab", "c") and ("a", "bc") apart.
    text = "\x1f".join([str(int(seed)), *labels])
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u4").astype(np.uint32)


def keys_data(seed: int, purpose: str, datasets: Sequence[Sequence[str]]) -> np.ndarray:
    """Random keys of many datasets.

    Parameters
    ----------
    seed : int
    purpose : str
        Keeps the streams of different engines apart.
    datasets : sequence of sequence of str
        The labels that name each dataset.

    Returns
    -------
    (dataset, 4) uint32 array
    """
    return np.stack([key_data(seed, purpose, *labels) for labels in datasets])
