"""The journal: every answer of a study in one SQLite file, committed before it counts.

It knows nothing of HTTP, of prompts or of what a good answer is. A journal has one writer at a
time (see `lock`) and any number of readers. Answers are only ever added: one that is asked again
supersedes the earlier one, which stays in the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from data_collection.columns import (
    ANSWER,
    CELL,
    INSERT_REPLY,
    reply_row,
    row_from,
    scenario_from,
    scenario_text,
)
from data_collection.errors import InputError, JournalError
from data_collection.lock import WriterLock
from data_collection.records import Asked, Cell, Counts, Recorded, RequestKey, Row
from data_collection.sqlitefile import connect, refuse_other_file, told

if TYPE_CHECKING:
    from data_collection.scenarios import Scenario


# Characters of a parameter in a message: of a prompt's hash these are enough.
_SHOWN: Final = 40


class Journal:
    """A study's journal. Use `Journal.open` and a ``with`` block.

    Attributes
    ----------
    path : pathlib.Path
    study : str
        The study's own name, drawn when the journal was made.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None) -> None:
        self.path = path
        self._db = connection
        self._lock = lock
        self._cells: dict[Cell, int] = {}
        # What is written down with the first answer.
        self._planned: dict[Cell, dict[str, int]] = {}
        self._scenarios: dict[str, str] = {}
        self.study = self.get("id") or ""

    @classmethod
    def open(cls, path: str | PathLike[str], *, write: bool = True) -> Self:
        """Open a journal, or with `write` make one where none is.

        Parameters
        ----------
        path : path-like
        write : bool
            Become its writer; False leaves it as it is.

        Raises
        ------
        JournalError
            Another program writes into it; it is damaged, no journal, or of a newer version; or
            with ``write=False`` it is not there.
        """
        path = Path(path)
        if not write and not path.exists():
            raise JournalError(
                "there is no journal",
                file=path,
                remedy="Check the path; `selfinterp collect choices` makes one.",
            )
        if write:
            # Before anything is written beside a file that is none of ours.
            refuse_other_file(path)
        lock = WriterLock(path) if write else None
        try:
            connection = connect(path, write=write)
            return cls(path, connection, lock)
        except BaseException:
            if lock:
                lock.close()
            raise

    def close(self) -> None:
        """Close the file and let the next writer in."""
        self._db.close()
        if self._lock:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: str) -> str | None:
        """A property of the study, such as ``targets``, or None."""
        with told(self.path):
            found = self._db.execute("SELECT value FROM study WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def put(self, key: str, value: str) -> None:
        """Set a property of the study."""
        with self.transaction():
            self._db.execute(
                "INSERT INTO study VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def add_scenarios(self, scenarios: Iterable[Scenario]) -> None:
        """Add scenarios that the study has not; their order stays that of their first mention.

        They are written down with the next answer.

        Raises
        ------
        InputError
            The study has another scenario of the same name.
        """
        known = dict(self.query("SELECT name, definition FROM scenario")) | self._scenarios
        for scenario in scenarios:
            definition = scenario_text(scenario)
            if known.setdefault(scenario.name, definition) != definition:
                raise InputError(
                    "the journal has another scenario of this name",
                    file=self.path,
                    value=scenario.name,
                    allowed="the question, attributes, units and ranges that it was begun with",
                    remedy="Use the scenario file of the first run, or another journal.",
                )
            self._scenarios[scenario.name] = definition

    def scenarios(self) -> tuple[Scenario, ...]:
        """The study's scenarios in the order in which they were first given."""
        rows = self.query("SELECT name, definition FROM scenario ORDER BY position")
        with told(self.path):
            return tuple(map(scenario_from, (dict(rows) | self._scenarios).values()))

    def check(self, cell: Cell, scenarios: Collection[str]) -> None:
        """Refuse a cell that cannot be filled in this journal.

        Raises
        ------
        InputError
            The cell was begun with another model or other parameters, or its trials are in the
            journal under another name.
        """
        for known in self.cells():
            if _labels(known) == _labels(cell) and known != cell:
                self._refuse_change(known, cell)
            if known != cell and _asked_as(known) == _asked_as(cell):
                self._refuse_second_name(known, cell, scenarios)

    def begin(self, cell: Cell, wanted: Mapping[str, int]) -> None:
        """Plan trials of a cell: `wanted` of each scenario, indices from 0.

        It is written down with the cell's first answer, so that a model's name that was mistyped
        leaves no trace.

        Raises
        ------
        InputError
            See `check`.
        """
        self.check(cell, wanted.keys())
        self._planned[cell] = dict(wanted)

    def cells(self) -> tuple[Cell, ...]:
        """Every cell that was begun, in that order."""
        rows = self.query(f"SELECT {CELL} FROM cell ORDER BY id")
        return tuple(Cell(*row) for row in rows)

    def asked(self, cell: Cell, scenario: str) -> dict[int, Asked]:
        """What the journal has of one scenario's trials, by index."""
        rows = self.query(
            "SELECT trial, status, prompt_sha256 FROM reply "
            "WHERE cell = ? AND scenario = ? AND superseded = 0",
            (self._id(cell), scenario),
        )
        return {index: Asked(status, sha) for index, status, sha in rows}

    def answered(self) -> set[RequestKey]:
        """Identities of all trials that have an answer, good or bad."""
        rows = self.query(
            "SELECT c.model, c.task, r.scenario, r.trial, c.parameters "
            "FROM reply r JOIN cell c ON c.id = r.cell "
            "WHERE r.superseded = 0 AND r.status != 'failed'"
        )
        return {RequestKey(self.study, *row) for row in rows}

    def record(self, answers: Iterable[Recorded]) -> None:
        """Write answers down; when this returns they are on the disk.

        Each takes the place of an earlier answer to the same trial.

        Raises
        ------
        JournalError
            The disk is full or the file damaged; none of `answers` was written then.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        answers = list(answers)
        with self.transaction():
            for cell in {recorded.request.cell for recorded in answers} & self._planned.keys():
                self._write_plan(cell)
            self._db.executemany(
                "INSERT OR IGNORE INTO scenario (name, definition) VALUES (?, ?)",
                self._scenarios.items(),
            )
            rows = [reply_row(self._id(row.request.cell), row, now) for row in answers]
            self._db.executemany(
                "UPDATE reply SET superseded = 1 "
                "WHERE cell = ? AND scenario = ? AND trial = ? AND superseded = 0",
                [row[:3] for row in rows],
            )
            self._db.executemany(INSERT_REPLY, rows)
        self._scenarios.clear()
        for row in answers:
            self._planned.pop(row.request.cell, None)

    def rows(self, cell: Cell | None = None) -> Iterator[Row]:
        """Trials with the answer that counts, by cell, scenario and index.

        Parameters
        ----------
        cell : Cell, optional
            Those of one cell alone.
        """
        for found in (cell,) if cell else self.cells():
            rows = self.query(
                "SELECT scenario, trial, details, prompt_sha256, status, value, rescued, why, "
                f"created, {', '.join(f'reply.{name}' for name in ANSWER.split(', '))} "
                "FROM reply LEFT JOIN scenario ON scenario.name = reply.scenario "
                "WHERE cell = ? AND superseded = 0 "
                "ORDER BY scenario.position, reply.scenario, reply.trial",
                (self._id(found),),
            )
            # A row that cannot be read must not leave its cursor open: the files beside the journal
            # stay as long as that is.
            with closing(rows):
                for row in rows:
                    with told(self.path):
                        read = row_from(found, row)
                    yield read

    def counts(self) -> tuple[Counts, ...]:
        """How far each cell is, those planned but without an answer last."""
        wanted = dict(self.query("SELECT cell, sum(wanted) FROM plan GROUP BY cell"))
        by_status: dict[int, dict[str, int]] = {}
        rescued: dict[int, int] = {}
        for number, status, count, saved in self.query(
            "SELECT cell, status, count(*), sum(rescued) FROM reply "
            "WHERE superseded = 0 GROUP BY cell, status"
        ):
            by_status.setdefault(number, {})[status] = count
            rescued[number] = rescued.get(number, 0) + saved
        found = []
        for cell in self.cells():
            number = self._id(cell)
            statuses = by_status.get(number, {})
            numbers = [
                statuses.get(name, 0)
                for name in ("valid", "invalid", "refused", "truncated", "failed")
            ]
            numbers.append(rescued.get(number, 0))
            found.append(Counts(cell, wanted.get(number, 0), *numbers))
        started = {counts.cell for counts in found}
        for cell, planned in self._planned.items():
            if cell not in started:
                found.append(Counts(cell, sum(planned.values()), 0, 0, 0, 0, 0, 0))
        return tuple(found)

    def query(self, statement: str, values: tuple[Any, ...] = ()) -> Generator[Any, None, None]:
        """Rows of one of the tables in `schema`."""
        with told(self.path):
            # Not ``yield from``, which closes the cursor, and so complains of a journal that was
            # closed when the reader broke off.
            for row in self._db.execute(statement, values):  # noqa: UP028 - see above
                yield row

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection to write through; what is written is on the disk after it, or none is.

        Raises
        ------
        JournalError
            The disk is full or the file damaged.
        """
        with told(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _id(self, cell: Cell) -> int:
        if cell not in self._cells:
            found = self._db.execute(
                "SELECT id FROM cell WHERE (task, base_model, set_name, condition, fold, examples) "
                "= (?, ?, ?, ?, ?, ?)",
                _labels(cell),
            ).fetchone()
            if found is None:
                return -1  # not begun: nothing was asked
            self._cells[cell] = int(found[0])
        return self._cells[cell]

    def _write_plan(self, cell: Cell) -> None:
        self._db.execute(
            f"INSERT OR IGNORE INTO cell ({CELL}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", astuple(cell)
        )
        number = self._id(cell)
        self._db.executemany(
            "INSERT INTO plan VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
            "SET wanted = max(wanted, excluded.wanted)",
            [(number, scenario, count) for scenario, count in self._planned[cell].items()],
        )

    def _refuse_change(self, known: Cell, cell: Cell) -> None:
        if known.model != cell.model:
            now, then = {"model": cell.model}, {"model": known.model}
        else:
            now, then = json.loads(cell.parameters), json.loads(known.parameters)
        changed = sorted(key for key in now | then if now.get(key) != then.get(key))
        words = ("other prompts" if key == "prompts" else f"another {key}" for key in changed)
        raise InputError(
            f"the journal's answers of {cell.label} were asked for with {' and '.join(words)}",
            file=self.path,
            value=", ".join(str(now.get(key))[:_SHOWN] for key in changed),
            allowed=", ".join(str(then.get(key))[:_SHOWN] for key in changed),
            remedy="Ask as before, or use another --journal: a study folder holds one of each.",
        )

    def _refuse_second_name(self, known: Cell, cell: Cell, scenarios: Collection[str]) -> None:
        planned = self.query("SELECT scenario FROM plan WHERE cell = ?", (self._id(known),))
        both = {scenario for (scenario,) in planned} & set(scenarios)
        if both:
            raise InputError(
                f"the journal has these trials already, as {known.label}",
                file=self.path,
                value=cell.label,
                remedy="Give the same --base-model, --set, --condition, --fold and --examples as "
                "before, or another journal.",
            )


def _labels(cell: Cell) -> tuple[Any, ...]:
    return astuple(cell)[:6]


def _asked_as(cell: Cell) -> tuple[str, str, str]:
    return cell.task, cell.model, cell.parameters
