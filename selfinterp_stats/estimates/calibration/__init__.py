"""Proof that it works: fits recover what data were simulated from.

`models` says what is calibrated: the paper's `regressions`, stage 1 under other `prior_sets`, and
the models of whole studies (`joint`, `explainers`). `simulated` draws parameters and data, `ranks`
fits them and ranks the truth, `uniformity` tests the ranks, `table` writes verdicts down, `checks`
runs them all.
"""

from __future__ import annotations

from selfinterp_stats.estimates.calibration.checks import Calibration, calibrate

__all__ = ["Calibration", "calibrate"]
