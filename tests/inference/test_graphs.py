"""PyTensor's graphs become JAX functions, and nothing is left of that on the disk."""

from __future__ import annotations

import tempfile

import numpy as np
import pytensor.tensor as pt
import pytest

from selfinterp_stats.inference.density.graphs import to_jax


@pytest.mark.parametrize("stabilise", [True, False])
def test_a_graph_is_translated_and_leaves_no_file(tmp_path, monkeypatch, stabilise):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # Several steps by element: PyTensor makes them one, and writes a file for it too.
    x = pt.vector("x")
    function = to_jax([x], [(pt.exp(x) * 2 + x**2).sum()], stabilise=stabilise)
    (found,) = function(np.array([0.0, 1.0]))
    assert found == pytest.approx(2 + 2 * np.e + 1)
    assert list(tmp_path.iterdir()) == []
