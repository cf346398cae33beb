"""What `selfinterp calibrate` says of its methods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from selfinterp_stats.estimates.calibration import Calibration
from selfinterp_stats.estimates.calibration.checks import FACTORS
from selfinterp_stats.estimates.calibration.joint import MOST, CalibratedJoint
from selfinterp_stats.estimates.calibration.prior_sets import CalibratedSet
from selfinterp_stats.estimates.calibration.ranks import KINDS, PROBS, Ranks
from selfinterp_stats.estimates.calibration.recovery import TRUTHS
from selfinterp_stats.estimates.calibration.regressions import ATTRIBUTES, Calibrated
from selfinterp_stats.estimates.calibration.table import (
    BROKEN,
    COVERAGE,
    LOO_PIT,
    PREDICTIVE,
    RECOVERY,
    SBC,
)
from selfinterp_stats.estimates.calibration.uniformity import COMPONENTS
from selfinterp_stats.models import weights_model
from selfinterp_stats.reporting import cells, priors_used, rounding, sentences
from selfinterp_stats.reporting.methods_section import PRIORS_TABLE, MethodsSection
from selfinterp_stats.reporting.propagation.methods import joint_rows

_INTERVALS: Final = {"hdi": "highest-density", "eti": "equal-tailed intervals"}


def methods(found: Calibration) -> MethodsSection:
    """Say which checks were made, and how."""
    told = (_simulations(found), _recovery(found), _data(found), _computation(found))
    return MethodsSection.of(told, priors_used.table_of(_rows(found)))


def _whole(found: Calibration) -> tuple[Ranks, ...]:
    """Ranks of the models as they are; those of the broken one come last."""
    return found.ranks[: len(found.ranks) - len(FACTORS)]


def _simulations(found: Calibration) -> str:
    ranks, table = _whole(found), found.table
    sizes = sorted({int(n) for n in table.loc[table["check"] == SBC, "n"]})
    numbers = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    joint = any(isinstance(one.model, CalibratedJoint) for one in ranks)
    studies = f" (of models of whole studies at most {MOST})" if joint else ""
    broken = table[table["check"] == BROKEN]
    factors = " and ".join(f"{factor:.3g}" for factor in FACTORS)
    kinds = " and ".join(_INTERVALS[kind] for kind in KINDS)
    probs = ", ".join(map(rounding.percent, PROBS))
    tests = sentences.counted(int((table["check"] == SBC).sum()), "test")
    return (
        f"Simulations. Parameters of {sentences.counted(len(ranks), 'model')} were drawn from "
        f"their priors ({PRIORS_TABLE}) and data from the parameters, {numbers} times each{studies}"
        "; parameters and log-likelihoods were ranked among "
        f"{' or '.join(map(str, sorted({one.draws for one in ranks})))} draws of their posteriors "
        "[@talts2018calibration; @modrak2025quantities]. Ranks were tested for uniformity by "
        f"Neyman’s smooth test with {COMPONENTS} components [@neyman1937smooth], for the ranks of "
        "several quantities of a simulation in the form of Hotelling’s T² [@hotelling1931ratio], "
        f"in {tests}, and drawn against a simultaneous band [@sailynoja2022uniformity]. "
        f"{int((table['check'] == COVERAGE).sum()):,} checks compare how often {kinds} of "
        f"{probs} hold the truth. P-values were adjusted within "
        "each kind of check by Holm’s method [@holm1979procedure], at a level of "
        f"{rounding.percent(found.level)}. To see whether a mistake is found out, "
        f"simulations of the model “{broken['model'].iloc[0]}” were fitted with the scale of its "
        f"slopes’ prior multiplied by {factors}."
    )


def _recovery(found: Calibration) -> str:
    rows = found.table[found.table["check"] == RECOVERY]
    if rows.empty:
        return ""
    numbers = [
        f"{cells.spaced(str(name))} {' or '.join(f'{n:,}' for n in sorted(set(of['n'])))}"
        for name, of in rows.groupby("model", sort=False)
    ]
    truths = ", ".join(f"{one:g}" for pair in TRUTHS for one in pair)
    return (
        f"Known correlations. Studies with latent correlations of {truths} were simulated, written "
        f"to a folder, read back and analysed by each estimator (studies of each: "
        f"{'; '.join(numbers)}). Intervals of shares are Wilson’s."
    )


def _data(found: Calibration) -> str:
    checks = set(found.table["check"])
    if PREDICTIVE not in checks:
        return ""
    pit = (
        " Every observation was compared with what the others predict of it (LOO-PIT), by "
        "Pareto-smoothed importance sampling [@vehtari2017loo], and the transforms tested for "
        "uniformity as ranks are."
        if LOO_PIT in checks
        else ""
    )
    return (
        f"Data. The models of the paper [@{sentences.PAPER}] were fitted to a study, and "
        f"statistics of its data compared with those of replicates from the posterior.{pit}"
    )


def _computation(found: Calibration) -> str:
    engines = Counter(str(engine) for ranks in found.ranks for engine in ranks.engines)
    lost = sum(ranks.lost for ranks in found.ranks)
    left_out = f"{lost:,} simulations that no engine could fit are left out." if lost else ""
    told = (
        "Computation.",
        sentences.software(found.run, compiled=set(engines) != {"bambi"}),
        sentences.sampled(engines, found.settings.engine),
        sentences.drawn({"posterior": found.settings.draws}, found.settings.seed),
        left_out,
        sentences.package(found.run),
    )
    return " ".join(filter(None, told))


def _rows(found: Calibration) -> Iterator[priors_used.Row]:
    for ranks in _whole(found):
        model, fits = ranks.model, len(ranks.ranks)
        if isinstance(model, Calibrated):
            spec, written = model.spec, model.spec.describe_priors()
            yield from priors_used.rows_of(model.name, spec.formula, spec.family, written, fits)
        elif isinstance(model, CalibratedSet):
            spec = weights_model(ATTRIBUTES)
            written = model.prior_set.words.removeprefix("Bambi’s defaults: ")
            yield from priors_used.rows_of(model.name, spec.formula, spec.family, written, fits)
        elif isinstance(model, CalibratedJoint):
            yield from joint_rows(
                model.name,
                fits,
                reports=bool(model.design.conditions),
                slopes=model.design.log_tau is not None,
            )
