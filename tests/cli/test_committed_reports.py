"""The reports in the repository are whole: every link of their pages leads to a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import checked_page

REPORTS = Path(__file__).resolve().parents[2] / "reports"
PAGES = sorted(path.parent for path in REPORTS.glob("*/index.html"))


@pytest.mark.parametrize("folder", PAGES, ids=lambda folder: folder.name)
def test_every_link_of_a_committed_page_leads_somewhere(folder):
    page, tags = checked_page(folder)
    assert page.count("<section") > 2
    assert "svg" in tags
    assert not tags & {"iframe", "img", "object"}


def test_there_are_committed_pages():
    assert {folder.name for folder in PAGES} >= {"paper", "priors", "propagation", "plan"}
