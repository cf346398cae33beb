"""A prior as a value: a distribution's name and its numbers, in Bambi's terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import bambi


@dataclass(frozen=True)
class Prior:
    """A prior distribution of one or several parameters.

    Attributes
    ----------
    name : str
        A distribution of PyMC, for instance ``"Normal"`` or ``"Flat"``.
    arguments : tuple of (str, float)
        Its parameters by name.
    """

    name: str
    arguments: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, name: str, **arguments: float) -> Prior:
        """Write a prior as ``Prior.of("Normal", mu=0, sigma=1)``."""
        return cls(name, tuple((key, float(value)) for key, value in arguments.items()))

    def to_bambi(self) -> bambi.Prior:
        """The same prior as Bambi's own object."""
        import bambi

        return bambi.Prior(self.name, **dict(self.arguments))

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value:g}' for key, value in self.arguments)})"
