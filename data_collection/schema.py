"""The journal's tables, by version, and how an older file becomes a newer one."""

from __future__ import annotations

import sqlite3
from typing import Final

# "SELF" in ASCII: tells a journal from any other SQLite file.
APPLICATION_ID: Final = 0x53454C46

# One script per version, never changed once released: a file of version n has run the first n.
MIGRATIONS: Final = (
    """
    CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE scenario (
        position INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        definition TEXT NOT NULL
    ) STRICT;
    CREATE TABLE cell (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        base_model TEXT NOT NULL,
        set_name TEXT NOT NULL,
        condition TEXT NOT NULL,
        fold TEXT NOT NULL,
        examples INTEGER NOT NULL,
        model TEXT NOT NULL,
        parameters TEXT NOT NULL,
        UNIQUE (task, base_model, set_name, condition, fold, examples)
    ) STRICT;
    CREATE TABLE plan (
        cell INTEGER NOT NULL REFERENCES cell,
        scenario TEXT NOT NULL,
        wanted INTEGER NOT NULL,
        PRIMARY KEY (cell, scenario)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE reply (
        id INTEGER PRIMARY KEY,
        cell INTEGER NOT NULL REFERENCES cell,
        scenario TEXT NOT NULL,
        trial INTEGER NOT NULL,
        superseded INTEGER NOT NULL DEFAULT 0,
        details TEXT NOT NULL,
        prompt_sha256 TEXT NOT NULL,
        status TEXT NOT NULL
            CHECK (status IN ('valid', 'invalid', 'refused', 'truncated', 'failed')),
        value TEXT,
        rescued INTEGER NOT NULL,
        why TEXT NOT NULL,
        text TEXT NOT NULL,
        refusal INTEGER NOT NULL,
        finish_reason TEXT NOT NULL,
        model TEXT NOT NULL,
        system_fingerprint TEXT NOT NULL,
        prompt_tokens INTEGER,
        completion_tokens INTEGER,
        latency REAL,
        logprobs TEXT,
        attempts INTEGER NOT NULL,
        error TEXT NOT NULL,
        created TEXT NOT NULL
    ) STRICT;
    -- One answer counts; those that were asked again stay in the file.
    CREATE UNIQUE INDEX answer_that_counts ON reply (cell, scenario, trial) WHERE superseded = 0;
    """,
    # Batches had been one text among the study's properties, written anew with every change.
    """
    CREATE TABLE batch (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        cell TEXT NOT NULL,
        base_url TEXT NOT NULL,
        file_id TEXT NOT NULL,
        batch_id TEXT NOT NULL,
        merged INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE batch_row (
        batch TEXT NOT NULL REFERENCES batch (name),
        scenario TEXT NOT NULL,
        trial INTEGER NOT NULL,
        details TEXT NOT NULL,
        prompt_sha256 TEXT NOT NULL,
        PRIMARY KEY (batch, scenario, trial)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO batch (id, name, cell, base_url, file_id, batch_id, merged)
        SELECT
            sent.key + 1,
            json_extract(sent.value, '$.name'),
            json_extract(sent.value, '$.cell'),
            json_extract(sent.value, '$.base_url'),
            json_extract(sent.value, '$.file_id'),
            json_extract(sent.value, '$.batch_id'),
            json_extract(sent.value, '$.merged')
        FROM study, json_each(study.value) AS sent
        WHERE study.key = 'batches';
    INSERT INTO batch_row (batch, scenario, trial, details, prompt_sha256)
        SELECT
            batch.name,
            json_extract(row.value, '$[0]'),
            json_extract(row.value, '$[1]'),
            json_extract(row.value, '$[2]'),
            json_extract(row.value, '$[3]')
        FROM batch
        JOIN study ON study.key = 'batch rows ' || batch.name,
        json_each(study.value) AS row;
    DELETE FROM study WHERE key = 'batches' OR key LIKE 'batch rows %';
    """,
)
VERSION: Final = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a file from `version` (0 for an empty one) to `VERSION`, wholly or not at all.

    Parameters
    ----------
    connection : sqlite3.Connection
        In autocommit mode (``isolation_level=None``).
    version : int
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in MIGRATIONS[version:]:
            # executescript would commit first, and a crash could leave half a version behind.
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    found, statement = [], ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return found
