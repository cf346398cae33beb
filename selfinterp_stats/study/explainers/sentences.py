"""The sentences in which an explainer says what becomes of a target's output.

``The most likely output would change to <<<Y>>>.`` and ``The output would remain unchanged from
<<<X>>>.`` (arXiv 2511.08579). Both parts of a sentence are read apart from each other: the verdict
(changed or unchanged) and the content between the brackets.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"
INVALID: Final = "invalid"
VERDICTS: Final = (CHANGED, UNCHANGED)

# The content may hold single brackets, as program text does.
_SENTENCE: Final = re.compile(
    r"(remain\s+unchanged\s+from|change\s+to)\s*<<<(.*?)>>>", re.IGNORECASE | re.DOTALL
)


class Claim(NamedTuple):
    """What a sentence claims.

    Attributes
    ----------
    verdict : str
        `CHANGED` or `UNCHANGED`.
    content : str
        The output it names, in small letters and single spaces.
    """

    verdict: str
    content: str


def read_claim(text: str) -> Claim | None:
    """Read a sentence, or give None where the text is neither of the two, or both of them."""
    found = {
        Claim(
            UNCHANGED if "unchanged" in match[1].lower() else CHANGED,
            " ".join(match[2].lower().split()),
        )
        for match in _SENTENCE.finditer(text)
    }
    return found.pop() if len(found) == 1 else None
