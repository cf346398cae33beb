"""What `benchmarks/engines.py` measures, and how: one idea per module."""

from __future__ import annotations
