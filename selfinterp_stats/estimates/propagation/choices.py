"""Choices of many scenarios as arrays, and the density under which their slopes are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd


class Choices(NamedTuple):
    """Choices of scenarios, padded to one length.

    Attributes
    ----------
    d : (scenario, trial, attribute) array
        Differences of the options, centred within a scenario, as stage 1 has them.
    chose_a : (scenario, trial) array
        0 or 1.
    made : (scenario, trial) array
        0 for padding.
    """

    d: np.ndarray
    chose_a: np.ndarray
    made: np.ndarray

    def only(self, which: np.ndarray | slice) -> Choices:
        """Those of some scenarios."""
        return Choices(*(a[which] for a in self))


class Around(NamedTuple):
    """The density under which slopes are drawn, beside the choices' likelihood.

    Attributes
    ----------
    ell, nu, delta, logit_pi : (scenario,) array
        Parameters of the joint model.
    pull : (scenario, attribute) array
    curve : (scenario,) array
        The reports': exp(pull . w - curve |w|^2 / 2) of the max-scaled weights w.
    """

    ell: np.ndarray
    nu: np.ndarray
    delta: np.ndarray
    logit_pi: np.ndarray
    pull: np.ndarray
    curve: np.ndarray

    @classmethod
    def anywhere(cls, scenarios: int, attributes: int) -> Around:
        """A wide density that knows nothing of the reports."""
        return cls(
            ell=np.full(scenarios, np.log(6.0)),
            nu=np.ones(scenarios),
            delta=np.zeros(scenarios),
            logit_pi=np.zeros(scenarios),
            pull=np.zeros((scenarios, attributes)),
            curve=np.zeros(scenarios),
        )

    def only(self, which: np.ndarray | slice) -> Around:
        """That of some scenarios."""
        return Around(*(a[which] for a in self))


def packed(choices: pd.DataFrame, by: Sequence[str]) -> tuple[tuple[tuple[str, ...], ...], Choices]:
    """Choices as arrays, and the labels of their scenarios in sorted order.

    Parameters
    ----------
    choices : pandas.DataFrame
        Columns `by`, ``chose_a``, ``d1``, ``d2``, ...
    by : sequence of str
        What tells scenarios apart.
    """
    names = [name for name in choices if name[:1] == "d" and name[1:].isdecimal()]
    grouped = choices.groupby(list(by), sort=True)
    sizes = grouped.size()
    code, at = grouped.ngroup().to_numpy(), grouped.cumcount().to_numpy()
    values = choices[names].to_numpy(dtype=float)
    shape = (len(sizes), int(sizes.max()))
    d, chose_a, made = np.zeros((*shape, len(names))), np.zeros(shape), np.zeros(shape)
    d[code, at] = values - grouped[names].transform("mean").to_numpy()
    chose_a[code, at], made[code, at] = choices["chose_a"].to_numpy(dtype=float), 1.0
    labels = tuple(tuple(map(str, label)) for label in sizes.index)
    return labels, Choices(d, chose_a, made)
