"""The choices of an analysis that could have been made otherwise, and all their combinations.

Knows what can be chosen; what a choice does to the numbers is the business of `arrays`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from selfinterp_stats.errors import InputError

NOBODY: Final = ""  # no scenario is left out


@dataclass(frozen=True)
class Specification:
    """One way to do the analysis; unless given, the paper's.

    Attributes
    ----------
    exclusion : str
        Rows left out after standardising, by a reading of Appendix D (`exclusion.READINGS`);
        or ``"none"``.
    standardising : {"per fold", "pooled"}
        Reports within one explaining model and fold, or over all of a condition.
    reports : {"mean", "median"}
        Of a scenario's valid reports, per attribute.
    min_reports : int
        Scenarios with fewer valid reports are left out before standardising.
    weights : {"rounded", "unrounded"}
        Fitted weights on the +-100 scale.
    intercept : {"without", "with"}
        Whether choices are predicted with the fitted intercept.
    scenarios : {"all", "complete"}
        All, or only those with valid reports (at least `min_reports`) in every report set that
        the study holds on this base model's scenarios.
    left_out : str
        A scenario that is left out of everything; empty for none.
    """

    exclusion: str = "none"
    standardising: str = "per fold"
    reports: str = "mean"
    min_reports: int = 1
    weights: str = "rounded"
    intercept: str = "without"
    scenarios: str = "all"
    left_out: str = NOBODY


PAPER: Final = Specification()
COLUMNS: Final = tuple(Specification.__dataclass_fields__)


@dataclass(frozen=True)
class Options:
    """What each choice may be, the paper's own first; see `Specification`."""

    min_reports: tuple[int, ...] = (1,)
    exclusion: tuple[str, ...] = ("none", "reported", "both", "fitted", "either")
    standardising: tuple[str, ...] = ("per fold", "pooled")
    reports: tuple[str, ...] = ("mean", "median")
    weights: tuple[str, ...] = ("rounded", "unrounded")
    intercept: tuple[str, ...] = ("without", "with")
    scenarios: tuple[str, ...] = ("all", "complete")

    def only(self, varied: Sequence[str]) -> Options:
        """The same with all other choices held at the paper's."""
        held = {name: (getattr(PAPER, name),) for name in COLUMNS[:-1] if name not in varied}
        return replace(self, **held)

    def combinations(self) -> Iterator[Specification]:
        """Every combination, the paper's own first, with no scenario left out."""
        names = COLUMNS[:-1]
        for chosen in product(*(getattr(self, name) for name in names)):
            yield Specification(**dict(zip(names, chosen, strict=True)))


def fewest_reports(most: int, asked: Sequence[int] | None) -> tuple[int, ...]:
    """Minimum numbers of valid reports that are tried: one, half of the most, and the most.

    Parameters
    ----------
    most : int
        The most valid reports that any scenario has.
    asked : sequence of int, optional
        Numbers to try instead; one, the paper's, is always among them.

    Raises
    ------
    InputError
        A number is below one, or no scenario has so many reports.
    """
    if asked is None:
        return tuple(sorted({1, (most + 1) // 2, most} - {0}))
    for number in asked:
        if number < 1 or number > most:
            raise InputError(
                "no scenario can be chosen by this minimum number of valid reports",
                value=number,
                allowed=f"1 to {most}, the most valid reports that a scenario of the study has"
                if most
                else "none; the study holds no reports",
            )
    return tuple(sorted({1, *asked}))
