"""A lifted model whose priors may be of any family without being compiled anew.

`prior.py` compiles the distributions and takes their numbers as data. Here the distribution is a
number too (`models.families`), so that one compiled model serves normal, Student-t, Cauchy,
logistic, Laplace and flat priors.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from selfinterp_stats.inference.density.lift import LiftedModel
from selfinterp_stats.inference.density.prior import PriorDensity
from selfinterp_stats.models.families import NUMBERS, log_density

if TYPE_CHECKING:
    import jax

    Array = jax.Array


@lru_cache(maxsize=32)
def with_any_prior(model: LiftedModel) -> LiftedModel:
    """The same likelihood with priors of any family.

    What is compiled hangs on the model that comes back, which is one and the same for a model
    that is given again.

    Parameters
    ----------
    model : LiftedModel
        All of its parameters are scalars on the real line, as intercept and slopes are.

    Returns
    -------
    LiftedModel
        The numbers of its priors are eight for every parameter, one after the other, as
        `models.families.numbers_of` lays them out.
    """
    if any(one.size != 1 for one in model.parameters):
        raise ValueError("a prior of any family is for scalar parameters")
    n = len(model.parameters)

    def of_all(values: list[Array], numbers: Array) -> Array:
        import jax.numpy as jnp

        at = jnp.stack([jnp.reshape(value, ()) for value in values])
        return log_density(numbers.reshape(n, NUMBERS), at, jnp).sum()

    return LiftedModel(
        model.parameters,
        model.log_likelihood,
        PriorDensity(log_density=of_all, constrain=lambda values, numbers: values),  # noqa: ARG005 - as called
    )


def stacked(numbers: list[np.ndarray], n_datasets: int) -> np.ndarray:
    """The numbers of all parameters' priors, the same for every dataset.

    Parameters
    ----------
    numbers : list of (8,) array
        By parameter.
    n_datasets : int

    Returns
    -------
    (dataset, number) array
    """
    return np.tile(np.concatenate(numbers), (n_datasets, 1))
