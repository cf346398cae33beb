"""What is believed of the run-to-run standard deviation before it is measured.

Training an explainer again, or showing it other demonstrations, moves a cell by an amount that one
run per cell cannot tell. In a public rerun of the hint task with few-shot demonstrations cells
moved with an sd of 4 to 7 percentage points between demonstration sets; the default is made of
that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfinterp_stats.errors import InputError


@dataclass(frozen=True)
class RunPrior:
    """Log-normal prior of the run-to-run sd of a cell.

    Attributes
    ----------
    median : float
        In percentage points.
    log_sd : float
        Sd of its logarithm. The default puts 95% between 3.1 and 8.2 points; 0 takes the median
        for known.
    """

    median: float = 5.0
    log_sd: float = 0.25

    def __post_init__(self) -> None:
        if not (0 <= self.median < 100 and np.isfinite(self.median)):
            raise InputError(
                "the run-to-run sd is out of range",
                value=self.median,
                allowed="percentage points, from 0 to below 100",
            )
        if not 0 <= self.log_sd < 5:
            raise InputError(
                "the spread of the run-to-run sd is out of range",
                value=self.log_sd,
                allowed="the sd of its logarithm, from 0 to below 5",
            )

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw run-to-run sds, in percentage points."""
        return self.median * np.exp(self.log_sd * rng.standard_normal(shape))

    def __str__(self) -> str:
        if self.log_sd == 0:
            return f"run-to-run sd fixed at {self.median:g} points"
        return f"run-to-run sd ~ LogNormal(log {self.median:g}, {self.log_sd:g}) points"
