"""From a journal to a study folder, the same bytes however often the collection was interrupted.

Only what a rerun of the same collection would bring again is written: no times, no latencies, no
number of attempts.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

from data_collection import layout
from data_collection.errors import IncompleteError, InputError, JournalError
from data_collection.finetuning.ledger import record_of_models
from data_collection.folders import whole_folder, write_text
from data_collection.journal import Journal
from data_collection.records import Cell, Counts
from data_collection.scenarios import Scenario, scenarios_csv
from data_collection.weightfiles import load_weights

_STATUSES: Final = ("asked", "valid", "invalid", "refused", "truncated", "failed")
_TASKS: Final = {layout.CHOICE: "choices", layout.REPORT: "reports"}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    files : list of str
    counts : tuple of Counts
        One per cell, in the order of ``collection_counts.csv``.
    notices : list of str
        What is worth telling.
    """

    files: list[str]
    counts: tuple[Counts, ...]
    notices: list[str]

    def refuse_incomplete(self) -> None:
        """Refuse to call the study complete where it is not.

        Raises
        ------
        IncompleteError
            Names the cells in which trials failed or were never asked.
        """
        gaps = [count.gap for count in self.counts if not count.complete]
        if gaps:
            raise IncompleteError(
                f"the study was written, but {len(gaps)} of {len(self.counts)} cells "
                f"{'is' if len(gaps) == 1 else 'are'} incomplete: {'; '.join(gaps)}",
                remedy="Run the same `selfinterp collect` command again, which asks only what is "
                "missing, and export again.",
            )


def export_study(
    journal: Journal,
    out: str | PathLike[str],
    *,
    targets: str | PathLike[str] | None = None,
    models: str | PathLike[str] | None = None,
) -> Exported:
    """Write a journal's choices and reports as a study folder.

    Parameters
    ----------
    journal : Journal
    out : path-like
        A new folder, an empty one, or one that an earlier export wrote.
    targets : path-like, optional
        Target weights (`load_weights`); those in the journal where None and it has any.
    models : path-like, optional
        What `selfinterp finetune submit` wrote: how the models came about.

    Returns
    -------
    Exported
        Call its `refuse_incomplete` before the study is taken for complete; the counts in the
        folder say which cells are.

    Raises
    ------
    InputError
        The journal holds no choices and no reports, or a cell without a place in a study folder;
        targets are missing for a scenario; the folder cannot be written.
    """
    counts = tuple(sorted(_exportable(journal), key=_order))
    _refuse_same_file(counts)
    details: dict[str, Any] = {"cells": []}
    notices: list[str] = []
    instilled: set[str] = set()
    scenarios = journal.scenarios()
    with whole_folder(out, "a study", details) as folder:
        write_text(folder / layout.SCENARIOS_FILE, scenarios_csv(scenarios))
        for count in counts:
            if count.cell.task == layout.CHOICE and not count.valid:
                notices.append(f"{count.cell.label}: not one valid answer, so no file was written.")
                continue
            seen = _write_cell(folder, journal, count.cell, scenarios)
            details["cells"].append(_described(count.cell, seen))
            if count.cell.set == "instilled":
                instilled |= seen.scenarios
        trained = [scenario for scenario in scenarios if scenario.name in instilled]
        _write_targets(folder, journal, trained, targets)
        if targets is not None and not trained:
            notices.append(
                f"{targets} was not read: the journal has no answers about instilled scenarios."
            )
        _write_counts(folder, counts)
        if models is not None:
            write_text(folder / layout.MODELS_FILE, record_of_models(models))
        files = sorted(path.name for path in folder.iterdir())
    return Exported(files, counts, notices)


@dataclass
class _Seen:
    """What a cell's answers say about themselves, gathered while they pass by."""

    scenarios: set[str]
    models: set[str]
    fingerprints: set[str]


def _exportable(journal: Journal) -> list[Counts]:
    found = [count for count in journal.counts() if count.cell.task in _TASKS]
    if not found:
        raise InputError(
            "the journal holds no choices and no reports",
            file=journal.path,
            remedy="Collect some first: `selfinterp collect choices`.",
        )
    return found


def _refuse_same_file(counts: Iterable[Counts]) -> None:
    by_name: dict[str, Cell] = {}
    for count in counts:
        name = layout.file_name(count.cell)
        if name in by_name:
            raise InputError(
                "two cells would be the same file of the study",
                file=name,
                value=count.cell.label,
                allowed=f"one of them; the other is {by_name[name].label}",
            )
        by_name[name] = count.cell


def _order(count: Counts) -> tuple[object, ...]:
    cell = count.cell
    return (cell.base_model, cell.set, cell.task, cell.condition, cell.fold, cell.examples)


def _write_cell(folder: Path, journal: Journal, cell: Cell, scenarios: Iterable[Scenario]) -> _Seen:
    names = {scenario.name: scenario.names for scenario in scenarios}
    seen = _Seen(set(), set(), set())
    count = len(next(iter(names.values()), ()))
    logprobs = bool(json.loads(cell.parameters).get("logprobs"))
    version = "latent" if cell.set == "native" else "instilled"
    is_choice = cell.task == layout.CHOICE
    header = (
        layout.choice_columns(count, logprobs=logprobs)
        if is_choice
        else layout.report_columns(count)
    )
    with _table(folder / layout.file_name(cell), header) as writer:
        for row in journal.rows(cell):
            seen.scenarios.add(row.scenario)
            seen.models.add(row.answer.model)
            seen.fingerprints.add(row.answer.system_fingerprint)
            if row.status != "valid":
                continue
            if row.scenario not in names:
                raise _damaged(journal, f"it has no definition of the scenario {row.scenario}")
            try:
                writer.writerow(
                    layout.choice_cells(row, logprobs=logprobs)
                    if is_choice
                    else layout.report_cells(row, names[row.scenario], version)
                )
            except (KeyError, TypeError, ValueError) as error:
                lacks = f"lacks {error}" if isinstance(error, KeyError) else f"is wrong: {error}"
                what = f"what it has of trial {row.index} of {row.scenario} {lacks}"
                raise _damaged(journal, what) from error
    return seen


def _damaged(journal: Journal, what: str) -> JournalError:
    """The refusal of answers that are none of this program."""
    return JournalError(
        f"the journal is damaged ({what})", file=journal.path, remedy="Go back to a copy."
    )


def _described(cell: Cell, seen: _Seen) -> dict[str, Any]:
    """What the folder's record says about a cell."""
    return {
        "file": layout.file_name(cell),
        "base_model": cell.base_model,
        "model": cell.model,
        "served_as": sorted(seen.models - {""}),
        "system_fingerprints": sorted(seen.fingerprints - {""}),
        "parameters": json.loads(cell.parameters),
    }


def _write_targets(
    folder: Path,
    journal: Journal,
    scenarios: list[Scenario],
    given: str | PathLike[str] | None,
) -> None:
    stored = journal.get("targets")
    if not scenarios or (given is None and stored is None):
        return
    targets: Mapping[str, Iterable[float]] = (
        load_weights(given, scenarios) if given is not None else json.loads(stored or "{}")
    )
    header = ["scenario", *(f"attr{i}" for i in range(1, len(scenarios[0].attributes) + 1))]
    with _table(folder / layout.TARGETS_FILE, header) as writer:
        for scenario in scenarios:
            if scenario.name in targets:
                writer.writerow([scenario.name, *targets[scenario.name]])


def _write_counts(folder: Path, counts: Iterable[Counts]) -> None:
    header = ["base_model", "set", "task", "condition", *_STATUSES]
    header += ["fold", "wanted", "rescued", "complete"]
    with _table(folder / layout.COUNTS_FILE, header) as writer:
        for count in counts:
            cell = count.cell
            writer.writerow(
                [
                    layout.base_name(cell.base_model),
                    cell.set,
                    _TASKS[cell.task],
                    cell.condition,
                    *(getattr(count, status) for status in _STATUSES),
                    cell.fold,
                    count.wanted,
                    count.rescued,
                    "yes" if count.complete else "no",
                ]
            )


@contextmanager
def _table(path: Path, header: list[str]) -> Iterator[Any]:
    """A CSV file that begins with `header`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        yield writer
