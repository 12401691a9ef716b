"""The links of an HTML page as pip finds them: with Python's own parser, from where the page says that they begin.

Sources: pip 26.3 `_internal/index/collector.py` (`HTMLLinkParser`, `_get_page`).
"""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import accumulate
from urllib.parse import urljoin


def find_links(text: str) -> list[tuple[int, str]]:
    """Return (position of its tag in the text, URL) of each link, absolute if the page has a base that is."""
    parser = _Parser()
    parser.feed(text)
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    return [(starts[line - 1] + column, _join(parser.base or "", link)) for line, column, link in parser.links]


class _Parser(HTMLParser):
    """Collects the first base, and each link with the line and column of its tag."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.base: str | None = None
        self.links: list[tuple[int, int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag says."""
        if tag == "base" and self.base is None:
            self.base = next((value for name, value in attrs if name == "href"), None)
        elif tag == "a" and (link := dict(attrs).get("href")):
            self.links.append((*self.getpos(), link))


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return link
