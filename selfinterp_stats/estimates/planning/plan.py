"""Which experiment to make next: a grid of designs, what each would find and what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.analysis import Steps
from selfinterp_stats.estimates.planning.design import Design
from selfinterp_stats.estimates.planning.found import beside, found_by
from selfinterp_stats.estimates.planning.own import own_designs
from selfinterp_stats.estimates.planning.predict import predict
from selfinterp_stats.estimates.provenance import provenance
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.weights import fit_weights

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

# Below this the Monte Carlo error of a prediction is too large a share of a correlation.
NEAR_ZERO: Final = 0.05
SIZES: Final = ("scenarios", "attributes", "trials", "reports")
ASSUMED: Final = ("correlation", "choice_noise", "report_noise", "report_spread")
COLUMNS: Final = (
    "assumed",
    *SIZES,
    *ASSUMED,
    "calls",
    "cost",
    "attenuated_r",
    "retained",
    "hdi_width",
    "p_excludes",
    "between_studies",
    "choice_accuracy",
    "reaches",
)


@dataclass(frozen=True)
class Wanted:
    """What a design is to reach, and what its calls cost.

    Attributes
    ----------
    width : float
        Expected width of the HDI, at most.
    probability : float
        That the HDI excludes the ROPE, at least.
    retained : float
        Share of the latent correlation that studies find, at least.
    rope : (float, float)
        Zero alone where both ends are 0.
    cost_per_choice, cost_per_report : float
        Of one call, in any currency; calls are counted unless given.

    Raises
    ------
    InputError
        A width, probability, share, ROPE or cost cannot be.
    """

    width: float = 0.15
    probability: float = 0.0
    retained: float = 0.0
    rope: tuple[float, float] = (0.0, 0.0)
    cost_per_choice: float = 1.0
    cost_per_report: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.width <= 2:
            raise InputError(
                "an HDI of a correlation cannot have this width",
                value=self.width,
                allowed="above 0, at most 2",
            )
        for name, words in (("probability", "probability"), ("retained", "share of a correlation")):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"a {words} cannot be this", value=getattr(self, name), allowed="0 to 1"
                )
        if not self.rope[0] <= self.rope[1]:
            raise InputError(
                "the region of practical equivalence is empty",
                value=self.rope,
                allowed="LOW HIGH with LOW not above HIGH",
            )
        for cost in (self.cost_per_choice, self.cost_per_report):
            if not 0 <= cost < float("inf"):
                raise InputError("a call cannot cost this", value=cost, allowed="0 and more")


@dataclass
class Plan:
    """What designs would find and cost.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per design, as in ``plan.csv``. ``assumed`` names what was assumed of the
        participants; ``attenuated_r`` is the correlation that studies find on average, ``retained``
        its share of the latent one (missing where that is near zero), ``p_excludes`` the
        probability that the HDI excludes the ROPE.
    cheapest : pandas.DataFrame
        The row of the cheapest design that reaches what is wanted, for each of what is assumed;
        sizes missing where none of the grid does.
    own : pandas.DataFrame
        A study's own design, predicted and found; empty without a study.
    wanted : Wanted
        What designs were to reach.
    settings : Settings
        Seed and probability of HDIs that were used.
    run : dict
        Provenance, as written to ``run.json``.
    """

    table: pd.DataFrame
    cheapest: pd.DataFrame
    own: pd.DataFrame
    wanted: Wanted
    settings: Settings
    run: dict[str, Any] = field(default_factory=dict)


def grid(**values: Sequence[float]) -> list[Design]:
    """All combinations of values; what is not given has `Design`'s own.

    Parameters
    ----------
    **values : sequence of float
        By attribute of `Design`.

    Returns
    -------
    list of Design
        The last value varies fastest.

    Raises
    ------
    InputError
        A design cannot be.

    Examples
    --------
    >>> from selfinterp_stats.estimates.planning import grid
    >>> [(one.scenarios, one.reports) for one in grid(scenarios=[50, 100], reports=[5])]
    [(50, 5), (100, 5)]
    """
    names = list(values)
    return [
        Design(**dict(zip(names, one, strict=True)))  # type: ignore[arg-type] # named by fields
        for one in product(*values.values())
    ]


def compare_designs(
    designs: Sequence[Design],
    wanted: Wanted | None = None,
    *,
    study: Study | None = None,
    settings: Settings | None = None,
    steps: Steps | None = None,
) -> Plan:
    """Predict what each of many designs finds, what it costs, and which is the cheapest.

    Parameters
    ----------
    designs : sequence of Design
        For instance all combinations of some values; see `grid`.
    wanted : Wanted, optional
        What a design is to reach; an HDI no wider than .15 unless given.
    study : Study, optional
        A study to learn from: its noise and latent correlations, report set by report set, take the
        place of the designs' own, and what is predicted of its own design is set beside what its
        data give.
    settings : Settings, optional
        Seed and probability of HDIs; engine and draws for the study's weights.
    steps : Steps, optional
        Where seconds and progress go.

    Returns
    -------
    Plan
        What each design finds on average, and the cheapest that is good enough.

    Raises
    ------
    InputError
        There is no design, or the study cannot be planned from.

    References
    ----------
    Kruschke & Liddell (2018), doi:10.3758/s13423-016-1221-4 (planning by the width of HDIs and by
    the ROPE).
    Spearman (1904), Am. J. Psychol. 15 (attenuation, by which a pilot study's latent correlation
    is found).

    Examples
    --------
    >>> from selfinterp_stats import compare_designs
    >>> from selfinterp_stats.estimates.planning import Wanted, grid
    >>> plan = compare_designs(grid(scenarios=[20, 80], trials=[30]), Wanted(width=0.2))
    >>> plan.table[["scenarios", "calls", "reaches"]].to_numpy().tolist()
    [[20, 800, 'no'], [80, 3200, 'yes']]
    >>> plan.cheapest["scenarios"].tolist()
    [80]
    """
    wanted, settings, steps = wanted or Wanted(), settings or Settings(), steps or Steps()
    if not designs:
        raise InputError("there is no design to plan with")
    own, fitted = pd.DataFrame(), dict[str, Any]()
    assumed = [("as given", design) for design in designs]
    if study is not None:
        with steps.step("the study's own design", 1):
            owns = own_designs(study, settings.seed)
        with steps.step("weights", study.choices["scenario"].nunique()):
            weights = fit_weights(study, settings=settings)
        fitted = _fitted(weights.diagnostics)
        found = found_by(study, weights, settings.hdi_prob)
        own = beside(owns, found, seed=settings.seed, hdi_prob=settings.hdi_prob)
        sizes = dict.fromkeys(tuple(getattr(one, name) for name in SIZES) for one in designs)
        assumed = [
            (
                f"{one.base_model} / {one.set} / {one.condition}",
                replace(one.design, **dict(zip(SIZES, size, strict=True))),
            )
            for one in owns
            for size in sizes
        ]
    with steps.step("designs", len(assumed)) as progress:
        rows = []
        for label, design in assumed:
            rows.append(_row(label, design, wanted, settings))
            if progress is not None:
                progress(1)
    table = pd.DataFrame(rows)[list(COLUMNS)]
    result = Plan(table, _cheapest(table), own, wanted, settings)
    result.run = {
        **provenance(),
        "settings": asdict(settings),
        "seed": settings.seed,
        "wanted": asdict(wanted),
        "designs": len(table),
        **fitted,
        "data": None
        if study is None
        else {"is_paper": study.is_paper, "hashes": study.hashes, "read": study.counts_read},
        "seconds": steps.seconds,
    }
    return result


def _fitted(fits: pd.DataFrame) -> dict[str, Any]:
    """Engines and worst figures of the study's weights, as in ``run.json``."""
    return {
        "engines": {str(name): int(n) for name, n in fits["engine"].value_counts().items()},
        "diagnostics": {
            "fits": len(fits),
            "failing": int((~fits["ok"]).sum()),
            "rhat": float(fits["rhat"].max()),
            "ess_bulk": float(fits["ess_bulk"].min()),
            "ess_tail": float(fits["ess_tail"].min()),
        },
    }


def _row(label: str, design: Design, wanted: Wanted, settings: Settings) -> dict[str, Any]:
    prediction = predict(design, seed=settings.seed, hdi_prob=settings.hdi_prob, rope=wanted.rope)
    near_zero = abs(design.correlation) < NEAR_ZERO
    retained = math.nan if near_zero else prediction.attenuated / design.correlation
    reaches = (
        prediction.hdi_width <= wanted.width
        and prediction.excludes >= wanted.probability
        and (retained >= wanted.retained or not wanted.retained)
    )
    return {
        "assumed": label,
        **vars(design),
        "calls": design.calls,
        "cost": design.cost(wanted.cost_per_choice, wanted.cost_per_report),
        "attenuated_r": prediction.attenuated,
        "retained": retained,
        "hdi_width": prediction.hdi_width,
        "p_excludes": prediction.excludes,
        "between_studies": prediction.between,
        "choice_accuracy": prediction.choice_accuracy,
        "reaches": "yes" if reaches else "no",
    }


def _cheapest(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["assumed", "attributes", *ASSUMED]
    every = table[keys].drop_duplicates()
    # Of designs that cost the same the one with the narrowest HDI comes first.
    good = table[table["reaches"] == "yes"].sort_values(["cost", "hdi_width"], kind="stable")
    return every.merge(good.drop_duplicates(keys), on=keys, how="left")[list(COLUMNS)]
