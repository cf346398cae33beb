"""A disk that fills up in the middle gives one message, and leaves what was there.

Where no disk can be mounted, limits on the size of files do some of this: `test_cli_process` and
`test_collect_command`.
"""

from __future__ import annotations

import shlex

import pytest
from commandline import FEW_DRAWS, contents, selfinterp
from damage.world import write_world
from disks import small_disk

RESULT = {"run.json": b'{"package": "selfinterp-stats"}', "index.html": b"an earlier result"}
FEW = " ".join(FEW_DRAWS)
STUDY = "--data study --base-model model-a --set instilled"
# What each command would write is more than the disk holds, which has so many kilobytes.
CALLS = {
    "reproduce, draws": (f"reproduce {STUDY} {FEW}", 60),
    "reproduce, figures": (f"reproduce {STUDY} {FEW} --no-posterior", 120),
    "simulate": ("simulate --trained 20 --native 20", 200),
    "simulate explainers": ("simulate --kind explainers", 200),
    "export": ("collect export --journal journal.sqlite", 12),
    "training files": (
        "finetune files --scenarios scenarios.json --roles roles.csv --instilled 2 --limit 2",
        40,
    ),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    write_world(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize("name", CALLS)
def test_a_full_disk_is_one_message_and_changes_nothing(here, tmp_path, name):
    call, kilobytes = CALLS[name]
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        out = disk / "out"
        if name.startswith("reproduce"):
            out.mkdir()
            for file, content in RESULT.items():
                (out / file).write_bytes(content)
        before = contents(disk)
        ran = selfinterp(*shlex.split(call), "--out", out)
        after = contents(disk)
        left = sorted(path.name for path in disk.iterdir())
    assert ran.status == 2, ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    messages = [line for line in ran.err.splitlines() if line.startswith("selfinterp: ")]
    assert messages == [ran.err.splitlines()[-1]]
    assert messages[0] == (
        f"selfinterp: {out}: the disk is full; nothing was changed there. Free some space, or "
        "give a folder on another disk as --out."
    )
    assert after == before
    assert left == (["out"] if before else [])


def test_a_disk_that_is_the_output_folder_is_filled_in_place(here, tmp_path):
    with small_disk(tmp_path / "disk", 400) as disk:
        ran = selfinterp("simulate", "--trained", 3, "--native", 0, "--out", disk)
        assert ran.status == 0, ran.err
        assert (disk / "simulation.json").is_file()
        assert not [path for path in disk.iterdir() if path.name.startswith(".")]
