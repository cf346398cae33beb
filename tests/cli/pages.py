"""Reads a page that a command wrote, and follows its links."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

# What every result with a page holds, and its table of priors.
WRITTEN = {"index.html", "run.json", "methods.md", "methods.tex", "references.bib"}
PRIORS = {f"priors_used.{ending}" for ending in ("csv", "md", "tex")}


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []
        self.tags = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.found += [value for name, value in attrs if name in {"href", "src"}]


def checked_page(out: Path) -> tuple[str, set[str]]:
    """The text of ``index.html`` and its tags, once every link was seen to lead somewhere."""
    page = (out / "index.html").read_text(encoding="utf-8")
    links = _Links()
    links.feed(page)
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    for link in links.found:
        if link.startswith("#"):
            assert link[1:] in ids
        elif link != "data:,":
            assert (out / link).is_file(), link
    return page, links.tags


def told_methods(out: Path) -> str:
    """The methods of a result as plain text, seen to cite what its bibliography holds and no more.

    They are on its page, and nothing in them is missing.
    """
    text = (out / "methods.md").read_text(encoding="utf-8")
    told, _, works = text.partition("# References")
    cited = re.findall(r"\\cite\{([^}]*)\}", (out / "methods.tex").read_text(encoding="utf-8"))
    keys = {key for group in cited for key in group.split(",")}
    bibliography = (out / "references.bib").read_text(encoding="utf-8")
    assert set(re.findall(r"^@\w+\{([\w-]+),", bibliography, re.MULTILINE)) == keys
    assert works.count("\n- ") == len(keys) > 0
    assert not re.search(r"\b(None|nan|NaN|inf)\b|\[@|  ", told)
    page = (out / "index.html").read_text(encoding="utf-8")
    for paragraph in told.split("\n\n")[1:]:
        assert f"<strong>{paragraph.partition('.')[0]}.</strong>" in page or not paragraph
    return told
