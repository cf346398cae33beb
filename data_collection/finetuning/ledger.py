"""``models.json``: which fine-tuning jobs a study has started, and the models that they made.

A job is written down before it is created and after, so that neither a crash nor a second call
can start it twice.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any, Final

from data_collection.errors import InputError, JournalError
from data_collection.lock import WriterLock

VERSION: Final = 1
# Seconds to wait for another writer: an upload may take this long.
_PATIENCE: Final = 10.0
_PRIVATE: Final = ("base_url", "training_file_id", "validation_file_id", "error")
ENDED: Final = ("succeeded", "failed", "cancelled")


@dataclass
class Entry:
    """One fine-tuning job.

    Attributes
    ----------
    key : str
        Follows from the files' contents, model, seed, suffix and hyper-parameters: what makes two
        jobs the same.
    base_url : str
    training_file, validation_file : str
        Names of the local files; "" for no validation.
    training_sha256, validation_sha256 : str
    model : str
        The model that is trained further.
    seed : int
    suffix : str
    hyperparameters : dict
        Only those that were given.
    training_file_id, validation_file_id, job_id : str
        As the service calls them; "" as long as they are not there.
    status : str
        "new" until the job exists, then as the service says.
    fine_tuned_model : str
    trained_tokens : int or None
    error : str
    """

    key: str
    base_url: str
    training_file: str
    training_sha256: str
    validation_file: str
    validation_sha256: str
    model: str
    seed: int
    suffix: str
    hyperparameters: dict[str, Any]
    training_file_id: str = ""
    validation_file_id: str = ""
    job_id: str = ""
    status: str = "new"
    fine_tuned_model: str = ""
    trained_tokens: int | None = None
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether the job will not change any more."""
        return self.status in ENDED


@dataclass
class Ledger:
    """All jobs of a study, in the order in which they were begun.

    Attributes
    ----------
    path : pathlib.Path
    entries : list of Entry
    rest : dict
        What else the file holds; kept as it is.
    """

    path: Path
    entries: list[Entry] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)

    def find(self, key: str, base_url: str) -> Entry | None:
        """The latest job with this key at this service."""
        found = [entry for entry in self.entries if (entry.key, entry.base_url) == (key, base_url)]
        return found[-1] if found else None

    def save(self) -> None:
        """Write the file; it is on the disk, whole, when this returns.

        Raises
        ------
        InputError
            It cannot be written.
        """
        jobs = [asdict(entry) for entry in self.entries]
        content = {**self.rest, "version": VERSION, "fine_tuning_jobs": jobs}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        # One writer at a time (`writing`), so one name for what is not whole yet is enough.
        partial = self.path.with_name(f".{self.path.name}.partial")
        try:
            with partial.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise InputError(
                f"the list of models cannot be written: {error.strerror}",
                file=self.path,
                remedy="Choose a place that you may write to, on a disk with room, with --models.",
            ) from None


def record_of_models(path: str | PathLike[str]) -> str:
    """The models of a ledger as a study folder keeps them: how each was made, and its name.

    Jobs that made no model are left out, and so are the service's names for files, which mean
    nothing to anybody else.

    Returns
    -------
    str
        JSON.

    Raises
    ------
    InputError
        See `read_ledger`, or the file is not there.
    """
    if not Path(path).exists():
        raise InputError(
            "there is no list of models",
            file=path,
            remedy="`selfinterp finetune submit` writes one.",
        )
    jobs = [
        {name: value for name, value in asdict(entry).items() if name not in _PRIVATE}
        for entry in read_ledger(path).entries
        if entry.fine_tuned_model
    ]
    record = {"version": VERSION, "fine_tuning_jobs": jobs}
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


@contextmanager
def writing(path: str | PathLike[str]) -> Iterator[Ledger]:
    """The ledger of a file, for one writer at a time; others wait a moment for their turn.

    Raises
    ------
    JournalError
        Another program keeps it for long.
    InputError
        It cannot be read.
    """
    path = Path(path)
    read_ledger(path)  # before anything is written beside a file that is none of ours
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            lock = WriterLock(path, "list of models")
            break
        except JournalError:
            if not path.parent.is_dir() or time.monotonic() > end:
                raise
            time.sleep(0.05)
    with lock:
        yield read_ledger(path)


def store(path: str | PathLike[str], entry: Entry) -> None:
    """Write down how far one job is.

    Raises
    ------
    JournalError, InputError
        See `writing` and `Ledger.save`.
    """
    with writing(path) as ledger:
        jobs = [known.job_id for known in ledger.entries]
        if entry.job_id in jobs:
            ledger.entries[jobs.index(entry.job_id)] = entry
        else:
            ledger.entries.append(entry)
        ledger.save()


def read_ledger(path: str | PathLike[str]) -> Ledger:
    """What a file holds; nothing if it is not there.

    Raises
    ------
    InputError
        It cannot be read, or is of a newer version.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Ledger(path)
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from None
    jobs = content.pop("fine_tuning_jobs", []) if isinstance(content, dict) else None
    if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
        raise _unreadable(path, "it holds something else")
    version = content.get("version", VERSION)
    if version != VERSION:
        raise InputError(
            "the list of models is of another version, which a newer program may have written",
            file=path,
            value=version,
            allowed=str(VERSION),
            remedy="Update selfinterp-stats.",
        )
    known = {found.name for found in fields(Entry)}
    try:
        entries = [Entry(**{k: v for k, v in job.items() if k in known}) for job in jobs]
    except TypeError:
        raise _unreadable(path, "a job in it lacks what every job has") from None
    return Ledger(path, entries, content)


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(
        f"the list of models cannot be read: {why}",
        file=path,
        remedy="Restore it, or name another file with --models; the service still has the "
        "jobs, and none is started twice.",
    )
