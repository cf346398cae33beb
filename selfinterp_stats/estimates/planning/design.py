"""The design of an experiment that is yet to be made, and what is assumed of those who take part.

Only parameters and their checks; nothing is drawn here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from selfinterp_stats.errors import InputError


@dataclass(frozen=True)
class Design:
    """One report set of one base model.

    Attributes
    ----------
    scenarios : int
        In the report set.
    attributes : int
        Per scenario.
    trials : int
        Choices per scenario.
    reports : int
        Valid reports per scenario.
    correlation : float
        Of the true weights (the largest of a scenario being +-100) with expected reports: what
        endless choices and reports would show.
    choice_noise : float
        Scale of the logistic noise in choices, where a scenario's largest weight is 1 and options
        differ by shares of an attribute's range. Over 1, this is the scenario's largest slope on
        the logit scale: .1 stands for slopes of up to 10.
    report_noise : float
        Standard deviation of one report around its expectation, in points of the +-100 scale,
        before it is held within +-100.
    report_spread : float
        Standard deviation of expected reports over attributes and scenarios, likewise.

    Raises
    ------
    InputError
        A number is outside what a design can have.
    """

    scenarios: int = 100
    attributes: int = 5
    trials: int = 50
    reports: int = 10
    correlation: float = 0.8
    choice_noise: float = 0.1
    report_noise: float = 35.0
    report_spread: float = 60.0

    def __post_init__(self) -> None:
        for name, least in (("scenarios", 2), ("attributes", 2), ("trials", 1), ("reports", 1)):
            _check_whole(name, getattr(self, name), least)
        if self.scenarios * self.attributes < 4:
            raise InputError("so few weights have no correlation", value=self.scenarios)
        _check_between("correlation", self.correlation, -1, 1)
        _check_between("choice noise", self.choice_noise, 0.005, 100)
        _check_between("report noise", self.report_noise, 0, 1000)
        _check_between("report spread", self.report_spread, 1, 1000)

    @property
    def calls(self) -> int:
        """Calls of the service: one for each choice and each report."""
        return self.scenarios * (self.trials + self.reports)

    def cost(self, per_choice: float, per_report: float) -> float:
        """What the calls cost, in the currency of the prices.

        Parameters
        ----------
        per_choice, per_report : float
            Price of one call.

        Returns
        -------
        float
            Of all scenarios together.
        """
        return self.scenarios * (self.trials * per_choice + self.reports * per_report)


def _check_whole(name: str, value: object, least: int) -> None:
    # Numpy integers are welcome, True is not.
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise InputError(
            f"a design cannot have this number of {name}",
            value=value,
            allowed=f"a whole number from {least}",
        )


def _check_between(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError(
            f"a design cannot have this {name}", value=value, allowed=f"{low:g} to {high:g}"
        )
