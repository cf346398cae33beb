"""The paper's conclusions, and what each of them is under many specifications.

A conclusion is a number of the paper that says something about models: a correlation, what
training changes, a share of choices. Counts of invalid answers and Appendix D's largest change
are none: no choice here bears on the former, and the latter is itself a comparison of choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.numbers import QUANTITIES
from selfinterp_stats.estimates.regressions import TRAINING
from selfinterp_stats.estimates.sensitivity import shares
from selfinterp_stats.estimates.sensitivity.arrays import (
    ReportSet,
    Sums,
    Weighed,
    reports_with,
    targets_with_fitted,
)
from selfinterp_stats.estimates.sensitivity.regression import (
    Regressions,
    contrast_hdi,
    correlation_hdi,
)
from selfinterp_stats.estimates.sensitivity.specifications import (
    NOBODY,
    PAPER,
    Options,
    Specification,
)
from selfinterp_stats.study.study import (
    INSTILLED,
    INTROSPECTION_TRAINED,
    NATIVE,
    OFF_THE_SHELF,
    WEIGHT_TRAINED,
)

SLOPE: Final = "slope"
CONTRAST: Final = "contrast"
PEARSON: Final = "Pearson r"
SHARE: Final = "share"
# What an estimate is held against: no correlation, or choices at random.
REFERENCES: Final = {SLOPE: 0.0, CONTRAST: 0.0, PEARSON: 0.0, SHARE: 0.5}

# Stem, kind, set, condition (none where reports play no part), weights that are set against.
_OF_ONE: Final = (
    ("e1_learned_target_r", PEARSON, INSTILLED, "", "target"),
    ("e1_target_agreement", SHARE, INSTILLED, "", "target"),
    ("e1_report_r", SLOPE, INSTILLED, WEIGHT_TRAINED, "fitted"),
    ("e1_offshelf_r", SLOPE, INSTILLED, OFF_THE_SHELF, "fitted"),
    ("e2_report_r", SLOPE, INSTILLED, INTROSPECTION_TRAINED, "fitted"),
    ("e3_native_r_before", PEARSON, NATIVE, WEIGHT_TRAINED, "fitted"),
    ("e3_native_r_after", PEARSON, NATIVE, INTROSPECTION_TRAINED, "fitted"),
    ("e3_choice_accuracy", SHARE, NATIVE, "", "fitted"),
    ("d_e1_report_target_r", PEARSON, INSTILLED, WEIGHT_TRAINED, "target"),
    ("d_e2_report_target_r", PEARSON, INSTILLED, INTROSPECTION_TRAINED, "target"),
)
_TRAINING: Final = (("e2_training_effect", INSTILLED), ("e3_training_effect", NATIVE))


@dataclass(frozen=True)
class Conclusion:
    """One number of the paper.

    Attributes
    ----------
    id, stem, kind : str
    base_model : str
        As in the table of the paper's numbers.
    weighed : tuple of Weighed
        The base models that it is made of.
    conditions : tuple of str
        Of the reports that it needs; for a training effect before and after.
    against : {"fitted", "target"}
    """

    id: str
    stem: str
    kind: str
    base_model: str
    weighed: tuple[Weighed, ...]
    conditions: tuple[str, ...]
    against: str

    @property
    def scenarios(self) -> list[str]:
        """Every scenario that it is made of."""
        return sorted({str(name) for one in self.weighed for name in one.scenarios})

    def options(self, every: Options) -> Options:
        """Those of the choices that bear on it."""
        if not self.conditions:
            if self.kind == PEARSON:
                few = every.only(("exclusion", "weights", "scenarios"))
                return Options(**{**vars(few), "exclusion": ("none", "fitted")})
            fitted = ("weights", "intercept") if self.against == "fitted" else ()
            return every.only((*fitted, "scenarios"))
        varied = ["exclusion", "reports", "min_reports", "scenarios"]
        if self.against == "fitted":
            varied.append("weights")
        if any(len(set(r.groups)) > 1 for one in self.weighed for r in self._reports(one)):
            varied.append("standardising")
        return every.only(varied)

    def _reports(self, weighed: Weighed) -> list[ReportSet]:
        return [weighed.reports[condition] for condition in self.conditions]


def conclusions_of(weighed: Mapping[tuple[str, str], Weighed], names: Names) -> list[Conclusion]:
    """Conclusions that a study has data for, in the paper's order."""
    found = []
    for stem, kind, set_, condition, against in _OF_ONE:
        for (base_model, own_set), one in weighed.items():
            if own_set != set_ or (condition and not _comparable(one, condition)):
                continue
            if against == "target" and np.isnan(one.targets).all():
                continue
            conditions = (condition,) if condition else ()
            name = f"{stem}_{names.of_base_model(base_model)}"
            found.append(Conclusion(name, stem, kind, base_model, (one,), conditions, against))
    for stem, set_ in _TRAINING:
        both = tuple(
            one
            for (_, own_set), one in weighed.items()
            if own_set == set_ and all(_comparable(one, name) for name in TRAINING)
        )
        if both:
            everyone = names.together([one.base_model for one in both])
            found.append(
                Conclusion(stem, stem, CONTRAST, everyone, both, tuple(TRAINING), "fitted")
            )
    order = list(QUANTITIES)
    return sorted(found, key=lambda one: order.index(one.stem))


def _comparable(weighed: Weighed, condition: str) -> bool:
    """Whether the paper's specification has enough reports that vary, as `agreement_of` asks."""
    if condition not in weighed.reports:
        return False
    nobody = np.array([NOBODY], dtype=object)
    return bool(np.isfinite(reports_with(weighed, condition, "fitted", PAPER, nobody).n).all())


@dataclass(frozen=True)
class Case:
    """A conclusion under one specification, with scenarios left out in several ways.

    Attributes
    ----------
    conclusion : Conclusion
    specification : Specification
    left_out : (way,) array of str
    """

    conclusion: Conclusion
    specification: Specification
    left_out: np.ndarray


@dataclass(frozen=True)
class Estimates:
    """Estimates and HDIs of many cases, one after the other, each with all its ways.

    Attributes
    ----------
    estimate, low, high, n : (case and way,) array
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def estimate(cases: Sequence[Case], prob: float) -> Estimates:
    """Estimate everything: all regressions of all cases in one batch.

    Parameters
    ----------
    cases : sequence of Case
    prob : float
        Of the HDIs.
    """
    sizes = [len(case.left_out) for case in cases]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    columns = np.full((4, starts[-1]), np.nan)
    regressions: dict[str, list[Regressions]] = {SLOPE: [], CONTRAST: [], PEARSON: []}
    places: dict[str, list[np.ndarray]] = {SLOPE: [], CONTRAST: [], PEARSON: []}
    for case, start, size in zip(cases, starts, sizes, strict=False):
        own = np.arange(start, start + size)
        if case.conclusion.kind == SHARE:
            columns[:, own] = _share(case, prob)
        else:
            regressions[case.conclusion.kind].append(_regressions(case))
            places[case.conclusion.kind].append(own)
    for kind, parts in regressions.items():
        if not parts:
            continue
        fits, own = _joined(parts), np.concatenate(places[kind])
        hdi = correlation_hdi if kind == PEARSON else contrast_hdi
        middle = fits.pearson() if kind == PEARSON else fits.estimate
        columns[:, own] = [middle, *hdi(fits, prob), fits.n]
    return Estimates(*columns)


def _joined(parts: list[Regressions]) -> Regressions:
    return Regressions(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in Regressions.__dataclass_fields__
        )
    )


def _share(case: Case, prob: float) -> np.ndarray:
    (weighed,) = case.conclusion.weighed
    kept = weighed.kept(case.specification, case.left_out)
    if case.conclusion.against == "target":
        right = shares.right_by_scenario(weighed, weighed.targets, None)
    else:
        of = case.specification.weights
        intercepts = weighed.intercepts[of] if case.specification.intercept == "with" else None
        right = shares.right_by_scenario(weighed, weighed.weights[of], intercepts)
    return np.stack(shares.share_over_scenarios(*right, kept, prob))


def _regressions(case: Case) -> Regressions:
    """One contrast of slopes, equal weights over base models, under one residual sd."""
    conclusion, specification = case.conclusion, case.specification
    if not conclusion.conditions:
        (weighed,) = conclusion.weighed
        cells = [targets_with_fitted(weighed, specification, case.left_out)]
        signs = [1.0]
    else:
        pairs = [(one, name) for one in conclusion.weighed for name in conclusion.conditions]
        cells = [
            reports_with(one, name, conclusion.against, specification, case.left_out)
            for one, name in pairs
        ]
        last = conclusion.conditions[-1]
        signs = [(1.0 if name == last else -1.0) / len(conclusion.weighed) for _, name in pairs]
    return contrast_of(cells, np.array(signs))


def contrast_of(cells: list[Sums], signs: np.ndarray) -> Regressions:
    """Least squares of cells with slopes of their own and one residual sd, and a contrast.

    Parameters
    ----------
    cells : list of Sums
    signs : (cell,) array
        What the cells' slopes are multiplied by in the contrast.
    """
    n, mean_y, sxx, sxy, syy = (
        np.stack([getattr(cell, name) for cell in cells])
        for name in ("n", "mean_y", "sxx", "sxy", "syy")
    )
    total = n.sum(axis=0)
    slopes = sxy / sxx
    # An exact line has no residual; its posterior is a point, which rounding must not undo.
    rss = np.maximum((syy - slopes * sxy).sum(axis=0), 1e-24 * syy.sum(axis=0))
    return Regressions(
        estimate=signs @ slopes,
        unit_sd=np.sqrt((signs[:, None] ** 2 / sxx).sum(axis=0)),
        rss=rss,
        mean_y=(n * mean_y).sum(axis=0) / total,
        n=total,
        slopes=np.full(len(total), 2.0 * len(cells) - 1),
        sd_x=np.sqrt(sxx[0] / n[0]),
    )
