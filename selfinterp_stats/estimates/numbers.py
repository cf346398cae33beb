"""Every quantity that the paper prints, re-estimated by the paper's own definition.

Quantities come from the choices, the fitted weights and the reports of any study; the published
figures stand beside them only where the study's files are the paper's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from selfinterp_stats.estimates.agreement import pearson
from selfinterp_stats.estimates.asked import asked_reports, invalid_choices
from selfinterp_stats.estimates.exclusion import READINGS, largest_changes
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.published import KINDS, published_numbers
from selfinterp_stats.estimates.weights import scaled_weights
from selfinterp_stats.study.study import (
    INSTILLED,
    INTROSPECTION_TRAINED,
    NATIVE,
    WEIGHT_TRAINED,
    Study,
)

# brms itself, with 80,000 draws, differs from three printed HDI ends by up to .01: the paper's
# intervals come from 4,000 draws and are printed with two decimals (.005).
INTERVAL_TOLERANCE: Final = 0.015
PAPER_HDI_PROB: Final = 0.95
COLUMNS: Final = (
    "id",
    "section",
    "quantity",
    "base_model",
    "estimate",
    "hdi_low",
    "hdi_high",
    "published",
    "published_hdi_low",
    "published_hdi_high",
    "agrees",
    "decimals",
    "kind",
    "note",
)
_NOT_A_NUMBER: Final = float("nan")
_REPEATS: Final = 50  # for an error that is itself known to a tenth
# What the paper prints, in its order: stem of the id, section, words, decimals.
QUANTITIES: Final = {
    "e1_learned_target_r": ("Experiment 1", "correlation of learned with target weights", 2),
    "e1_target_agreement": (
        "Experiment 1",
        "share of choices that the target weights prescribe",
        3,
    ),
    "e1_invalid_choices": ("Experiment 1", "invalid or ambiguous choices", 0),
    "e1_report_r": (
        "Experiment 1",
        "correlation of reported with learned weights (weight-trained)",
        2,
    ),
    "e1_offshelf_r": (
        "Experiment 1",
        "correlation of off-the-shelf reports with learned weights",
        2,
    ),
    "all_invalid_reports": ("Footnote 4", "share of invalid self-reports over all report sets", 3),
    "e2_report_r": (
        "Experiment 2",
        "correlation of reported with learned weights (introspection-trained)",
        2,
    ),
    "e2_training_effect": (
        "Experiment 2",
        "change of the correlation through introspection training",
        2,
    ),
    "e3_native_r_before": (
        "Experiment 3",
        "correlation of reported with native weights before training",
        2,
    ),
    "e3_native_r_after": (
        "Experiment 3",
        "correlation of reported with native weights after training",
        2,
    ),
    "e3_training_effect": (
        "Experiment 3",
        "change of the correlation through introspection training",
        2,
    ),
    "e3_choice_accuracy": (
        "Footnote 7",
        "share of native choices that the fitted weights predict",
        3,
    ),
    "d_exclude_extremes_max_change": (
        "Appendix D",
        "largest change of any correlation when weights of exactly -100 and 100 are excluded",
        2,
    ),
    "d_e1_report_target_r": (
        "Appendix D",
        "correlation of reported with target weights (weight-trained)",
        2,
    ),
    "d_e2_report_target_r": (
        "Appendix D",
        "correlation of reported with target weights (introspection-trained)",
        2,
    ),
}


@dataclass(frozen=True)
class _Number:
    stem: str
    base_model: str
    estimate: float
    hdi_low: float = _NOT_A_NUMBER
    hdi_high: float = _NOT_A_NUMBER
    reading: str = ""
    note: str = ""
    complete: bool = True  # all that the paper's number is made of is in the study
    mcse: float = 0.0  # what the draws leave open of an estimate that hangs on rounded weights


def paper_numbers(
    study: Study,
    weights: pd.DataFrame,
    agreement: pd.DataFrame,
    correlations: pd.DataFrame,
    names: Names,
    hdi_prob: float = 0.95,
) -> pd.DataFrame:
    """Estimate every quantity of the paper that the study has data for.

    Parameters
    ----------
    study : Study
    weights : pandas.DataFrame
        ``base_model, set, scenario, attribute, weight``.
    agreement : pandas.DataFrame
        As from `agreement_of`.
    correlations : pandas.DataFrame
        The table of `fit_correlations`.
    names : Names
    hdi_prob : float
        Of the intervals in `correlations`. The paper's are 95% HDIs; a number with an interval
        of another probability has no verdict.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`. For the paper's own files also the numbers that cannot be had from them,
        without an estimate and with the reason.
    """
    found = [
        *_learned_and_target(weights, study),
        *_target_agreement(study),
        *_invalid_choices(study),
        *_slopes(correlations, names),
        *_invalid_reports(study),
        *_training_effects(correlations),
        *_native(agreement),
        *_choice_accuracy(study, weights),
        *_exclusions(agreement, study),
        *_reported_and_target(agreement),
    ]
    order = list(QUANTITIES)
    rows = [
        _row(number, names, study)
        for number in sorted(found, key=lambda number: order.index(number.stem))
    ]
    frame = pd.DataFrame(rows)
    return _beside_published(frame, hdi_prob) if study.is_paper else _unpublished(frame)


def _row(number: _Number, names: Names, study: Study) -> dict[str, object]:
    section, quantity, decimals = QUANTITIES[number.stem]
    identifier = number.stem
    if number.reading:
        identifier = f"exclude_extremes_reading_{number.reading}"
    elif number.base_model:
        identifier += f"_{names.of_base_model(number.base_model)}"
    return {
        "id": identifier,
        "section": section,
        "quantity": quantity,
        "base_model": number.base_model or names.together(study.base_models),
        "estimate": number.estimate,
        "hdi_low": number.hdi_low,
        "hdi_high": number.hdi_high,
        "decimals": decimals,
        "kind": KINDS[number.stem],
        "note": number.note,
        "complete": number.complete,
        "mcse": number.mcse,
    }


def _unpublished(frame: pd.DataFrame) -> pd.DataFrame:
    empty = dict.fromkeys(("published", "published_hdi_low", "published_hdi_high"), np.nan)
    return frame.assign(**empty, agrees="")[list(COLUMNS)]


def _beside_published(frame: pd.DataFrame, hdi_prob: float) -> pd.DataFrame:
    """Join the published figures, say which agree, and add those that cannot be estimated."""
    printed = published_numbers().set_index("id")
    rows = []
    for row in frame.to_dict("records"):
        if row["id"] in printed.index and row["complete"]:
            source = printed.loc[row["id"]]
            row |= {
                "published": source["published"],
                "published_hdi_low": source["published_hdi_low"],
                "published_hdi_high": source["published_hdi_high"],
                "decimals": int(source["decimals"]),
            }
            comparable = hdi_prob == PAPER_HDI_PROB or np.isnan(source["published_hdi_low"])
            if comparable:
                row["agrees"] = "yes" if _agrees(row) else "no"
            row["note"] = row["note"] or source["reason"]
        rows.append(row)
    bases = set(frame["base_model"])
    for identifier, source in printed.iterrows():
        cannot = str(source["reproducible"]).startswith("no")
        if cannot and source["base_model"] in bases:
            rows.append(
                {
                    "id": identifier,
                    **source[["section", "quantity", "base_model", "published", "kind"]],
                    "decimals": int(source["decimals"]),
                    "agrees": "no",
                    "note": source["reason"],
                }
            )
    joined = pd.DataFrame(rows)
    for column in COLUMNS:
        if column not in joined:
            joined[column] = np.nan
    joined["agrees"] = joined["agrees"].fillna("")
    return joined[list(COLUMNS)]


def _agrees(row: dict[str, Any]) -> bool:
    """Whether an estimate rounds to what is printed and its HDI ends are near those printed.

    Near the rounding's edge its Monte Carlo error, and that of the printed number, decide.
    """
    estimate, published = float(row["estimate"]), float(row["published"])
    if row["kind"] == "largest change of Pearson r":
        return estimate <= published  # the paper gives a bound: "no more than .06"
    decimals = int(row["decimals"])
    # The paper's own draws left as much open as ours.
    open_still = 2 * np.sqrt(2) * float(row["mcse"])
    close = np.isnan(published) or bool(
        np.isclose(round(estimate, decimals), published, atol=10.0 ** -(decimals + 6))
        or abs(estimate - published) <= 10.0**-decimals / 2 + open_still
    )
    ends = [
        (float(row[f"hdi_{end}"]), float(row[f"published_hdi_{end}"])) for end in ("low", "high")
    ]
    return close and all(
        np.isnan(printed) or abs(ours - printed) <= INTERVAL_TOLERANCE for ours, printed in ends
    )


def _learned_and_target(weights: pd.DataFrame, study: Study) -> Iterable[_Number]:
    targets = study.targets.melt("scenario", var_name="attribute", value_name="target")
    learned = weights[weights["set"] == INSTILLED].merge(targets, on=["scenario", "attribute"])
    for base_model, rows in learned.groupby("base_model"):
        yield _Number("e1_learned_target_r", base_model, pearson(rows["weight"], rows["target"]))


def _prescribed(
    choices: pd.DataFrame, weights: pd.DataFrame, attributes: tuple[str, ...]
) -> pd.Series:
    """For every choice, whether it is the one that given weights prescribe (B on a tie)."""
    values = weights.reindex(choices["scenario"])[list(attributes)].to_numpy(dtype=float)
    differences = choices[[f"d{i}" for i in range(1, len(attributes) + 1)]].to_numpy()
    towards_a = (values * differences).sum(axis=1) > 0
    known = ~np.isnan(values).any(axis=1)
    return pd.Series(towards_a == choices["chose_a"].to_numpy(), choices.index)[known]


def _target_agreement(study: Study) -> Iterable[_Number]:
    targets = study.targets.set_index("scenario")
    instilled = study.choices[study.choices["set"] == INSTILLED]
    for base_model, rows in instilled.groupby("base_model"):
        right = _prescribed(rows, targets, study.attributes)
        if len(right):
            yield _Number("e1_target_agreement", base_model, float(right.mean()))


def _choice_accuracy(study: Study, weights: pd.DataFrame) -> Iterable[_Number]:
    native = study.choices[study.choices["set"] == NATIVE]
    for base_model, rows in native.groupby("base_model"):
        fitted = weights[(weights["set"] == NATIVE) & (weights["base_model"] == base_model)]
        wide = fitted.pivot_table(index="scenario", columns="attribute", values="weight")
        right = _prescribed(rows, wide, study.attributes)
        yield _Number(
            "e3_choice_accuracy",
            base_model,
            float(right.mean()),
            mcse=_accuracy_mcse(rows, fitted, study.attributes),
        )


def _accuracy_mcse(
    choices: pd.DataFrame, fitted: pd.DataFrame, attributes: tuple[str, ...]
) -> float:
    """How much the choice accuracy varies when only the draws behind the weights are others.

    Rounding to whole weights turns the Monte Carlo error of a posterior mean into a step or
    none, and a choice between near equals with it; repeating both shows how much.
    """
    if "mcse_mean" not in fitted or fitted["mcse_mean"].isna().all():
        return 0.0
    means = fitted.pivot(index="scenario", columns="attribute", values="mean")
    errors = fitted.pivot(index="scenario", columns="attribute", values="mcse_mean")
    rng = np.random.default_rng(0)
    accuracies = []
    for _ in range(_REPEATS):
        others = means.to_numpy() + errors.to_numpy() * rng.standard_normal(means.shape)
        wide = pd.DataFrame(scaled_weights(others), means.index, means.columns)
        accuracies.append(_prescribed(choices, wide, attributes).mean())
    return float(np.std(accuracies, ddof=1))


def _invalid_choices(study: Study) -> Iterable[_Number]:
    if (study.choices["set"] == INSTILLED).any():
        count = float(invalid_choices(study))
        yield _Number("e1_invalid_choices", "", count, complete=len(study.base_models) == 2)


def _slopes(correlations: pd.DataFrame, names: Names) -> Iterable[_Number]:
    for stem in ("e1_report_r", "e1_offshelf_r", "e2_report_r"):
        ids = {f"{stem}_{names.of_base_model(base)}" for base in correlations["base_model"]}
        for row in correlations[correlations["id"].isin(ids)].to_dict("records"):
            interval = (row["hdi_low"], row["hdi_high"])
            yield _Number(stem, row["base_model"], row["median"], *interval)


def _training_effects(correlations: pd.DataFrame) -> Iterable[_Number]:
    for stem in ("e2_training_effect", "e3_training_effect"):
        for row in correlations[correlations["id"] == stem].to_dict("records"):
            yield _Number(
                stem,
                "",
                row["median"],
                row["hdi_low"],
                row["hdi_high"],
                complete=row["base_model"] == "both",
            )


def _cells(
    agreement: pd.DataFrame, set_: str, condition: str
) -> Iterable[tuple[str, pd.DataFrame]]:
    rows = agreement[(agreement["set"] == set_) & (agreement["condition"] == condition)]
    yield from rows.groupby("base_model")


def _native(agreement: pd.DataFrame) -> Iterable[_Number]:
    for stem, condition in (
        ("e3_native_r_before", WEIGHT_TRAINED),
        ("e3_native_r_after", INTROSPECTION_TRAINED),
    ):
        for base_model, rows in _cells(agreement, NATIVE, condition):
            r = pearson(rows["standardized_reports"], rows["standardized_b"])
            yield _Number(stem, base_model, r)


def _reported_and_target(agreement: pd.DataFrame) -> Iterable[_Number]:
    for stem, condition in (
        ("d_e1_report_target_r", WEIGHT_TRAINED),
        ("d_e2_report_target_r", INTROSPECTION_TRAINED),
    ):
        for base_model, rows in _cells(agreement, INSTILLED, condition):
            known = rows.dropna(subset="standardized_target")
            if len(known):
                r = pearson(known["standardized_reports"], known["standardized_target"])
                yield _Number(stem, base_model, r)


def _invalid_reports(study: Study) -> Iterable[_Number]:
    asked = asked_reports(study)
    for base_model, rows in asked.groupby("base_model"):
        asked_for, invalid = int(rows["asked"].sum()), int(rows["invalid"].sum())
        yield _Number(
            "all_invalid_reports",
            base_model,
            invalid / asked_for if asked_for else _NOT_A_NUMBER,
            note=f"{invalid:,} of {asked_for:,}",
            complete=len(rows.drop_duplicates(["set", "condition"])) == 5,
        )


def _exclusions(agreement: pd.DataFrame, study: Study) -> Iterable[_Number]:
    changes = largest_changes(agreement)
    complete = len(study.base_models) == 2 and changes.attrs.get("correlations") == 10
    for reading, change in changes.items():
        first = reading == next(iter(READINGS))
        yield _Number(
            "d_exclude_extremes_max_change",
            "",
            change,
            # The first reading is the number itself; the others follow under their own names.
            reading="" if first else reading,
            note=f"rows left out: {READINGS[reading]}",
            complete=complete,
        )
