"""What is fuzzed: the parser of replies, the reader of CSV files and the reader of studies.

Each target takes bytes and must come back: whatever it is given, the parser gives a `Reply` that
the journal can hold, the readers a table, a `Study` or an `InputError` of one line. Seeds and
tokens help a fuzzer to get past the first line.

A study takes a hundred times as long to read as a table: bytes that are no table are the concern of
`read_table`, and half of what `read_study` is given are tables with a cell, row or column changed.
"""

from __future__ import annotations

import atexit
import csv
import io
import json
import math
import shutil
import tempfile
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from studies import write_study

from data_collection.columns import reply_row
from data_collection.parsing import Reply, parse_choice, parse_report
from data_collection.records import Answer, Cell, Recorded, Request
from selfinterp_stats.errors import InputError
from selfinterp_stats.study import Study, load_study, load_tidy
from selfinterp_stats.study.csvfile import CsvFile, Table, open_csv

STATUSES = ("valid", "invalid", "refused")
# Names of a scenario's attributes: usual ones, one alone, alike, and such as JSON has to escape.
NAMES = (
    ("strength", "price"),
    ("price per kilogram", "distance", "number of rooms", "age", "noise"),
    ("size",),
    ("quality 1", "quality 2", "Quality 1"),
    ('a "quoted" name', "Größe", "back\\slash"),
)
CELL = Cell("report", "base", "native", "", "", 0, "model", "{}")
REQUEST = Request(CELL, "tea", 0, [], {}, {"option_a": [1.0], "option_b": [2.0]}, "0" * 64)

SELECTIONS = "model-a_instilled_selections.csv"
REPORTS = "model-a_weight_reports.csv"
FILES = (
    "scenarios.csv",
    SELECTIONS,
    REPORTS,
    "instilled_weights.csv",
    "model-a_regression_results.csv",
    "collection_counts.csv",
    "choices.csv",
    "reports.csv",
)
TIDY = ("choices.csv", "reports.csv")


def read_reply(data: bytes) -> None:
    """Parse a reply as a choice and as a report; the first byte says which names and how."""
    how, text = data[:1] or b"\0", data[1:].decode("utf-8", "surrogateescape")
    names = NAMES[how[0] % len(NAMES)]
    _check_reply(parse_choice(text), text)
    reply = parse_report(text, names, rescue=how[0] >= 128)
    _check_reply(reply, text)
    if reply.status == "valid":
        assert isinstance(reply.value, dict)
        assert tuple(reply.value) == names
        assert all(type(v) is float and math.isfinite(v) for v in reply.value.values())
        again = parse_report(json.dumps(reply.value), names)
        assert (again.status, again.value) == ("valid", reply.value)


def _check_reply(reply: Reply, text: str) -> None:
    assert reply.status in STATUSES
    assert (reply.value is None) == (reply.status != "valid")
    assert reply.why or reply.status == "valid"
    for cell in reply_row(1, Recorded(REQUEST, Answer(text), reply), "now"):
        if isinstance(cell, str):
            cell.encode("utf-8")


def read_table(data: bytes) -> None:
    """Read bytes as a CSV file; what was read is read again when it is written with quotes."""
    try:
        file, table = _table(data)
    except InputError as error:
        _check_refusal(error)
        return
    lines = file.lines()
    assert file.has_rows == bool(lines)
    assert lines == sorted(set(lines))
    assert all(len(cells) == table.n_rows == len(lines) for cells in table.texts.values())
    names = list(table.texts)
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *zip(*table.texts.values(), strict=True)] if names else [])
    assert _table(text.getvalue().encode())[1].texts == table.texts


def _table(data: bytes) -> tuple[CsvFile, Table]:
    path = _folder() / "table.csv"
    path.write_bytes(data)
    file = open_csv(path)
    return file, file.read(texts=file.header)


def read_study(data: bytes) -> None:
    """Read a small study one of whose files, as the first byte says, holds the other bytes."""
    name = FILES[(data[:1] or b"\0")[0] % len(FILES)]
    folder = _folder_for(name)
    (folder / name).write_bytes(data[1:])
    refused: InputError | None = None
    try:
        study = _load(folder, name)
    except InputError as error:
        refused = error
    if refused is None:
        _check_study(study)
    else:
        _check_refusal(refused)


def _check_refusal(refused: InputError) -> None:
    assert refused.exit_code == 2
    assert str(refused).isprintable(), str(refused)


def _load(folder: Path, name: str) -> Study:
    if name not in TIDY:
        return load_study(folder)
    return load_tidy(
        folder / "choices.csv",
        reports=folder / name if name == "reports.csv" else None,
        scenarios=folder / "scenarios.csv",
    )


def _check_study(study: Study) -> None:
    assert len(study.choices) >= 4
    for frame in (study.choices, study.reports, study.targets):
        numbers = frame.select_dtypes("number").to_numpy(dtype=float)
        assert np.isfinite(numbers).all()
    assert all(str(notice).isprintable() for notice in study.notices)
    assert set(study.choices["scenario"]) <= set(study.scenarios["scenario"])
    assert study.narrow(base_models=None, sets=None).counts_read == study.counts_read


@cache
def _folder() -> Path:
    """A folder that lasts as long as the process."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _folder_for(name: str) -> Path:
    """A folder with no more than what `name` needs beside it."""
    folder = _folder() / name
    folder.mkdir()
    for needed in ("scenarios.csv", "choices.csv" if name in TIDY else SELECTIONS):
        (folder / needed).write_bytes(sound_files()[needed])
    return folder


@cache
def sound_files() -> dict[str, bytes]:
    """What the files of a small study hold, as a folder and as tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_study(
            folder,
            scenarios=2,
            trials=2,
            attributes=2,
            repeats=1,
            sets=("instilled",),
            conditions=("off-the-shelf",),
            released=True,
        )
        found = {path.name: path.read_bytes() for path in folder.iterdir()}
    found["collection_counts.csv"] = (
        b"base_model,set,task,condition,asked,valid,invalid,refused,truncated,failed\n"
        b"model-a,instilled,choices,,4,4,0,0,0,0\n"
    )
    found["choices.csv"] = _tidy(found[SELECTIONS], "base_model,set", "model-a,instilled")
    found["reports.csv"] = _tidy(
        found[REPORTS], "base_model,set,condition", "model-a,instilled,off-the-shelf"
    )
    return found


def _tidy(content: bytes, columns: str, cells: str) -> bytes:
    """A folder's file as a table of its own: with what the file's name said in columns."""
    header, *rows = content.decode().replace("_attribute_", "_attr").splitlines()
    return "\n".join([f"{columns},{header}", *(f"{cells},{row}" for row in rows), ""]).encode()


def reply_seeds() -> list[bytes]:
    """Replies as models give them."""
    texts = ["A", " B\n", "A.", "I cannot choose.", "", "\ufeffA", '```json\n{"size": 1}\n```']
    for names in NAMES:
        values = dict.fromkeys(names, -40)
        texts += [json.dumps(values), f"```\n{json.dumps(values, indent=1)}\n```"]
        texts.append(json.dumps({name.upper(): 100.0 for name in names}))
    flags = (*range(len(NAMES)), *range(128, 128 + len(NAMES)))
    return [bytes([flag]) + text.encode() for flag in flags for text in texts]


def study_seeds() -> list[bytes]:
    """Every file as it should be, with quotes, and with the line ends of other systems."""
    sound = sound_files()
    forms = [lambda b: b, lambda b: b.replace(b"\n", b"\r\n"), lambda b: b"\xef\xbb\xbf" + b]
    forms.append(lambda b: b.replace(b"item_1", b'"item_1"'))
    return [
        bytes([number]) + form(sound[name]) for number, name in enumerate(FILES) for form in forms
    ]


def another_table(data: bytes, random: Random) -> bytes:
    """A study's file with a cell, a row or a column changed; any other bytes as they are."""
    text = data[1:].decode("utf-8", "replace")
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error:
        return data
    if not rows:
        return data
    row = random.choice(rows)
    column = random.randrange(len(row))
    wide = [other for other in rows if len(other) > column]
    match random.randrange(7):
        case 0:
            row[column] = random.choice(STUDY_TOKENS)
        case 1:
            row[column] = random.choice(random.choice(rows))
        case 2:
            rows[0][min(column, len(rows[0]) - 1)] = random.choice(STUDY_TOKENS)
        case 3:
            rows.insert(random.randrange(len(rows) + 1), list(row))
        case 4:
            rows.remove(row)
        case 5:
            for other in wide:
                other.append(other[column])
        case _:
            for other in wide:
                del other[column]
    changed = io.StringIO()
    csv.writer(changed, lineterminator="\n").writerows(rows)
    return data[:1] + changed.getvalue().encode()


def table_seeds() -> list[bytes]:
    """Every file of a study, in every form."""
    return [seed[1:] for seed in study_seeds()]


REPLY_TOKENS = (
    *('{"', '":', ",", "}", "[", "]", "null", "true", "NaN", "-Infinity", "1e999", "-0", "0.5"),
    *("```", "```json\n", "\\ud83d", "\\u0000", "I can't", "A", "B", "99999999999999999999"),
    *(json.dumps(name) for names in NAMES for name in names),
)
STUDY_TOKENS = (
    *(",", '"', '""', "\n", "\r", "\r\n", "\0", "\ufeff", ";", "\t", "nan", "inf", "1e308", "1_0"),
    *("scenario", "selection", "item_1", "item_2", "A", "B", "instilled", "native", "-100"),
    *("attr1", "attr2", "attr3", "attr1_min", "attr1_max", "A_attribute_1", "B_attribute_3"),
    *("report_attr1", "b_attr1", "A_attr1", "d1", "d2", "base_model", "set", "condition", "fold"),
    *(
        "off-the-shelf",
        "weight-trained",
        "asked",
        "wanted",
        "complete",
        "yes",
        "choices",
        "reports",
    ),
)
