"""Asks a language model for choices and reports, and writes the answers as a study folder.

Collection is not here yet: this package holds its place. It will know how to put a choice or a
request for a report to a model, how to keep a journal of what came back, and how to write the
files that `selfinterp_stats` reads. It may know nothing of statistics, and the two packages meet
only at the study folder on disk.
"""

from __future__ import annotations
