"""Where do the files of an index lie? A server may keep them on another port of its host, or on another host, and only its pages or
redirects say so: one page and one of its files are asked for, and the answer is remembered as the server's nature.

A netrc knows hosts alone, so it would go along to another port, where an object store takes signed URLs and nothing else; and
a second private host needs a credential of its own.

Sources: requests `rebuild_auth` (a redirect to another port takes a netrc's entry along); PEP 503 and 691.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urljoin

from shim.formats.html_links import find_links
from shim.host import Host
from shim.http_client import Asked, Outcome, at_once, follow
from shim.store import proofs
from shim.urls import Url, parse_url

#: Where JSON pages name files, and projects.
_URLS = re.compile(r'"url"\s*:\s*"([^"\\]+)"')
_NAMES = re.compile(r'"name"\s*:\s*"([A-Za-z0-9._-]+)"')
MAX_PLACES = 4
#: Which statuses say that a server does not know HEAD.
NO_HEAD = (400, 403, 404, 405, 501)


#: How long a look may take, how long what it found counts, and how long that it found nothing.
LOOK_S = 6.0
FOUND_S = 86400.0
UNKNOWN_S = 300.0
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A package's page and the index itself, as the tool asks for them; what is found is remembered for `where`."""

    page: Asked
    root: Asked
    where: str


@dataclass(frozen=True, slots=True)
class Files:
    """One URL of each other server that the files of an index come from, and until when (UTC epoch seconds) that counts."""

    places: tuple[Url, ...]
    valid_until: float

    def beside(self, url: Url) -> Url | None:
        """Return a place on another port or scheme of the host of `url`, or None."""
        return next((place for place in self.places if place.host == url.host), None)


def find_files(inquiries: Sequence[Inquiry], host: Host, *, asks: bool = True) -> list[Files]:
    """Return where the files of each index come from, as it is remembered or, if it `asks`, seen now. What nobody knows has no places."""
    found = [_recall(one.where, host) for one in inquiries]
    due = [one for one, files in zip(inquiries, found, strict=True) if files is None]
    if not asks:
        return [files or _as_files(None, host.clock()) for files in found]
    if due:
        nothing: list[tuple[Url, ...] | None] = [None] * len(due)
        seen = at_once([partial(look, one.page, one.root, host, LOOK_S) for one in due], nothing, LOOK_S)
        for one, places in zip(due, seen, strict=True):
            words = UNKNOWN if places is None else " ".join(place.text.partition("?")[0].replace(" ", "%20") for place in places)
            proofs.remember("files", None, one.where, words, host)
        looked = iter(_as_files(places, host.clock()) for places in seen)
        found = [files or next(looked) for files in found]
    return [files for files in found if files]


def _recall(where: str, host: Host) -> Files | None:
    seen = proofs.recall("files", None, where, host)
    if seen is None:
        return None
    places = None if seen.words == UNKNOWN else tuple(map(parse_url, seen.words.split()))
    files = _as_files(places, host.clock() - seen.ago_s)
    return files if files.valid_until > host.clock() else None


def _as_files(places: tuple[Url, ...] | None, since: float) -> Files:
    return Files(places or (), since + (UNKNOWN_S if places is None else FOUND_S))


def look(page: Asked, root: Asked, host: Host, timeout_s: float) -> tuple[Url, ...] | None:
    """Return from where else the files of the package behind `page` come, or of the first one that `root` lists; None if nobody knows."""
    outcome = follow(page, host, timeout_s)
    links = _links(outcome)
    if not links:
        projects = _links(follow(root, host, timeout_s))
        if not projects:
            return None
        outcome = follow(replace(page, url=projects[0]), host, timeout_s)
        links = _links(outcome)
    asked = next((link for link in links if link.origin == page.url.origin), None)
    hops = _file_hops(replace(page, url=asked), host, timeout_s) if asked else ()
    others = {place.origin: place for place in (*outcome.hops, *links, *hops) if place.origin != page.url.origin}
    return tuple(others.values())[:MAX_PLACES] if links else None


def _file_hops(file: Asked, host: Host, timeout_s: float) -> tuple[Url, ...]:
    """Return where a request for a file is redirected to."""
    outcome = follow(replace(file, method="HEAD", follows=False), host, timeout_s)
    if outcome.status in NO_HEAD:
        outcome = follow(replace(file, follows=False), host, timeout_s)
    return outcome.hops


def _links(outcome: Outcome) -> list[Url]:
    """Return the links of a page, in its own order: of projects, or of files. What is no URL is left out: no tool follows it."""
    if not outcome.is_success or outcome.is_form:
        return []
    text = outcome.page.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        found = _URLS.findall(text) or [f"{name}/" for name in _NAMES.findall(text) if "projects" in text]
    else:
        found = [link for _, link in find_links(text)]
    base = outcome.url.text if outcome.url.text.endswith("/") else outcome.url.text + "/"
    links = []
    for link in found:
        try:
            links.append(parse_url(urljoin(base, link).partition("#")[0]))
        except ValueError:
            continue
    return links
