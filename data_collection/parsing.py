"""What a reply says: a choice, a report, or nothing that can be used.

Strictly as the paper read replies: a choice is the letter A or B alone; a report is one JSON
object, bare or in a code fence, with the attributes' names and numbers. Nothing a model wrote is
ever evaluated.

What becomes of a report that is nearly right:

    ==============================================  ========================================
    a number outside -100 to 100                    valid, kept as it is (the paper kept two)
    a key twice                                     invalid
    a number written as text, true, null            invalid
    NaN, Infinity, a number too large               invalid
    a list or an object as a value                  invalid
    a name missing, more, or spelled otherwise      invalid; see `rescue`
    words before or after the JSON                  invalid
    ==============================================  ========================================
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Status = Literal["valid", "invalid", "refused", "truncated", "failed"]

_FENCE: Final = re.compile(r"```[A-Za-z]*\s*\n?(.*?)\s*```", re.DOTALL)
# Looked for at the beginning of a reply that could not be read as an answer.
_REFUSAL: Final = re.compile(
    r"\bI(\s+(can\s?not|can['’]t|won['’]t|will\s+not|must\s+decline|am\s+(unable|not\s+able))"
    r"|['’]m\s+(unable|not\s+able))\b",
    re.IGNORECASE,
)
_BEGINNING: Final = 120
# Similarity, 0 to 100, from which a name counts as a misspelling of another, and by how much the
# next best name must be less similar.
_SIMILAR: Final = 80.0
_MARGIN: Final = 10.0


@dataclass(frozen=True)
class Reply:
    """What a reply says.

    Attributes
    ----------
    status : str
        "valid"; "invalid", it cannot be read as an answer; "refused"; "truncated", cut off by the
        limit of tokens; "failed", there is no reply.
    value : str, dict of str to float, or None
        "A" or "B"; or the reported weight of each attribute, in the scenario's order; None unless
        valid.
    rescued : bool
        Valid only because a misspelled name was accepted.
    why : str
        What is wrong, or odd about a valid reply; else "".
    """

    status: Status
    value: str | dict[str, float] | None = None
    rescued: bool = False
    why: str = ""


def parse_choice(text: str) -> Reply:
    """Read the reply to a choice: A or B, with nothing but white space round it."""
    letter = text.strip()
    if letter in ("A", "B"):
        return Reply("valid", letter)
    return declined(text) or Reply("invalid", why="the reply is not A or B")


def parse_report(text: str, names: Sequence[str], rescue: bool = False) -> Reply:
    """Read the reply to a request for a report.

    Parameters
    ----------
    text : str
    names : sequence of str
        The scenario's attributes.
    rescue : bool
        Accept misspelled names too where it is plain which attribute each is: every name in the
        reply belongs to one attribute, no two to the same, and to no other nearly as well.

    Returns
    -------
    Reply
        Values in the order of `names`.
    """
    stripped = text.strip()
    fenced = _FENCE.fullmatch(stripped)
    try:
        pairs = _object(fenced[1] if fenced else stripped)
    except _NoReport as problem:
        return declined(text) or Reply("invalid", why=str(problem))
    keys = [key for key, _ in pairs]
    rescued = False
    if sorted(keys) != sorted(names):
        matches = _matched(keys, names) if rescue else None
        if matches is None:
            return Reply("invalid", why=_wrong_names(keys, names))
        pairs = [(matches[key], value) for key, value in pairs]
        rescued = True
    try:
        found = {name: _number(name, value) for name, value in pairs}
    except _NoReport as problem:
        return Reply("invalid", why=str(problem))
    outside = [name for name in names if abs(found[name]) > 100]
    why = f"{outside[0]} is outside -100 to 100" if outside else ""
    return Reply("valid", {name: found[name] for name in names}, rescued, why)


class _NoReport(Exception):
    """Why a text is no report."""


def _object(text: str) -> list[tuple[str, Any]]:
    """Keys and values of the JSON object that `text` is."""
    try:
        # Objects become tuples of pairs, which keep a key that comes twice; what is nested too.
        found = json.loads(text, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        # ValueError covers JSON that is none and integers of thousands of digits.
        raise _NoReport("the reply is no JSON") from None
    if not isinstance(found, tuple):
        raise _NoReport("the reply is JSON, but no object")
    keys = [key for key, _ in found]
    for key in keys:
        if keys.count(key) > 1:
            raise _NoReport(f"{key} is there twice")
    return list(found)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _NoReport(f"the value of {name} is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _NoReport(f"the value of {name} is not finite")
    return number


def _wrong_names(keys: Sequence[str], names: Sequence[str]) -> str:
    missing = [name for name in names if name not in keys]
    strange = [key for key in keys if key not in names]
    parts = [
        f"{what} {', '.join(which)}"
        for what, which in (("without", missing), ("with", strange))
        if which
    ]
    return f"the names are not the attributes': {' and '.join(parts)}"


def declined(text: str) -> Reply | None:
    """What an empty reply or a refusal comes to; None where a reply is neither."""
    if not text.strip():
        return Reply("invalid", why="the reply is empty")
    if _REFUSAL.search(text.strip()[:_BEGINNING]):
        return Reply("refused", why="the model declined to answer")
    return None


def _matched(keys: Sequence[str], names: Sequence[str]) -> dict[str, str] | None:
    """The attribute that each key means, one to one, or None where that is not plain."""
    if len(keys) != len(names):
        return None
    from rapidfuzz import fuzz

    exact = set(keys) & set(names)
    matches = {key: key for key in exact}
    left = [name for name in names if name not in exact]
    for key in keys:
        if key in exact:
            continue
        # Names that the reply has rightly are rivals as well: a misspelling must be plain.
        scored = sorted((fuzz.ratio(_plain(key), _plain(name)), name) for name in names)
        best, name = scored[-1]
        next_best = scored[-2][0] if len(scored) > 1 else 0.0
        if name not in left or best < _SIMILAR or best - next_best < _MARGIN:
            return None
        matches[key] = name
        left.remove(name)
    return matches


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()
