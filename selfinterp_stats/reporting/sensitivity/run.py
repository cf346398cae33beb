"""The multiverse of a study, computed and written up."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from selfinterp_stats.estimates.analysis import Steps
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.sensitivity import Sensitivity, compare_specifications
from selfinterp_stats.reporting.output import check_output_folder, output_folder, write_run
from selfinterp_stats.reporting.sensitivity.figures import write_figures
from selfinterp_stats.reporting.sensitivity.methods import methods
from selfinterp_stats.reporting.sensitivity.page import render_page
from selfinterp_stats.reporting.sensitivity.tables import write_tables
from selfinterp_stats.study import Study


def write_sensitivity(
    study: Study,
    out: str | PathLike[str],
    *,
    settings: Settings | None = None,
    min_reports: Sequence[int] | None = None,
    steps: Steps | None = None,
) -> Sensitivity:
    """Compare all specifications and write page, tables, figures, methods and ``run.json``.

    Parameters are those of `compare_specifications`; `out` appears whole or not at all.

    Raises
    ------
    InputError
        As `compare_specifications`, or if the folder cannot be written; nothing is changed then.
    """
    check_output_folder(out)
    steps = steps or Steps()
    found = compare_specifications(study, settings, min_reports=min_reports, steps=steps)
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
