"""What was measured: read and check a study, fetch the paper's data, simulate a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selfinterp_stats.study.fetch import fetch_paper_data, paper_data_folder
from selfinterp_stats.study.folder import load_study
from selfinterp_stats.study.mapping import parse_mapping
from selfinterp_stats.study.study import Notice, Study
from selfinterp_stats.study.tidy import load_tidy

if TYPE_CHECKING:
    from selfinterp_stats.study.simulate import simulate_study

__all__ = [
    "Notice",
    "Study",
    "fetch_paper_data",
    "load_study",
    "load_tidy",
    "paper_data_folder",
    "parse_mapping",
    "simulate_study",
]


def __getattr__(name: str) -> Any:
    # Simulating needs scipy, which takes longer to import than a study to read.
    if name == "simulate_study":
        from selfinterp_stats.study.simulate import simulate_study

        return simulate_study
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
