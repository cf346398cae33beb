"""The comparison of priors written up: tables, forest plots, a page."""

from __future__ import annotations
