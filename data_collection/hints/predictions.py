"""What explainers said about targets, in the explainer study's own format.

One file per explainer and target, JSON Lines, one object per question with the fields of the
study's evaluation script, as far as they belong to one item; its running totals are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from os import PathLike
from typing import Any

from data_collection.errors import IncompleteError, InputError
from data_collection.folders import whole_folder
from data_collection.hints.questions import Question
from data_collection.hints.wording import KINDS, PREDICT, WITH, WITHOUT, sentence, shown
from data_collection.journal import Journal
from data_collection.layout import base_name
from data_collection.records import Cell, Row


@dataclass(frozen=True)
class Pair:
    """One file: an explainer's predictions about a target.

    Attributes
    ----------
    file : str
    explainer, target : str
    items : int
        Questions in the file.
    right : int
        Predictions with the right verdict and the right answer.
    invalid : int
        Predictions that are neither of the two sentences.
    without_truth, without_prediction : int
        Questions left out: the target gave no valid answer with or without the hint; the explainer
        gave no reply.
    """

    file: str
    explainer: str
    target: str
    items: int
    right: int
    invalid: int
    without_truth: int
    without_prediction: int


def write_predictions(
    journal: Journal, questions: Sequence[Question], out: str | PathLike[str]
) -> list[Pair]:
    """Write every pair of an explainer and a target that the journal has answers of.

    Parameters
    ----------
    journal : Journal
    questions : sequence of Question
        Those that were asked.
    out : path-like
        A new folder, an empty one, or one that an earlier call wrote. Its ``collection.json`` says
        which file is whose.

    Raises
    ------
    InputError
        The journal has no explainer or no target; the folder cannot be written.
    """
    cells = {kind: [cell for cell in journal.cells() if cell.task == kind] for kind in KINDS}
    explainers = sorted(cells[PREDICT], key=lambda cell: cell.model)
    without = {cell.model: cell for cell in cells[WITHOUT]}
    targets = sorted(
        ((cell, without[cell.model]) for cell in cells[WITH] if cell.model in without),
        key=lambda both: both[0].model,
    )
    if not explainers or not targets:
        raise InputError(
            "the journal has no predictions" if targets else "the journal has no target's answers",
            file=journal.path,
            remedy="Ask at least one --target and one --explainer before.",
        )
    pairs: list[Pair] = []
    details: dict[str, Any] = {"pairs": []}
    with whole_folder(out, "predictions", details) as folder:
        answers = {cell.model: _truths(journal, cell, other) for cell, other in targets}
        for explainer, (target, _) in product(explainers, targets):
            name = f"{base_name(explainer.model)}_explains_{base_name(target.model)}"
            file = f"{name}_hint_attribution_predictions.json"
            if (folder / file).exists():
                raise InputError("two pairs would be the same file", file=file)
            said = _rows(journal, explainer)
            lines = list(_lines(questions, said, answers[target.model], explainer, target))
            with (folder / file).open("w", encoding="utf-8", newline="") as written:
                written.writelines(json.dumps(line) + "\n" for line in lines)
            pair = _pair(file, explainer, target, lines, questions, answers[target.model])
            pairs.append(pair)
            details["pairs"].append(
                {"file": file, "explainer": explainer.model, "target": target.model}
            )
    return pairs


def refuse_incomplete(journal: Journal) -> None:
    """Refuse to call a study complete in which questions are unanswered.

    Raises
    ------
    IncompleteError
        Names the models and tasks.
    """
    gaps = [
        count.gap for count in journal.counts() if count.cell.task in KINDS and not count.complete
    ]
    if gaps:
        raise IncompleteError(
            f"the predictions were written, but answers are missing: {'; '.join(gaps)}",
            remedy="Run the same command again, which asks only what is missing.",
        )


Truth = tuple[str, str]
"""A target's letter with the hint and without it."""


def _truths(journal: Journal, with_hint: Cell, without_hint: Cell) -> dict[str, Truth]:
    first, second = _rows(journal, with_hint), _rows(journal, without_hint)
    return {
        name: (str(row.value), str(second[name].value))
        for name, row in first.items()
        if row.status == "valid" and name in second and second[name].status == "valid"
    }


def _rows(journal: Journal, cell: Cell) -> dict[str, Row]:
    """A cell's answers by question, without those that failed."""
    return {row.scenario: row for row in journal.rows(cell) if row.status != "failed"}


def _lines(
    questions: Sequence[Question],
    said: dict[str, Row],
    truths: dict[str, Truth],
    explainer: Cell,
    target: Cell,
) -> Iterator[dict[str, Any]]:
    for question in questions:
        if question.name not in truths or question.name not in said:
            continue
        row = said[question.name]
        before, after = truths[question.name]
        changed = before != after
        expected = sentence(after, changed=changed)
        valid = row.status == "valid"
        example = shown(question, hint=True)
        yield {
            "predicted_label": row.answer.text,
            "expected_label": expected,
            "example": example,
            "task": "hint_attribution",
            "dataset_name": "hint",
            "question_type": "generative_explanation",
            "extra_args": {
                "input": example,
                "hint": question.hint,
                "original_response": f"Answer: {before}",
                "ablated_response": f"Answer: {after}",
                "changed_pred_bc_hint": changed,
                "is_different": changed,
            },
            "exact_match": valid and row.value == expected,
            "semantic_match": valid and _letter(str(row.value)) == after,
            "valid": valid,
            "item": question.name,
            "explainer": explainer.model,
            "target": target.model,
        }


def _letter(text: str) -> str:
    """The letter in a sentence that `sentence` wrote."""
    return text.rpartition(">>>")[0][-1:]


def _pair(
    file: str,
    explainer: Cell,
    target: Cell,
    lines: Sequence[dict[str, Any]],
    questions: Sequence[Question],
    truths: dict[str, Truth],
) -> Pair:
    known = sum(question.name in truths for question in questions)
    return Pair(
        file,
        explainer.model,
        target.model,
        items=len(lines),
        right=sum(line["exact_match"] for line in lines),
        invalid=sum(not line["valid"] for line in lines),
        without_truth=len(questions) - known,
        without_prediction=known - len(lines),
    )
