"""The examples of the public docstrings give what they say, in the folder that they speak of."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(page.stem for page in (DOCS / "python").glob("*.md") if page.stem != "index")
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
NEED_THE_NETWORK = ("fetch_paper_data",)


def examples_of(page: str) -> list[doctest.DocTest]:
    """Those of everything that a page of the reference documents, methods included."""
    text = (DOCS / "python" / f"{page}.md").read_text()
    found = []
    for name in re.findall(r"^::: (\S+)", text, re.MULTILINE):
        home, _, last = name.rpartition(".")
        thing = getattr(import_module(home), last)
        found += doctest.DocTestFinder().find(thing, name, module=False, globs={})
    return [test for test in found if test.examples]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the Python lines of the start page were run."""
    (lines,) = re.findall(r"```python\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(lines, {})
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_give_what_they_say(folder, monkeypatch, page):
    monkeypatch.chdir(folder)
    tests = examples_of(page)
    assert tests
    for test in tests:
        said: list[str] = []
        result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
        assert result.failed == 0, "".join(said)


@pytest.mark.parametrize("page", PAGES)
def test_only_what_needs_the_network_is_not_run(page):
    options = [example.options for test in examples_of(page) for example in test.examples]
    assert any(doctest.SKIP in one for one in options) == (page in NEED_THE_NETWORK)
