"""A plan written up: the designs as a table and as curves, the cheapest, a page."""

from __future__ import annotations
