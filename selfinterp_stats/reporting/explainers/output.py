"""The output folder of an explainer study; it appears whole or not at all."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selfinterp_stats.estimates.analysis import Steps
from selfinterp_stats.estimates.explainers.results import ExplainerResults
from selfinterp_stats.estimates.explainers.table import TABLE_COLUMNS
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
    steps: Steps | None = None,
) -> Path:
    """Write tables, figures, methods, page, draws and ``run.json``.

    Parameters
    ----------
    results : ExplainerResults
    out : path
        Created, or replaced if it is empty or holds an earlier result of this package.
    steps : Steps, optional
        The steps of the analysis; ``run.json`` then says how long each took, this one up to its
        own writing.

    Raises
    ------
    InputError
        As `output_folder`.
    """
    steps = steps or Steps()
    with steps.step("report", 1), output_folder(out) as folder:
        tables = folder / "tables"
        tables.mkdir()
        texts = {
            "explainers.csv": csv_text(results.table, TABLE_COLUMNS),
            "cells.csv": csv_text(results.cells),
            "tipping.csv": csv_text(results.tipping),
            "left_out.csv": csv_text(results.study.left_out_table()),
        }
        for_readers = readers_texts({"explainers": reading_table(results.table, results.hdi_prob)})
        write_texts(texts | for_readers, tables)
        (folder / "figures").mkdir()
        drawings = write_figures(results, folder / "figures")
        trees = {label or "study": posterior_tree(it) for label, it in results.draws.items()}
        write_netcdf(trees, folder / "posterior")
        told = methods(results)
        told.write(folder)
        page = render_page(results, drawings, told)
        write_texts({"index.html": page}, folder)
        write_run({**results.run, "seconds": results.run["seconds"] | steps.so_far()}, folder)
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
