"""A study's conclusions under other priors, computed and written up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

from selfinterp_stats.estimates.analysis import Steps
from selfinterp_stats.estimates.priors import PriorComparison, compare_priors
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.reporting.output import check_output_folder, output_folder, write_run
from selfinterp_stats.reporting.priors.figures import write_figures
from selfinterp_stats.reporting.priors.methods import methods
from selfinterp_stats.reporting.priors.page import render_page
from selfinterp_stats.reporting.priors.tables import write_tables
from selfinterp_stats.study import Study

if TYPE_CHECKING:
    from selfinterp_stats.models import Prior


def write_priors(
    study: Study,
    out: str | PathLike[str],
    priors: Mapping[str, Mapping[str, Prior]] | str | PathLike[str] | None = None,
    *,
    only: Sequence[str] | None = None,
    settings: Settings | None = None,
    steps: Steps | None = None,
) -> PriorComparison:
    """Compare all priors and write page, tables, figures, methods and ``run.json``.

    Parameters are those of `compare_priors`; `out` appears whole or not at all.

    Raises
    ------
    InputError
        As `compare_priors`, or if the folder cannot be written; nothing is changed then.
    """
    check_output_folder(out)
    steps = steps or Steps()
    found = compare_priors(study, priors, only=only, settings=settings, steps=steps)
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
