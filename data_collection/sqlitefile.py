"""A journal as an SQLite file: opened, checked, and its failures put into words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from data_collection.columns import UnreadableRow
from data_collection.errors import JournalError
from data_collection.schema import APPLICATION_ID, VERSION, migrate

# Seconds to wait for a reader that holds the file, such as a database browser.
_PATIENCE: Final = 10.0


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the file, check that it is a sound journal, and bring it to this version.

    Without `write` the file stays of the version that it is of, and what is read is a copy.
    """
    _refuse_folder(path)
    with told(path):
        connection = _opened(path)
        try:
            version = _version(path, connection, empty_too=write)
            _refuse_damage(connection)
            if write:
                _prepare(connection, version)
            else:
                connection = _read_only(connection, version)
        except BaseException:
            connection.close()
            raise
    return connection


def refuse_other_file(path: Path) -> None:
    """Refuse a file that is there and cannot become this program's journal.

    Raises
    ------
    JournalError
        It is no journal, or one of a newer version.
    """
    if not path.exists():
        return
    _refuse_folder(path)
    with told(path), closing(_opened(path)) as connection:
        _version(path, connection, empty_too=True)


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise JournalError(
            "this is a folder, not a journal", file=path, remedy="Give the path of a file."
        )


def _opened(path: Path) -> sqlite3.Connection:
    # The thread that commits is not the one that opened; the two take turns.
    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _version(path: Path, connection: sqlite3.Connection, *, empty_too: bool) -> int:
    """The journal's version, 0 for an empty file where that will do."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if owner != APPLICATION_ID and (tables or not empty_too):
        raise JournalError(
            "the file is no journal of this program",
            file=path,
            remedy="Check the path; nothing was changed.",
        )
    if version > VERSION:
        raise JournalError(
            "the journal was written by a newer version of this program",
            file=path,
            value=version,
            allowed=f"versions up to {VERSION}",
            remedy="Update selfinterp-stats; nothing was changed.",
        )
    return version


def _refuse_damage(connection: sqlite3.Connection) -> None:
    damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if damage != "ok":
        raise sqlite3.DatabaseError(damage)


def _prepare(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # Every commit reaches the disk: an answer that was paid for outlives a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    if version < VERSION:
        migrate(connection, version)
    connection.execute("INSERT OR IGNORE INTO study VALUES ('id', ?)", (uuid4().hex,))


def _read_only(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    """The connection, or one to a copy in memory that is of this version."""
    if version < VERSION:
        copy = _opened(Path(":memory:"))
        with closing(connection):
            connection.backup(copy)
        migrate(copy, version)
        connection = copy
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def told(path: Path) -> Iterator[None]:
    """SQLite's failures, and rows that mean nothing, in words, with what to do about them."""
    try:
        yield
    except UnreadableRow as error:
        problem, remedy = _failure("SQLITE_CORRUPT")
        raise JournalError(problem.format(error), file=path, remedy=remedy) from None
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "SQLITE_CORRUPT")
        problem, remedy = _failure(name)
        raise JournalError(
            problem.format(" ".join(str(error).split())), file=path, remedy=remedy
        ) from None


def _failure(name: str) -> tuple[str, str]:
    """Problem and remedy of an error that SQLite names."""
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return (
            "the journal cannot be written ({}); the disk may be full",
            "Make room and run the same command again: what was committed is kept.",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return (
            "another program holds the journal ({})",
            "Close it, for example a database browser, and run the same command again.",
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return (
            "the journal cannot be opened ({})",
            "Check that its folder exists and that you may write into it.",
        )
    if name.startswith("SQLITE_NOTADB"):
        return (
            "the file is no journal, or its beginning is damaged ({})",
            "Check the path, or go back to a copy.",
        )
    return (
        "the journal is damaged ({})",
        "Go back to a copy, or save what is left with SQLite's own `.recover`.",
    )
