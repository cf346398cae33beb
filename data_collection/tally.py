"""Counts what a run brings, and tells when to give up because it brings nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from data_collection.errors import IncompleteError, ServiceError


@dataclass
class Tally:
    """What came of one plan's trials in one run.

    Attributes
    ----------
    label : str
        The plan's cell in words, for messages.
    stop_after : int
        Give up when that many trials are done and none brought anything; 0 never does.
    statuses : Counter of str
    """

    label: str
    stop_after: int
    statuses: Counter[str] = field(default_factory=Counter)
    _why: str = ""

    def add(self, status: str, why: str) -> None:
        """Count one trial."""
        self.statuses[status] += 1
        self._why = why or self._why

    def refuse_nothing(self) -> None:
        """Refuse to go on with a run that has brought nothing so far.

        Raises
        ------
        IncompleteError
            Every answer is a refusal.
        ServiceError
            Every request failed.
        """
        done = self.statuses.total()
        if not self.stop_after or done < self.stop_after:
            return
        if self.statuses["refused"] == done:
            raise IncompleteError(
                f"{self.label}: the first {done:,} answers are all refusals, so no more is asked",
                remedy="They are in the journal; --stop-after 0 asks on regardless.",
            )
        if self.statuses["failed"] == done:
            raise ServiceError(
                f"{self.label}: the first {done:,} requests all failed, so no more is asked: "
                f"{self._why}",
                remedy="Check --model and what is sent with the prompts.",
            )
