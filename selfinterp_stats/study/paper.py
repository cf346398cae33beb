"""The paper's released data: where they are and how to tell them from any other study's.

It knows names and hashes alone and reads no data.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

REPOSITORY: Final = "dillonplunkett/self-interpretability"
COMMIT: Final = "1b723c657215d3d0cf08fbaab40efb752339b400"
"""The commit of the repository that everything here refers to."""
FOLDER: Final = "data"
BASE_URL: Final = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/{FOLDER}/"


@cache
def paper_hashes() -> dict[str, str]:
    """SHA-256 of each of the paper's data files at the pinned commit, by file name."""
    listing = files("selfinterp_stats.study").joinpath("paper_sha256sums.txt")
    pairs = (line.split() for line in listing.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in pairs}


def is_paper_file(name: str, sha256: str) -> bool:
    """Whether a file of this name and hash is one of the paper's."""
    return paper_hashes().get(name) == sha256
