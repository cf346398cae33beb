"""Damaged journals."""

# ruff: noqa: E501 - an entry reads best with its whole message on one line

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from damage.entry import Damage, Spoil, cut, data, folder, gone, text

JOURNAL = "journal.sqlite"
EXPORT = "collect export --journal journal.sqlite --out collected"
COLLECT = "collect choices --scenarios scenarios.json --model mini --journal journal.sqlite --base-url http://127.0.0.1:9/v1 --per-scenario 3"


def statement(*statements: str) -> Spoil:
    """What somebody did to the file with another program."""

    def spoil(here: Path) -> None:
        with closing(sqlite3.connect(here / JOURNAL)) as connection, connection:
            for one in statements:
                connection.execute(one)

    return spoil


def overwritten(here: Path) -> None:
    """Noise in the middle, as a bad disk leaves it."""
    content = bytearray((here / JOURNAL).read_bytes())
    content[4096:8192] = b"\xa5" * 4096
    (here / JOURNAL).write_bytes(content)


ENTRIES = (
    Damage(
        "missing",
        EXPORT,
        "journal.sqlite: there is no journal. Check the path; `selfinterp collect choices` makes one.",
        gone(JOURNAL),
    ),
    Damage(
        "a folder",
        EXPORT,
        "journal.sqlite: this is a folder, not a journal. Give the path of a file.",
        folder(JOURNAL),
    ),
    Damage(
        "empty",
        EXPORT,
        "journal.sqlite: the file is no journal of this program. Check the path; nothing was changed.",
        data(JOURNAL, b""),
    ),
    Damage(
        "a text",
        EXPORT,
        "journal.sqlite: the file is no journal, or its beginning is damaged (...). Check the path, or go back to a copy.",
        text(JOURNAL, "scenario,selection\ntea,A\n" * 100),
    ),
    Damage(
        "another program's",
        EXPORT,
        "journal.sqlite: the file is no journal of this program. Check the path; nothing was changed.",
        statement("PRAGMA application_id = 7"),
    ),
    Damage(
        "of a newer version",
        EXPORT,
        "journal.sqlite: the journal was written by a newer version of this program (found 99). Allowed: versions up to 2. Update selfinterp-stats; nothing was changed.",
        statement("PRAGMA user_version = 99"),
    ),
    Damage(
        "cut off",
        EXPORT,
        "journal.sqlite: the journal is damaged (...). Go back to a copy, or save what is left with SQLite's own `.recover`.",
        cut(JOURNAL, 6000),
    ),
    Damage(
        "cut off within its header",
        EXPORT,
        "journal.sqlite: the journal is damaged (...). Go back to a copy, or save what is left with SQLite's own `.recover`.",
        cut(JOURNAL, 50),
    ),
    Damage(
        "noise in the middle",
        EXPORT,
        "journal.sqlite: the journal is damaged (...). Go back to a copy, or save what is left with SQLite's own `.recover`.",
        overwritten,
    ),
    Damage(
        "a table dropped",
        EXPORT,
        "journal.sqlite: the journal is damaged (no such table: plan). Go back to a copy, or save what is left with SQLite's own `.recover`.",
        statement("DROP TABLE plan"),
    ),
    Damage(
        "no answers",
        EXPORT,
        "journal.sqlite: the journal holds no choices and no reports. Collect some first: `selfinterp collect choices`.",
        statement("DELETE FROM reply", "DELETE FROM plan", "DELETE FROM cell"),
    ),
    Damage(
        "details that are no JSON",
        EXPORT,
        "journal.sqlite: the journal is damaged (the details of trial 0 of tea is no JSON). Go back to a copy, or save what is left with SQLite's own `.recover`.",
        statement("UPDATE reply SET details = '{'"),
    ),
    Damage(
        "a report that is no JSON",
        EXPORT,
        "journal.sqlite: the journal is damaged (the value of trial 0 of tea is no JSON). Go back to a copy, or save what is left with SQLite's own `.recover`.",
        statement("UPDATE reply SET value = 'strong' WHERE cell = 2"),
    ),
    Damage(
        "a report without a name",
        EXPORT,
        "journal.sqlite: the journal is damaged (what it has of trial 0 of tea lacks 'price'). Go back to a copy.",
        statement("""UPDATE reply SET value = '{"strength": 1}' WHERE cell = 2"""),
    ),
    Damage(
        "details without options",
        EXPORT,
        "journal.sqlite: the journal is damaged (what it has of trial 0 of tea lacks 'option_a'). Go back to a copy.",
        statement("UPDATE reply SET details = '{}'"),
    ),
    Damage(
        "a definition that is no JSON",
        EXPORT,
        "journal.sqlite: the journal is damaged (the definition of a scenario is no JSON). Go back to a copy, or save what is left with SQLite's own `.recover`.",
        statement("UPDATE scenario SET definition = 'tea'"),
    ),
    Damage(
        "no scenarios",
        EXPORT,
        "journal.sqlite: the journal is damaged (it has no definition of the scenario cup). Go back to a copy.",
        statement("DELETE FROM scenario"),
    ),
    Damage(
        "an unknown condition",
        EXPORT,
        "a study folder has no file for these answers (found 'mini, native, trained, report'). Allowed: choices, and reports on instilled scenarios, off-the-shelf; instilled scenarios, weight-trained; instilled scenarios, introspection-trained; native scenarios, weight-trained; native scenarios, introspection-trained.",
        statement("UPDATE cell SET condition = 'trained' WHERE id = 2"),
    ),
    Damage(
        "asked with another temperature",
        f"{COLLECT} --temperature 1",
        "journal.sqlite: the journal's answers of mini, native, choice were asked for with another temperature (found '1.0'). Allowed: 0.0. Ask as before, or use another --journal: a study folder holds one of each.",
    ),
    Damage(
        "asked of another model",
        COLLECT.replace("--model mini", "--model large --base-model mini"),
        "journal.sqlite: the journal's answers of mini, native, choice were asked for with another model (found 'large'). Allowed: mini. Ask as before, or use another --journal: a study folder holds one of each.",
    ),
    Damage(
        "asked with another seed",
        f"{COLLECT} --seed 3",
        "journal.sqlite: the journal has another question as trial 0 of mini, native, choice, tea. Give the same --scenarios (with --skip and --roles) and --seed as before, or another --journal. More --per-scenario is no obstacle.",
    ),
    Damage(
        "asked with other prompts",
        f"{COLLECT} --prompts prompts.toml",
        "journal.sqlite: the journal's answers of mini, native, choice were asked for with other prompts (found 'e7849463ee5d9ee6060091ed234252ff623002ad'). Allowed: bbe8418f0ed2c16c656a175d029c241725bbcd7e. Ask as before, or use another --journal: a study folder holds one of each.",
    ),
    Damage(
        "asked about another scenario",
        COLLECT,
        "journal.sqlite: the journal has another question as trial 0 of mini, native, choice, tea. Give the same --scenarios (with --skip and --roles) and --seed as before, or another --journal. More --per-scenario is no obstacle.",
        lambda here: (here / "scenarios.json").write_text(
            (here / "scenarios.json").read_text().replace("70", "80")
        ),
    ),
    Damage(
        "written over by a text",
        COLLECT,
        "journal.sqlite: the file is no journal, or its beginning is damaged (...). Check the path, or go back to a copy.",
        text(JOURNAL, "my notes\n"),
    ),
    Damage(
        "in a folder that is not there",
        COLLECT.replace("journal.sqlite", "new/journal.sqlite"),
        "new: there is no such folder for the journal. Make it, or give a path in another folder.",
    ),
    Damage(
        "exported over something else",
        EXPORT.replace("collected", "thesis"),
        "{here}/thesis: this folder holds a file that this program did not write, or that was changed (found 'chapter.tex'). Give another folder as --out, or empty this one yourself.",
    ),
)
