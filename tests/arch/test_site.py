"""The documentation becomes a site: every link leads somewhere, every page is in its navigation, and a browser asks no other server for it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.support import site

#: What a browser fetches by itself: scripts, styles, pictures, fonts, frames.
FETCHED = re.compile(r"""<(?:script|img|iframe|source)[^>]*\bsrc=["']?(?:https?:)?//|<link(?=[^>]*rel=["']?(?:stylesheet|preconnect|icon))[^>]*href=["']?(?:https?:)?//""")
FETCHED_BY_STYLE = re.compile(r"""(?:@import\s*|url\()\s*["']?(?:https?:)?//""")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what the site is made of: each test may break it."""
    root = tmp_path_factory.mktemp("checkout")
    for part in (site.ROOT / "mkdocs.yml", *(part for pattern in site.PARTS for part in site.ROOT.glob(pattern))):
        target = root / part.relative_to(site.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(part, target) if part.is_dir() else shutil.copyfile(part, target)
    return root


def pages_of(navigation: list[object]) -> set[str]:
    """Return the files that a navigation names."""
    found: set[str] = set()
    for entry in navigation:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        found |= pages_of(value) if isinstance(value, list) else {str(value)}
    return found


@pytest.fixture(scope="module")
def html(checkout: Path) -> Path:
    """Return the folder of the site."""
    built = site.build(checkout)
    assert built.returncode == 0, built.stdout
    return checkout / ".cache" / "site" / "html"


def test_the_site_is_built_without_a_warning_and_fetches_nothing(html: Path) -> None:
    texts = {path: path.read_text() for pattern in ("*.html", "*.css") for path in html.rglob(pattern)}

    assert (html / "index.html") in texts
    assert len(texts) > 20
    assert {str(path): found for path, text in texts.items() if (found := FETCHED.findall(text) + FETCHED_BY_STYLE.findall(text))} == {}


def test_what_is_a_list_on_a_code_host_is_one_here(html: Path) -> None:
    """The site's Markdown wants an empty line before a list, a code host's does not."""
    paragraphs = {path.name: re.findall(r"(?s)<p>(.*?)</p>", path.read_text()) for path in html.rglob("*.html")}
    lost = {name: [text for text in texts if re.search(r"\n *(?:\*|-|\d+\.) ", text)] for name, texts in paragraphs.items()}

    assert {name: texts for name, texts in lost.items() if texts} == {}


def test_what_is_a_block_on_a_code_host_is_one_here(html: Path) -> None:
    """The site's Markdown takes one word behind a fence, and no second one."""
    assert [str(path) for path in html.rglob("*.html") if "```" in path.read_text()] == []


def test_the_search_for_what_is_fetched_finds_it() -> None:
    fetching = ['<script async src="https://x/"', "<img alt=x src=//x/", '<link rel="stylesheet" href="https://x/"', '<link href="//x" rel="icon">', '<link href="https://x" rel="next">']

    assert [bool(FETCHED.search(text)) for text in fetching] == [True, True, True, True, False]
    assert FETCHED_BY_STYLE.search('@import "https://x"')
    assert FETCHED_BY_STYLE.search("src: url(//x/font.woff)")
    assert not FETCHED_BY_STYLE.search("url(data:image/svg+xml;utf8,<svg xmlns='http://x'>)")


def test_a_link_or_an_anchor_that_leads_nowhere_fails_the_build(checkout: Path) -> None:
    page = checkout / "docs" / "ci.md"
    text = page.read_text()
    for link in ("[x](nowhere.md)", "[x](start.md#nowhere)"):
        page.write_text(f"{text}\n{link}\n")
        assert site.build(checkout).returncode != 0, link
    page.write_text(text)


def test_every_page_is_in_the_navigation() -> None:
    named = pages_of(yaml.safe_load((site.ROOT / "mkdocs.yml").read_text())["nav"])
    pages = {str(page.relative_to(site.ROOT)) for page in (site.ROOT / "docs").rglob("*.md")}

    assert pages - named == set(), "add it to `nav` in mkdocs.yml"
