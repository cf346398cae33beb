"""A folder that appears whole or not at all.

Everything is written into a hidden folder beside the one asked for, which is renamed at the end.
An interrupt, a full disk or any other failure leaves what was there untouched.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Final

from selfinterp_stats.errors import InputError

FINISHED: Final[list[Path]] = []
"""Folders that this process has put in place: what an interrupted command may say that it left."""


@contextmanager
def whole_folder(out: str | PathLike[str]) -> Iterator[Path]:
    """Give a folder to write into that becomes `out` when all went well.

    Parameters
    ----------
    out : path
        Created, or replaced: whether it may be is the caller's to know.

    Raises
    ------
    InputError
        If it cannot be written or the disk is full. What stood there before then still stands
        there.
    """
    target = Path(out).resolve()
    parents: list[Path] = []
    hidden: list[Path] = []
    try:
        try:
            with uninterrupted():
                _make_hidden(target, hidden, parents)
            yield hidden[0]
            with uninterrupted():
                _put_in_place(hidden[0], target)
                FINISHED.append(target)
        except OSError as error:
            raise refusal(error, target) from error
        except RuntimeError as error:
            # HDF5 reports a full disk in its own words.
            if "No space left" in str(error) or "errno = 28" in str(error):
                raise refusal(OSError(errno.ENOSPC, str(error)), target) from error
            raise
        finally:
            _remove(hidden, parents)
    finally:
        # Once more: an interrupt may have come when the first was not yet under way.
        _remove(hidden, parents)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold an interrupt back until the block is done."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(signal.SIGINT, None)


def try_writing(folder: Path) -> None:
    """Make and remove something in a folder: permissions say little for root or a read-only disk.

    Raises
    ------
    OSError
        Nothing can be made there.
    """
    with uninterrupted():
        Path(tempfile.mkdtemp(prefix=".selfinterp-", dir=folder)).rmdir()


def refusal(error: OSError, target: Path) -> InputError:
    """An operating system's complaint about the output, in words, with what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError(
            "the disk is full; nothing was changed there",
            file=target,
            remedy="Free some space, or give a folder on another disk as --out.",
        )
    return InputError(
        f"the output cannot be written ({error.strerror or error}); nothing was changed there",
        file=target,
        remedy="Give a folder that you may write as --out.",
    )


def _make_hidden(target: Path, hidden: list[Path], parents: list[Path]) -> None:
    """Make the hidden folder, and the parents that are missing; note what was made."""
    for parent in reversed([parent for parent in target.parents if not parent.exists()]):
        parent.mkdir()
        parents.append(parent)
    # A folder that is there and empty stays itself: it may be a disk of its own, or the user is
    # in it. What is written then lies in it and moves up at the end.
    place = target if _is_empty(target) else target.parent
    hidden.append(Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=place)))
    hidden[0].chmod(0o777 & ~_umask())


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _put_in_place(hidden: Path, target: Path) -> None:
    if hidden.parent == target:
        for path in sorted(hidden.iterdir()):
            path.rename(target / path.name)
        return
    if not target.exists():
        hidden.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent)) / target.name
    try:
        target.rename(old)
        try:
            hidden.rename(target)
        except BaseException:
            old.rename(target)
            raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _remove(hidden: list[Path], parents: list[Path]) -> None:
    """Remove the hidden folder, and the parents that were made for it if nothing is in them."""
    with uninterrupted():
        for folder in hidden:
            shutil.rmtree(folder, ignore_errors=True)
        for parent in reversed(parents):
            with suppress(OSError):
                parent.rmdir()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
