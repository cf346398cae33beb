"""Places that cannot be written, and data that are not there.

Wrong input and wrong calls are in ``tests/damage``, which `test_damage` runs.
"""

from __future__ import annotations

import os

import pytest
from commandline import selfinterp


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
