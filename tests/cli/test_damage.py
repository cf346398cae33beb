"""Every entry of the catalogue of damaged input is answered as it says there, and harms nothing."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from commandline import process, selfinterp
from damage import calls, collecting, explainers, journals, priors, results, studies, tables
from damage.world import write_world

KINDS = {
    "study": studies,
    "table": tables,
    "journal": journals,
    "priors": priors,
    "explainers": explainers,
    "collecting": collecting,
    "results": results,
    "call": calls,
}
CATALOGUE = {
    f"{kind}: {entry.name}": entry for kind, module in KINDS.items() for entry in module.ENTRIES
}
# Also in a process of their own, where warnings, streams and the exit itself are the real ones.
ALSO_ALONE = (
    "study: no selection",
    "study: half written",
    "table: an unknown set",
    "journal: noise in the middle",
    "journal: details that are no JSON",
    "priors: nested without end",
    "explainers: nested without end",
    "explainers: half a character",
    "collecting: a list of models nested without end",
    "results: another program's numbers",
    "call: somebody else's folder",
    "call: no such option",
    "call: a server that is not there",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def here(world, tmp_path, monkeypatch):
    """A copy of the sound folder, as the current one, and nothing else at hand."""
    shutil.copytree(world, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "SELFINTERP_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "here"


def everything(folder: Path) -> dict[str, bytes | str | None]:
    """What is below a folder: files by their bytes, links by where they lead, folders."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def as_pattern(says: str, here: Path) -> str:
    return ".*".join(map(re.escape, says.replace("{here}", str(here.resolve())).split("...")))


def check(entry, here, command):
    entry.spoil(here)
    before = everything(here)
    ran = command(*shlex.split(entry.call))
    assert "Traceback" not in ran.err
    assert ran.status == entry.status, ran.err
    assert ran.out == ""
    # Steps already done and notices may stand before it.
    lines = ran.err.splitlines()
    messages = [line for line in lines if line.startswith(("selfinterp: ", "Error: "))]
    assert messages == lines[-1:]
    message = messages[0].partition(": ")[2]
    assert re.fullmatch(as_pattern(entry.says, here), message), message
    after = everything(here)
    # An empty lock beside a journal stays: removing it could let two programs write.
    assert after.pop("journal.sqlite.lock", b"") == b""
    assert after == before


@pytest.mark.parametrize("name", CATALOGUE)
def test_damage_is_answered_by_one_message_and_changes_nothing(here, name):
    check(CATALOGUE[name], here, selfinterp)


@pytest.mark.parametrize("name", ALSO_ALONE)
def test_a_process_of_its_own_answers_so_too(here, name):
    check(CATALOGUE[name], here, process)


def test_the_catalogue_has_entries_of_every_kind_and_none_twice():
    sizes = {kind: len(module.ENTRIES) for kind, module in KINDS.items()}
    assert min(sizes.values()) >= 10
    assert len(CATALOGUE) == sum(sizes.values())
    assert all(len(entry.says) > 10 for entry in CATALOGUE.values())


# What these calls find in the sound folder: `reproduce` and the others that fit need no proof here,
# every entry of theirs is told from a sound study by its own message.
SOUND = (
    journals.EXPORT,
    journals.COLLECT.replace("--per-scenario 3", "--per-scenario 3 --dry-run"),
    collecting.FILES,
    f"{collecting.ASK} --prompts prompts.toml --roles roles.csv",
    collecting.HINTS,
    collecting.SUBMIT,
    results.COMPARE,
)


@pytest.mark.parametrize("call", SOUND)
def test_nothing_is_wrong_with_the_sound_folder(here, call):
    ran = selfinterp(*shlex.split(call))
    assert ran.status == 0, ran.err
    assert "selfinterp: " not in ran.err


def test_studies_tables_and_explainers_of_the_sound_folder_are_read(here):
    from selfinterp_stats.models.prior_files import prior_sets, read_priors
    from selfinterp_stats.study import load_study, load_tidy
    from selfinterp_stats.study.explainers import check_design, load_explainers

    assert load_study("study").notices == ()
    assert not load_tidy(
        "choices.csv", reports="reports.csv", scenarios="ranges.csv", targets="targets.csv"
    ).notices
    assert len(prior_sets(read_priors("priors.toml"), ("d1", "d2", "d3"))) == 1
    for files in ("predictions", "items.csv", "published.csv"):
        assert not check_design(load_explainers(files)).left_out
