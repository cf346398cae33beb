"""What is sampled: a Bambi model's log-density as a function of one dataset's arrays."""

from __future__ import annotations
