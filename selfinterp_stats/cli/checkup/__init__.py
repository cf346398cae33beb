"""The checks behind ``selfinterp doctor``: each on its own, none able to stop the others."""

from __future__ import annotations
