"""What people read of an explainer study: tables, figures, a page, draws."""

from __future__ import annotations

from selfinterp_stats.reporting.explainers.output import write_explainers

__all__ = ["write_explainers"]
