"""What makes two rows of different explainers the same item.

Rows are dropped per explainer, so the place of a row in its file says nothing; and for patching
``example`` is not unique, because one text is patched at several places with several sources.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

PATCHING: Final = "causal_act_patch"
FEATURES: Final = "token_comparison"

_LENGTH: Final = 16


class NoKey(ValueError):
    """A row lacks a field without which its item cannot be told."""


def item_key(row: Mapping[str, Any]) -> tuple[str, str]:
    """Name the item of a row of the evaluation script, and the cluster it belongs to.

    Parameters
    ----------
    row : mapping
        One object of a JSON Lines file.

    Returns
    -------
    (str, str)
        Item and cluster; the cluster, empty where there is none, is the patched text.

    Raises
    ------
    NoKey
        Names the field that is missing.
    """
    extra = row.get("extra_args")
    extra = extra if isinstance(extra, Mapping) else {}
    if row.get("item") not in (None, ""):
        return str(row["item"]), ""
    if row["task"] == PATCHING:
        return _patching_key(row, extra)
    if row["task"] == FEATURES:
        example = _needed(row, "example")
        return _digest([example, row.get("question_type")]), ""
    # One question may be put with several hints.
    return _digest([_needed(row, "example"), extra.get("hint")]), ""


def _patching_key(row: Mapping[str, Any], extra: Mapping[str, Any]) -> tuple[str, str]:
    example = row.get("example")
    if isinstance(example, str):
        try:
            example = json.loads(example)
        except (ValueError, RecursionError):
            raise NoKey("example is not the JSON object of a patched text") from None
    if not isinstance(example, Mapping):
        raise NoKey("example is not the JSON object of a patched text")
    position = extra.get("patch_position")
    if not isinstance(position, Mapping) or "orig_pos" not in position:
        raise NoKey("extra_args.patch_position.orig_pos is missing")
    if "counterfactual_text" not in extra:
        raise NoKey("extra_args.counterfactual_text is missing")
    text = _needed(example, "text", "example.text")
    layer = _needed(example, "layer", "example.layer")
    key = [layer, text, position["orig_pos"], extra["counterfactual_text"]]
    return _digest(key), _digest(text)


def _needed(row: Mapping[str, Any], field: str, name: str | None = None) -> Any:
    if row.get(field) is None:
        raise NoKey(f"{name or field} is missing")
    return row[field]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
