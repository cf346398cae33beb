"""A model as a value: formula, family and priors, from which Bambi builds the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinterp_stats.models.priors import Prior

if TYPE_CHECKING:
    import bambi
    import pandas as pd


@dataclass(frozen=True)
class ModelSpec:
    """Everything about a Bambi model but its data.

    Attributes
    ----------
    formula : str
    family : str
        A family of Bambi, with its default link.
    priors : tuple of (str, Prior)
        By term; ``"common"`` stands for all slopes, and the intercept's prior is that of the
        intercept of the mean-centred predictors, as in brms.
    """

    formula: str
    family: str
    priors: tuple[tuple[str, Prior], ...]

    @classmethod
    def of(cls, formula: str, family: str, priors: Mapping[str, Prior]) -> ModelSpec:
        """Make a specification from a mapping of priors."""
        return cls(formula, family, tuple(priors.items()))

    def build(self, data: pd.DataFrame) -> bambi.Model:
        """Build the Bambi model on a data frame.

        Parameters
        ----------
        data : pandas.DataFrame
            With the columns that the formula names.
        """
        import bambi
        import pandas as pd

        # Bambi makes text categorical by itself, but by a rule that pandas is about to change.
        text = [name for name in data if isinstance(data[name].dtype, pd.StringDtype)]
        model = bambi.Model(
            self.formula,
            data.astype(dict.fromkeys(text, "category")),
            family=self.family,
            priors={term: prior.to_bambi() for term, prior in self.priors},
            auto_scale=False,
        )
        model.build()
        return model

    def describe_priors(self) -> str:
        """The priors in one line, for tables and provenance."""
        return "; ".join(f"{term} ~ {prior}" for term, prior in self.priors)
