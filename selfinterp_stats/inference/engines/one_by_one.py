"""Bambi and PyMC, one dataset after another: the plain reference for the batched engines."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from selfinterp_stats.inference.density.terms import free_parameters
from selfinterp_stats.inference.engines.draws import Draws
from selfinterp_stats.inference.engines.seeds import key_data

if TYPE_CHECKING:
    import pandas as pd

    from selfinterp_stats.models.spec import ModelSpec

Method = Literal["pymc", "numpyro"]
WARMUP = 1000


def one_by_one(
    specs: Sequence[ModelSpec],
    datasets: Sequence[pd.DataFrame],
    labels: tuple[tuple[str, ...], ...],
    *,
    chains: int,
    draws: int,
    seed: int,
    method: Method = "pymc",
) -> Draws:
    """Fit a Bambi model to each dataset, PyMC's way or NumPyro's.

    Parameters
    ----------
    specs : sequence of ModelSpec
        One for each dataset; they differ in the numbers of priors alone.
    datasets : sequence of pandas.DataFrame
    labels : tuple of tuple of str
        What each dataset is called.
    chains, draws, seed : int
    method : {"pymc", "numpyro"}
        Whose NUTS Bambi is to use; NumPyro's runs on a GPU.

    Returns
    -------
    Draws
        The intercept in ``values`` is the one at zero of all predictors.
    """
    # What they announce before every fit is said once, by the caller.
    for library in ("pymc", "bambi"):
        logging.getLogger(library).setLevel(logging.ERROR)
    fits = [
        _fit(spec, data, method, chains, draws, int(key_data(seed, "bambi", *label)[0]))
        for spec, data, label in zip(specs, datasets, labels, strict=True)
    ]
    values = np.stack([v for v, _ in fits])
    return Draws(
        values=values,
        per_draw={name: np.stack([s[name] for _, s in fits]) for name in fits[0][1]},
    )


def _fit(
    spec: ModelSpec, data: pd.DataFrame, method: str, chains: int, draws: int, seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Fit one dataset.

    Returns
    -------
    (chain, draw, parameter) array and the sampler statistics
    """
    import jax

    model = spec.build(data)
    # NumPyro's chains share a device; 64 bits are what PyMC's own sampler computes in.
    together: dict[str, Any] = {}
    if method == "numpyro":
        newer = "nuts" in signature(model.fit).parameters  # Bambi 0.21
        together["nuts" if newer else "nuts_sampler_kwargs"] = {"chain_method": "vectorized"}
    with jax.enable_x64(True):
        result: Any = model.fit(
            draws=draws,
            tune=WARMUP,
            chains=chains,
            random_seed=seed,
            progressbar=False,
            inference_method=method,
            **together,
        )
    posterior, statistics = result["posterior"], result["sample_stats"]
    names = [rv.name for rv in free_parameters(model)]
    flat = [posterior[name].values.reshape(chains, draws, -1) for name in names]
    return np.concatenate(flat, axis=2), {
        "diverging": statistics["diverging"].values,
        "energy": statistics["energy"].values,
        "n_steps": statistics["n_steps"].values,
        "acceptance_rate": statistics["acceptance_rate"].values,
    }
