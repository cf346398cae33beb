"""One writer at a time: a lock on a file beside the one written, which ends with its process."""

from __future__ import annotations

import fcntl
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from data_collection.errors import JournalError


class WriterLock:
    """Held while a process may write into a file that lasts.

    The operating system lets go of it when the process ends, however it ends, so that a killed
    collector never leaves a journal locked. The file stays: removing it would open a gap in which
    two processes hold locks on two files of one name.

    Parameters
    ----------
    file : pathlib.Path
    what : str
        The file in words, for messages.

    Raises
    ------
    JournalError
        Another process holds it, or the file cannot be written.
    """

    def __init__(self, file: Path, what: str = "journal") -> None:
        if not file.parent.is_dir():
            raise JournalError(
                f"there is no such folder for the {what}",
                file=file.parent,
                remedy="Make it, or give a path in another folder.",
            )
        path = file.with_name(file.name + ".lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise JournalError(
                f"the lock of the {what} cannot be written: {error.strerror}",
                file=path,
                remedy="Give a path in a folder that you may write into.",
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._file, 200, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise JournalError(
                f"another program is writing into the {what} ({holder or 'unknown'})",
                file=file,
                remedy="Wait until it is done, or stop it; what it has written is kept.",
            ) from None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._say(f"process {os.getpid()} on {socket.gethostname()} since {now}\n")

    def close(self) -> None:
        """Let go."""
        if self._file >= 0:
            self._say("")
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _say(self, text: str) -> None:
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text.encode(), 0)
        except OSError:
            # A full disk: the lock holds all the same, it only cannot say whose it is.
            return
