"""A lifted density beside PyMC's own, for the tests that compare the two."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pandas as pd
from cases import alone
from pytensor.compile.mode import Mode

from selfinterp_stats.inference.prepare import Prepared

# PyMC's graphs are run as they are: a handful of evaluations is not worth a compilation.
PLAIN = Mode(linker="py", optimizer="fast_compile")


class Ours:
    """A prepared model's density, gradient and parameters, in 64-bit floats."""

    def __init__(self, prepared: Prepared) -> None:
        assert prepared.lifted is not None
        self.prepared, self.lifted = prepared, prepared.lifted
        every = prepared.datasets.fit_for_use()
        self._batch = prepared.batch(every, int(prepared.rows.sizes.max()))
        both = jax.value_and_grad(self.lifted.log_density)
        self._density = jax.jit(jax.vmap(both, (0, None)))
        self._constrain = jax.jit(jax.vmap(self.lifted.constrain, (0, None)))

    def points(self) -> np.ndarray:
        """Vectors of parameters on the real line, as many as a gradient takes by differences."""
        p = self.lifted.size
        return np.random.default_rng(1).normal(0, 0.7, size=(2 * p + 1, p))

    def density(self, points: np.ndarray, dataset: int) -> tuple[np.ndarray, np.ndarray]:
        """Log-density and gradient at each point for one dataset."""
        with jax.enable_x64(True):
            values, gradients = self._density(points, self._data(dataset))
        return np.asarray(values), np.asarray(gradients)

    def constrained(self, points: np.ndarray, dataset: int) -> np.ndarray:
        """Parameters on their own scale at each point."""
        with jax.enable_x64(True):
            return np.asarray(self._constrain(points, self._data(dataset)))

    def _data(self, dataset: int) -> Any:
        return jax.tree.map(lambda values: values[dataset], self._batch.data)


def theirs(model: Any, parameters: Any, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-density and parameters on their own scale by PyMC's model of one dataset."""
    pymc_model = model.backend.model
    free = [pymc_model[one.name] for one in parameters]
    names = [pymc_model.rvs_to_values[rv].name for rv in free]
    density = pymc_model.compile_logp(mode=PLAIN)
    constrain = pymc_model.compile_fn(
        pymc_model.replace_rvs_by_values(free), inputs=pymc_model.value_vars, mode=PLAIN
    )
    ends = np.cumsum([one.size for one in parameters])[:-1]
    values, own_scale = [], []
    for point in points:
        at = {
            name: part.reshape(one.shape)
            for name, one, part in zip(names, parameters, np.split(point, ends), strict=True)
        }
        values.append(float(density(at)))
        own_scale.append(np.concatenate([np.ravel(part) for part in constrain(at)]))
    return np.array(values), np.array(own_scale)


def check_density(ours: Ours, frame: pd.DataFrame) -> None:
    """Every dataset has the density and the parameters of Bambi's model of that dataset alone."""
    points = ours.points()
    for i, (label,) in enumerate(ours.prepared.datasets.labels):
        model = ours.prepared.spec_of(i).build(alone(frame, label))
        values, own_scale = theirs(model, ours.lifted.parameters, points[:3])
        # Nothing is left out of either: constants are those of the normalised densities.
        np.testing.assert_allclose(ours.density(points, i)[0][:3], values, rtol=1e-6)
        np.testing.assert_allclose(ours.constrained(points, i)[:3], own_scale, rtol=1e-9)
