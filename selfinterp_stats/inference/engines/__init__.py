"""How posteriors are drawn from: importance, NUTS, and Bambi one dataset at a time."""

from __future__ import annotations
