"""What was measured: read and check a study, fetch the paper's data."""

from __future__ import annotations

from selfinterp_stats.study.folder import load_study
from selfinterp_stats.study.study import Notice, Study

__all__ = ["Notice", "Study", "load_study"]
