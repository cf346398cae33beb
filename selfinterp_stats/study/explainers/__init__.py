"""Explainer studies: what one model says about another, and about itself."""

from __future__ import annotations

from selfinterp_stats.study.explainers.checks import check_design
from selfinterp_stats.study.explainers.load import load_explainers
from selfinterp_stats.study.explainers.study import ExplainerStudy, LeftOut

__all__ = ["ExplainerStudy", "LeftOut", "check_design", "load_explainers"]
