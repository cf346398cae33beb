"""How it is computed: one model fitted to many datasets, by one of three engines."""

from __future__ import annotations
