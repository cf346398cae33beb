"""What a check found, in words that can be pasted into an issue.

A check that breaks is a finding too: whatever is wrong with an installation, the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["ok", "warning", "failed"]
_ISSUE = "Paste this report into an issue."


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes
    ----------
    check : str
        What was looked at.
    state : {"ok", "warning", "failed"}
        warning: it works, though less well or not for everything; failed: something does not work.
    found : str
    remedy : str
        What to do, as a sentence; empty where there is nothing to do.
    facts : mapping of str to object
        The same for a machine to read.
    """

    check: str
    state: State
    found: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def ok(check: str, found: str, **facts: Any) -> Finding:
    """All is well."""
    return Finding(check, "ok", found, facts=facts)


def warning(check: str, found: str, remedy: str, **facts: Any) -> Finding:
    """It works, though less well or not for everything."""
    return Finding(check, "warning", found, remedy, facts)


def failed(check: str, found: str, remedy: str, **facts: Any) -> Finding:
    """Something does not work."""
    return Finding(check, "failed", found, remedy, facts)


def examine(check: str, look: Callable[[], Finding | list[Finding]]) -> Iterator[Finding]:
    """Run one check; an error inside it is what it found."""
    try:
        found = look()
    except Exception as error:  # noqa: BLE001 - a broken installation may raise anything at all
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        remedy = f"Install it: pip install {missing}" if missing else _ISSUE
        yield failed(check, f"could not be checked: {in_one_line(error)}", remedy)
        return
    for finding in [found] if isinstance(found, Finding) else found:
        yield Finding(
            finding.check,
            finding.state,
            pasteable(finding.found),
            pasteable(finding.remedy),
            {name: _pasteable(value) for name, value in finding.facts.items()},
        )


def in_one_line(error: BaseException) -> str:
    """An error as its kind and the first line of what it says."""
    said = str(error).strip().splitlines()
    return pasteable(f"{type(error).__name__}: {said[0]}" if said else type(error).__name__)


def pasteable(text: str) -> str:
    """Text with the home folder, which often holds a person's name, written as ``~``."""
    for home in _homes():
        text = re.sub(rf"(?<![\w.\-/]){re.escape(home)}(?![\w\-]|\.\w)", "~", text)
    return text


def _homes() -> list[str]:
    """The home folder as it is named and, where that is a link, as it is; no root of a disk."""
    try:
        home = Path.home()
    except RuntimeError:  # a user without one
        return []
    names = {str(home), str(home.resolve())}
    return [name for name in sorted(names, key=len, reverse=True) if len(Path(name).parts) > 1]


def _pasteable(value: Any) -> Any:
    if isinstance(value, str):
        return pasteable(value)
    if isinstance(value, Mapping):
        return {name: _pasteable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_pasteable(item) for item in value]
    return value
