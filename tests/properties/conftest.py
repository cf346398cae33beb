"""How Hypothesis searches: the same examples in every run, unless ``HYPOTHESIS_PROFILE=search``."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Each example of a study writes files, so the first ones take longer than the rest; deadlines and
# health checks about time would only measure the machine.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("suite", derandomize=True, max_examples=100, **COMMON)
settings.register_profile("search", max_examples=2_000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))
