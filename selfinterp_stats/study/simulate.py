"""A study of the paper's design, simulated with known truth and written as a study folder.

    simulate_study(folder, seed=0)  ->  SimulationTruth

The files are those of a collected study, in the paper's layout, with ``simulation_truth.csv`` (the
weights and expected reports behind every scenario) and ``simulation.json`` (the parameters and the
true value of every quantity that a refit estimates; `known_quantities` says what is what). This
module may know how a study is stored and nothing of how one is analysed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.simulation.cells import Cell, draw_cell
from selfinterp_stats.study.simulation.contexts import attribute_columns, pick_scenarios
from selfinterp_stats.study.simulation.design import REPORT_BEHAVIOUR, Design, InvalidShare
from selfinterp_stats.study.simulation.files import new_folder, write_study, write_truth
from selfinterp_stats.study.simulation.known import known_quantities
from selfinterp_stats.study.simulation.truth import target_weights
from selfinterp_stats.study.study import (
    INSTILLED,
    INTROSPECTION_TRAINED,
    NATIVE,
    OFF_THE_SHELF,
    WEIGHT_TRAINED,
)

_CONDITION_COLUMNS = {
    OFF_THE_SHELF: "off_the_shelf",
    WEIGHT_TRAINED: "weight_trained",
    INTROSPECTION_TRAINED: "introspection_trained",
}


@dataclass(frozen=True)
class SimulationTruth:
    """What is known about a simulated study.

    Attributes
    ----------
    folder : pathlib.Path
        Where the study was written.
    design : Design
        The parameters, of `selfinterp_stats.study.simulation.design`.
    scenarios : pandas.DataFrame
        As in ``scenarios.csv``: the trained scenarios, then the native ones.
    weights : pandas.DataFrame
        As in ``simulation_truth.csv``, one row per base model, set, scenario and attribute:
        `target` (+-100; NaN for native scenarios), `true_weight` (logit scale),
        `true_weight_scaled` (+-100), `true_intercept` (logit scale, the same for all attributes of
        a scenario), then for each condition `expected_{condition}` (the mean of
        an endless series of valid reports) and `valid_{condition}` (number of valid reports).
    quantities : pandas.DataFrame
        The true value of every quantity that a refit estimates; ids as in ``paper_numbers.csv``.
    """

    folder: Path
    design: Design
    scenarios: pd.DataFrame
    weights: pd.DataFrame
    quantities: pd.DataFrame


def simulate_study(  # noqa: PLR0913 - a design has this many parameters, and each has a name
    folder: str | PathLike[str],
    *,
    seed: int = 0,
    base_models: Sequence[str] = ("model-a", "model-b"),
    trained: int = 60,
    native: int = 60,
    trials_trained: int = 50,
    trials_native: int = 100,
    reports: int = 10,
    attributes: int | None = None,
    learned_target: float = Design.learned_target,
    report_correlations: Mapping[tuple[str, str], float] | None = None,
    invalid_shares: Sequence[InvalidShare] | None = None,
    scale_trained: float = Design.scale_trained,
    scale_native: float = Design.scale_native,
    scenarios: pd.DataFrame | None = None,
) -> SimulationTruth:
    """Simulate a study with known truth and write its folder.

    Draws of a scenario depend on (seed, base model, set, scenario) alone: more base models, other
    scenarios or another order change nothing in it, and more trials or reports leave the first
    ones as they are.

    Parameters
    ----------
    folder : path-like
        Created; must not exist or be empty.
    seed : int
        The same seed gives the same study.
    base_models : sequence of str
        Become part of the file names.
    trained, native : int
        Number of scenarios with instilled weights, and of untouched ones; 0 leaves a set out.
    trials_trained, trials_native : int
        Choices per scenario.
    reports : int
        Reports asked for per scenario and condition.
    attributes : int, optional
        Use only the first so many attributes; all of them unless given.
    learned_target : float
        True correlation of learned (+-100 scale) with target weights.
    report_correlations : mapping of (set, condition) to float, optional
        True correlation of expected reports with weights (+-100 scale), where it should differ
        from the default: .05 off-the-shelf, .52 weight-trained, .74 introspection-trained; native
        .43 and .70. Values near -1 or 1 are reached as far as reports within +-100 allow.
    invalid_shares : sequence of float or mapping, optional
        One for each base model: the share of invalid reports over all its reports (at most .45;
        most of them fall on weight-trained models, as in the paper), or a mapping of (set,
        condition) to share. .01 and .20 in turn unless given.
    scale_trained, scale_native : float
        Median over scenarios of the largest absolute slope, logit scale.
    scenarios : pandas.DataFrame, optional
        Scenarios of your own in the layout of ``scenarios.csv``, any number of attributes; the
        package's 120 contexts unless given. The trained ones are taken first.

    Returns
    -------
    SimulationTruth
        What a refit should find; it is in the folder too.

    Raises
    ------
    InputError
        The design is impossible (no trial, a correlation beyond 1, more scenarios than there
        are, ...), or the folder exists and is not empty, or cannot be written.

    References
    ----------
    Plunkett, Morris, Reddy & Morales (2025), arXiv:2505.17120 (the design that is simulated).

    Examples
    --------
    >>> from selfinterp_stats import simulate_study
    >>> truth = simulate_study("simulated", seed=1, base_models="tiny", trained=4, native=4)
    >>> (truth.folder / "tiny_instilled_selections.csv").is_file()
    True
    >>> truth.weights[["scenario", "attribute", "target"]].shape
    (40, 3)
    """
    correlations = dict(report_correlations or {})
    unknown = [key for key in correlations if key not in REPORT_BEHAVIOUR]
    if unknown:
        raise InputError(
            "a report correlation is given for something that is no (set, condition)",
            value=unknown[0],
            allowed="; ".join(" / ".join(known) for known in REPORT_BEHAVIOUR),
        )
    if isinstance(base_models, str):
        base_models = (base_models,)
    if invalid_shares is None:
        invalid_shares = [(0.01, 0.20)[i % 2] for i in range(len(base_models))]
    design = Design(
        seed=seed,
        base_models=tuple(base_models),
        trained=trained,
        native=native,
        trials_trained=trials_trained,
        trials_native=trials_native,
        reports=reports,
        learned_target=learned_target,
        scale_trained=scale_trained,
        scale_native=scale_native,
        behaviour={
            key: replace(value, correlation=correlations.get(key, value.correlation))
            for key, value in REPORT_BEHAVIOUR.items()
        },
        invalid_shares=tuple(invalid_shares),
    )
    picked = pick_scenarios(scenarios, trained + native, attributes)
    k = (picked.shape[1] - 2) // 3
    design = replace(design, attributes=k)
    with new_folder(folder) as out:
        targets = target_weights(seed, picked["scenario"].tolist(), k)
        cells = [
            draw_cell(design, base_model, set_name, picked, targets)
            for base_model in design.base_models
            for set_name in (INSTILLED, NATIVE)
            if (trained if set_name == INSTILLED else native)
        ]
        weights, quantities = _truth_frame(cells), known_quantities(cells, seed)
        write_study(out, design, picked, targets, cells)
        write_truth(out, design, weights, quantities)
    return SimulationTruth(Path(folder), design, picked, weights, quantities)


def _truth_frame(cells: Sequence[Cell]) -> pd.DataFrame:
    """One row per base model, set, scenario and attribute; see `SimulationTruth.weights`."""
    frames = []
    for cell in cells:
        count, k = cell.weights.scaled.shape
        columns: dict[str, object] = {
            "base_model": cell.base_model,
            "set": cell.set,
            "scenario": np.repeat(cell.scenarios, k),
            "attribute": np.tile(attribute_columns(k), count),
            "target": np.nan if cell.targets is None else cell.targets.ravel(),
            "true_weight": cell.weights.logit.ravel(),
            "true_weight_scaled": cell.weights.scaled.ravel(),
            "true_intercept": np.repeat(cell.weights.intercept, k),
        }
        for condition, column in _CONDITION_COLUMNS.items():
            reports = cell.reports.get(condition)
            columns[f"expected_{column}"] = np.nan if reports is None else reports.expected.ravel()
            columns[f"valid_{column}"] = (
                pd.NA if reports is None else np.repeat(reports.valid.sum(axis=1), k)
            )
        frame = pd.DataFrame(columns)
        valid = [f"valid_{column}" for column in _CONDITION_COLUMNS.values()]
        frames.append(frame.astype(dict.fromkeys(valid, "Int64")))
    return pd.concat(frames, ignore_index=True)
