"""Get the paper's data from where the authors published them, and find them again.

pooch keeps the registry of hashes and decides what to fetch; `resume` moves the bytes. What the
files hold is not looked at: their hashes say that they are the right ones.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any, Final

from selfinterp_stats.errors import InputError, ServiceError
from selfinterp_stats.study.paper import BASE_URL, COMMIT, paper_hashes
from selfinterp_stats.study.resume import Interrupted, ResumingDownloader

DATA_VARIABLE: Final = "SELFINTERP_DATA"
"""Environment variable that names the default study folder."""

Progress = Callable[[str, int, int], None]


def default_destination() -> Path:
    """Folder in the user's cache into which `fetch_paper_data` puts the data by default."""
    import platformdirs

    # The commit is in the name, so that data of another one are never taken for these.
    return platformdirs.user_cache_path("selfinterp-stats") / f"paper-data-{COMMIT[:12]}"


def fetch_paper_data(
    dest: str | PathLike[str] | None = None,
    *,
    base_url: str | None = None,
    progress: Progress | None = None,
    hashes: Mapping[str, str] | None = None,
) -> Path:
    """Download the paper's data at the pinned commit, each file checked by its hash.

    Files that are there already and right are not fetched again; a download that was cut off goes
    on where it stopped, in this call or a later one.

    Parameters
    ----------
    dest : path-like, optional
        Folder for the files; `default_destination` unless given. Made if need be.
    base_url : str, optional
        Where the files are, instead of the authors' repository.
    progress : callable, optional
        Called as ``progress(file, done, total)`` before each file and, with ``file`` empty, once
        at the end.
    hashes : mapping of str to str, optional
        SHA-256 by file name, instead of the paper's.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    InputError
        The folder cannot be written.
    ServiceError
        The server cannot be reached or does not send the files, or what it sends has another
        hash; nothing wrong is left in the folder.

    Examples
    --------
    Not run in the tests, since it needs the network:

    >>> from selfinterp_stats import fetch_paper_data, load_study
    >>> study = load_study(fetch_paper_data())  # doctest: +SKIP
    """
    import pooch

    folder = default_destination() if dest is None else Path(dest)
    url = BASE_URL if base_url is None else base_url.rstrip("/") + "/"
    registry = dict(paper_hashes() if hashes is None else hashes)
    # pooch announces each file on stderr; `progress` is how this package speaks.
    pooch.get_logger().setLevel(logging.WARNING)
    keeper = pooch.create(path=folder, base_url=url, registry=registry)
    there = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ResumingDownloader() as downloader:
            for done, name in enumerate(registry):
                if progress is not None:
                    progress(name, done, len(registry))
                _fetch(keeper, name, downloader, url)
    except OSError as error:
        raise InputError(
            f"the data cannot be written: {error.strerror or error}",
            file=error.filename or str(folder),
            remedy="Choose a folder that can be written, on a disk with 15 MB free, with --dest.",
        ) from error
    finally:
        # Nobody should wonder about a folder into which nothing came.
        if not there:
            with suppress(OSError):
                folder.rmdir()
    if progress is not None:
        progress("", len(registry), len(registry))
    return folder


def paper_data_folder() -> Path:
    """The default study folder: `$SELFINTERP_DATA`, else the fetched copy of the paper's data.

    Raises
    ------
    InputError
        The variable is not set and nothing, or not everything, has been fetched.
    """
    named = os.environ.get(DATA_VARIABLE)
    if named:
        return Path(named)
    folder = default_destination()
    missing = [name for name in paper_hashes() if not (folder / name).is_file()]
    if not missing:
        return folder
    raise InputError(
        "the paper's data have not been fetched"
        if len(missing) == len(paper_hashes())
        else f"the fetched copy of the paper's data lacks {len(missing)} files",
        file=str(folder),
        allowed=f"a study folder given with --data or in ${DATA_VARIABLE}, or the fetched copy",
        remedy="Run `selfinterp fetch`, or give a study folder with --data.",
    )


def _fetch(keeper: Any, name: str, downloader: ResumingDownloader, url: str) -> None:
    # The second try is for a part file that was wrong: pooch removes what fails its hash, and
    # the next download starts from nothing.
    for last in (False, True):
        try:
            keeper.fetch(name, downloader=downloader)
            return
        except Interrupted as error:
            raise ServiceError(
                f"{name} could not be downloaded from {url}: {error}. "
                "Run the command again; it goes on where it stopped."
            ) from error
        except ValueError as error:
            if last or not downloader.resumed:
                raise ServiceError(
                    f"{name}, as sent by {url}, is not the paper's file: its SHA-256 is not "
                    f"{keeper.registry[name]}. It was not kept. Check whether something between "
                    "here and the server changes what is downloaded, then run the command again."
                ) from error
