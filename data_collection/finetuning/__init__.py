"""Fine-tuning: the files that a model learns from, and the jobs that train it."""

from __future__ import annotations
