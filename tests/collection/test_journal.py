"""The journal keeps every answer, has one writer, and says what is wrong with a file."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import pytest
from scenarios import scenario

from data_collection.batchbook import BatchBook
from data_collection.errors import InputError, JournalError
from data_collection.journal import Journal
from data_collection.parsing import Reply
from data_collection.records import Answer, Asked, Cell, Recorded, Request, RequestKey, canonical
from data_collection.schema import APPLICATION_ID, VERSION

CELL = Cell("choice", "base", "native", "", "", 0, "model", '{"temperature":0.0}')
VALID = Reply("valid", "A")


def recorded(index, reply=VALID, where=CELL, name="tea", **answer):
    options = {"option_a": [1.0], "option_b": [2.5]}
    request = Request(where, name, index, [], {}, options, f"{index:064}")
    return Recorded(request, Answer(**{"text": "A", **answer}), reply)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def filled(path):
    """A journal with two of three trials answered, closed."""
    with Journal.open(path) as journal:
        journal.add_scenarios([scenario("tea")])
        journal.begin(CELL, {"tea": 3})
        journal.record([recorded(0), recorded(1, Reply("failed", why="500"), error="500")])
    return path


def test_an_answer_comes_back_as_it_was_written(path):
    answer = {
        "text": "A\n</script>",
        "finish_reason": "stop",
        "model": "model-2024",
        "system_fingerprint": "fp_1",
        "prompt_tokens": 100,
        "completion_tokens": 1,
        "latency": 0.25,
        "logprobs": {"A": -0.5, "B": -1.0},
        "attempts": 3,
    }
    with Journal.open(path) as journal:
        journal.begin(CELL, {"tea": 1})
        journal.record([recorded(0, **answer)])
    with Journal.open(path, write=False) as journal:
        (row,) = journal.rows()
    assert row.answer == Answer(**answer)
    assert (row.cell, row.scenario, row.index) == (CELL, "tea", 0)
    assert row.details == {"option_a": [1.0], "option_b": [2.5]}
    assert (row.status, row.value, row.rescued) == ("valid", "A", False)


def test_half_a_surrogate_pair_in_a_reply_does_not_stop_the_journal(path):
    with Journal.open(path) as journal:
        journal.begin(CELL, {"tea": 1})
        journal.record([recorded(0, text="\ud83d", logprobs={"\ud83d": -1.0})])
        (row,) = journal.rows()
    assert row.answer.text == "\\ud83d"
    assert row.answer.logprobs == {"\ud83d": -1.0}


def test_a_trial_asked_again_counts_once_and_the_earlier_answer_stays_in_the_file(filled):
    with Journal.open(filled) as journal:
        journal.record([recorded(1, Reply("invalid"), text="hm")])
        (counts,) = journal.counts()
        assert (counts.wanted, counts.asked, counts.valid, counts.invalid) == (3, 2, 1, 1)
        assert counts.failed == 0
        assert not counts.complete
        journal.record([recorded(2)])
        assert journal.counts()[0].complete
    connection = sqlite3.connect(filled)
    assert connection.execute("SELECT count(*) FROM reply").fetchone() == (4,)
    connection.close()


def test_failures_are_no_answers(filled):
    with Journal.open(filled, write=False) as journal:
        assert journal.answered() == {
            RequestKey(journal.study, "model", "choice", "tea", 0, '{"temperature":0.0}')
        }
        assert journal.asked(CELL, "tea") == {
            0: Asked("valid", f"{0:064}"),
            1: Asked("failed", f"{1:064}"),
        }


def test_a_plan_without_an_answer_leaves_no_trace(path):
    with Journal.open(path) as journal:
        journal.add_scenarios([scenario("tea", 3)])
        journal.begin(CELL, {"tea": 5})
        (counts,) = journal.counts()
        assert (counts.wanted, counts.asked) == (5, 0)
    with Journal.open(path) as journal:
        assert journal.counts() == journal.scenarios() == ()
        journal.add_scenarios([scenario("tea", 2)])


def test_scenarios_come_back_in_the_order_of_their_first_mention(path):
    tea, cup, pan = scenario("tea"), scenario("cup", 2), scenario("pan")
    with Journal.open(path) as journal:
        journal.add_scenarios([tea, cup])
        journal.add_scenarios([pan, cup])
        assert journal.scenarios() == (tea, cup, pan)
        with pytest.raises(InputError, match=r"another scenario of this name \(found 'cup'\)"):
            journal.add_scenarios([scenario("cup", 3)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "other"}, r"with another model \(found 'other'\). Allowed: model\."),
        ({"parameters": '{"temperature":1.0}'}, r"another temperature \(found '1.0'\)"),
        ({"base_model": "other"}, r"has these trials already, as base, native, choice"),
    ],
)
def test_a_cell_is_of_one_model_with_one_setting_under_one_name(filled, changes, message):
    fields = {name: getattr(CELL, name) for name in CELL.__dataclass_fields__}
    with (
        Journal.open(filled) as journal,
        pytest.raises(InputError, match=message),
    ):
        journal.begin(Cell(**fields | changes), {"tea": 3})


def test_the_second_writer_is_told_who_writes(path):
    with (
        Journal.open(path),
        pytest.raises(JournalError, match=rf"writing into the journal \(process {os.getpid()} on"),
    ):
        Journal.open(path)
    Journal.open(path).close()


def test_a_killed_writer_leaves_no_lock_and_no_half_group(path):
    code = (
        "import sys, os, signal\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from test_journal import *\n"
        "journal = Journal.open(sys.argv[1])\n"
        "journal.begin(CELL, {'tea': 10})\n"
        "journal.record([recorded(0), recorded(1)])\n"
        "journal._db.execute('BEGIN IMMEDIATE')\n"
        "journal._db.execute('UPDATE reply SET superseded = 1')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path), *sys.path], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Journal.open(path) as journal:
        assert [row.index for row in journal.rows()] == [0, 1]


@pytest.fixture
def version_1(path):
    """A journal as version 1 of the program left it, with a batch that is out."""
    script = (Path(__file__).parent / "data" / "journal_v1.sql").read_text(encoding="utf-8")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def schema(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    return version, tables


def test_an_older_journal_becomes_one_of_this_version_with_all_that_it_had(version_1, tmp_path):
    Journal.open(version_1).close()
    Journal.open(tmp_path / "new.sqlite").close()
    assert schema(version_1) == schema(tmp_path / "new.sqlite")
    with Journal.open(version_1) as journal:
        assert journal.study == "7a1c1105752b4955b4d0b0d04490f914"
        (cell,) = journal.counts()
        assert (cell.wanted, cell.valid, cell.failed) == (6, 1, 3)
        assert [row.status for row in journal.rows()] == ["failed", "failed", "failed", "valid"]
        assert [scenario.name for scenario in journal.scenarios()] == ["thing_0"]
        book = BatchBook(journal)
        merged, out = book.all()
        assert (merged.merged, merged.batch_id) == (True, "batch_74a719aca40793c5")
        assert book.requests(merged, cell.cell) == []
        assert (out.merged, out.batch_id, out.file_id) == (False, "", "file-c9375de0c8bd772f")
        assert out.cell == canonical(astuple(cell.cell))
        left = book.requests(out, cell.cell)
        assert [request.index for request in left] == [0, 1, 2, 4, 5]
        assert left[0].details == {
            "option_a": [861.0, 46.0, 108.0],
            "option_b": [86.0, 40.0, 318.0],
        }
        assert journal.get("batches") is None


def test_an_older_journal_is_read_as_it_is(version_1):
    before = version_1.read_bytes()
    with Journal.open(version_1, write=False) as journal:
        assert journal.counts()[0].valid == 1
        assert len(BatchBook(journal).all()) == 2
    assert version_1.read_bytes() == before
    assert [path.name for path in version_1.parent.iterdir()] == [version_1.name]


def test_a_migration_that_fails_changes_nothing(version_1):
    """What the journal kept of its batches is cut short, so that it cannot be carried over."""
    with contextlib.closing(sqlite3.connect(version_1)) as connection:
        connection.execute("UPDATE study SET value = substr(value, 1, 90) WHERE key = 'batches'")
        connection.commit()
    before = schema(version_1)
    with pytest.raises(JournalError, match="the journal is damaged"):
        Journal.open(version_1)
    assert schema(version_1) == before
    assert before[0] == 1


@pytest.mark.parametrize("write", [True, False])
def test_a_journal_of_a_newer_version_is_left_alone(filled, write):
    with contextlib.closing(sqlite3.connect(filled)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = filled.read_bytes()
    with pytest.raises(
        JournalError, match=rf"newer version of this program \(found {VERSION + 1}\). Allowed"
    ):
        Journal.open(filled, write=write)
    assert filled.read_bytes() == before


@pytest.mark.parametrize("kind", ["database", "text", "folder"])
def test_what_is_something_else_is_left_alone_and_has_no_lock_beside_it(path, kind):
    if kind == "database":
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE mine (x)")
    elif kind == "text":
        path.write_text("Dear diary, " * 100)
    else:
        path.mkdir()
    before = path.read_bytes() if kind != "folder" else None
    message = {
        "database": "no journal of this program",
        "text": "no journal, or its beginning is damaged",
        "folder": "this is a folder, not a journal. Give the path of a file",
    }
    with pytest.raises(JournalError, match=message[kind]):
        Journal.open(path)
    assert list(path.parent.iterdir()) == [path]
    assert kind == "folder" or path.read_bytes() == before


def test_damage_is_noticed_before_anything_is_asked(path):
    with Journal.open(path) as journal:
        journal.begin(CELL, {"tea": 500})
        journal.record([recorded(index, text="A" * 200) for index in range(500)])
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * 8192)
    with pytest.raises(JournalError, match=r"journal is damaged .*\.recover"):
        Journal.open(path)


def test_a_missing_journal_or_folder_is_named(tmp_path):
    with pytest.raises(JournalError, match="there is no journal"):
        Journal.open(tmp_path / "none.sqlite", write=False)
    with pytest.raises(JournalError, match="there is no such folder for the journal"):
        Journal.open(tmp_path / "none" / "journal.sqlite")


def test_a_new_journal_has_the_newest_schema_and_can_outlive_a_power_cut(path):
    with Journal.open(path) as journal:
        one = journal._db.execute
        assert one("PRAGMA user_version").fetchone() == (VERSION,)
        assert one("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert one("PRAGMA journal_mode").fetchone() == ("wal",)
        assert one("PRAGMA synchronous").fetchone() == (2,)
