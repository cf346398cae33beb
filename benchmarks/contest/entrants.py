"""Who takes part: this package's engines and the other ways to fit the same model.

An entrant is made ready once for all datasets (a model is built and compiled, where that is done
once) and then fits them all as often as it is asked to. What it hands back are draws of the
slopes; they are judged by the same effective sample size, outside the measured time.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from contest.data import Datasets

CHAINS = 4
DRAWS = 1000  # of each chain, unless an entrant needs more
WARMUP = 1000

# Fits all datasets with a seed; its result is read by the entrant's `slopes`.
Fit = Callable[[int], Any]


@dataclass(frozen=True)
class Entrant:
    """One way to fit the paper's model to many datasets.

    Attributes
    ----------
    what : str
        As the table calls it.
    imports : tuple of str
        Modules that it needs; importing them is timed by itself.
    ready : callable
        Makes it ready for some datasets: (datasets, draws of each chain, device) to `Fit`.
    slopes : callable
        (dataset, slope, chain, draw) array of what a fit gave.
    draws : int
        Draws of each chain.
    """

    what: str
    imports: tuple[str, ...]
    ready: Callable[[Datasets, int, str | None], Fit]
    slopes: Callable[[Any, Datasets], np.ndarray]
    draws: int = DRAWS

    def lacks(self) -> str:
        """The first of its libraries that is not installed; empty where all are."""
        libraries = (name.partition(".")[0] for name in self.imports)
        return next((name for name in libraries if importlib.util.find_spec(name) is None), "")


def own(engine: str) -> Callable[[Datasets, int, str | None], Fit]:
    """`fit_many` with one of this package's engines."""

    def ready(datasets: Datasets, draws: int, device: str | None) -> Fit:
        from selfinterp_stats import fit_many
        from selfinterp_stats.models.weights import WEIGHT_PRIORS

        def fit(seed: int) -> Any:
            return fit_many(
                datasets.formula,
                datasets.frame,
                datasets.by,
                priors=WEIGHT_PRIORS,
                family="bernoulli",
                engine=engine,  # type: ignore[arg-type]
                draws=CHAINS * draws,
                seed=seed,
                device=device,  # type: ignore[arg-type]
                progress=False,
            )

        return fit

    return ready


def own_slopes(tree: Any, datasets: Datasets) -> np.ndarray:
    """Slopes in a DataTree of `fit_many`."""
    each = [tree["posterior"][name].transpose("dataset", ...) for name in datasets.slopes]
    return np.stack([np.asarray(one) for one in each], axis=1)


def bambi_loop(datasets: Datasets, draws: int, _: str | None) -> Fit:
    """A new Bambi model for each dataset, with its and PyMC's settings as they come."""
    import logging

    import bambi

    for library in ("pymc", "bambi"):
        logging.getLogger(library).setLevel(logging.ERROR)
    priors = {
        "common": bambi.Prior("Normal", mu=0, sigma=1),
        "Intercept": bambi.Prior("StudentT", nu=3, mu=0, sigma=2.5),
    }

    def one(rows: Any, seed: int) -> Any:
        model = bambi.Model(datasets.formula, rows, family="bernoulli", priors=priors)
        return model.fit(
            draws=draws, tune=WARMUP, chains=CHAINS, random_seed=seed, progressbar=False
        )

    groups = [rows for _, rows in datasets.frame.groupby(list(datasets.by), sort=True)]
    return lambda seed: [one(rows, seed + i) for i, rows in enumerate(groups)]


def bambi_slopes(results: list[Any], datasets: Datasets) -> np.ndarray:
    """Slopes in the results of many fits."""
    return np.stack(
        [
            np.stack([np.asarray(one["posterior"][name]) for name in datasets.slopes])
            for one in results
        ]
    )


def nutpie_with_data(datasets: Datasets, draws: int, _: str | None) -> Fit:
    """One PyMC model compiled by nutpie; the data are exchanged for each dataset."""
    import nutpie
    import pymc as pm

    arrays = datasets.arrays()
    with pm.Model() as model:
        X = pm.Data("X", arrays[0][0])
        y = pm.Data("y", arrays[0][1])
        intercept = pm.StudentT("Intercept", nu=3, mu=0, sigma=2.5)
        slopes = pm.Normal("slopes", 0, 1, shape=datasets.predictors)
        pm.Bernoulli("chose_a", logit_p=intercept + X @ slopes, observed=y)
    compiled = nutpie.compile_pymc_model(model)

    def one(X: np.ndarray, y: np.ndarray, seed: int) -> Any:
        return nutpie.sample(
            compiled.with_data(X=X, y=y),
            draws=draws,
            tune=WARMUP,
            chains=CHAINS,
            seed=seed,
            progress_bar=False,
            save_warmup=False,
        )

    return lambda seed: [one(X, y, seed + i) for i, (X, y) in enumerate(arrays)]


def nutpie_slopes(results: list[Any], _: Datasets) -> np.ndarray:
    """Slopes in nutpie's traces."""
    each = [np.asarray(one["posterior"]["slopes"]) for one in results]
    return np.moveaxis(np.stack(each), -1, 1)


def numpyro_by_hand(datasets: Datasets, draws: int, _: str | None) -> Fit:
    """The model written in NumPyro, batched by hand: padded, whitened at the mode, vmapped."""
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer.hmc import hmc
    from numpyro.infer.util import potential_energy

    warmup, k = 200, datasets.predictors
    arrays = datasets.arrays()
    longest = max(len(y) for _, y in arrays)
    X = np.stack([np.pad(X, ((0, longest - len(X)), (0, 0))) for X, _ in arrays])
    y = np.stack([np.pad(y, (0, longest - len(y))) for _, y in arrays])
    used = np.stack([np.arange(longest) < len(y) for _, y in arrays])

    def model(X: Any, y: Any, used: Any) -> None:
        intercept = numpyro.sample("Intercept", dist.StudentT(3, 0, 2.5))
        slopes = numpyro.sample("slopes", dist.Normal(0, 1).expand([k]).to_event(1))
        with numpyro.handlers.mask(mask=used):
            numpyro.sample("chose_a", dist.Bernoulli(logits=intercept + X @ slopes), obs=y)

    def potential(theta: Any, data: Any) -> Any:
        return potential_energy(model, data, {}, {"Intercept": theta[0], "slopes": theta[1:]})

    def laplace(data: Any) -> tuple[Any, Any]:
        def newton(theta: Any, _: None) -> tuple[Any, None]:
            step = jnp.linalg.solve(
                jax.hessian(potential)(theta, data), jax.grad(potential)(theta, data)
            )
            return theta - step, None

        mode, _ = jax.lax.scan(newton, jnp.zeros(k + 1), None, length=15)
        return mode, jnp.linalg.cholesky(jnp.linalg.inv(jax.hessian(potential)(mode, data)))

    def chain(key: Any, mode: Any, scale: Any, data: Any) -> Any:
        start, advance = hmc(potential_fn=lambda z: potential(mode + scale @ z, data), algo="NUTS")
        key, key_start = jax.random.split(key)
        state = start(
            jax.random.normal(key_start, mode.shape),
            warmup,
            adapt_mass_matrix=False,
            rng_key=key,
        )

        def step(state: Any, _: None) -> Any:
            state = advance(state)
            return state, state.z

        _, z = jax.lax.scan(step, state, None, length=warmup + draws)
        return mode + z[warmup:] @ scale.T

    def dataset(key: Any, *data: Any) -> Any:
        mode, scale = laplace(data)
        return jax.vmap(lambda one: chain(one, mode, scale, data))(jax.random.split(key, CHAINS))

    everything = jax.jit(jax.vmap(dataset))

    def fit(seed: int) -> Any:
        keys = jax.random.split(jax.random.key(seed), len(arrays))
        return jax.block_until_ready(everything(keys, X, y, used))

    return fit


def numpyro_slopes(values: Any, _: Datasets) -> np.ndarray:
    """Slopes in a (dataset, chain, draw, parameter) array."""
    return np.moveaxis(np.asarray(values)[..., 1:], -1, 1)


# With what Bambi, PyTensor and xarray themselves import when they are first used.
OWN_IMPORTS = (
    "bambi",
    "pymc",
    "jax",
    "jax.numpy",
    "numpyro",
    "pytensor.link.jax.dispatch",
    "dask.array",
    "selfinterp_stats.inference.many",
)
ENTRANTS = {
    # One draw of importance is worth a little less than one effective draw: some more are asked
    # for, so that 4,000 effective ones are had.
    "importance": Entrant(
        "importance, this package", OWN_IMPORTS, own("importance"), own_slopes, draws=1040
    ),
    "auto": Entrant("auto, this package", OWN_IMPORTS, own("auto"), own_slopes, draws=1040),
    "nuts": Entrant("nuts, this package", (*OWN_IMPORTS, "numpyro.infer"), own("nuts"), own_slopes),
    "nutpie": Entrant(
        "nutpie, with_data", ("nutpie", "pymc", "numba"), nutpie_with_data, nutpie_slopes
    ),
    "numpyro": Entrant(
        "NumPyro, by hand", ("numpyro.infer", "jax.numpy"), numpyro_by_hand, numpyro_slopes
    ),
    "bambi": Entrant("Bambi + PyMC, in a loop", ("bambi", "pymc"), bambi_loop, bambi_slopes),
}
OWN = ("importance", "auto", "nuts")
