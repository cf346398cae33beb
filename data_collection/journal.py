"""The journal: every answer of a study in one SQLite file, committed before it counts.

It knows nothing of HTTP, of prompts or of what a good answer is. A journal has one writer at a
time (see `lock`) and any number of readers. Answers are only ever added: one that is asked again
supersedes the earlier one, which stays in the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from data_collection.errors import InputError, JournalError
from data_collection.lock import WriterLock
from data_collection.records import Answer, Cell, Request, RequestKey, Row, canonical
from data_collection.sqlitefile import connect, told

if TYPE_CHECKING:
    from data_collection.parsing import Reply
    from data_collection.scenarios import Scenario

_CELL: Final = "task, base_model, set_name, condition, fold, examples, model, parameters"
_ANSWER: Final = (
    "text, refusal, finish_reason, model, system_fingerprint, prompt_tokens, completion_tokens, "
    "latency, logprobs, attempts, error"
)
_REPLY: Final = (
    f"cell, scenario, trial, details, prompt_sha256, status, value, rescued, why, {_ANSWER}, "
    "created"
)
_INSERT: Final = f"INSERT INTO reply ({_REPLY}) VALUES ({', '.join('?' * 21)})"


class Recorded(NamedTuple):
    """One answer on its way into the journal, with what it says."""

    request: Request
    answer: Answer
    reply: Reply


class Asked(NamedTuple):
    """What the journal has of one trial."""

    status: str
    prompt_sha256: str


@dataclass(frozen=True)
class Counts:
    """How far one cell is.

    Attributes
    ----------
    cell : Cell
    wanted : int
        Trials that were planned.
    valid, invalid, refused, truncated, failed : int
        Trials by what came of them.
    rescued : int
        Of the valid ones, those that only ``--rescue`` could read.
    """

    cell: Cell
    wanted: int
    valid: int
    invalid: int
    refused: int
    truncated: int
    failed: int
    rescued: int

    @property
    def asked(self) -> int:
        """Trials in the journal, with an answer or failed."""
        return self.valid + self.invalid + self.refused + self.truncated + self.failed

    @property
    def complete(self) -> bool:
        """Whether the model has answered every planned trial, well or badly."""
        return self.asked >= self.wanted and self.failed == 0


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
        with self._transaction():
            self._db.execute(
                "INSERT INTO study VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def add_scenarios(self, scenarios: Iterable[Scenario]) -> None:
        """Add scenarios that the study has not; their order stays that of their first mention.

        Raises
        ------
        InputError
            The study has another scenario of the same name.
        """
        known = dict(self._query("SELECT name, definition FROM scenario"))
        new = []
        for scenario in scenarios:
            definition = _definition(scenario)
            if known.setdefault(scenario.name, definition) != definition:
                raise InputError(
                    "the journal has another scenario of this name",
                    file=self.path,
                    value=scenario.name,
                    allowed="the question, attributes, units and ranges that it was begun with",
                    remedy="Use the scenario file of the first run, or another journal.",
                )
            new.append((scenario.name, definition))
        with self._transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO scenario (name, definition) VALUES (?, ?)", new
            )

    def scenarios(self) -> tuple[Scenario, ...]:
        """The study's scenarios in the order in which they were first given."""
        rows = self._query("SELECT definition FROM scenario ORDER BY position")
        return tuple(_scenario(text) for (text,) in rows)

    def begin(self, cell: Cell, wanted: Mapping[str, int]) -> None:
        """Plan trials of a cell: `wanted` of each scenario, indices from 0.

        Raises
        ------
        InputError
            The cell was begun with another model or other parameters, or these trials are in the
            journal under another name.
        """
        for known in self.cells():
            if _labels(known) == _labels(cell) and known != cell:
                self._refuse_change(known, cell)
            if known != cell and _asked_as(known) == _asked_as(cell):
                self._refuse_second_name(known, cell, wanted)
        with self._transaction():
            self._db.execute(
                f"INSERT OR IGNORE INTO cell ({_CELL}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                astuple(cell),
            )
            number = self._id(cell)
            self._db.executemany(
                "INSERT INTO plan VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                "SET wanted = max(wanted, excluded.wanted)",
                [(number, scenario, count) for scenario, count in wanted.items()],
            )

    def cells(self) -> tuple[Cell, ...]:
        """Every cell that was begun, in that order."""
        rows = self._query(f"SELECT {_CELL} FROM cell ORDER BY id")
        return tuple(Cell(*row) for row in rows)

    def asked(self, cell: Cell, scenario: str) -> dict[int, Asked]:
        """What the journal has of one scenario's trials, by index."""
        rows = self._query(
            "SELECT trial, status, prompt_sha256 FROM reply "
            "WHERE cell = ? AND scenario = ? AND superseded = 0",
            (self._id(cell), scenario),
        )
        return {index: Asked(status, sha) for index, status, sha in rows}

    def answered(self) -> set[RequestKey]:
        """Identities of all trials that have an answer, good or bad."""
        rows = self._query(
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
        rows = [self._reply(recorded, now) for recorded in answers]
        with self._transaction():
            self._db.executemany(
                "UPDATE reply SET superseded = 1 "
                "WHERE cell = ? AND scenario = ? AND trial = ? AND superseded = 0",
                [row[:3] for row in rows],
            )
            self._db.executemany(_INSERT, rows)

    def rows(self, cell: Cell | None = None) -> Iterator[Row]:
        """Trials with the answer that counts, by cell, scenario and index.

        Parameters
        ----------
        cell : Cell, optional
            Those of one cell alone.
        """
        for found in (cell,) if cell else self.cells():
            rows = self._query(
                "SELECT scenario, trial, details, prompt_sha256, status, value, rescued, why, "
                f"created, {', '.join(f'reply.{name}' for name in _ANSWER.split(', '))} "
                "FROM reply LEFT JOIN scenario ON scenario.name = reply.scenario "
                "WHERE cell = ? AND superseded = 0 "
                "ORDER BY scenario.position, reply.scenario, reply.trial",
                (self._id(found),),
            )
            for row in rows:
                yield _row(found, row)

    def counts(self) -> tuple[Counts, ...]:
        """How far each cell is."""
        wanted = dict(self._query("SELECT cell, sum(wanted) FROM plan GROUP BY cell"))
        by_status: dict[int, dict[str, int]] = {}
        rescued: dict[int, int] = {}
        for number, status, count, saved in self._query(
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
        return tuple(found)

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

    def _reply(self, recorded: Recorded, now: str) -> tuple[Any, ...]:
        request, answer, reply = recorded
        return (
            self._id(request.cell),
            request.scenario,
            request.index,
            canonical(request.details),
            request.prompt_sha256,
            reply.status,
            None if reply.value is None else canonical(reply.value),
            int(reply.rescued),
            reply.why,
            _storable(answer.text),
            int(answer.refusal),
            answer.finish_reason,
            answer.model,
            answer.system_fingerprint,
            answer.prompt_tokens,
            answer.completion_tokens,
            answer.latency,
            None if answer.logprobs is None else canonical(answer.logprobs),
            answer.attempts,
            _storable(answer.error),
            now,
        )

    def _query(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[Any]:
        with told(self.path):
            yield from self._db.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with told(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _refuse_change(self, known: Cell, cell: Cell) -> None:
        what = "model" if known.model != cell.model else "parameters"
        raise InputError(
            f"the journal has answers of {cell.label} with other {what}"
            if what == "parameters"
            else f"the journal has answers of {cell.label} by another model",
            file=self.path,
            value=getattr(cell, what),
            allowed=getattr(known, what),
            remedy="Ask as before, or use another journal: a study folder holds one of each.",
        )

    def _refuse_second_name(self, known: Cell, cell: Cell, wanted: Mapping[str, int]) -> None:
        planned = self._query("SELECT scenario FROM plan WHERE cell = ?", (self._id(known),))
        both = {scenario for (scenario,) in planned} & set(wanted)
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


def _storable(text: str) -> str:
    """Text as SQLite can keep it: a model may send half a surrogate pair, which is no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _row(cell: Cell, row: tuple[Any, ...]) -> Row:
    scenario, index, details, sha, status, value, rescued, why, created, *rest = row
    text, refusal, finish, model, fingerprint, asked, said, latency, logprobs, *last = rest
    answer = Answer(
        text,
        bool(refusal),
        finish,
        model,
        fingerprint,
        asked,
        said,
        latency,
        None if logprobs is None else json.loads(logprobs),
        *last,
    )
    return Row(
        cell,
        scenario,
        index,
        json.loads(details),
        sha,
        status,
        None if value is None else json.loads(value),
        bool(rescued),
        why,
        answer,
        created,
    )


def _definition(scenario: Scenario) -> str:
    return canonical(
        {
            "name": scenario.name,
            "question": scenario.question,
            "attributes": [
                [attribute.name, attribute.units, attribute.minimum, attribute.maximum]
                for attribute in scenario.attributes
            ],
        }
    )


def _scenario(definition: str) -> Scenario:
    from data_collection.scenarios import Attribute, Scenario

    found = json.loads(definition)
    attributes = tuple(Attribute(*fields) for fields in found["attributes"])
    return Scenario(found["name"], found["question"], attributes)
