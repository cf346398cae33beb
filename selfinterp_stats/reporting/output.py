"""The output folder: it appears whole or not at all, and replaces only what is ours.

An interrupt, a full disk or any other failure leaves what was there untouched (`whole_folder`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from selfinterp_stats.errors import InputError
from selfinterp_stats.reporting import draws, figures, page, tables
from selfinterp_stats.reporting.methods import methods
from selfinterp_stats.study.wholefolder import refusal, try_writing, whole_folder

if TYPE_CHECKING:
    from selfinterp_stats.estimates.analysis import Steps
    from selfinterp_stats.estimates.results import Results

PACKAGE: Final = "selfinterp-stats"
_RUN: Final = "run.json"


def write_report(
    results: Results,
    out: str | PathLike[str],
    *,
    posterior: bool = True,
    parquet: bool = False,
    steps: Steps | None = None,
) -> Path:
    """Write everything that `reproduce` promises into a folder.

    Parameters
    ----------
    results : Results
    out : path
        Created, or replaced if it is empty or holds an earlier result of this package.
    posterior : bool
        Whether to write the draws as ``posterior/*.nc``.
    parquet : bool
        Whether to write them as ``draws/*.parquet`` too, for R's posterior package.
    steps : Steps, optional
        The steps of the analysis; ``run.json`` then says how long each took, this one up to its
        own writing.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder is not ours to replace, cannot be written, or the disk is full. What stood
        there before then still stands there.
    """
    with output_folder(out) as folder:
        write_into(results, folder, posterior=posterior, parquet=parquet, steps=steps)
    return Path(out)


def write_into(
    results: Results,
    folder: Path,
    *,
    posterior: bool = True,
    parquet: bool = False,
    steps: Steps | None = None,
) -> None:
    """Write a whole report into an existing, empty folder; parameters as for `write_report`."""
    # Draws are written beside the rest: HDF5 and the figures keep a core busy each.
    with ThreadPoolExecutor(1) as pool:
        saved = pool.submit(_write_draws, results, folder, posterior=posterior, parquet=parquet)
        (folder / "tables").mkdir()
        tables.write_tables(results, folder / "tables")
        (folder / "figures").mkdir()
        drawn = figures.write_figures(results, folder / "figures")
        told = methods(results)
        told.write(folder)
        tables.write_texts({"index.html": page.render_page(results, drawn, told)}, folder)
        saved.result()
    run = dict(results.run)
    if drawn.skipped:
        run["figures_left_out"] = drawn.skipped
    if steps is not None:
        run["seconds"] = steps.so_far()
    write_run(run, folder)


def _write_draws(results: Results, folder: Path, *, posterior: bool, parquet: bool) -> None:
    if posterior:
        draws.write_netcdf(results.posteriors, folder / "posterior")
    if parquet:
        draws.write_parquet(results.posteriors, folder / "draws")


def write_run(run: Mapping[str, Any], folder: Path) -> None:
    """Write ``run.json``, by which a later run knows the folder as ours."""
    text = json.dumps({"package": PACKAGE, **run}, indent=2, default=_as_json)
    tables.write_texts({_RUN: text + "\n"}, folder)


@contextmanager
def output_folder(out: str | PathLike[str]) -> Iterator[Path]:
    """Give a folder to write into that becomes `out` when all went well.

    The body must leave a ``run.json`` with ``"package": "selfinterp-stats"`` in it, or a later
    run will take the result for somebody else's folder.

    Raises
    ------
    InputError
        As `write_report`.
    """
    check_output_folder(out)
    with whole_folder(out) as folder:
        yield folder


def check_output_folder(out: str | PathLike[str]) -> None:
    """Refuse an output folder that could not be written in the end, before the work starts.

    Raises
    ------
    InputError
        If `out` is a file, a folder that holds something that is not ours, or cannot be written.
    """
    target = Path(out).resolve()
    try:
        if target.is_dir():
            if any(target.iterdir()) and not is_ours(target):
                raise InputError(
                    "this folder holds files that this program did not write",
                    file=out,
                    remedy="Give another folder as --out, or empty this one yourself.",
                )
        elif target.exists():
            raise InputError(
                "this is a file, not a folder",
                file=out,
                remedy="Give the path of a folder as --out.",
            )
        try_writing(_nearest_existing(target.parent))
    except OSError as error:
        raise refusal(error, target) from error


def is_ours(folder: Path) -> bool:
    """Tell whether a folder holds a ``run.json`` that this package wrote."""
    try:
        run = json.loads((folder / _RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(run, dict) and run.get("package") == PACKAGE


def _nearest_existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _as_json(value: Any) -> Any:
    """Turn numpy's and pandas' scalars and paths into what JSON knows."""
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, set | frozenset | tuple):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    return str(value)
