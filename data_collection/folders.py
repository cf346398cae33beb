"""A folder of results: it appears whole or not at all, and nothing that is not ours is lost.

Everything is written into a hidden folder beside the one asked for, which is renamed at the end.
A record in the folder, `RECORD`, lists the files with their hashes. An existing folder is replaced
only if it is empty, or holds nothing but what its record lists, unchanged.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest
from os import PathLike
from pathlib import Path
from typing import Any, Final

from data_collection.errors import InputError
from data_collection.interrupts import uninterrupted

RECORD: Final = "collection.json"
FINISHED: Final[list[Path]] = []
"""Folders that this process has put in place: what an interrupted command may say that it left."""
_PACKAGE: Final = "data_collection"


@contextmanager
def whole_folder(out: str | PathLike[str], kind: str, details: dict[str, Any]) -> Iterator[Path]:
    """Give a folder to write files into that becomes `out` when all went well.

    Parameters
    ----------
    out : path-like
    kind : str
        What the folder holds; one that holds something else is not replaced.
    details : dict
        What the record says beside the files; it may be filled until the end.

    Raises
    ------
    InputError
        `out` is a file or holds what this package did not write; it cannot be written, or the disk
        is full. What stood there before then still stands there.
    """
    target = Path(out).resolve()
    _check(target, kind)
    parents: list[Path] = []
    hidden: list[Path] = []
    try:
        try:
            with uninterrupted():
                for parent in reversed([p for p in target.parents if not p.exists()]):
                    parent.mkdir()
                    parents.append(parent)
                hidden.append(Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent)))
            partial = hidden[0]
            yield partial
            _write_record(partial, {"kind": kind, **details})
            with uninterrupted():
                partial.chmod(0o777 & ~_umask())
                if not _same(partial, target):
                    _put_in_place(partial, target)
                FINISHED.append(target)
        except OSError as error:
            raise _refusal(error, target) from error
        finally:
            _remove(hidden, parents)
    finally:
        # Once more: an interrupt may have come when the first was not yet under way.
        _remove(hidden, parents)


def write_text(path: Path, text: str) -> None:
    """Write a text as it is: UTF-8, line ends untouched."""
    path.write_text(text, encoding="utf-8", newline="")


def _check(target: Path, kind: str) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(
            "this is a file, not a folder",
            file=target,
            remedy="Give the path of a folder as --out.",
        )
    record = _recorded(target)
    if record and record.get("kind") != kind:
        raise InputError(
            "this folder holds something else that this program wrote",
            file=target,
            value=record.get("kind"),
            allowed=kind,
            remedy="Give another folder as --out.",
        )
    ours = record.get("files", {})
    for entry in sorted(target.iterdir()):
        if entry.name == RECORD and ours:
            continue
        if _hash(entry) != ours.get(entry.name):
            raise InputError(
                "this folder holds a file that this program did not write, or that was changed",
                file=target,
                value=entry.name,
                remedy="Give another folder as --out, or empty this one yourself.",
            )


def _recorded(folder: Path) -> dict[str, Any]:
    """The record of a folder; nothing where it is not ours."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    ours = isinstance(record, dict) and record.get("package") == _PACKAGE
    return record if ours and isinstance(record.get("files"), dict) else {}


def _write_record(folder: Path, details: dict[str, Any]) -> None:
    files = {path.name: _hash(path) for path in sorted(folder.iterdir())}
    record = {"package": _PACKAGE, **details, "files": files}
    write_text(folder / RECORD, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def _hash(path: Path) -> str:
    if not path.is_file():
        return "no file"
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _same(partial: Path, target: Path) -> bool:
    """Whether `target` already is what would replace it."""
    return (target / RECORD).is_file() and _hash(partial / RECORD) == _hash(target / RECORD)


def _put_in_place(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent)) / target.name
    try:
        target.rename(old)
        try:
            partial.rename(target)
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


def _refusal(error: OSError, target: Path) -> InputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError(
            "the disk is full; nothing was changed there",
            file=target,
            remedy="Free some space, or give a folder on another disk as --out.",
        )
    return InputError(
        f"the folder cannot be written ({error.strerror or error}); nothing was changed there",
        file=target,
        remedy="Give a folder that you may write as --out.",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
