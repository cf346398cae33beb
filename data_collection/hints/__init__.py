"""The input-ablation task of arXiv 2511.08579, black box: what a hint does to an answer.

A target answers multiple-choice questions with a hint and without it; an explainer is shown the
question with the hint and says whether, and to what, the answer would change without it.
"""

from __future__ import annotations
