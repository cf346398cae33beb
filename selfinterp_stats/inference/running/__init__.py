"""Where the work is done: cores, devices, machines, and what is kept if it stops."""

from __future__ import annotations
