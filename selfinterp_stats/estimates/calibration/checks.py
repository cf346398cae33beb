"""All checks of the package's models, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.analysis import Steps
from selfinterp_stats.estimates.calibration.models import (
    Calibratable,
    Regression,
    shipped_models,
)
from selfinterp_stats.estimates.calibration.predictive import predictive_rows
from selfinterp_stats.estimates.calibration.ranks import (
    SLOPES,
    Ranks,
    simulated_ranks,
    with_scaled_prior,
)
from selfinterp_stats.estimates.calibration.recovery import (
    STUDIES,
    TRUTHS,
    recovery_rows,
    replicates,
)
from selfinterp_stats.estimates.calibration.regressions import Calibrated, papers_regressions
from selfinterp_stats.estimates.calibration.table import (
    SBC,
    Row,
    broken_row,
    coverage_rows,
    rank_rows,
    table_of,
)
from selfinterp_stats.estimates.provenance import provenance
from selfinterp_stats.estimates.results import Settings

if TYPE_CHECKING:
    from selfinterp_stats.study import Study

LEVEL: Final = 0.01
FEWEST_STUDIES: Final = 5
# Of each posterior; ranks take a hundred of them, intervals all.
DRAWS: Final = 2000
FACTORS: Final = (1.5, 1 / 1.5)


@dataclass
class Calibration:
    """What became of the checks.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per verdict, as in ``calibration.csv``.
    ranks : tuple of Ranks
        By model; the last ones are those of the deliberately broken model.
    settings : Settings
        Engine, draws and seed that were used.
    level : float
        Chance of a false alarm in each family of tests.
    simulations : int
        Datasets simulated per model.
    run : dict
        Provenance, as written to ``run.json``.
    """

    table: pd.DataFrame
    ranks: tuple[Ranks, ...]
    settings: Settings
    level: float
    simulations: int
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def failing(self) -> pd.DataFrame:
        """The rows of checks that did not pass."""
        return self.table[self.table["passes"] == "no"]


def calibrate(
    *,
    simulations: int = 1000,
    level: float = LEVEL,
    models: Sequence[Calibratable] | None = None,
    studies: int = STUDIES,
    study: Study | None = None,
    settings: Settings | None = None,
    steps: Steps | None = None,
) -> Calibration:
    """Check that fits recover what data were simulated from, and that models describe the data.

    Parameters
    ----------
    simulations : int
        Datasets simulated per model; of models of whole studies at most 100.
    level : float
        Chance that any of the uniformity tests, or of the coverage tests, of a package without
        fault raises an alarm; each family of tests is corrected by Holm's method.
    models : sequence of Calibratable, optional
        All that the package ships unless given.
    studies : int
        Studies simulated with each pair of known correlations; 0 leaves recovery out.
    study : Study, optional
        Real data for predictive checks, which are left out without it.
    settings : Settings, optional
        Engine, draws (2,000 unless given) and seed.
    steps : Steps, optional
        Where seconds and progress go.

    Returns
    -------
    Calibration
        A verdict on each test; nothing is raised where one fails.

    Raises
    ------
    InputError
        A level or number of simulations makes no sense, or a prior is improper.

    References
    ----------
    Talts, Betancourt, Simpson, Vehtari & Gelman (2018), arXiv:1804.06788; Modrák et al. (2023),
    doi:10.1214/23-BA1404.

    Examples
    --------
    A hundred simulations of one model, without the studies of known correlations:

    >>> from selfinterp_stats import calibrate
    >>> from selfinterp_stats.estimates.calibration.models import models_named
    >>> found = calibrate(simulations=100, models=models_named(["correlation"]), studies=0)
    >>> found.table["check"].unique().tolist()
    ['sbc', 'coverage', 'broken']
    """
    if not 0 < level < 1:
        raise InputError("a level cannot be this", value=level, allowed="between 0 and 1")
    if studies and studies < FEWEST_STUDIES:
        raise InputError(
            "so few studies show nothing",
            value=studies,
            allowed=f"0, or {FEWEST_STUDIES} and more",
        )
    settings, steps = settings or Settings(draws=DRAWS), steps or Steps()
    models = shipped_models() if models is None else tuple(models)
    found, rows = [], []
    for model in models:
        with steps.step(f"simulations: {model.name}", simulations) as progress:
            ranks = model.ranks(simulations, settings, progress)
        found.append(ranks)
        rows += [*rank_rows(ranks), *coverage_rows(ranks)]
    tests = sum(row["check"] == SBC for row in rows)
    for factor in FACTORS:
        ranks, row = _broken(
            _breakable(models), factor, simulations, level / tests, settings, steps
        )
        found.append(ranks)
        rows.append(row)
    for place, truths in enumerate(TRUTHS if studies else ()):
        known = " and ".join(f"{one:g}" for one in truths)
        with steps.step(f"studies with correlations of {known}", 1):
            made = replicates(truths, studies, settings.seed + place)
            rows += recovery_rows(made, settings)
    if study is not None:
        with steps.step("predictive checks", 1):
            rows += predictive_rows(study, settings)
    calibration = Calibration(table_of(rows, level), tuple(found), settings, level, simulations)
    calibration.run = _run(calibration, study, steps)
    return calibration


def _breakable(models: Sequence[Calibratable]) -> Calibrated:
    """The first regression that is calibrated, or else the first that is shipped."""
    regressions = [one.about for one in models if isinstance(one, Regression)]
    return (regressions or papers_regressions())[0]


def _broken(
    model: Calibrated,
    factor: float,
    simulations: int,
    level: float,
    settings: Settings,
    steps: Steps,
) -> tuple[Ranks, Row]:
    """Fit a model's simulations with slopes' priors of another scale."""
    spec = with_scaled_prior(model.spec, factor)
    with steps.step(f"a broken prior, x {factor:.3g}", simulations) as progress:
        ranks = simulated_ranks(
            model, simulations=simulations, settings=settings, fitted=spec, progress=progress
        )
    return ranks, broken_row(ranks, SLOPES, factor, level)


def _run(found: Calibration, study: Study | None, steps: Steps) -> dict[str, Any]:
    engines = {
        ranks.model.name: {
            str(k): int(v) for k, v in pd.Series(ranks.engines).value_counts().items()
        }
        for ranks in found.ranks
    }
    return {
        **provenance(),
        "settings": asdict(found.settings),
        "seed": found.settings.seed,
        "simulations": found.simulations,
        "level": found.level,
        "engines": engines,
        "data": None
        if study is None
        else {"is_paper": study.is_paper, "hashes": study.hashes, "read": study.counts_read},
        "tests": found.table["check"].value_counts().to_dict(),
        "failing": found.failing[["check", "model", "quantity", "statistic"]].to_dict("records"),
        "seconds": steps.seconds,
    }
