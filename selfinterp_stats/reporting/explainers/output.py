"""The output folder of an explainer study; it appears whole or not at all."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.estimates.explainers.analysis import ExplainerResults
from selfinterp_stats.estimates.explainers.table import TABLE_COLUMNS
from selfinterp_stats.estimates.provenance import provenance
from selfinterp_stats.reporting.draws import write_netcdf
from selfinterp_stats.reporting.explainers.figures import write_figures
from selfinterp_stats.reporting.explainers.methods import methods
from selfinterp_stats.reporting.explainers.page import render_page
from selfinterp_stats.reporting.explainers.tables import reading_table
from selfinterp_stats.reporting.output import output_folder, write_run
from selfinterp_stats.reporting.tables import csv_text, readers_texts, write_texts

if TYPE_CHECKING:
    import xarray as xr

    from selfinterp_stats.estimates.explainers.cells import CellDraws


def write_explainers(
    results: ExplainerResults,
    out: str | PathLike[str],
    *,
    seed: int,
    hdi_prob: float = 0.95,
    seconds: dict[str, float] | None = None,
) -> Path:
    """Write tables, figures, methods, page, draws and ``run.json``.

    Parameters
    ----------
    results : ExplainerResults
    out : path
        Created, or replaced if it is empty or holds an earlier result of this package.
    seed : int
    hdi_prob : float
    seconds : dict of str to float, optional
        What each step took.

    Raises
    ------
    InputError
        As `output_folder`.
    """
    with output_folder(out) as folder:
        tables = folder / "tables"
        tables.mkdir()
        texts = {
            "explainers.csv": csv_text(results.table, TABLE_COLUMNS),
            "cells.csv": csv_text(results.cells),
            "tipping.csv": csv_text(results.tipping),
            "left_out.csv": csv_text(results.study.left_out_table()),
        }
        for_readers = readers_texts({"explainers": reading_table(results.table, hdi_prob)})
        write_texts(texts | for_readers, tables)
        (folder / "figures").mkdir()
        drawings = write_figures(results, folder / "figures", hdi_prob)
        trees = {label or "study": posterior_tree(it) for label, it in results.draws.items()}
        write_netcdf(trees, folder / "posterior")
        run = _run(results, seed, seconds or {})
        told = methods(results, run, hdi_prob)
        told.write(folder)
        page = render_page(results, drawings, run, told, hdi_prob)
        write_texts({"index.html": page}, folder)
        write_run(run, folder)
    return Path(out)


def posterior_tree(fitted: CellDraws) -> xr.DataTree:
    """The draws of one design as a DataTree that ArviZ takes as it is."""
    import xarray as xr

    sampled = fitted.sampled
    variables: dict[str, Any] = {
        name: (("chain", "draw", *(f"{name}_dim_{i}" for i in range(values.ndim - 2))), values)
        for name, values in sampled.values.items()
        if name != "cell"
    }
    if fitted.cells:
        variables["cell"] = (("chain", "draw", "cell_name"), sampled.values["cell"])
    for scale, values in fitted.scales.items():
        variables[f"pair_{scale}"] = (("chain", "draw", "pair"), values)
    first = next(iter(fitted.scales.values()))
    coords = {
        "chain": np.arange(first.shape[0]),
        "draw": np.arange(first.shape[1]),
        "cell_name": [str(cell) for cell in fitted.cells],
        "pair": [f"{who} explains {whom}" for who, whom in fitted.pairs],
    }
    attrs = {"created_by": "selfinterp-stats", "priors": fitted.priors, "engine": sampled.engine}
    return xr.DataTree.from_dict({"posterior": xr.Dataset(variables, coords, attrs)})


def _run(results: ExplainerResults, seed: int, seconds: dict[str, float]) -> dict[str, Any]:
    study = results.study
    return {
        **provenance(),
        "seed": seed,
        "seconds": seconds,
        "run_prior": str(results.runs),
        "data": {
            "hashes": study.sources,
            "read": {"items": len(study.items), "published_cells": len(study.cells)},
        },
        "left_out": study.left_out_table().to_dict("records"),
        "notices": [str(notice) for notice in study.notices],
        "models": {
            label: {
                "priors": it.priors,
                "engine": it.sampled.engine,
                "pareto_k": None if np.isnan(it.sampled.pareto_k) else it.sampled.pareto_k,
                "divergences": it.sampled.diverging,
            }
            for label, it in results.draws.items()
        },
        "diagnostics": {
            "rhat_largest": _or_none(results.table["rhat"].max()),
            "ess_bulk_smallest": _or_none(results.table["ess_bulk"].min()),
        },
    }


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
