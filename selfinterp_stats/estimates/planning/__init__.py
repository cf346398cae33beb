"""The next experiment: what designs would find and what they cost.

`design` says what a design is, `predict` what it finds, `own` what a study that was made says of
noise and latent correlation, `found` what its data give beside the prediction, and `plan` puts a
grid of designs together.
"""

from __future__ import annotations

from selfinterp_stats.estimates.planning.design import Design
from selfinterp_stats.estimates.planning.plan import Plan, Wanted, compare_designs, grid

__all__ = ["Design", "Plan", "Wanted", "compare_designs", "grid"]
