"""Stage 1 alone, written up: the weights table, the draws and where they came from."""

from __future__ import annotations

from os import PathLike

from selfinterp_stats.estimates.analysis import Steps, analyse_weights
from selfinterp_stats.estimates.results import Results, Settings
from selfinterp_stats.reporting import draws
from selfinterp_stats.reporting.output import check_output_folder, output_folder, write_run
from selfinterp_stats.reporting.tables import write_table
from selfinterp_stats.study import Study


def refit_weights(
    study: Study,
    out: str | PathLike[str],
    *,
    settings: Settings | None = None,
    parquet: bool = False,
    steps: Steps | None = None,
) -> Results:
    """Fit the weights of a study and write ``tables/weights.*``, ``posterior/``, ``run.json``.

    Parameters are those of `reproduce`; what stage 2 would give is empty in the result.

    Raises
    ------
    InputError
        If the folder cannot be written, or Parquet files cannot; nothing is changed then.
    """
    check_output_folder(out)
    if parquet:
        draws.check_parquet()
    steps = steps or Steps()
    results = analyse_weights(study, settings or Settings(), steps)
    with steps.step("report", 1), output_folder(out) as folder:
        (folder / "tables").mkdir()
        write_table("weights", results, folder / "tables")
        draws.write_netcdf(results.posteriors, folder / "posterior")
        if parquet:
            draws.write_parquet(results.posteriors, folder / "draws")
        write_run({**results.run, "seconds": steps.so_far()}, folder)
    return results
