"""The multiverse written up: tables, specification curves, a page."""

from __future__ import annotations
