"""Asks a language model for choices and reports, and writes the answers as a study folder.

It puts choices and requests for reports to a model, keeps a journal of what comes back, and writes
the files that `selfinterp_stats` reads; it also writes the files that models are fine-tuned on. It
may know nothing of statistics, and the two packages meet only at the study folder on disk.
"""

from __future__ import annotations
