"""A prior as a value: a distribution's name and its numbers, in Bambi's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import bambi


@dataclass(frozen=True)
class Prior:
    """A prior distribution of one or several parameters.

    Attributes
    ----------
    name : str
        A distribution of PyMC, for instance ``"Normal"`` or ``"Flat"``.
    arguments : tuple of (str, float or tuple of float)
        Its parameters by name; several numbers are those of a term's levels.

    Examples
    --------
    >>> from selfinterp_stats import Prior
    >>> prior = Prior.of("Normal", mu=0, sigma=2)
    >>> print(prior)
    Normal(mu=0, sigma=2)
    >>> Prior.from_bambi(prior.to_bambi()) == prior
    True
    """

    name: str
    arguments: tuple[tuple[str, float | tuple[float, ...]], ...] = ()

    @classmethod
    def of(cls, name: str, /, **arguments: float | Sequence[float]) -> Prior:
        """Write a prior as ``Prior.of("Normal", mu=0, sigma=1)``.

        Parameters
        ----------
        name : str
            A distribution of PyMC.
        **arguments : float or sequence of float
            Its parameters under PyMC's names; (level,) numbers where a term's levels differ.

        Returns
        -------
        Prior
            Equal to any other of the same name and numbers.
        """
        return cls(name, tuple((key, _numbers(value)) for key, value in arguments.items()))

    @classmethod
    def from_bambi(cls, prior: bambi.Prior) -> Prior:
        """The same prior from Bambi's own object.

        Parameters
        ----------
        prior : bambi.Prior
            With numbers as parameters, none of which is a prior itself.

        Returns
        -------
        Prior
            Of the same name and numbers.
        """
        return cls.of(prior.name, **prior.args)

    def to_bambi(self) -> bambi.Prior:
        """The same prior as Bambi's own object.

        Returns
        -------
        bambi.Prior
            As a model of Bambi takes it.
        """
        import bambi

        numbers = {
            key: np.array(value) if isinstance(value, tuple) else value
            for key, value in self.arguments
        }
        return bambi.Prior(self.name, **numbers)

    def __str__(self) -> str:
        written = []
        for key, value in self.arguments:
            numbers = value if isinstance(value, tuple) else (value,)
            text = ", ".join(f"{number:g}" for number in numbers)
            written.append(f"{key}=[{text}]" if isinstance(value, tuple) else f"{key}={text}")
        return f"{self.name}({', '.join(written)})"


def _numbers(value: float | Sequence[float]) -> float | tuple[float, ...]:
    array = np.asarray(value, dtype=float)
    return float(array.ravel()[0]) if array.size == 1 else tuple(array.ravel().tolist())
