"""What `selfinterp sensitivity` says of its methods."""

from __future__ import annotations

import pandas as pd

from selfinterp_stats.estimates.exclusion import READINGS
from selfinterp_stats.estimates.sensitivity import Sensitivity
from selfinterp_stats.estimates.sensitivity.conclusions import CONTRAST, SHARE
from selfinterp_stats.reporting import methods as refit
from selfinterp_stats.reporting import priors_used, rounding, sentences
from selfinterp_stats.reporting.methods_section import MethodsSection


def methods(found: Sensitivity) -> MethodsSection:
    """Say how the conclusions under each specification were got."""
    weights = found.weights
    told = (refit.weights(weights), _specifications(found), refit.computation(weights))
    return MethodsSection.of(told, _priors(found))


def choices(found: Sensitivity) -> list[tuple[str, str]]:
    """What was tried, the paper's own first."""
    options = found.options
    readings = "; ".join(f"{name}: {words}" for name, words in READINGS.items())
    return [
        ("rows excluded (weights of ±100)", f"none; {readings}"),
        ("reports standardised", "per fold and explaining model; pooled over a condition"),
        ("a scenario’s reports", " or ".join(options.reports)),
        ("fewest valid reports", ", ".join(map(str, options.min_reports))),
        ("fitted weights", " or ".join(options.weights)),
        ("intercept in choice accuracy", " or ".join(options.intercept)),
        ("scenarios", "all, or those with valid reports in every report set"),
        ("one scenario left out", "none, or either of the two that matter most"),
    ]


def _specifications(found: Sensitivity) -> str:
    listed = ". ".join(f"{name[0].upper()}{name[1:]}: {words}" for name, words in choices(found))
    conclusions = sentences.counted(len(found.ranges), "conclusion")
    lacking = int(found.table["estimate"].isna().sum())
    without = f" {lacking:,} of these leave too few rows for an estimate." if lacking else ""
    return (
        f"Specifications. {conclusions} of the paper {sentences.were(len(found.ranges))} "
        "estimated under every combination of the choices that bear on "
        f"{'it' if len(found.ranges) == 1 else 'them'} [@steegen2016multiverse], "
        f"{sentences.counted(len(found.table), 'specification')} in all, and drawn as "
        f"specification curves [@simonsohn2020curve].{without} The choices, the paper’s own "
        f"first. {listed.replace('-100', f'{rounding.MINUS}100')}. Under the paper’s "
        "specification each scenario was left out in turn, in "
        f"{sentences.counted(len(found.left_out), 'estimate')}. "
        + sentences.of_conclusions(found.ranges["kind"], found.weights.settings.hdi_prob)
        + refit.odd_input(found.weights.study)
    )


def _priors(found: Sensitivity) -> pd.DataFrame:
    of_weights = priors_used.priors_used(found.weights)
    kind = found.ranges.set_index("id")["kind"]
    estimated = (one.loc[one["estimate"].notna(), "id"] for one in (found.table, found.left_out))
    kinds = pd.concat(list(estimated)).map(kind)
    effects = int((kinds == CONTRAST).sum())
    rows = priors_used.regressions_rows(
        int((kinds != SHARE).sum()) - effects,
        effects,
        several=len(found.weights.study.base_models) > 1,
    )
    return pd.concat([of_weights, priors_used.table_of(rows)], ignore_index=True)
