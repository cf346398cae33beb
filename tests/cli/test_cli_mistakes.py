"""Places that cannot be written, and data that are not there.

Wrong input and wrong calls are in ``tests/damage``, which `test_damage` runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from commandline import contents, selfinterp

RESULT = {"run.json": b'{"package": "selfinterp-stats"}', "index.html": b"an earlier result"}


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
