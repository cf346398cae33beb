"""The root of an inverse is numpy's, and of a descent where there is none."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from selfinterp_stats.inference.engines.inverse_root import inverse_root


def roots(matrices: np.ndarray) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(jax.jit(jax.vmap(inverse_root))(matrices))


@pytest.mark.parametrize("p", [1, 2, 6, 25])
def test_it_is_the_cholesky_factor_of_the_inverse(p):
    half = np.random.default_rng(p).normal(size=(50, p, 2 * p))
    matrices = half @ half.transpose(0, 2, 1)
    exact = np.linalg.cholesky(np.linalg.inv(matrices))
    # Rounding grows with the condition number, at most a few thousand for twice as many columns.
    assert roots(matrices) == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_scales_that_differ_by_a_million_do_not_matter():
    scale = np.diag([1e-3, 1.0, 1e3])
    matrix = scale @ np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.3], [0.1, 0.3, 3.0]]) @ scale
    root = roots(matrix[None])[0]
    assert root @ root.T @ matrix == pytest.approx(np.eye(3), abs=1e-9)


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[1.0, 2.0], [2.0, 1.0]]),  # indefinite
        np.array([[0.0, 1.0], [1.0, 0.0]]),  # and without a diagonal
        np.zeros((3, 3)),
        -np.eye(4),
    ],
)
def test_where_a_matrix_is_not_positive_definite_steps_still_descend(matrix):
    root = roots(matrix[None])[0]
    assert np.isfinite(root).all()
    assert np.linalg.eigvalsh(root @ root.T).min() > 0


@pytest.mark.parametrize("p", [6, 26])
def test_steps_are_not_the_longer_the_more_parameters_there_are(p):
    """In units of the parameters' scales; with pivots merely kept from zero, millions."""
    half = np.random.default_rng(p).normal(size=(50, p, p))
    matrices = (half + half.transpose(0, 2, 1)) / 2
    matrices[:, np.arange(p), np.arange(p)] = 1.0
    assert (np.linalg.eigvalsh(matrices).min(axis=1) < 0).mean() > 0.9
    root = roots(matrices)
    assert np.linalg.eigvalsh(root @ root.transpose(0, 2, 1)).max() < 1000
