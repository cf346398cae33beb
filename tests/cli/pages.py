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
