"""A simulated study as files, in the layout of the paper's released data."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.roles import COUNTS_FILE, SCENARIOS_FILE, TARGETS_FILE
from selfinterp_stats.study.simulation.cells import Cell
from selfinterp_stats.study.simulation.contexts import attribute_columns
from selfinterp_stats.study.simulation.design import Design
from selfinterp_stats.study.simulation.known import known_quantities
from selfinterp_stats.study.simulation.trials import Floats, option_values
from selfinterp_stats.study.simulation.truth import Reports
from selfinterp_stats.study.study import (
    INSTILLED,
    INTROSPECTION_TRAINED,
    NATIVE,
    OFF_THE_SHELF,
    WEIGHT_TRAINED,
)
from selfinterp_stats.study.wholefolder import whole_folder

TRUTH_FILE = "simulation_truth.csv"
PARAMETERS_FILE = "simulation.json"


@contextmanager
def new_folder(folder: str | PathLike[str]) -> Iterator[Path]:
    """Give a folder to write a simulated study into; it appears whole or not at all.

    Raises
    ------
    InputError
        The folder asked for exists and is not empty, or cannot be written.
    """
    out = Path(folder)
    try:
        occupied = out.exists() and any(out.iterdir())
    except OSError as error:
        raise InputError(
            f"the folder cannot be made: {error.strerror or error}",
            file=out,
            remedy="Choose a folder that you may write to.",
        ) from error
    if occupied:
        raise InputError(
            "the folder exists and is not empty",
            file=out,
            remedy="Choose a new folder; nothing in this one was changed.",
        )
    with whole_folder(out) as partial:
        yield partial


def write_study(
    out: Path, design: Design, scenarios: pd.DataFrame, targets: Floats, cells: Sequence[Cell]
) -> None:
    """Write what a collection would have written.

    Parameters
    ----------
    out : pathlib.Path
        A folder that is there.
    design : Design
    scenarios : pandas.DataFrame
        As they go into ``scenarios.csv``.
    targets : numpy.ndarray of whole numbers, shape (scenario, attribute)
        Of all scenarios; as in the paper, those of native scenarios were never instilled.
    cells : sequence of Cell
    """
    _write_csv(scenarios, out / SCENARIOS_FILE)
    names = attribute_columns(design.attributes)
    whole = pd.DataFrame(targets.astype(int), columns=list(names))
    whole.insert(0, "scenario", scenarios["scenario"])
    _write_csv(whole, out / TARGETS_FILE)
    for cell in cells:
        _write_selections(out, design, cell)
        _write_reports(out, design, cell)
    _write_csv(_counts(cells), out / COUNTS_FILE)


def write_truth(out: Path, design: Design, weights: pd.DataFrame, quantities: pd.DataFrame) -> None:
    """Write what no collection could know: the truth behind the data, and the parameters."""
    _write_csv(weights, out / TRUTH_FILE)
    record = {
        "parameters": design.as_json(),
        "meaning": {
            TRUTH_FILE: "target and true_weight_scaled: +-100 scale; true_weight and "
            "true_intercept: logit scale; expected_*: mean of an endless series of valid reports; "
            "valid_*: number of them",
            "quantities": inspect.cleandoc(known_quantities.__doc__ or ""),
        },
        "quantities": json.loads(quantities.to_json(orient="records", double_precision=15)),
    }
    # Numpy numbers are welcome as parameters and become plain ones here.
    text = json.dumps(record, indent=1, ensure_ascii=False, default=lambda v: v.item()) + "\n"
    (out / PARAMETERS_FILE).write_text(text, encoding="utf-8", newline="\n")


def _write_selections(out: Path, design: Design, cell: Cell) -> None:
    infix = "instilled" if cell.set == INSTILLED else "instilled_latent"
    selections = pd.DataFrame(
        {
            "model": _weight_trained_model(design, cell.base_model),
            "scenario": np.repeat(cell.scenarios, cell.d.shape[1]),
            "selection": np.where(cell.chose_a.ravel(), "A", "B"),
            **_option_columns(cell.values.reshape(-1, 2, design.attributes)),
        }
    )
    _write_csv(selections, out / f"{cell.base_model}_{infix}_selections.csv")


def _write_reports(out: Path, design: Design, cell: Cell) -> None:
    base, trained, examples = cell.base_model, design.trained, design.trials_trained
    weight_trained = _weight_trained_model(design, base)
    everything = np.arange(len(cell.scenarios))
    files: tuple[tuple[str, str, str, NDArray[np.int64]], ...]
    if cell.set == NATIVE:
        version = f"latent_{trained}-{trained + design.native}"
        fold = f"itrained_all_{trained}_{examples}ex"
        files = (
            (WEIGHT_TRAINED, "instilled_latent", weight_trained, everything),
            (INTROSPECTION_TRAINED, f"{fold}_latent", _tuned(base, fold), everything),
        )
    else:
        version = f"instilled_{trained}"
        half = trained // 2
        # A fold is named after the scenarios that it was trained on and tested on the others.
        first = f"itrained_first_{half}_of_{trained}_{examples}ex"
        last = f"itrained_last_{trained - half}_of_{trained}_{examples}ex"
        files = (
            (OFF_THE_SHELF, "", base, everything),
            (WEIGHT_TRAINED, "instilled", weight_trained, everything),
            (INTROSPECTION_TRAINED, first, _tuned(base, first), everything[half:]),
            (INTROSPECTION_TRAINED, last, _tuned(base, last), everything[:half]),
        )
    for condition, part, model, rows in files:
        frame = _report_frame(cell, cell.reports[condition], rows, model, version)
        _write_csv(frame, out / "_".join(filter(None, (base, part, "weight_reports.csv"))))


def _weight_trained_model(design: Design, base_model: str) -> str:
    if not design.trained:
        return base_model
    return _tuned(base_model, f"{design.trained}_instilled_prefs_{design.trials_trained}ex")


def _tuned(base_model: str, part: str) -> str:
    return f"ft:{base_model}:simulated:{part.replace('_', '-')}"


def _report_frame(
    cell: Cell, reports: Reports, rows: NDArray[np.int64], model: str, version: str
) -> pd.DataFrame:
    keep = reports.valid[rows]
    values = reports.values[rows][keep].astype(int)
    shown = option_values(reports.option_uniforms[rows], cell.minima[rows], cell.maxima[rows])
    names = np.repeat(np.asarray(cell.scenarios)[rows], keep.sum(axis=1))
    return pd.DataFrame(
        {
            "explaining_model": model,
            "version": version,
            "scenario": names,
            **{f"report_attr{i + 1}": values[:, i] for i in range(values.shape[1])},
            **_option_columns(shown[keep]),
        }
    )


def _option_columns(values: Floats) -> dict[str, Floats]:
    """``A_attribute_1``.. and ``B_attribute_1``.. from values of shape (row, option, attribute)."""
    return {
        f"{option}_attribute_{i + 1}": values[:, position, i]
        for position, option in enumerate("AB")
        for i in range(values.shape[2])
    }


def _counts(cells: Sequence[Cell]) -> pd.DataFrame:
    rows = []
    for cell in cells:
        asked = {("choices", ""): (cell.chose_a.size, cell.chose_a.size)}
        for condition, reports in cell.reports.items():
            asked["reports", condition] = (reports.valid.size, int(reports.valid.sum()))
        for (task, condition), (total, valid) in asked.items():
            rows.append(
                {
                    "base_model": cell.base_model,
                    "set": cell.set,
                    "task": task,
                    "condition": condition,
                    "asked": total,
                    "valid": valid,
                    "invalid": total - valid,
                    "refused": 0,
                    "truncated": 0,
                    "failed": 0,
                }
            )
    return pd.DataFrame(rows)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
