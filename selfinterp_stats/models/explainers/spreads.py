"""Standard deviations: their priors, and the coordinate in which each of them is sampled.

The coordinate x of a standard deviation is the standard normal variate of the same prior quantile,
so that the prior of x is standard normal whatever that of the standard deviation is. On the log
scale a standard deviation that the data cannot tell from zero has an exponential tail, which no
normal proposal covers; here no tail is longer than a normal one's.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np

HALF_NORMAL: Final = "half-normal"
LOG_NORMAL: Final = "log-normal"
FIXED: Final = "fixed"

# Beyond it a half-normal quantile is lost to rounding.
_FARTHEST: Final = 7.0


def sd_at(prior: str, numbers: tuple[float, ...], x: np.ndarray | float) -> np.ndarray:
    """The standard deviation at a coordinate.

    Parameters
    ----------
    prior : {"half-normal", "log-normal"}
    numbers : tuple of float
        Scale; or median and log-sd.
    x : array
        Standard normal under the prior.
    """
    from scipy.special import erfinv, ndtr

    if prior == HALF_NORMAL:
        return np.asarray(numbers[0] * np.sqrt(2) * erfinv(ndtr(np.minimum(x, _FARTHEST))))
    return np.asarray(numbers[0] * np.exp(numbers[1] * np.asarray(x)))


def sampled_sd(name: str, prior: str, numbers: tuple[float, ...], **more: Any) -> Any:
    """Declare a standard deviation in the PyMC model at hand.

    Parameters
    ----------
    name : str
    prior : {"half-normal", "log-normal"}
    numbers : tuple of float
        Scale; or median and log-sd.
    **more
        ``shape``.
    """
    import pymc as pm

    how = {"default_transform": _as_normal(prior, numbers), **more}
    if prior == HALF_NORMAL:
        return pm.HalfNormal(name, numbers[0], **how)
    return pm.LogNormal(name, np.log(numbers[0]), numbers[1], **how)


@cache
def _as_normal(prior: str, numbers: tuple[float, ...]) -> Any:
    """The transform between a standard deviation and its coordinate."""
    import pytensor.tensor as pt
    from pymc.logprob.transforms import Transform

    half_normal, root = prior == HALF_NORMAL, np.sqrt(2)

    class AsNormal(Transform):  # type: ignore[misc] # PyMC comes without types
        name = "normal"
        ndim_supp = 0

        def forward(self, value: Any, *inputs: Any) -> Any:  # noqa: ARG002 - PyMC passes them
            if half_normal:
                return root * pt.erfinv(2 * pt.erf(value / (numbers[0] * root)) - 1)
            return (pt.log(value) - np.log(numbers[0])) / numbers[1]

        def backward(self, value: Any, *inputs: Any) -> Any:  # noqa: ARG002 - PyMC passes them
            if half_normal:
                quantile = pt.erfc(-pt.minimum(value, _FARTHEST) / root) / 2
                return numbers[0] * root * pt.erfinv(quantile)
            return numbers[0] * pt.exp(numbers[1] * value)

        def log_jac_det(self, value: Any, *inputs: Any) -> Any:
            sd = self.backward(value, *inputs)
            if half_normal:
                # The ratio of the standard normal density to the half-normal one.
                return (sd / numbers[0]) ** 2 / 2 - value**2 / 2 + np.log(numbers[0] / 2)
            return pt.log(sd * numbers[1])

    return AsNormal()
