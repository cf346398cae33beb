"""The joint model of choices and reports, whose correlation is free of measurement noise.

How a study comes about, for one base model and one set of scenarios; scenario s, attribute k,
report condition c, report r:

1. A scenario's true weights w_s lie in [-1, 1], the largest being +-1: the max-scaled weights
   that the paper puts on its +-100 scale. Any attribute is as likely to be the largest; the
   others' sizes have a density proportional to exp(-delta w^2 / 2) (delta = 0: uniform, as the
   paper drew its targets), and each sign is positive with probability pi. delta and pi are
   learned.
2. The slopes behind the choices are lambda_s w_s, with log lambda_s ~ N(ell, nu); ell and nu are
   learned. Choices are Bernoulli on the logit scale, with the intercept of stage 1. The paper's
   N(0, 1) slopes play no part here: they are far narrower than slopes are, which leaves the
   max-scaled weights more uncertain than the choices do.
3. The expected report m_cs (the mean of an endless series of valid reports) has mean mu_c and sd
   sigma_c over scenarios and attributes, and correlation rho_c with w:
       m_csk = mu_c + sigma_c (rho_c (w_sk - E w) / sd(w) + sqrt(1 - rho_c^2) e_csk),
   e standard normal, correlated over conditions (what one condition gets wrong another may, too).
   E w and sd(w) follow from delta and pi.
4. A single report is m_csk plus noise of sd omega_c, which the repeats reveal.

The latent correlation is rho_c: that of the true max-scaled weights with the expected reports,
over scenarios like these. Reports are standardised as in the paper (within a fold and explaining
model) before they come here, so mu_c is near 0 and sigma_c at most about 1.

Computation. Of a scenario's choices the model needs the likelihood as a function of the slopes.
Particles stand for it, drawn in proportion to it times a known density of slopes: the model's own
with its parameters near their mode, a little wider, tilted by part of what the reports say (see
`joint` and `slopes`). Reweighted by the ratio of the model's density of slopes to the known one,
and by the density of the scenario's mean reports, their mean is the scenario's marginal
likelihood, up to a constant. What is left are a dozen or so parameters, sampled like any small
posterior.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from selfinterp_stats.estimates.propagation.covariances import correlations, inverse
from selfinterp_stats.estimates.propagation.scenarios import LatentData

if TYPE_CHECKING:
    import jax

    Array = jax.Array

# Normal priors of ell, log nu, delta and logit pi: largest slopes around 6 (1 to 40), which
# differ between scenarios by a third or so.
OF_WEIGHTS: Final = {
    "ell": (np.log(6.0), 1.0),
    "log_nu": (np.log(0.35), 0.5),
    "delta": (1.0, 1.5),
    "logit_pi": (0.0, 0.5),
}
# Of mu and log sigma, in sds of the mean reports, and of log omega.
OF_REPORTS: Final = {"mu": (0.0, 0.5), "log_sigma": (-0.2, 0.3), "log_omega": (-0.5, 0.7)}
NAMES: Final = ("mu", "rho", "sigma", "omega")


@dataclass(frozen=True)
class LatentModel:
    """The model as functions of (parameters on the real line, data).

    Attributes
    ----------
    attributes : int
    noisy : tuple of bool
        One for each condition: whether single reports differ from their expectation. Target
        weights, which are known, take the place of a condition without noise.
    """

    attributes: int
    noisy: tuple[bool, ...]

    @property
    def conditions(self) -> int:
        """How many there are."""
        return len(self.noisy)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what `constrain` gives."""
        of_reports = [f"{name}[{c}]" for name in NAMES for c in range(self.conditions)]
        pairs = [f"partial[{a},{b}]" for a in range(self.conditions) for b in range(a)]
        return ("ell", "nu", "delta", "pi", *of_reports, *pairs)

    @property
    def size(self) -> int:
        """Length of the parameter vector."""
        return len(self.parameters)

    def constrain(self, theta: Array, data: LatentData) -> Array:
        """Parameters on their own scale, in the order of `parameters`."""
        import jax
        import jax.numpy as jnp

        del data
        ell, log_nu, delta, logit_pi = theta[:4]
        mu, z, log_sigma, log_omega, partial = self._of_reports(theta)
        first = jnp.stack([ell, jnp.exp(log_nu), delta, jax.nn.sigmoid(logit_pi)])
        omega = jnp.where(jnp.array(self.noisy), jnp.exp(log_omega), 0.0)
        rest = (mu, jnp.tanh(z), jnp.exp(log_sigma), omega, jnp.tanh(partial))
        return jnp.concatenate([first, *rest])

    def unconstrain(self, values: np.ndarray) -> np.ndarray:
        """Back to the real line: (..., parameter) arrays of what `constrain` gives.

        The noise of a condition without any becomes that of one with sd one; it plays no part.
        """
        real = np.array(values, dtype=float)
        for i, name in enumerate(self.parameters):
            stem, own = name.partition("[")[0], real[..., i]
            if stem in ("nu", "sigma", "omega"):
                real[..., i] = np.log(np.where(own > 0, own, 1.0))
            elif stem in ("rho", "partial"):
                real[..., i] = np.arctanh(np.clip(own, -1 + 1e-7, 1 - 1e-7))
            elif stem == "pi":
                inside = np.clip(own, 1e-7, 1 - 1e-7)
                real[..., i] = np.log(inside / (1 - inside))
        return real

    def log_density(self, theta: Array, data: LatentData) -> Array:
        """Log-posterior density of the parameters, the scenarios' weights being averaged over.

        Parameters
        ----------
        theta : (size,) array
        data : LatentData
            Of one study.
        """
        return self.log_likelihood(theta, data) + self._log_prior(theta)

    def log_likelihood(self, theta: Array, data: LatentData) -> Array:
        """Log-likelihood of the parameters; arguments are those of `log_density`."""
        import jax

        by_draw = self.log_weights(theta, data)
        return jax.nn.logsumexp(by_draw, axis=1).sum() + self._noise(theta, data)

    def log_weights(self, theta: Array, data: LatentData) -> Array:
        """What each particle of each scenario weighs given the parameters, as logs.

        Returns
        -------
        (scenario, draw) array
        """
        import jax
        import jax.numpy as jnp

        k = self.attributes
        ell, log_nu, delta, logit_pi = theta[:4]
        away = (data.log_largest - ell) * jnp.exp(-log_nu)
        # The slopes' density has the Jacobian of (lambda, w): lambda^(k - 1); lognormal: 1/lambda.
        weights = (
            data.unweighted
            - k * data.log_largest
            - 0.5 * away**2
            - 0.5 * delta * (data.squares - 1)
            + data.positive * logit_pi
        )
        constant = -log_nu - (k - 1) * log_size(delta)[0] - k * jax.nn.softplus(logit_pi)
        return weights + constant + self._log_reports(theta, data)

    def _log_reports(self, theta: Array, data: LatentData) -> Array:
        """Log-density of each scenario's mean reports at each particle's weights."""
        import jax.numpy as jnp

        if not self.conditions:
            return jnp.zeros(())
        slope, start, precision, log_det = self.regression(theta, data)
        here = (data.counts > 0).astype(slope.dtype)
        slope, start = slope * here, start * here
        pull = jnp.einsum("scd,sd->sc", precision, slope)
        residual = data.reports - start[:, :, None]
        alone = jnp.einsum("sck,scd,sdk->s", residual, precision, residual)
        crossed = jnp.einsum("sc,csj->sj", pull, data.products)
        crossed -= (pull * start).sum(axis=1)[:, None] * data.total
        curved = (pull * slope).sum(axis=1)[:, None] * data.squares
        constant = -0.5 * (alone + self.attributes * log_det)
        return constant[:, None] + crossed - 0.5 * curved

    def tilt(self, theta: Array, data: LatentData) -> tuple[Array, Array]:
        """How the reports pull at each scenario's weights w: exp(pull . w - curve |w|^2 / 2).

        Returns
        -------
        pull : (scenario, attribute) array
        curve : (scenario,) array
        """
        import jax.numpy as jnp

        if not self.conditions:
            nothing = jnp.zeros(len(data.counts))
            return jnp.zeros((len(data.counts), self.attributes)), nothing
        slope, start, precision, _ = self.regression(theta, data)
        here = (data.counts > 0).astype(slope.dtype)
        slope, start = slope * here, start * here
        weighted = jnp.einsum("scd,sd->sc", precision, slope)
        pull = jnp.einsum("sc,sck->sk", weighted, data.reports - start[:, :, None])
        return pull, (weighted * slope).sum(axis=1)

    def regression(self, theta: Array, data: LatentData) -> tuple[Array, ...]:
        """Slopes and intercepts of mean reports on weights, their residual precision, its log det.

        A condition in which a scenario has no report has residual variance one there, apart from
        the others; with slope, intercept and report zero it adds nothing.
        """
        import jax.numpy as jnp

        mu, z, log_sigma, log_omega, _ = self._of_reports(theta)
        rho, sigma = jnp.tanh(z), jnp.exp(log_sigma)
        mean, sd = self.moments(theta)
        slope = sigma * rho / sd
        common = self.residual_covariance(theta)
        noise = jnp.where(jnp.array(self.noisy), jnp.exp(2 * log_omega), 0.0)
        here = (data.counts > 0).astype(slope.dtype)
        own = noise * here / jnp.maximum(data.counts, 1) + (1 - here)
        eye = jnp.eye(self.conditions, dtype=slope.dtype)
        covariance = common * here[:, :, None] * here[:, None, :] + own[:, :, None] * eye
        precision, log_det = inverse(covariance)
        return slope, mu - slope * mean, precision, log_det

    def moments(self, theta: Any) -> tuple[Any, Any]:
        """Mean and sd of a max-scaled weight over attributes and scenarios."""
        import jax.numpy as jnp

        k, tilt = self.attributes, jnp.tanh(theta[3] / 2)
        _, size, square = log_size(theta[2])
        mean = tilt * (1 + (k - 1) * size) / k
        return mean, jnp.sqrt((1 + (k - 1) * square) / k - mean**2)

    def residual_covariance(self, theta: Array) -> Array:
        """Covariance over conditions of the expected reports given the weights."""
        import jax.numpy as jnp

        _, z, log_sigma, _, _ = self._of_reports(theta)
        apart = jnp.exp(log_sigma) / jnp.cosh(z)
        return apart[:, None] * self.residual_correlation(theta) * apart[None, :]

    def residual_correlation(self, theta: Array) -> Array:
        """Correlations of the conditions' residuals."""
        import jax.numpy as jnp

        return correlations(jnp.tanh(self._of_reports(theta)[-1]), self.conditions)

    def _noise(self, theta: Array, data: LatentData) -> Array:
        """Log-density of the single reports about their scenario's mean."""
        import jax.numpy as jnp

        log_omega = self._of_reports(theta)[3]
        terms = -data.freedom * log_omega - 0.5 * data.within * jnp.exp(-2 * log_omega)
        return jnp.where(jnp.array(self.noisy, bool), terms, 0.0).sum()

    def _log_prior(self, theta: Array) -> Array:
        import jax.numpy as jnp

        mu, z, log_sigma, log_omega, partial = self._of_reports(theta)
        pairs = [(theta[i], *numbers) for i, numbers in enumerate(OF_WEIGHTS.values())]
        columns = zip((mu, log_sigma, log_omega), OF_REPORTS.values(), strict=True)
        pairs += [(values, *numbers) for values, numbers in columns]
        normal = sum((-0.5 * ((x - at) / sd) ** 2).sum() for x, at, sd in pairs)
        # rho and the partial correlations are uniform on (-1, 1).
        uniform = -2 * (jnp.log(jnp.cosh(z)).sum() + jnp.log(jnp.cosh(partial)).sum())
        return normal + uniform

    def _of_reports(self, theta: Array) -> list[Array]:
        """mu, atanh rho, log sigma, log omega and the partial correlations' atanh."""
        c = self.conditions
        ends = np.arange(len(NAMES) + 1) * c + 4
        return [*(theta[a:b] for a, b in pairwise(ends)), theta[ends[-1] :]]


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def log_size(delta: Any) -> tuple[Any, Any, Any]:
    """Of a size with density proportional to exp(-delta x^2 / 2) on [0, 1].

    Returns
    -------
    log of the density's integral, mean, mean square
    """
    import jax.numpy as jnp

    x = (1 + _NODES) / 2
    density = jnp.exp(-0.5 * delta * x**2) * (_WEIGHTS / 2)
    total = density.sum()
    return jnp.log(total), (density * x).sum() / total, (density * x**2).sum() / total
