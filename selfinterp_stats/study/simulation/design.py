"""The design of a simulated study: how much of what, and how strong the true relations are.

Only parameters and their checks; nothing is drawn here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.simulation.mixing import ReportBehaviour
from selfinterp_stats.study.study import (
    INSTILLED,
    INTROSPECTION_TRAINED,
    NATIVE,
    OFF_THE_SHELF,
    REPORT_SETS,
    WEIGHT_TRAINED,
)

# Correlations near the paper's; spread and noise near those of the released reports.
REPORT_BEHAVIOUR: Final[dict[tuple[str, str], ReportBehaviour]] = {
    (INSTILLED, OFF_THE_SHELF): ReportBehaviour(0.05, spread=15, noise=15),
    (INSTILLED, WEIGHT_TRAINED): ReportBehaviour(0.52, spread=35, noise=35),
    (INSTILLED, INTROSPECTION_TRAINED): ReportBehaviour(0.74, spread=60, noise=35),
    (NATIVE, WEIGHT_TRAINED): ReportBehaviour(0.43, spread=35, noise=40),
    (NATIVE, INTROSPECTION_TRAINED): ReportBehaviour(0.70, spread=60, noise=35),
}

# A condition's share of invalid reports over a base model's overall share: nearly all of the
# paper's invalid reports came from models trained on choices alone. Their mean is 1.
INVALID_PROFILE: Final[dict[tuple[str, str], float]] = {
    (INSTILLED, OFF_THE_SHELF): 0.65,
    (INSTILLED, WEIGHT_TRAINED): 2.2,
    (INSTILLED, INTROSPECTION_TRAINED): 0.05,
    (NATIVE, WEIGHT_TRAINED): 2.1,
    (NATIVE, INTROSPECTION_TRAINED): 0.0,
}

InvalidShare = float | Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Design:
    """Parameters of a simulated study; the defaults give the paper's design and strengths.

    Attributes
    ----------
    seed : int
    base_models : tuple of str
    trained, native : int
        Scenarios whose weights are instilled, and scenarios that training never touches; 0 leaves
        the set out.
    trials_trained, trials_native : int
        Choices per scenario.
    reports : int
        Reports asked for per scenario and condition.
    attributes : int
    learned_target : float
        True correlation of learned (+-100 scale) with target weights. A little above the paper's
        .84 to .87, which are correlations of *estimated* weights.
    scale_trained, scale_native : float
        Median over scenarios of the largest absolute slope, logit scale. The defaults let about
        83% of trained choices go as the target prescribes and 85% of native choices as the
        fitted weights do.
    scale_sd : float
        Standard deviation over scenarios of the logarithm of that slope.
    position_bias : float
        Standard deviation over scenarios of the intercept, logit scale.
    behaviour : dict of (set, condition) to ReportBehaviour
    invalid_shares : tuple of float or dict
        One for each base model: the share over all its reports, spread over the conditions as
        in the paper, or a dict of (set, condition) to share.
    invalid_clustering : float
        Sum of the two parameters of the beta distribution from which each scenario draws its own
        share of invalid reports: near 0, a scenario loses all of its reports or none.
    """

    seed: int = 0
    base_models: tuple[str, ...] = ("model-a", "model-b")
    trained: int = 60
    native: int = 60
    trials_trained: int = 50
    trials_native: int = 100
    reports: int = 10
    attributes: int = 5
    learned_target: float = 0.89
    scale_trained: float = 10.0
    scale_native: float = 5.5
    scale_sd: float = 0.25
    position_bias: float = 0.4
    behaviour: Mapping[tuple[str, str], ReportBehaviour] = field(
        default_factory=lambda: dict(REPORT_BEHAVIOUR)
    )
    invalid_shares: tuple[InvalidShare, ...] = (0.01, 0.20)
    invalid_clustering: float = 0.6

    def __post_init__(self) -> None:
        _check_base_models(self.base_models)
        for name, least in (("seed", 0), ("trials_trained", 2), ("trials_native", 2)):
            _check_whole(name, getattr(self, name), least)
        _check_whole("reports", self.reports, 1)
        for name in ("trained", "native"):
            _check_whole(name, getattr(self, name), 0)
            if getattr(self, name) == 1:
                raise InputError(
                    f"a single scenario cannot make up a set, but `{name}` is 1",
                    value=1,
                    allowed="0 to leave the set out, or 2 and more",
                )
        if self.trained + self.native == 0:
            raise InputError(
                "the design has no scenario", allowed="2 and more trained or native scenarios"
            )
        _check_between("learned_target", self.learned_target, -1, 1)
        for key, behaviour in self.behaviour.items():
            _check_report_set(key, "a report correlation")
            _check_between(f"correlation of {' / '.join(key)}", behaviour.correlation, -1, 1)
            _check_between(f"spread of {' / '.join(key)}", behaviour.spread, 1, math.inf)
            _check_between(f"noise of {' / '.join(key)}", behaviour.noise, 0, math.inf)
        for name in ("scale_trained", "scale_native", "scale_sd", "position_bias"):
            _check_between(name, getattr(self, name), 0, math.inf)
        if not self.invalid_clustering > 0:
            raise InputError("`invalid_clustering` must be positive", value=self.invalid_clustering)
        self._check_invalid_shares()

    def _check_invalid_shares(self) -> None:
        if len(self.invalid_shares) != len(self.base_models):
            raise InputError(
                "there must be one share of invalid reports for each base model",
                value=self.invalid_shares,
                allowed=f"{len(self.base_models)} shares",
            )
        highest = 1 / max(INVALID_PROFILE.values())
        for share in self.invalid_shares:
            if isinstance(share, Mapping):
                for key, value in share.items():
                    _check_report_set(key, "a share of invalid reports")
                    _check_between(f"invalid share of {' / '.join(key)}", value, 0, 1)
            elif not 0 <= share <= highest:
                raise InputError(
                    "the overall share of invalid reports cannot be spread over the conditions",
                    value=share,
                    allowed=f"0 to {math.floor(highest * 100) / 100}",
                    remedy="For more, give the share of each (set, condition) as a dict.",
                )

    def scale(self, set_name: str) -> float:
        """Median of the largest absolute slope of a set, logit scale."""
        return self.scale_trained if set_name == INSTILLED else self.scale_native

    def report_sets(self) -> tuple[tuple[str, str], ...]:
        """The (set, condition) pairs that the design has."""
        sizes = {INSTILLED: self.trained, NATIVE: self.native}
        return tuple(key for key in REPORT_SETS if sizes[key[0]])

    def invalid_share(self, base_model: str, key: tuple[str, str]) -> float:
        """Expected share of invalid reports of a base model in one (set, condition)."""
        share = self.invalid_shares[self.base_models.index(base_model)]
        if isinstance(share, Mapping):
            return float(share.get(key, 0.0))
        return float(share) * INVALID_PROFILE[key]

    def as_json(self) -> dict[str, Any]:
        """The parameters, with text for keys, as they are written beside the study."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain["base_models"] = list(self.base_models)
        plain["behaviour"] = [
            {"set": key[0], "condition": key[1], **asdict(value)}
            for key, value in self.behaviour.items()
        ]
        plain["invalid_shares"] = [
            {
                "base_model": base_model,
                "set": key[0],
                "condition": key[1],
                "share": self.invalid_share(base_model, key),
            }
            for base_model in self.base_models
            for key in self.report_sets()
        ]
        return plain


def _check_base_models(names: tuple[str, ...]) -> None:
    if not names:
        raise InputError("there is no base model to simulate", allowed="at least one name")
    for name in names:
        if not isinstance(name, str) or not name.strip() or set(name) & set('/\\\0\n\r"'):
            raise InputError(
                "a base model's name cannot become part of a file name",
                value=name,
                allowed="text without slashes, quotes or line breaks",
            )
        if names.count(name) > 1:
            raise InputError("a base model is named twice", value=name, allowed="every name once")


def _check_whole(name: str, value: object, least: int) -> None:
    # Numpy integers are welcome, True is not.
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise InputError(
            f"`{name}` does not fit a study", value=value, allowed=f"a whole number from {least}"
        )


def _check_between(name: str, value: float, low: float, high: float) -> None:
    if not (low <= value <= high and math.isfinite(value)):
        allowed = f"{low} and more" if math.isinf(high) else f"{low} to {high}"
        raise InputError(f"`{name}` is impossible", value=value, allowed=allowed)


def _check_report_set(key: object, what: str) -> None:
    if key not in REPORT_SETS:
        raise InputError(
            f"{what} is given for something that is no (set, condition)",
            value=key,
            allowed="; ".join(" / ".join(known) for known in REPORT_SETS),
        )
