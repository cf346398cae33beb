"""The known quantities of a study, from its folder: where somebody wrote the truth into it.

That is a study collected from a participant whose weights are known, or one that `simulate_study`
wrote: ``simulation_truth.csv`` has the truth and ``simulation.json`` the parameters.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from selfinterp_stats.study.simulation.cells import Cell
from selfinterp_stats.study.simulation.contexts import bounds
from selfinterp_stats.study.simulation.files import PARAMETERS_FILE, TRUTH_FILE
from selfinterp_stats.study.simulation.known import known_quantities
from selfinterp_stats.study.simulation.trials import Floats, score
from selfinterp_stats.study.simulation.truth import Reports, ScenarioWeights
from selfinterp_stats.study.study import CONDITIONS, INSTILLED, Study


def collected_quantities(study: Study, folder: str | PathLike[str]) -> pd.DataFrame:
    """True values of what a refit of a collected study estimates.

    Parameters
    ----------
    study : Study
        With as many choices of every scenario of a set.
    folder : path-like
        That it was read from, with the truth.

    Returns
    -------
    pandas.DataFrame
        See `known_quantities`.
    """
    truth = pd.read_csv(Path(folder) / TRUTH_FILE)
    record = json.loads((Path(folder) / PARAMETERS_FILE).read_text(encoding="utf-8"))
    parameters = record["parameters"]
    cells = [
        _cell(study, base_model, set_name, of_cell, parameters)
        for (base_model, set_name), of_cell in truth.groupby(["base_model", "set"], sort=True)
    ]
    return known_quantities(cells, parameters["seed"])


def _cell(
    study: Study, base_model: str, set_name: str, truth: pd.DataFrame, parameters: dict[str, Any]
) -> Cell:
    scenarios = tuple(truth["scenario"].unique())
    shape = (len(scenarios), len(study.attributes))
    slopes = truth["true_weight"].to_numpy().reshape(shape)
    intercepts = truth["true_intercept"].to_numpy().reshape(shape)[:, 0]
    d, chose_a = _choices(study, base_model, set_name, scenarios)
    ranges = study.scenarios.set_index("scenario").loc[list(scenarios)]
    reports = {
        condition: _reports(
            study,
            (base_model, set_name, condition),
            scenarios,
            truth[f"expected_{condition.replace('-', '_')}"].to_numpy().reshape(shape),
            parameters["reports"],
        )
        for condition in CONDITIONS
        if truth[f"expected_{condition.replace('-', '_')}"].notna().all()
    }
    return Cell(
        base_model=base_model,
        set=set_name,
        scenarios=scenarios,
        minima=ranges[bounds(study.attributes, "min")].to_numpy(float),
        maxima=ranges[bounds(study.attributes, "max")].to_numpy(float),
        targets=truth["target"].to_numpy().reshape(shape) if set_name == INSTILLED else None,
        weights=ScenarioWeights(
            scaled=truth["true_weight_scaled"].to_numpy().reshape(shape),
            logit=slopes,
            intercept=intercepts,
        ),
        # A study keeps differences alone, and no quantity needs more.
        values=np.empty((*chose_a.shape, 2, 0)),
        d=d,
        probability=expit(intercepts[:, None] + score(d, slopes)),
        chose_a=chose_a,
        reports=reports,
        invalid={
            row["condition"]: row["share"]
            for row in parameters["invalid_shares"]
            if (row["base_model"], row["set"]) == (base_model, set_name)
        },
    )


def _choices(
    study: Study, base_model: str, set_name: str, scenarios: tuple[str, ...]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Differences, shape (scenario, trial, attribute), and whether A was chosen."""
    rows = study.choices
    rows = rows[(rows["base_model"] == base_model) & (rows["set"] == set_name)]
    rows = rows.assign(place=pd.Index(scenarios).get_indexer(rows["scenario"]))
    rows = rows.sort_values(["place", "trial"], kind="stable")
    names = [name.replace("attr", "d") for name in study.attributes]
    d = rows[names].to_numpy(float).reshape(len(scenarios), -1, len(names))
    return d, rows["chose_a"].to_numpy(bool).reshape(len(scenarios), -1)


def _reports(
    study: Study,
    key: tuple[str, str, str],
    scenarios: tuple[str, ...],
    expected: Floats,
    repeats: int,
) -> Reports:
    """Reports of one condition; those that were asked for and are not there are invalid."""
    base_model, set_name, condition = key
    rows = study.reports
    mine = (rows["base_model"] == base_model) & (rows["set"] == set_name)
    rows = rows[mine & (rows["condition"] == condition)]
    values = np.zeros((len(scenarios), repeats, expected.shape[1]))
    valid = np.zeros(values.shape[:2], bool)
    places = pd.Index(scenarios).get_indexer(rows["scenario"]), rows["repeat"].to_numpy(int)
    values[places] = rows[list(study.attributes)].to_numpy(float)
    valid[places] = True
    return Reports(expected, values, valid, np.empty((*valid.shape, 2, 0)))
