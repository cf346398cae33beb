"""Named sets of priors for the weights behind the choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from selfinterp_stats.models.families import is_proper
from selfinterp_stats.models.priors import Prior
from selfinterp_stats.models.weights import WEIGHT_PRIORS

Structure = Literal["fixed", "scaled", "horseshoe", "hierarchical"]
INTERCEPT: Final = WEIGHT_PRIORS["Intercept"]
PAPER: Final = "paper"


@dataclass(frozen=True)
class PriorSet:
    """Priors of one scenario's intercept and slopes.

    Attributes
    ----------
    name : str
    priors : tuple of (str, Prior)
        In Bambi's terms: ``"common"`` for all slopes, ``"d1"``, ``"d2"``, ... for one of them,
        ``"Intercept"`` for the intercept of the mean-centred predictors. The slopes' are not
        there where `structure` gives them.
    structure : {"fixed", "scaled", "horseshoe", "hierarchical"}
        The numbers as they stand; Bambi's automatic ones, by each scenario's predictors; a
        regularised horseshoe; or a normal whose width all scenarios of a base model and set share.
    words : str
        The same for readers.
    """

    name: str
    priors: tuple[tuple[str, Prior], ...]
    structure: Structure = "fixed"
    words: str = ""

    @classmethod
    def of(cls, name: str, priors: Mapping[str, Prior]) -> PriorSet:
        """A set of given priors; the paper's stand in for what is not named."""
        whole = {**WEIGHT_PRIORS, **priors}
        words = "; ".join(f"{term} ~ {prior}" for term, prior in whole.items())
        return cls(name, tuple(whole.items()), words=words)

    def of_term(self, term: str) -> Prior:
        """The prior of one term."""
        named = dict(self.priors)
        return named.get(term, named["common"]) if term != "Intercept" else named["Intercept"]

    def proper(self, terms: tuple[str, ...]) -> bool:
        """Whether all of these terms' priors can be drawn from."""
        return self.structure != "fixed" or all(is_proper(self.of_term(term)) for term in terms)


def _normal(sigma: float) -> dict[str, Prior]:
    return {"common": Prior.of("Normal", mu=0, sigma=sigma)}


def _structured(name: str, structure: Structure, slopes: str) -> PriorSet:
    words = f"{slopes}; Intercept ~ {INTERCEPT}"
    return PriorSet(name, (("Intercept", INTERCEPT),), structure, words)


# The widths of the regularised horseshoe are the defaults of brms' `horseshoe()`.
HORSESHOE_GLOBAL: Final = 1.0
SLAB_SCALE: Final = 2.0
SLAB_FREEDOM: Final = 4.0
# Half-Student-t on the width that scenarios share: brms' default for such a parameter.
WIDTH_FREEDOM: Final = 3.0
WIDTH_SCALE: Final = 2.5
# Bambi's automatic priors of a model with a logit link (its `PriorScaler`): a slope's width is this
# over the standard deviation (n) of its predictor; the intercept's is not scaled.
BAMBI_SLOPE: Final = 1.0
BAMBI_INTERCEPT: Final = 1.5

PRIOR_SETS: Final = {
    one.name: one
    for one in (
        PriorSet.of(PAPER, {}),
        PriorSet.of("normal_0.5", _normal(0.5)),
        PriorSet.of("normal_2", _normal(2)),
        PriorSet.of("normal_5", _normal(5)),
        PriorSet.of("student_t", {"common": Prior.of("StudentT", nu=7, mu=0, sigma=2.5)}),
        PriorSet.of("logistic", {"common": Prior.of("Logistic", mu=0, s=1)}),
        PriorSet.of("flat", {"common": Prior.of("Flat")}),
        _structured(
            "horseshoe",
            "horseshoe",
            f"common ~ regularised horseshoe (global scale {HORSESHOE_GLOBAL:g}, slab "
            f"StudentT(nu={SLAB_FREEDOM:g}, sigma={SLAB_SCALE:g}))",
        ),
        _structured(
            "hierarchical",
            "hierarchical",
            "common ~ Normal(mu=0, sigma=width), width ~ "
            f"HalfStudentT(nu={WIDTH_FREEDOM:g}, sigma={WIDTH_SCALE:g}) shared by all scenarios "
            "of a base model and set",
        ),
        PriorSet(
            "bambi",
            (("Intercept", Prior.of("Normal", mu=0, sigma=BAMBI_INTERCEPT)),),
            "scaled",
            f"Bambi’s defaults: common ~ Normal(mu=0, sigma={BAMBI_SLOPE:g} / sd of the "
            f"predictor); Intercept ~ Normal(mu=0, sigma={BAMBI_INTERCEPT:g})",
        ),
    )
}
