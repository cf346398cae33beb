"""What `selfinterp propagate` writes."""

from __future__ import annotations
