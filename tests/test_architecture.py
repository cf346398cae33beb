"""What the pages for contributors say of the code is so: rooms, imports, files, checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from selfinterp_stats.cli import options
from selfinterp_stats.inference.settings import ENGINES

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PACKAGES = ("selfinterp_stats", "data_collection")


def rows_of(page: Path, section: str) -> list[list[str]]:
    """The cells of the one table in a section of a page, without its head."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", page.read_text(), re.M | re.S)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(text: str) -> set[str]:
    """What a text has between single backticks."""
    return set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


def room_of(module: str) -> str:
    """The room of a module as the page calls it; of the public face its file."""
    package, _, rest = module.partition(".")
    return package if package != PACKAGES[0] or not rest else rest.partition(".")[0]


@pytest.fixture(scope="module")
def imports():
    """For each room the other rooms that it imports."""
    grimp = pytest.importorskip("grimp", reason="import-linter is not installed (extra `dev`)")
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        room = room_of(module)
        others = {room_of(other) for other in graph.find_modules_directly_imported_by(module)}
        found.setdefault(room, set()).update(others - {room})
    return found


def test_the_page_names_every_room_and_what_it_imports(imports):
    said = {}
    for room, _, imported in rows_of(ARCHITECTURE, "The rooms"):
        (path,) = names_in(room)
        said[Path(path).stem] = names_in(imported)
    # Of no room: the version, which everyone may read, and the face, which takes from all of them.
    face = {PACKAGES[0], "_version"}
    held = {room: others - face for room, others in imports.items() if room not in face}
    assert said == held


def test_the_page_lists_rooms_from_the_command_line_down(imports):
    order = [Path(*names_in(room)).stem for room, *_ in rows_of(ARCHITECTURE, "The rooms")]
    for room in order:
        assert imports[room] & set(order[: order.index(room)]) == set()


def test_the_page_names_every_folder_inside_the_rooms():
    said = {
        name for folder, _ in rows_of(ARCHITECTURE, "Inside the rooms") for name in names_in(folder)
    }
    rooms = {name for room, *_ in rows_of(ARCHITECTURE, "The rooms") for name in names_in(room)}
    packages = {
        path.parent.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert said == packages - rooms - {PACKAGES[0]}


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page):
    named = {
        name
        for name in names_in(page.read_text())
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", name)
        and (name.partition("/")[0] in {*PACKAGES, "tests", "docs", "reports", "requirements"})
    }
    assert len(named) > 10
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_the_makefile_has_every_target_that_contributors_are_told_of():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    calls = (name.split() for name in names_in(CONTRIBUTING.read_text()))
    named = {words[1] for words in calls if words[0] == "make"}
    assert {"test", "lint", "docs"} <= named
    assert named - targets == set()


def test_pre_commit_runs_what_make_lint_runs_and_downloads_nothing():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (extra `docs`)")
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repo["repo"] == "local"
    assert {hook["language"] for hook in repo["hooks"]} == {"system"}
    (recipe,) = re.findall(
        r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    linted = re.findall(r'"\$\(BIN\)/([^"]+)"((?: [a-z-]+)*)', recipe)
    hooked = [hook["entry"].removesuffix(" --force-exclude") for hook in repo["hooks"]]
    assert hooked == [f".venv/bin/{tool}{words}" for tool, words in linted]


def test_the_command_line_offers_every_engine():
    # It has a list of its own, because the other one takes NumPy to import.
    assert options.ENGINES == ENGINES
