"""How far the paper's conclusions hang on choices that could have been made otherwise.

`specifications` says what can be chosen, `arrays` does what was chosen to the data, `regression`
and `shares` estimate, `conclusions` puts these together and `multiverse` runs them all.
"""

from __future__ import annotations

from selfinterp_stats.estimates.sensitivity.multiverse import Sensitivity, compare_specifications

__all__ = ["Sensitivity", "compare_specifications"]
