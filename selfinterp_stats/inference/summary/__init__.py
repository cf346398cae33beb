"""What draws say: means, intervals, effective sample sizes, many quantities at once."""

from __future__ import annotations
