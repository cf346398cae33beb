"""A user's mistake gives one message that says what to do, status 2, and changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from commandline import contents, selfinterp

CHOICES = "model-a_instilled_selections.csv"
REPORTS = "model-a_weight_reports.csv"
RESULT = {"run.json": b'{"package": "selfinterp-stats"}', "index.html": b"an earlier result"}


def put(file, row, column, text):
    """Put `text` into one cell of a file; `row` counts lines."""

    def spoil(study):
        path = study / file
        lines = path.read_text().splitlines()
        header, cells = lines[0].split(","), lines[row - 1].split(",")
        # From the end: a question, with commas in it, stands before everything that is spoilt.
        cells[header.index(column) - len(header)] = text
        lines[row - 1] = ",".join(cells)
        path.write_text("\n".join(lines) + "\n")

    return spoil


def text(file, change):
    return lambda study: (study / file).write_text(change((study / file).read_text()))


def data(file, change):
    return lambda study: (study / file).write_bytes(change((study / file).read_bytes()))


def header_only(content):
    return content.splitlines()[0] + "\n"


def emptied(content):
    del content
    return ""


def without_files(study):
    for path in study.iterdir():
        path.unlink()


def not_a_study(study):
    without_files(study)
    (study / "holiday.jpg").touch()


# What is done to a study; what the message must name: file, row, column, value, allowed, remedy.
STUDIES = {
    "missing": (shutil.rmtree, ["No such file", "scenarios.csv", "Check the path."]),
    "empty": (without_files, ["the study folder is empty", "`selfinterp fetch`"]),
    "not a study": (not_a_study, ["is not a study", "'holiday.jpg'", "Check the path"]),
    "column missing": (
        text(CHOICES, lambda t: t.replace("selection", "picked", 1)),
        [CHOICES, "row 1", "column 'selection'", "needed column is missing"],
    ),
    "empty choices": (text(CHOICES, emptied), [CHOICES, "the file is empty", "at least one"]),
    "only a header": (text("scenarios.csv", header_only), ["scenarios.csv", "header and no rows"]),
    "empty targets": (
        text("instilled_weights.csv", emptied),
        ["instilled_weights.csv", "the file is empty"],
    ),
    "selection C": (
        put(CHOICES, 4, "selection", "C"),
        [CHOICES, "row 4", "column 'selection'", "(found 'C')", "Allowed: A, B"],
    ),
    "unknown scenario": (
        put(CHOICES, 5, "scenario", "tea"),
        [CHOICES, "row 5", "column 'scenario'", "(found 'tea')", "scenarios.csv"],
    ),
    "scenario twice": (
        text("scenarios.csv", lambda t: t.replace("\nitem_2,", "\nitem_1,", 1)),
        ["scenarios.csv", "row 3", "listed twice, first in row 2", "(found 'item_1')"],
    ),
    "max = min": (
        put("scenarios.csv", 2, "attr1_max", "0"),
        ["scenarios.csv", "row 2", "column 'attr1_max'", "range is empty"],
    ),
    "text": (
        put(CHOICES, 7, "B_attribute_3", "tall"),
        [CHOICES, "row 7", "column 'B_attribute_3'", "(found 'tall')", "a finite number"],
    ),
    "NaN": (
        put(REPORTS, 3, "report_attr2", "nan"),
        [REPORTS, "row 3", "column 'report_attr2'", "NaN"],
    ),
    "infinity": (
        put(CHOICES, 2, "A_attribute_1", "inf"),
        [CHOICES, "row 2", "column 'A_attribute_1'", "infinite"],
    ),
    "one scenario": (
        text(CHOICES, lambda t: "\n".join(t.splitlines()[:5]) + "\n"),
        [CHOICES, "one scenario alone", "two or more"],
    ),
    "reports of other attributes": (
        text(REPORTS, lambda t: t.replace("report_attr3", "comment", 1)),
        [REPORTS, "row 1", "column 'report_attr3'", "do not match the 3 attributes"],
    ),
    "not UTF-8": (
        data("scenarios.csv", lambda b: b.replace(b"\nitem_3", b"\nitem_\xe9", 1)),
        ["scenarios.csv", "row 4", "not UTF-8", r"(found b'\xe9')"],
    ),
    "half written": (
        data(CHOICES, lambda b: b[:-12]),
        [CHOICES, "row 25", "fields", "only half of it had been written"],
    ),
}


@pytest.fixture
def earlier(tmp_path):
    """An output folder with an earlier result in it."""
    out = tmp_path / "results"
    out.mkdir()
    for name, content in RESULT.items():
        (out / name).write_bytes(content)
    return out


def refused(ran, *parts):
    """One message on stderr, no traceback, nothing on stdout, status 2."""
    assert ran.status == 2
    assert ran.out == ""
    assert "Traceback" not in ran.err
    message = ran.err
    assert message.startswith("selfinterp: ")
    assert message.count("\n") == 1
    for part in parts:
        assert part in message
    return message


@pytest.mark.parametrize("name", STUDIES)
def test_a_wrong_study_is_refused(make_study, earlier, name):
    study = make_study(sets=("instilled",))
    spoil, parts = STUDIES[name]
    spoil(study)
    ran = selfinterp("reproduce", "--data", study, "--out", earlier)
    # The step that failed has no line of its own: the message says it all.
    refused(ran, *parts)
    assert contents(earlier) == RESULT
    assert sorted(path.name for path in earlier.parent.iterdir()) in (
        ["results"],
        ["results", "study"],
    )


@pytest.mark.parametrize("command", ["reproduce", "weights"])
def test_an_output_that_is_a_file_is_refused_before_anything_is_read(tmp_path, command):
    (tmp_path / "results").write_text("a file")
    ran = selfinterp(command, "--data", "nowhere", "--out", tmp_path / "results")
    refused(ran, str(tmp_path / "results"), "this is a file, not a folder")
    assert (tmp_path / "results").read_text() == "a file"


@pytest.mark.parametrize("command", ["reproduce", "weights", "demo"])
def test_a_folder_of_somebody_else_is_left_alone(make_study, tmp_path, command):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    data = () if command == "demo" else ("--data", make_study())
    ran = selfinterp(command, *data, "--out", tmp_path / "thesis")
    assert ran.status == 2
    assert "did not write" in ran.err
    assert "Give another folder as --out" in ran.err
    assert contents(tmp_path / "thesis") == {"chapter.tex": b"years of work"}


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")
def test_a_place_where_nobody_may_write_is_refused(make_study):
    ran = selfinterp("reproduce", "--data", make_study(), "--out", "/proc/results")
    refused(ran, "/proc/results", "cannot be written", "Give a folder that you may write")


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind the superuser"
)
def test_a_folder_without_permission_is_refused(make_study, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    ran = selfinterp("reproduce", "--data", make_study(), "--out", closed / "results")
    refused(ran, "cannot be written (Permission denied)")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 300 kB, where one can be made."""
    if shutil.which("mount") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only the superuser can make a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_the_earlier_result(make_study, small_disk):
    out = small_disk / "results"
    out.mkdir()
    for name, content in RESULT.items():
        (out / name).write_bytes(content)
    study = make_study(sets=("instilled",), conditions=())
    ran = selfinterp("weights", "--data", study, "--out", out)
    assert ran.status == 2
    message = ran.err.splitlines()[-1]
    assert message.startswith(f"selfinterp: {out}: the disk is full; nothing was changed there.")
    assert message.endswith("Free some space, or give a folder on another disk as --out.")
    assert "Traceback" not in ran.err
    assert contents(small_disk) == {f"results/{name}": RESULT[name] for name in sorted(RESULT)}


CALLS = {
    "no such set": (["--set", "other"], ["no set of this name (found 'other')", "instilled"]),
    "no such base model": (
        ["--base-model", "model-b"],
        ["no base model of this name (found 'model-b')", "Allowed: model-a"],
    ),
    "probability": (["--hdi-prob", "95"], ["probability of an interval", "(found 95.0)", "0.95"]),
    "rope": (["--rope", "0.1", "-0.1"], ["region of practical equivalence", "LOW below HIGH"]),
    "draws": (["--draws", "10"], ["number of draws", "(found 10)", "at least 400"]),
    "folder and table": (["--choices", "c.csv"], ["--choices are both given", "--data, or"]),
    "folder and map": (["--map", "scenario=item"], ["--map are both given"]),
    "constant": (["--constant", "set"], ["--constant cannot be read", "COLUMN=VALUE"]),
    "unknown constant": (["--constant", "fold=1"], ["(found 'fold=1')", "base_model, set, cond"]),
    "constant twice": (
        ["--constant", "set=native", "--constant", "set=instilled"],
        ["given twice for one column"],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_option_is_refused(make_study, tmp_path, name):
    options, parts = CALLS[name]
    ran = selfinterp(
        "reproduce", "--data", make_study(sets=("instilled",)), "--out", tmp_path / "out", *options
    )
    refused_at_last(ran, *parts)
    assert not (tmp_path / "out").exists()


def refused_at_last(ran, *parts):
    """As `refused`, with lines of steps already done before the message."""
    assert ran.status == 2
    assert ran.out == ""
    assert "Traceback" not in ran.err
    message = ran.err.splitlines()[-1]
    assert message.startswith("selfinterp: ")
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["reproduce", "--seed", "x"], "'x' is not a valid integer"),
        (["reproduce", "--seed", "-1"], "-1 is not in 0 to"),
        (["simulate", "--out", "s", "--seed", str(2**63)], "is not in 0 to"),
        (["reproduce", "--engine", "stan"], "'stan' is not one of 'auto'"),
        (["reproduce", "--rope", "0.1"], "--rope"),
        (["weights"], "Missing option '--out'"),
        (["simulate"], "Missing option '--out'"),
        (["simulate", "--out", "s", "--attributes", "6"], "6 is not in the range"),
        (["compare", "one"], "Missing argument"),
        (["tables"], "Missing option '--posterior'"),
        (["nothing"], "No such command 'nothing'"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_done(options, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = selfinterp(*options)
    assert ran.status == 2
    assert ran.out == ""
    assert part in ran.err
    assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_tables_without_choices_are_refused(tmp_path):
    ran = selfinterp("reproduce", "--reports", "r.csv", "--out", tmp_path / "out")
    refused(ran, "--reports need a table of choices", "--choices CSV")


def test_data_that_were_never_fetched_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SELFINTERP_DATA", raising=False)
    ran = selfinterp("reproduce", "--out", tmp_path / "out")
    refused(ran, "have not been fetched", "$SELFINTERP_DATA", "Run `selfinterp fetch`")


def test_the_default_study_is_the_one_that_a_variable_names(make_study, tmp_path, monkeypatch):
    monkeypatch.setenv("SELFINTERP_DATA", str(tmp_path / "nowhere"))
    ran = selfinterp("weights", "--out", tmp_path / "out")
    refused(ran, f"{tmp_path / 'nowhere'}: the study folder cannot be read")


@pytest.mark.parametrize("content", [None, b"", b"no netCDF"])
def test_what_is_no_file_of_draws_is_refused(tmp_path, content):
    path = tmp_path / "draws.nc"
    if content is not None:
        path.write_bytes(content)
    refused(selfinterp("tables", "--posterior", path), str(path))


def test_what_is_no_run_is_refused(tmp_path, earlier):
    refused(selfinterp("compare", tmp_path / "nowhere", earlier), "nowhere", "run.json")
    ran = selfinterp("compare", earlier, earlier)
    refused(ran, "the run's table is missing", "Make the run again")


def test_a_study_is_not_simulated_over_something(tmp_path, earlier):
    refused(selfinterp("simulate", "--out", earlier), "exists and is not empty")
    assert contents(earlier) == RESULT


def test_a_server_that_cannot_be_reached_is_status_3(tmp_path):
    ran = selfinterp("fetch", "--dest", tmp_path / "data", "--base-url", "http://127.0.0.1:9/")
    assert ran.status == 3
    assert ran.out == ""
    assert "could not be reached" in ran.err
    assert "Run the command again" in ran.err
    assert "Traceback" not in ran.err
