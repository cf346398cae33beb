"""Real explainer data as tidy tables, and small files of the evaluation script."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def real(kind: str) -> Path:
    """A folder of real data: below `SELFINTERP_EXPLAINER_DATA`, or beside the checkout.

    Tests that need it are skipped without it, and fail where `SELFINTERP_REQUIRE_EXPLAINER_DATA`
    is 1.
    """
    named = os.environ.get("SELFINTERP_EXPLAINER_DATA")
    base = Path(named) if named else REPOSITORY.parent / "shared" / "explainer_data"
    if (base / kind).is_dir():
        return base / kind
    reason = f"the explainer data are not in {base}; set SELFINTERP_EXPLAINER_DATA"
    if os.environ.get("SELFINTERP_REQUIRE_EXPLAINER_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


PUBLISHED_CELLS = REPOSITORY / "tests" / "reference" / "explainer_tables.csv"
"""The cells that version 3 of the paper prints."""


def temperature(folder: Path) -> pd.DataFrame:
    """Four models guess each other's sampling temperature; right or wrong, 4 x 4."""
    rows = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("*.csv"))])
    said = rows["predicted_temperature"].str.rstrip(".")
    truth = np.where(rows["temperature"] > 1, "HIGH", "LOW")
    run = rows["run_id"].astype(int).astype(str)
    parts = [rows["prompt_type"], rows["temperature"].astype(str), run]
    item = rows["subject"].str.cat(parts, sep="/")
    return pd.DataFrame(
        {
            "explainer": rows["predictor_model"],
            "target": rows["predicted_model"],
            "task": "temperature",
            "item": item,
            "outcome": (said == truth).astype(int),
            "cluster": rows["subject"],
            "class": rows["prompt_type"],
        }
    )


def recognition(folder: Path, *, square: bool = True) -> pd.DataFrame:
    """Three models say whether a summary is their own: the probability of yes."""
    rows = pd.concat(
        [pd.DataFrame(json.loads(p.read_text())) for p in sorted(folder.glob("*.json"))]
    )
    if square:
        rows = rows[rows["target_model"].isin(rows["model"].unique())]
    own = rows["ground_truth"] == 1
    score = rows["recognition_score"].astype(float)
    return pd.DataFrame(
        {
            "explainer": rows["model"],
            "target": rows["target_model"],
            "task": folder.name,
            "item": rows["key"],
            "outcome": np.where(own, score > 0.5, score <= 0.5).astype(int),
            "predicted": score,
            "expected": np.where(own, "yes", "no"),
        }
    )


def sentence(content: str, *, changed: bool) -> str:
    if changed:
        return f"The most likely output would change to <<<{content}>>>."
    return f"The output would remain unchanged from <<<{content}>>>."


def patching_row(number: int, predicted: str, expected: str, *, text: str = "The sky is", **more):
    """A row as the evaluation script writes it for activation patching."""
    return {
        "predicted_label": predicted,
        "expected_label": expected,
        "example": json.dumps({"layer": [3, 4], "text": text}),
        "task": "causal_act_patch",
        "dataset_name": "causal_act_patch",
        "question_type": "generative_explanation",
        "extra_args": {
            "layer": [3, 4],
            "patch_position": {"orig_pos": number, "counterfact_pos": 1},
            "counterfactual_text": "The sea is",
            "is_different": "change" in expected,
        },
        "exact_match": predicted == expected,
        "semantic_match": predicted == expected,
        "valid": True,
        "is_changed_matrix": [[number, 0], [0, 0]],
        "is_changed_f1": 0.99,
        **more,
    }


def hint_row(number: int, predicted: str, expected: str, **more):
    return {
        "predicted_label": predicted,
        "expected_label": expected,
        "example": f"Question {number}",
        "task": "hint_attribution",
        "dataset_name": "hint",
        "question_type": "generative_explanation",
        "extra_args": {"hint": "B", "is_different": "change" in expected},
        **more,
    }


def feature_row(number: int, **score):
    return {
        "predicted_label": "birds",
        "expected_label": "birds in flight",
        "example": [12, number],
        "task": "token_comparison",
        "dataset_name": "sae_explanations",
        "question_type": "generative_explanation",
        "extra_args": {"layer": 12, "feature_idx": number},
        **score,
    }


def write_lines(path: Path, rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
