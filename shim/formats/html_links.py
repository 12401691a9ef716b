"""The links of an HTML page, and the files that one on disk links to, as pip finds them.

Sources: pip 26.3 `_internal/index/collector.py` (`HTMLLinkParser`, `_get_page`), `index/sources.py`
(`_is_html_file`), `models/link.py`, `utils/filetypes.py`; CPython `mimetypes`, whose table is the
machine's.
"""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from itertools import accumulate
from urllib.parse import unquote, urljoin

from shim.core.files import CannotRead
from shim.core.typing import Iterable, Iterator

_LINK = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_BASE = re.compile(r"<base\b", re.IGNORECASE)
_PAGE = re.compile(r"\.(s|x|p)?html?\b", re.IGNORECASE)
_IGNORED = dict.fromkeys(map(ord, "\t\r\n"))
_BLANK = "".join(map(chr, range(33)))
_DISTRIBUTION = re.compile(
    r"\.(whl|zip|tar|tgz|tbz|txz|tlz|tar\.(gz|bz2|xz|lz|lzma))$", re.IGNORECASE
)
#: Python's own parser took the square of some pages' length until 2025.
_MAX_PARSED = 100_000
_MAX_JOINED = 10_000


def is_page(path: str) -> bool:
    """Return whether pip may read a file of find-links as a page of links, by its name."""
    if _PAGE.search(path.rpartition("/")[2]):
        return True
    from mimetypes import guess_type

    return guess_type(path, strict=False)[0] == "text/html"


def find_linked_files(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield (line number, URL) for the distributions on other servers that a page links to.

    Every `href` counts, in whatever tag: HTML has more ways to write one than a scan can know.
    Where a page says where its links begin, each is read from each such place, since releases of
    pip differ in what is a comment (`<!-->`). Such a page is parsed as well.

    Raises:
        CannotRead: some release of pip could read it in another encoding, or it is too long.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise CannotRead("is not UTF-8") from None
    if "\0" in text or "\x1b" in text:
        raise CannotRead("holds control characters")
    links: Iterable[tuple[int, str]] = _scan(text, 0, len(text))
    if bases := [match.end() for match in _BASE.finditer(text)]:
        plain, parsed = [*links], _parse(text)
        begins = [
            base
            for end in bases
            for _, base in _scan(text, end, text.find("<", end) % (len(text) + 1))
        ]
        if len(begins) * len(plain) > _MAX_JOINED:
            raise CannotRead("says in many places where its links begin")
        joined = ((start, _join(base, link)) for base in begins for start, link in plain)
        links = sorted({*plain, *joined, *parsed})
    number, position = 1, 0
    yielded: set[tuple[int, str]] = set()
    for start, link in links:
        # As urllib.parse reads it, which pip asks: no tab or line break counts, nor what stands
        # before the scheme.
        url = link.translate(_IGNORED).strip(_BLANK)
        if url[:6].lower().startswith(("http:", "https:")) and _is_distribution(url):
            number += text.count("\n", position, start)
            position = start
            if (number, url) not in yielded:
                yielded.add((number, url))
                yield number, url


def _scan(text: str, begin: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield (position, value) for each `href` of a part of a text."""
    for match in _LINK.finditer(text, begin, end):
        yield match.start(), unescape(match[1] or match[2] or match[3] or "")


def find_links(text: str) -> list[str]:
    """Return the URL of each link of an index's page; absolute if the page has a base that is.

    Raises:
        CannotRead: the page is too long.
    """
    return [link for _, link in _parse(text)]


def _is_distribution(url: str) -> bool:
    path = url.partition("#")[0].partition("?")[0].rstrip("/")
    return _DISTRIBUTION.search(unquote(path)) is not None


def _parse(text: str) -> list[tuple[int, str]]:
    """Return (position of its tag in the text, URL) of each link."""
    if len(text) > _MAX_PARSED:
        raise CannotRead("is a long page that says where its links begin")
    parser = _Parser()
    parser.feed(text)
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    return [
        (starts[line - 1] + column, _join(parser.base or "", link))
        for line, column, link in parser.links
    ]


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
