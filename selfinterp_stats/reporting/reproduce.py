"""The main job: refit everything that a study holds and write it up."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

from selfinterp_stats.estimates.analysis import Steps, analyse
from selfinterp_stats.estimates.results import Results, Settings
from selfinterp_stats.reporting.draws import check_parquet
from selfinterp_stats.reporting.output import check_output_folder, write_report
from selfinterp_stats.study import Study, load_study


def reproduce(
    data: Study | str | PathLike[str] | None = None,
    out: str | PathLike[str] | None = None,
    *,
    settings: Settings | None = None,
    base_models: Iterable[str] | None = None,
    sets: Iterable[str] | None = None,
    posterior: bool = True,
    parquet: bool = False,
    steps: Steps | None = None,
) -> Results:
    """Refit a study and, where `out` is given, write tables, figures and the page.

    Parameters
    ----------
    data : Study or path, optional
        A study or its folder; the paper's data (``$SELFINTERP_DATA``, else the fetched copy)
        unless given.
    out : path, optional
        Folder for the report. It appears whole or not at all.
    settings : Settings, optional
        Engine, draws, seed, ROPE, probability of HDIs, and where the work is done.
    base_models, sets : iterable of str, optional
        Narrow the analysis.
    posterior, parquet : bool
        Whether to write the draws as netCDF, and as Parquet.
    steps : Steps, optional
        Where seconds and progress of every step go.

    Returns
    -------
    Results
        Tables as data frames and posteriors as trees, whether or not anything is written.

    Raises
    ------
    InputError
        If the study cannot be read or the folder cannot be written; nothing is changed then.
    ServiceError
        A cluster was named and does not answer.

    References
    ----------
    Plunkett, Morris, Reddy & Morales (2025), arXiv:2505.17120.

    Examples
    --------
    >>> from selfinterp_stats import Settings, reproduce
    >>> settings = Settings(draws=1000, regression_draws=4000)
    >>> results = reproduce("study", "results", settings=settings)
    >>> "e3_native_r_after_model-a" in set(results.paper_numbers["id"])
    True
    """
    if out is not None:
        check_output_folder(out)
        if parquet:
            check_parquet()
    steps = steps or Steps()
    if isinstance(data, Study):
        study = data
    else:
        with steps.step("reading", 1):
            study = load_study(data or None)
    study = study.narrow(base_models, sets)
    results = analyse(study, settings or Settings(), steps)
    if out is not None:
        with steps.step("report", 1):
            write_report(results, out, posterior=posterior, parquet=parquet, steps=steps)
    return results
