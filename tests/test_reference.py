"""The reference pages come from the code, whole and without a warning, and ask no other host."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest

import selfinterp_stats
from selfinterp_stats.cli.root import selfinterp
from selfinterp_stats.study.roles import COUNTS_FILE, SCENARIOS_FILE, TARGETS_FILE, roles_of

pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra `docs`)")

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PUBLIC = sorted(set(selfinterp_stats.__all__) - {"__version__"})


def commands_below(
    group: click.Group, path: tuple[str, ...] = ()
) -> dict[tuple[str, ...], click.Command]:
    """Every command of the tree by its words after ``selfinterp``."""
    found: dict[tuple[str, ...], click.Command] = {}
    for name, command in group.commands.items():
        found[*path, name] = command
        if isinstance(command, click.Group):
            found |= commands_below(command, (*path, name))
    return found


COMMANDS = commands_below(selfinterp)


def summary_of(command: click.Command) -> str:
    """The first paragraph of a command's help as a page shows it."""
    paragraph, *_ = (command.help or "").split("\n\n")
    return " ".join(paragraph.replace("`", "").split()).rstrip(".")


class Page(HTMLParser):
    """One built page: its text, its anchors, and what it links to or loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self._text: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join("".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in {"href", "src"} and value:
                (self.links if tag == "a" else self.loaded).append(value)

    def handle_data(self, data: str) -> None:
        self._text.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site).as_posix(): Page(path) for path in site.rglob("*.html")}


def test_no_page_loads_anything_from_another_host(site, pages):
    asked = {link for page in pages.values() for link in page.loaded if urlsplit(link).netloc} | {
        found
        for style in site.rglob("*.css")
        for found in re.findall(
            r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")]+)", style.read_text()
        )
    }
    assert asked == set()


def test_every_link_leads_somewhere(site, pages):
    broken = []
    for name, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            start = site if parts.path.startswith("/") else page.path.parent
            path = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else page.path
            target = path.relative_to(site.resolve()).as_posix() if path != page.path else name
            anchors = pages[target].anchors if target in pages else set()
            if not path.is_file() or (parts.fragment and unquote(parts.fragment) not in anchors):
                broken.append(f"{name}: {link}")
    assert broken == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_a_page_with_what_its_help_says(pages, words):
    command = COMMANDS[words]
    page = pages[f"commands/{'-'.join(words)}.html"]
    assert f"selfinterp {' '.join(words)}" in page.text
    assert summary_of(command) in page.text
    if not isinstance(command, click.Group):
        options = [option for one in command.params for option in one.opts if option[0] == "-"]
        assert [option for option in options if option not in page.text] == []
        assert (command.epilog or "").removeprefix("Example: ") in page.text


@pytest.mark.parametrize(
    ("overview", "words"),
    [("index", words) for words in COMMANDS]
    + [(words[0], words) for words in COMMANDS if len(words) > 1],
    ids=lambda part: part if isinstance(part, str) else " ".join(part),
)
def test_the_overviews_of_commands_lead_to_each_and_say_what_it_does(pages, overview, words):
    page = pages[f"commands/{overview}.html"]
    assert f"{'-'.join(words)}.html" in page.links
    assert summary_of(COMMANDS[words]) in page.text


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_page(pages, name):
    assert f"selfinterp_stats.{name}" in pages[f"python/{name}.html"].anchors
    assert f"{name}.html" in pages["python/index.html"].links


def test_there_is_no_page_of_a_name_or_command_that_is_gone():
    assert {path.stem for path in (DOCS / "python").iterdir()} == {*PUBLIC, "index"}
    assert {path.stem for path in (DOCS / "commands").iterdir()} == {
        *("-".join(words) for words in COMMANDS),
        "index",
    }


def test_files_are_called_what_the_page_of_files_says():
    listed = re.findall(r"^\| `(.+?\.csv)`", (DOCS / "files.md").read_text(), re.MULTILINE)
    names = [name.replace("{base}", "model") for name in listed if not name.startswith("tables/")]
    roles, others = roles_of(names)
    assert others == []
    known = {role.file for role in roles} | {SCENARIOS_FILE, TARGETS_FILE, COUNTS_FILE}
    assert known == set(names)
    assert {(role.kind, role.set, role.condition) for role in roles} == {
        ("choices", "instilled", ""),
        ("choices", "native", ""),
        ("reports", "instilled", "off-the-shelf"),
        ("reports", "instilled", "weight-trained"),
        ("reports", "instilled", "introspection-trained"),
        ("reports", "native", "weight-trained"),
        ("reports", "native", "introspection-trained"),
        ("released", "instilled", ""),
        ("released", "native", ""),
    }
