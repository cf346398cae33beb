"""A model as a value: formula, family and priors, from which Bambi builds the model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

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
        Besides Bambi's and formulae's own functions it may use NumPy's, as ``np.log(x)``.
    family : str
        A family of Bambi.
    priors : tuple of (str, Prior)
        By term; ``"common"`` stands for all slopes, and the intercept's prior is that of the
        intercept of the mean-centred predictors, as in brms.
    link : str or None
        Of the parameter that the formula describes; the family's usual one unless given.
    """

    formula: str
    family: str
    priors: tuple[tuple[str, Prior], ...]
    link: str | None = None

    @classmethod
    def of(cls, formula: str, family: str, priors: Mapping[str, Prior]) -> ModelSpec:
        """Make a specification from a mapping of priors."""
        return cls(formula, family, tuple(priors.items()))

    def with_priors(self, priors: Mapping[str, Prior]) -> ModelSpec:
        """The same model with other priors."""
        return replace(self, priors=tuple(priors.items()))

    def build(self, data: pd.DataFrame) -> bambi.Model:
        """Build the Bambi model on a data frame, down to PyMC's model."""
        model = self.read(data)
        model.build()
        return model

    def read(self, data: pd.DataFrame) -> bambi.Model:
        """Read a data frame by the formula, without PyMC's model.

        Parameters
        ----------
        data : pandas.DataFrame
            With the columns that the formula names.
        """
        import bambi
        import pandas as pd

        # Bambi makes text categorical by itself, but by a rule that pandas is about to change.
        text = [name for name in data if isinstance(data[name].dtype, pd.StringDtype)]
        with warnings.catch_warnings():
            # Bambi 0.21 warns of what 0.17 passes over. brms' defaults bring a prior of the
            # intercept, and a formula may have none; any other name that fits no term is refused
            # before a fit, with the names that do.
            warnings.filterwarnings("ignore", r"Unused name\(s\) in `priors`")
            return bambi.Model(
                self.formula,
                data.astype(dict.fromkeys(text, "category")),
                family=self.family,
                link=self.link,
                priors={term: prior.to_bambi() for term, prior in self.priors},
                auto_scale=False,
                extra_namespace={"np": np},
            )

    def describe_priors(self) -> str:
        """The priors in one line, for tables and provenance."""
        return "; ".join(f"{term} ~ {prior}" for term, prior in self.priors)
