"""What people read: HDI tables, figures, the page, and the folder that holds them."""

from __future__ import annotations

from selfinterp_stats.reporting.compare import compare_runs
from selfinterp_stats.reporting.hdi import hdi_table
from selfinterp_stats.reporting.output import check_output_folder, write_report

__all__ = ["check_output_folder", "compare_runs", "hdi_table", "write_report"]
