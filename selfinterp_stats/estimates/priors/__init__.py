"""How far the paper's conclusions hang on the priors of the weights.

`fitting` and `structured` make posteriors under every set of priors, `judged` and `predictive` ask
how these predict and what moves them, `conclusions` estimates the paper's numbers from each,
`verdicts` sums up and `compare` runs it all.
"""

from __future__ import annotations

from selfinterp_stats.estimates.priors.compare import PriorComparison, compare_priors

__all__ = ["PriorComparison", "compare_priors"]
