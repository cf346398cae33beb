"""The correlations of a study three ways, computed and written up."""

from __future__ import annotations

from os import PathLike

from selfinterp_stats.estimates.analysis import Steps
from selfinterp_stats.estimates.propagation import Propagation, propagate_uncertainty
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.reporting.output import check_output_folder, output_folder, write_run
from selfinterp_stats.reporting.propagation.figures import write_figures
from selfinterp_stats.reporting.propagation.methods import methods
from selfinterp_stats.reporting.propagation.page import render_page
from selfinterp_stats.reporting.propagation.tables import write_tables
from selfinterp_stats.study import Study


def write_propagation(
    study: Study,
    out: str | PathLike[str],
    *,
    settings: Settings | None = None,
    steps: Steps | None = None,
) -> Propagation:
    """Propagate uncertainty and write page, tables, figure, methods and ``run.json``.

    Parameters are those of `propagate_uncertainty`; `out` appears whole or not at all.

    Raises
    ------
    InputError
        As `propagate_uncertainty`, or if the folder cannot be written; nothing is changed then.
    """
    check_output_folder(out)
    steps = steps or Steps()
    found = propagate_uncertainty(study, settings, steps=steps)
    with steps.step("report", 1), output_folder(out) as folder:
        for name in ("tables", "figures"):
            (folder / name).mkdir()
        write_tables(found, folder / "tables")
        drawings = write_figures(found, folder / "figures")
        told = methods(found)
        told.write(folder)
        page = render_page(found, drawings, told)
        (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
        write_run({**found.run, "seconds": steps.so_far()}, folder)
    return found
