"""Calibration written up: one table of verdicts, the ranks drawn, a page."""

from __future__ import annotations
