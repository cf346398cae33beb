"""One file of the evaluation script: JSON Lines, one object per item.

Verdicts and contents are read out of the label sentences again: of the script's own fields those
named ``is_changed_*`` and ``is_unchanged_*`` are running totals, and not used. A row that cannot
be used is kept out with a reason; a file that is something else is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.csvtext import decode, shorten
from selfinterp_stats.study.explainers.keys import FEATURES, NoKey, item_key
from selfinterp_stats.study.explainers.naming import Names
from selfinterp_stats.study.explainers.sentences import CHANGED, INVALID, UNCHANGED, read_claim
from selfinterp_stats.study.explainers.study import LeftOut

CUT_OFF: Final = "the line is cut off: the file ends in the middle of it"
HALF_A_CHARACTER: Final = "a text holds half a character (an unpaired surrogate)"
NO_OBJECT: Final = "the line is not a JSON object"
NEITHER: Final = "expected_label is neither of the two sentences"
NO_SCORE: Final = "the score is not a number from 0 to 1"

# Other questions that the same script can ask of the same items: nothing is explained there.
_NO_EXPLANATION: Final = ("orig_match", "change_match")
_FEWSHOT: Final = ("idx", "pred_changed", "pred_letter", "gold_changed", "gold_letter")
_SCORES: Final = {"similarity": FEATURES, "simulator_correlation_abs": f"{FEATURES} simulator"}


class _Unusable(ValueError):
    """A row that no estimate can use, and what was found."""

    def __init__(self, reason: str, value: object = "") -> None:
        super().__init__(reason)
        self.value = value


@dataclass(frozen=True)
class FileRead:
    """What a file held.

    Attributes
    ----------
    rows : list of dict
        Columns of `ExplainerStudy.items`, and `row`, the line.
    left_out : list of LeftOut
    sha256 : str
    """

    rows: list[dict[str, Any]]
    left_out: list[LeftOut]
    sha256: str


def read_predictions(path: Path, names: Names) -> FileRead:
    """Read one file of predictions.

    Parameters
    ----------
    path : pathlib.Path
    names : Names
        What is known of the cell; names in a row itself come before those of a path.

    Raises
    ------
    InputError
        The file cannot be read, holds more than one task, does not say whose it is, or has no row
        that can be used.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the file cannot be read: {error.strerror or error}",
            file=path,
            remedy="Check that it exists, is a file and may be read by you.",
        ) from error
    text = decode(data, str(path))
    rows: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    tasks: dict[str, int] = {}
    for line, found in _objects(text):
        try:
            if isinstance(found, _Unusable):
                raise found
            task = _task(found)
            tasks.setdefault(task, line)
            _refuse_mixture(tasks, path)
            rows.append({"row": line, **_cell(found, names, path, line), **_item(found, task)})
        except _Unusable as problem:
            value = shorten(str(problem.value), 60)
            left_out.append(LeftOut(str(path), line, str(problem), value))
    if not rows:
        raise nothing_usable(
            left_out, path, "JSON Lines of the evaluation script, one object on each line"
        )
    return FileRead(rows, left_out, hashlib.sha256(data).hexdigest())


def nothing_usable(left_out: Sequence[LeftOut], path: Path, allowed: str) -> InputError:
    """The refusal of a file of which no row is left, with what is wrong with the first."""
    if not left_out:
        return InputError("the file holds no rows", file=path, allowed=allowed)
    first = left_out[0]
    return InputError(
        f"no row of the file can be used; the first: {first.reason}",
        file=path,
        row=first.row,
        allowed=allowed,
        **({"value": first.value} if first.value else {}),
    )


def _objects(text: str) -> Iterator[tuple[int, dict[str, Any] | _Unusable]]:
    # Not splitlines(), which also breaks at characters that JSON leaves as they are in a string.
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            if "\\u" in line:
                json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            yield number, _Unusable(HALF_A_CHARACTER, line.strip())
            continue
        except (ValueError, RecursionError):
            reason = CUT_OFF if number == len(lines) else NO_OBJECT
            yield number, _Unusable(reason, line.strip())
            continue
        yield number, found if isinstance(found, dict) else _Unusable(NO_OBJECT, line.strip())


def _task(row: Mapping[str, Any]) -> str:
    if all(name in row for name in _FEWSHOT):
        return "hint"
    if not isinstance(row.get("task"), str) or not row["task"]:
        raise _Unusable("the row names no task")
    if row["task"] == FEATURES:
        return next((task for field, task in _SCORES.items() if field in row), FEATURES)
    return str(row["task"])


def _refuse_mixture(tasks: Mapping[str, int], path: Path) -> None:
    if len(tasks) < 2:
        return
    (first, _), (second, line) = list(tasks.items())[:2]
    raise InputError(
        f"the file mixes two tasks: before it stood {first!r}",
        file=path,
        row=line,
        column="task",
        value=second,
        allowed="one task per file",
        remedy="Write each task to a file of its own.",
    )


def _cell(row: Mapping[str, Any], names: Names, path: Path, line: int) -> dict[str, Any]:
    own = {name: str(row[name]) for name in ("explainer", "target") if row.get(name)}
    if "k" in row and "seed" in row:
        own |= {"condition": f"k={row['k']}", "run": str(row["seed"])}
    # What a user says comes before what a row says, and that before what a path looks like.
    known = {**names.given, **own} if names.source == "path" else {**own, **names.given}
    for name in ("explainer", "target"):
        if not known.get(name):
            raise InputError(
                f"nothing says which {name} the file is about",
                file=path,
                row=line,
                remedy=f"Name it with --{name}, in a manifest (--manifest), or in the file's path: "
                "EXPLAINER_explains_TARGET or EXPLAINER/TARGET/<task>_predictions.json.",
            )
    return {
        "explainer": known["explainer"],
        "target": known["target"],
        "condition": known.get("condition", ""),
        "run": known.get("run", ""),
        "training_items": training_items(known.get("training_items", ""), path),
    }


def training_items(text: str, path: Path) -> float:
    """The training size of a cell; NaN where none is given.

    Raises
    ------
    InputError
        It is no number.
    """
    try:
        size = float(text) if text else math.nan
    except ValueError:
        size = math.inf
    if math.isinf(size):
        raise InputError(
            "the training size is no number",
            file=path,
            value=text,
            allowed="a number of items, for instance 500",
            remedy="Correct --training-items, or the manifest.",
        )
    return size


def _item(row: Mapping[str, Any], task: str) -> dict[str, Any]:
    if all(name in row for name in _FEWSHOT):
        item, cluster, read = str(row["idx"]), "", _fewshot(row)
    elif row.get("question_type") in _NO_EXPLANATION:
        raise _Unusable(
            f"question_type {row['question_type']!r} asks for no explanation", row["question_type"]
        )
    else:
        try:
            item, cluster = item_key(row)
        except NoKey as problem:
            raise _Unusable(str(problem)) from None
        read = _scored(row) if row["task"] == FEATURES else _sentences(row)
    return {
        "task": task,
        "item": item,
        "cluster": cluster,
        "class": "",
        "similarity": float("nan"),
        "predicted": "",
        "expected": "",
        "content": float("nan"),
        **read,
    }


def _sentences(row: Mapping[str, Any]) -> dict[str, Any]:
    expected = read_claim(str(row.get("expected_label") or ""))
    if expected is None:
        raise _Unusable(NEITHER, row.get("expected_label"))
    said = row.get("predicted_label")
    predicted = read_claim(said) if isinstance(said, str) else None
    return _judged(predicted, expected)


def _fewshot(row: Mapping[str, Any]) -> dict[str, Any]:
    truth, said = (_verdict(row[name]) for name in ("gold_changed", "pred_changed"))
    if truth is None or not row["gold_letter"]:
        raise _Unusable("gold_changed or gold_letter is missing", row["gold_changed"])
    expected = (truth, str(row["gold_letter"]).lower())
    said = said if row["pred_letter"] else None
    return _judged((said, str(row["pred_letter"]).lower()) if said else None, expected)


def _verdict(value: object) -> str | None:
    """The verdict of true or false, or of 1 or 0; None of anything else."""
    return CHANGED if value in (True,) else UNCHANGED if value in (False,) else None


def _judged(predicted: tuple[str, str] | None, expected: tuple[str, str]) -> dict[str, Any]:
    return {
        "predicted": predicted[0] if predicted else INVALID,
        "expected": expected[0],
        "content": float("nan") if predicted is None else float(predicted[1] == expected[1]),
        "outcome": float(predicted == expected),
    }


def _scored(row: Mapping[str, Any]) -> dict[str, Any]:
    field = next((field for field in _SCORES if field in row), None)
    if field is None:
        raise _Unusable(f"the row has neither {' nor '.join(_SCORES)}")
    score = row[field]
    usable = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    if not usable:
        raise _Unusable(NO_SCORE, score)
    return {"outcome": float(score)}
