"""How the estimates are called: experiments and ids.

An id is a stem that says what the number is, and the base model it is about. For the paper's
data a base model has the short name of the published table, elsewhere its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from selfinterp_stats.models.regressions import REPORTS
from selfinterp_stats.study.study import (
    INSTILLED,
    INTROSPECTION_TRAINED,
    NATIVE,
    OFF_THE_SHELF,
    WEIGHT_TRAINED,
    Study,
)

PAPER_NAMES: Final = {"gpt-4o-2024-08-06": "4o", "gpt-4o-mini-2024-07-18": "mini"}
EXPERIMENTS: Final = {
    (INSTILLED, OFF_THE_SHELF): "Experiment 1",
    (INSTILLED, WEIGHT_TRAINED): "Experiment 1",
    (INSTILLED, INTROSPECTION_TRAINED): "Experiment 2",
    (NATIVE, WEIGHT_TRAINED): "Experiment 3",
    (NATIVE, INTROSPECTION_TRAINED): "Experiment 3",
}
# Slopes that the paper prints as its correlations carry the paper's ids; for native weights the
# paper prints Pearson's r, so the slope needs an id of its own.
SLOPES: Final = {
    (INSTILLED, OFF_THE_SHELF): "e1_offshelf_r",
    (INSTILLED, WEIGHT_TRAINED): "e1_report_r",
    (INSTILLED, INTROSPECTION_TRAINED): "e2_report_r",
    (NATIVE, WEIGHT_TRAINED): "slope_e3_native_before",
    (NATIVE, INTROSPECTION_TRAINED): "slope_e3_native_after",
}
TRAINING_EFFECTS: Final = {INSTILLED: "e2_training_effect", NATIVE: "e3_training_effect"}


@dataclass(frozen=True)
class Names:
    """Writes ids.

    Attributes
    ----------
    short : mapping of str to str
        Short names of base models; a base model without one goes by its own.
    """

    short: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study) -> Names:
        """The paper's names for the paper's files, base models' own names elsewhere."""
        return cls(PAPER_NAMES if study.is_paper else {})

    def of_base_model(self, base_model: str) -> str:
        """What stands for a base model at the end of an id."""
        return self.short.get(base_model, base_model)

    def experiment(self, set_: str, condition: str) -> str:
        """The experiment of the paper that collected such reports."""
        return EXPERIMENTS[set_, condition]

    def regression_id(self, set_: str, condition: str, base_model: str, term: str) -> str:
        """The id of one term of a report set's regression."""
        name = f"{SLOPES[set_, condition]}_{self.of_base_model(base_model)}"
        return name if term == REPORTS else f"{term.lower()}_of_{name}"

    def training_effect(self, set_: str) -> str:
        """The id of the training-effect contrast on one set of scenarios."""
        return TRAINING_EFFECTS[set_]

    def together(self, base_models: Sequence[str]) -> str:
        """What stands in the base-model column of a number about all of them."""
        if len(base_models) == 1:
            return base_models[0]
        return "both" if len(base_models) == 2 else "all"
