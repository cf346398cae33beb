"""What the measurement of weights and of reports does to a correlation, and what lies behind it.

`carried` takes stage-1 draws into stage 2, `joint` fits the latent model of `latent` (its
docstring tells the story), `reliability` says how much of a measurement is noise, `beyond` what a
correlation does not say; `propagate` puts these together.
"""

from __future__ import annotations

from selfinterp_stats.estimates.propagation.propagate import Propagation, propagate_uncertainty

__all__ = ["Propagation", "propagate_uncertainty"]
