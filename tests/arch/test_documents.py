"""The documents lead where they say, and README stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.documents import PAGES, ROOT

BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return what can stand behind the `#` of a link to a page, as GitHub makes it of headings."""
    headings = re.findall(r"(?m)^#+ (.*)$", BLOCK.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", page.read_text()))
    broken = []
    for link in (link for link in links if not re.match("[a-z]+:", link)):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_readme_is_read_in_three_screens() -> None:
    text = (ROOT / "README.md").read_text()

    assert (len(text.splitlines()) <= 120, len(text.split()) <= 700) == (True, True)


def test_a_release_is_told_in_ten_lines() -> None:
    """What is unreleased may be longer: the release shortens it."""
    releases = re.split(r"(?m)^## (?=\d)", (ROOT / "CHANGELOG.md").read_text())[1:]

    assert releases
    assert {text.splitlines()[0]: count for text in releases if (count := len(re.findall(r"(?m)^\* ", text))) > 10} == {}
